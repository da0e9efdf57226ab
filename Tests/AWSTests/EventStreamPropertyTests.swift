import AWS
import Bytes
import TestSupport
import Testing

@Suite struct EventStreamPropertyTests {
    /// A stream of messages of all kinds, and what it means.
    static func stream(_ random: inout SeededRandom) throws -> (bytes: [UInt8], messages: [Decoded]) {
        var buffer = ByteBuffer()
        var messages: [Decoded] = []
        for index in 0..<Int.random(in: 1...12, using: &random) {
            let payload = random.bytes(Int.random(in: 0...400, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                EventStreamEncoder.append(invokeComplete: payload.span, to: &buffer)
                messages.append(Decoded(.invokeComplete, payload))
            case 1:
                // The same event with its headers in another order.
                let headers = [
                    EventStreamHeader(":message-type", .string("event")), EventStreamHeader("n", .int32(Int32(index))),
                    EventStreamHeader(":event-type", .string("PayloadChunk")),
                ]
                buffer.append(EventStreamHeader.message(headers, payload: payload))
                messages.append(Decoded(.payloadChunk, payload))
            case 2:
                let headers = [
                    EventStreamHeader(":event-type", .string("New")), EventStreamHeader("b", .bytes(payload)),
                ]
                buffer.append(EventStreamHeader.message(headers, payload: payload))
                messages.append(Decoded(.otherEvent("New"), payload))
            default:
                EventStreamEncoder.append(payloadChunk: payload.span, to: &buffer)
                messages.append(Decoded(.payloadChunk, payload))
            }
        }
        return (buffer.array(), messages)
    }

    static func cut(_ bytes: [UInt8], _ random: inout SeededRandom) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 0...120, using: &random))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }

    @Test(arguments: UInt64(0)..<64)
    func `what was written is read in any cut`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let (bytes, messages) = try Self.stream(&random)
        for turn in 0..<10 {
            #expect(try decode(Self.cut(bytes, &random), takesWhole: turn % 2 == 0) == messages)
        }
        #expect(try decode([bytes], takesWhole: true) == messages)
    }

    @Test(arguments: UInt64(0)..<64)
    func `damage never traps and is never passed as a whole message`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            var (bytes, messages) = try Self.stream(&random)
            // One burst of up to four bytes, which a CRC of 32 bits always finds within one message.
            let start = Int.random(in: 0..<bytes.count, using: &random)
            let before = bytes
            for index in start..<min(start + Int.random(in: 1...4, using: &random), bytes.count) {
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            if bytes == before { continue }
            do throws(EventStreamError) {
                let isCut = Bool.random(using: &random)
                let read = try decode(isCut ? Self.cut(bytes, &random) : [bytes], takesWhole: true)
                // Damaged lengths may make a message longer than the stream; then it is never complete.
                #expect(read.count < messages.count && read == Array(messages.prefix(read.count)))
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test(arguments: UInt64(0)..<64)
    func `any bytes are messages or an error, and the offset only moves forward`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var decoder = EventStreamDecoder()
        for _ in 0..<20 {
            let input = random.bytes(Int.random(in: 0...64, using: &random))
            var offset = 0
            while true {
                let before = offset
                let event = try? decoder.next(input.span, at: &offset)
                #expect(offset >= before && offset <= input.count)
                if event == nil || event == .needsMore { break }
            }
        }
    }
}
