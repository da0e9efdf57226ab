import AWS
import Bytes
import Digest
import TestSupport
import Testing

@Suite struct EventStreamFaultTests {
    static func header(_ name: String, _ type: UInt8, _ value: [UInt8]) -> [UInt8] {
        [UInt8(name.utf8.count)] + Array(name.utf8) + [type] + value
    }

    static func text(_ name: String, _ value: String) -> [UInt8] {
        self.header(name, 7, [UInt8(value.utf8.count >> 8), UInt8(value.utf8.count & 0xff)] + Array(value.utf8))
    }

    static func failure(
        _ pieces: [[UInt8]], limits: EventStreamDecoder.Limits = .init()
    ) -> EventStreamError? {
        do throws(EventStreamError) {
            _ = try decode(pieces, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    // As AWS's own codecs have it: duplicate names are invalid, types above 9 have no known length, a value has at most
    // 32,767 bytes.
    @Test(
        arguments: [
            ([0, 7, 0, 0], .emptyHeaderName),
            ([1], .truncatedHeader), ([1, 0x61], .truncatedHeader), ([200, 0x61, 0], .truncatedHeader),
            (header("a", 2, []), .truncatedHeader), (header("a", 3, [1]), .truncatedHeader),
            (header("a", 4, [1, 2, 3]), .truncatedHeader), (header("a", 5, [1, 2, 3, 4, 5, 6, 7]), .truncatedHeader),
            (header("a", 8, []), .truncatedHeader),
            (header("a", 9, [UInt8](repeating: 0, count: 15)), .truncatedHeader),
            (header("a", 6, [0]), .truncatedHeader), (header("a", 7, [0, 2, 0x61]), .truncatedHeader),
            (header("a", 10, []), .unknownHeaderType(10)), (header("a", 255, [0, 0]), .unknownHeaderType(255)),
            (header("a", 7, [0x80, 0]), .headerValueTooLong(32_768)),
            (header("a", 6, [0xff, 0xff]), .headerValueTooLong(65_535)),
            ([1, 0xff, 0], .invalidUTF8), (header("a", 7, [0, 1, 0x80]), .invalidUTF8),
            (header("a", 7, [0, 3, 0xed, 0xa0, 0x80]), .invalidUTF8),
            (header("a", 0, []) + header("b", 1, []) + header("a", 1, []), .duplicateHeader(name: "a")),
            (
                text(":event-type", "PayloadChunk") + text(":event-type", "PayloadChunk"),
                .duplicateHeader(name: ":event-type")
            ),
            (header(":message-type", 0, []), .headerIsNoText(name: ":message-type")),
            (header(":event-type", 6, [0, 0]), .headerIsNoText(name: ":event-type")),
            (text(":message-type", "initial-response"), .unknownMessageType("initial-response")),
            (text(":message-type", ""), .unknownMessageType("")),
        ] as [([UInt8], EventStreamError)])
    func `a header block that breaks a rule is refused`(block: [UInt8], error: EventStreamError) {
        let message = EventStreamHeader.message(headers: block, payload: [1, 2, 3])
        for way in Feeding.ways(of: message) { #expect(Self.failure(way) == error) }
        #expect(!error.description.isEmpty)
    }

    @Test func `a wrong checksum stops the stream, wherever it is cut`() {
        let good = EventStreamDecoderTests.payloadChunkHello
        for index in good.indices {
            var bad = good
            bad[index] ^= 0x10
            let way = [Array(bad[..<(bad.count / 2)]), Array(bad[(bad.count / 2)...])]
            switch Self.failure(way) {
            case .wrongPreludeChecksum: #expect(index < 12)
            case .wrongMessageChecksum: #expect(index >= 12)
            case .headerValueTooLong, .truncatedHeader, .unknownHeaderType, .unknownMessageType, .duplicateHeader,
                .emptyHeaderName, .invalidUTF8:
                // A damaged header block may be seen before the checksum behind it.
                #expect((12..<102).contains(index))
            case let other: Issue.record("byte \(index): \(String(describing: other))")
            }
        }
    }

    @Test func `nothing goes on of a damaged message that is there as a whole`() {
        var bad = EventStreamDecoderTests.payloadChunkHello
        bad[bad.count - 5] ^= 0x10
        var decoder = EventStreamDecoder()
        var offset = 0
        let whole = decoder.nextWholeChunk(bad.span, at: &offset)
        #expect(whole == nil && offset == 0)
        do throws(EventStreamError) {
            let event = try decoder.next(bad.span, at: &offset)
            Issue.record("\(event)")
        } catch {
            guard case .wrongMessageChecksum = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test(
        arguments: [
            (15, 0, .inconsistentLengths(total: 15, headers: 0)), (0, 0, .inconsistentLengths(total: 0, headers: 0)),
            (16, 1, .inconsistentLengths(total: 16, headers: 1)),
            (100, .max, .inconsistentLengths(total: 100, headers: .max)),
            (.max, 131_073, .headersTooLong(131_073, limit: 131_072)),
            (.max, 0, .payloadTooLong(4_294_967_279, limit: 25_165_824)),
            (25_165_841, 0, .payloadTooLong(25_165_825, limit: 25_165_824)), (25_165_840, 0, nil),
            (25_165_840 + 131_072, 131_072, nil),
        ] as [(UInt32, UInt32, EventStreamError?)])
    func `lengths are checked before anything is waited for`(total: UInt32, headers: UInt32, error: EventStreamError?) {
        var prelude: [UInt8] = []
        for value in [total, headers] { prelude += (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        let checksum = CRC32(of: prelude.span).value
        prelude += (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) }
        for way in Feeding.ways(of: prelude) { #expect(Self.failure(way) == error) }
    }

    @Test func `more headers than the limit are refused`() {
        let headers = (0..<65).flatMap { Self.header("h\($0)", 0, []) }
        #expect(Self.failure([EventStreamHeader.message(headers: headers)]) == .tooManyHeaders(limit: 64))
        var limits = EventStreamDecoder.Limits()
        limits.headerCount = 65
        #expect(Self.failure([EventStreamHeader.message(headers: headers)], limits: limits) == nil)
    }

    @Test func `the largest header block is taken, byte by byte too`() throws {
        func header(_ name: String, _ count: Int) -> [UInt8] {
            Self.header(name, 6, [UInt8(count >> 8), UInt8(count & 0xff)] + [UInt8](repeating: 1, count: count))
        }
        let block = header("h1", 32_767) + header("h2", 32_767) + header("h3", 32_767) + header("h4", 32_747)
        #expect(block.count == 131_072)
        let message = EventStreamHeader.message(headers: block)
        #expect(try decode([message]) == [Decoded(.otherEvent(""), "")])
        #expect(try decode(message.map { [$0] }) == [Decoded(.otherEvent(""), "")])
    }

    @Test func `after an error there is only that error`() {
        var decoder = EventStreamDecoder()
        let bad = [UInt8](repeating: 1, count: 12)
        var errors: [EventStreamError] = []
        for input in [bad, [], EventStreamDecoderTests.payloadChunkHello] {
            var offset = 0
            do throws(EventStreamError) {
                _ = try decoder.next(input.span, at: &offset)
            } catch {
                errors.append(error)
            }
        }
        #expect(errors.count == 3)
        #expect(Set(errors.map(\.description)).count == 1)
        #expect(decoder.isBetweenMessages == false)
    }
}
