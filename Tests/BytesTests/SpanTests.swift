import Bytes
import TestSupport
import Testing

@Suite struct SpanTests {
    @Test(arguments: UInt64(0)..<32)
    func `a byte is found where it first stands, from anywhere on`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            // Few values, with those among them that differ by one bit or by one.
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                [0, 1, 0x7f, 0x80, 0x81, 0xff].randomElement(using: &random) ?? 0 as UInt8
            }
            for byte in [0, 1, 2, 0x7f, 0x80, 0xff] as [UInt8] {
                for start in 0...bytes.count {
                    #expect(bytes.span.firstIndex(of: byte, from: start) == bytes[start...].firstIndex(of: byte))
                }
            }
        }
    }

    @Test(arguments: ["", "a", "te", "set-cookie", "proxy-authentication-info", "x-[@`{1"])
    func `capitals are the same as small letters, and nothing else is`(name: String) {
        let name = Array(name.utf8)
        func isSame(_ other: [UInt8]) -> Bool { other.span.equalsIgnoringCase(name.span) }
        #expect(isSame(name.map { ASCII.isLetter($0) ? $0 & ~0x20 : $0 }))
        #expect(!isSame(name + [ASCII.minus]))
        for index in name.indices {
            for byte in UInt8.min...UInt8.max {
                var other = name
                other[index] = byte
                #expect(isSame(other) == (ASCII.lowercased(byte) == name[index]))
            }
        }
    }

    @Test func `all but unreserved characters are encoded for URIs`() {
        #expect("a-Z_0.9~".percentEncoded == "a-Z_0.9~")
        #expect("a b/ä+%".percentEncoded == "a%20b%2F%C3%A4%2B%25")
        var buffer = ByteBuffer()
        buffer.append(percentEncoding: "/a b".utf8.span, keepingSlashes: true)
        #expect(buffer.string() == "/a%20b")
    }

    @Test func `numbers begin with their most significant byte`() {
        var buffer = ByteBuffer()
        buffer.append(bigEndian: UInt16(0x0102))
        buffer.append(bigEndian: UInt32(0x0304_0506))
        buffer.append(bigEndian: UInt64.max)
        #expect(buffer.array() == [1, 2, 3, 4, 5, 6] + [UInt8](repeating: 255, count: 8))
    }
}
