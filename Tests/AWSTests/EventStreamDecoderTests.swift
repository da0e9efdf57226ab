import AWS
import Bytes
import TestSupport
import Testing

@Suite struct EventStreamDecoderTests {
    // From code checked against botocore.
    static let payloadChunkHello = hex(
        "0000006f0000005af5fe871f0b3a6576656e742d7479706507000c5061796c6f61644368756e6b0d3a636f6e74656e742d747970650700"
            + "186170706c69636174696f6e2f6f637465742d73747265616d0d3a6d6573736167652d747970650700056576656e7468656c6c6f29e7"
            + "1260")
    static let invokeCompleteEmpty = hex(
        "00000066000000541f56c8690b3a6576656e742d7479706507000e496e766f6b65436f6d706c6574650d3a636f6e74656e742d74797065"
            + "0700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b7d7006d467")
    static let bareMessage = hex("000000100000000005c248eb7d98c8ff")

    @Test func `the known messages are written as they are known`() {
        var buffer = ByteBuffer()
        EventStreamEncoder.append(payloadChunk: "hello".utf8.span, to: &buffer)
        #expect(buffer.array() == Self.payloadChunkHello)
        buffer.removeAll()
        EventStreamEncoder.append(invokeComplete: "{}".utf8.span, to: &buffer)
        #expect(buffer.array() == Self.invokeCompleteEmpty)
    }

    @Test func `the known messages are read however they are cut`() throws {
        let input = Self.payloadChunkHello + Self.bareMessage + Self.invokeCompleteEmpty + Self.payloadChunkHello
        for way in Feeding.ways(of: input) {
            let messages = try decode(way)
            #expect(
                messages == [
                    Decoded(.payloadChunk, "hello"), Decoded(.otherEvent(""), ""), Decoded(.invokeComplete, "{}"),
                    Decoded(.payloadChunk, "hello"),
                ])
        }
    }

    @Test func `payload is handed out before its message is complete`() throws {
        var decoder = EventStreamDecoder()
        var offset = 0
        let input = Array(Self.payloadChunkHello[..<105])
        #expect(decoder.isBetweenMessages == true)
        #expect(try decoder.next(input.span, at: &offset) == .message(.payloadChunk))
        #expect(try decoder.next(input.span, at: &offset) == .payload(102..<105))
        #expect(try decoder.next(input.span, at: &offset) == .needsMore)
        #expect(decoder.isBetweenMessages == false)
        let rest = Array(Self.payloadChunkHello[105...])
        offset = 0
        #expect(try decoder.next(rest.span, at: &offset) == .payload(0..<2))
        #expect(try decoder.next(rest.span, at: &offset) == .messageEnd)
        #expect(decoder.isBetweenMessages == true)
        #expect(try decoder.next(rest.span, at: &offset) == .needsMore)
    }

    @Test func `a whole chunk is taken at once, and nothing else is`() throws {
        let input = Self.payloadChunkHello + Self.payloadChunkHello + Self.invokeCompleteEmpty
        var decoder = EventStreamDecoder()
        var offset = 0
        #expect(decoder.nextWholeChunk(input.span, at: &offset) == 102..<107)
        #expect(decoder.nextWholeChunk(input.span, at: &offset) == 213..<218)
        #expect(offset == 222)
        #expect(decoder.nextWholeChunk(input.span, at: &offset) == nil)
        #expect(offset == 222)
        #expect(try decoder.next(input.span, at: &offset) == .message(.invokeComplete))
        // In the middle of a message there is none.
        #expect(decoder.nextWholeChunk(input.span, at: &offset) == nil)

        for count in 0..<Self.payloadChunkHello.count {
            let part = Array(Self.payloadChunkHello[..<count])
            var offset = 0
            #expect(EventStreamDecoder().nextWholeChunk(part.span, at: &offset) == nil)
            #expect(offset == 0)
        }
        for index in Self.payloadChunkHello.indices {
            var damaged = Self.payloadChunkHello
            damaged[index] ^= 0x10
            var offset = 0
            #expect(EventStreamDecoder().nextWholeChunk(damaged.span, at: &offset) == nil)
            #expect(offset == 0)
        }
    }
}
