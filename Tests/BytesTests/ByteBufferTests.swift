import Bytes
import Testing
import TestSupport

@Suite struct ByteBufferTests {
    @Test func `what is appended comes out in order`() {
        var buffer = ByteBuffer()
        buffer.append("status ")
        buffer.append(decimal: -1042)
        buffer.append(ASCII.space)
        buffer.append(hexadecimal: 0x1f3a)
        buffer.append(ASCII.space)
        buffer.append(hexadecimalOf: [0x00, 0xff, 0x1a].span)
        #expect(buffer.string() == "status -1042 1f3a 00ff1a")
    }

    @Test func `hexadecimal digits are right for every byte and every length`() {
        for count in 0...9 {
            for first in 0...255 {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: first + $0) }
                var buffer = ByteBuffer()
                buffer.append(hexadecimalOf: bytes.span)
                let digits = bytes.map { String($0 >> 4, radix: 16) + String($0 & 0xf, radix: 16) }.joined()
                #expect(buffer.string() == digits)
            }
        }
    }

    @Test func `numbers at the edges keep all their digits`() {
        var buffer = ByteBuffer()
        buffer.append(decimal: UInt64.max)
        buffer.append(ASCII.space)
        buffer.append(decimal: Int64.min)
        buffer.append(ASCII.space)
        buffer.append(hexadecimal: UInt64.max)
        buffer.append(hexadecimal: 0)
        #expect(buffer.string() == "18446744073709551615 -9223372036854775808 ffffffffffffffff0")
    }

    @Test func `numbers have the digits that they have everywhere`() {
        var numbers: [UInt64] = Array(0...1000)
        var power: UInt64 = 1
        while power <= UInt64.max / 10 {
            power *= 10
            numbers += [power - 1, power, power + 1, power / 7]
        }
        for number in numbers {
            var buffer = ByteBuffer()
            buffer.append(decimal: number)
            #expect(buffer.string() == String(number))
        }
    }

    @Test func `prepending fills the headroom and moves the rest where it is short`() {
        var buffer = ByteBuffer()
        buffer.reserveHeadroom(4)
        buffer.append("body")
        buffer.prepend("head".utf8.span)
        #expect(buffer.string() == "headbody")
        buffer.prepend("a much longer one ".utf8.span)
        #expect(buffer.string() == "a much longer one headbody")
    }

    @Test func `prepending keeps the bytes where they are moved to the front for it`() {
        // Some were consumed, and there is room neither in front nor behind.
        var buffer = ByteBuffer(capacity: 1024)
        buffer.append([UInt8](repeating: 1, count: buffer.capacity))
        buffer.consume(buffer.capacity - 100)
        let head = [UInt8](repeating: 2, count: buffer.capacity - 60)
        buffer.prepend(head.span)
        #expect(buffer.bytes.count == head.count + 100)
        #expect((0..<buffer.count).allSatisfy { buffer.bytes[$0] == ($0 < head.count ? 2 : 1) })
    }

    @Test(arguments: UInt64(0)..<64)
    func `any mix of appending and consuming keeps the bytes`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var buffer = ByteBuffer()
        var expected: [UInt8] = []
        for _ in 0..<200 {
            if Bool.random(using: &random) {
                let bytes = random.bytes(Int.random(in: 0...300, using: &random))
                buffer.append(bytes)
                expected += bytes
            } else {
                let count = Int.random(in: 0...expected.count, using: &random)
                buffer.consume(count)
                expected.removeFirst(count)
            }
            #expect(buffer.array() == expected)
        }
    }

    @Test func `storage changes hands without being copied`() {
        var first = ByteBuffer(capacity: 64)
        first.append("gone")
        var second = ByteBuffer()
        unsafe second.adopt(first.takeStorage()!)
        #expect(first.capacity == 0 && first.isEmpty)
        #expect(second.capacity == 64 && second.isEmpty)
    }
}
