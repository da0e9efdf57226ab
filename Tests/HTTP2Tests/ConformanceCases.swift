import TestSupport

@testable import HTTP2

private let protocolError: UInt32 = 1
private let flowControlError: UInt32 = 3
private let streamClosed: UInt32 = 5
private let frameSizeError: UInt32 = 6
private let refusedStream: UInt32 = 7
private let compressionError: UInt32 = 9

extension ConformanceTests {
    typealias Frame = HTTP2Frame

    static let all = Self.good + Self.framing + Self.states + Self.types + Self.messages + Self.compression

    private static func get(_ stream: UInt32 = 1, end: Bool = true) -> Frame { .headers(stream, Client.get, end: end) }
    private static func post(_ stream: UInt32 = 1) -> Frame { .headers(stream, Client.post, end: false) }

    /// What has to work.
    private static let good: [Case] = [
        Case("GET", .answers(1), [get()]),
        Case("HEAD", .answers(1), [.headers(1, [(":method", "HEAD")] + Client.get.dropFirst())]),
        Case("POST", .answers(1), [post(), .data(1, "a", end: true)]),
        Case("POST with trailers", .answers(1), [post(), .data(1, "a"), .headers(1, [("x-trailer", "1")])]),
        Case("§5.1 PRIORITY on an idle stream", .answers(1), [.priority(1), get()]),
        Case(
            "§5.1 WINDOW_UPDATE on a half-closed stream", .answers(1), [get(), .windowUpdate(1, 100)]),
        Case("§5.1 PRIORITY on a half-closed stream", .answers(1), [get(), .priority(1)]),
        Case("§5.1 PRIORITY on a closed stream", .pong, [get()], then: [.priority(1), .ping()]),
        Case("§5.1 WINDOW_UPDATE on a closed stream", .pong, [get()], then: [.windowUpdate(1, 10), .ping()]),
        Case("§5.1 RST_STREAM on a closed stream", .pong, [get()], then: [.reset(1), .ping()]),
        Case("§6.1 DATA with padding", .answers(1), [post(), .data(1, "a", end: true, padding: 6)]),
        Case("§6.1 several DATA", .answers(1), [post(), .data(1, "a"), .data(1, "b", end: true)]),
        Case(
            "§6.2 HEADERS with padding", .answers(1),
            [Frame(type: 1, flags: 0xd, stream: 1, [3] + Frame.block(Client.get) + [0, 0, 0])]),
        Case(
            "§6.2 HEADERS with priority", .answers(1),
            [Frame(type: 1, flags: 0x25, stream: 1, [0, 0, 0, 0, 15] + Frame.block(Client.get))]),
        Case("§6.3 PRIORITY of weight 256", .answers(1), [.priority(1, weight: 255), get()]),
        Case("§6.3 exclusive PRIORITY", .answers(1), [.priority(1, dependsOn: 0x8000_0003), get()]),
        Case("§5.3 PRIORITY on a higher stream first", .answers(1), [.priority(5), get(3)]),
        Case("§6.4 RST_STREAM", .pong, [post(), .reset(1), .ping()]),
        Case("§7 RST_STREAM with an unknown code", .pong, [post(), .reset(1, 0xff), .ping()]),
        Case("§6.5.2 unknown setting", .pong, [.settings([(0xff, 1)]), .ping()]),
        Case("§6.7 PING", .pong, [.ping()]),
        Case("§6.9 WINDOW_UPDATE on the connection", .pong, [.windowUpdate(0, 1), .ping()]),
        Case("§6.9 WINDOW_UPDATE on a stream", .answers(1), [post(), .windowUpdate(1, 1), .data(1, "", end: true)]),
        Case(
            "§6.10 CONTINUATION", .answers(1),
            [.headers(1, Client.get, endHeaders: false), .continuation(1, Frame.block([("a", "b")]))]),
        Case(
            "§6.10 several CONTINUATION", .answers(1),
            [
                .headers(1, Client.get, endHeaders: false),
                .continuation(1, Frame.block([("a", "b")]), endHeaders: false),
                .continuation(1, Frame.block([("c", "d")])),
            ]),
        Case("§4.1 unknown type", .pong, [Frame(type: 0x16, Array(repeating: 0, count: 8)), .ping()]),
        Case("§4.1 undefined flags", .pong, [.ping(flags: 0x16)]),
        Case("§4.1 reserved bit", .pong, [Frame(type: 6, stream: 0x8000_0000, Array(repeating: 0, count: 8))]),
        Case(
            "§4.2 DATA of 2^14 bytes", .answers(1),
            [post(), .data(1, [UInt8](repeating: 0, count: 16_384), end: true)]),
        Case("RFC 9218 PRIORITY_UPDATE", .answers(1), [.priorityUpdate(1, "u=1, i"), get()]),
        Case("two requests at once", .answers(2), [get(1), get(3)]),
        Case("numbers may be left out", .answers(2), [get(1), get(7)]),
    ]

    private static let framing: [Case] = [
        Case(
            "§4.2 DATA larger than allowed", .goAway([frameSizeError]),
            [post(), .data(1, [UInt8](repeating: 0, count: 16_385))]),
        Case(
            "§4.2 HEADERS larger than allowed", .goAway([frameSizeError]),
            [.headers(1, Client.get + (0..<5).map { ("x\($0)", String(repeating: "x", count: 4090)) })]),
        Case(
            "§4.3 an invalid block", .goAway([compressionError]), [.headers(1, block: [0x40, 1, 0x2a, 0x80 + 0x7f])]),
        Case(
            "§4.3 PRIORITY within a block", .goAway([protocolError]),
            [.headers(1, Client.get, endHeaders: false), .priority(1)]),
        Case(
            "§4.3 HEADERS to another stream within a block", .goAway([protocolError]),
            [.headers(1, Client.get, endHeaders: false), get(3)]),
        Case(
            "§5.5 unknown type within a block", .goAway([protocolError]),
            [.headers(1, Client.get, endHeaders: false), Frame(type: 0x16, [0])]),
    ]

    private static let states: [Case] = [
        Case("§5.1 idle: DATA", .goAway([protocolError, streamClosed]), [.data(1, "a", end: true)]),
        Case("§5.1 idle: RST_STREAM", .goAway([protocolError]), [.reset(1)]),
        Case("§5.1 idle: WINDOW_UPDATE", .goAway([protocolError]), [.windowUpdate(1, 100)]),
        Case("§5.1 idle: CONTINUATION", .goAway([protocolError]), [.continuation(1, Frame.block(Client.get))]),
        Case("§5.1 half closed: DATA", .reset([streamClosed]), [get(), .data(1, "a", end: true)]),
        Case("§5.1 half closed: HEADERS", .reset([streamClosed]), [get(), get()]),
        Case("§5.1 half closed: CONTINUATION", .goAway([protocolError, streamClosed]), [get(), .continuation(1)]),
        Case("§5.1 closed by RST_STREAM: DATA", .goAway([streamClosed]), [post(), .reset(1), .data(1, "a")]),
        Case("§5.1 closed by RST_STREAM: HEADERS", .goAway([streamClosed]), [post(), .reset(1), get()]),
        Case(
            "§5.1 closed by RST_STREAM: CONTINUATION", .goAway([protocolError, streamClosed]),
            [post(), .reset(1), .continuation(1)]),
        Case("§5.1 closed: DATA", .goAway([streamClosed]), [get()], then: [.data(1, "a")]),
        Case("§5.1 closed: HEADERS", .goAway([streamClosed]), [get()], then: [get()]),
        Case(
            "§5.1 closed: CONTINUATION", .goAway([protocolError, streamClosed]), [get()],
            then: [.continuation(1)]),
        Case("§5.1.1 an even number", .goAway([protocolError]), [get(2)]),
        Case("§5.1.1 a number that was left out", .goAway([protocolError]), [get(5), get(3)]),
        Case("§5.1.1 the same, answered", .goAway([protocolError]), [get(5)], then: [get(3)]),
    ]

    private static let types: [Case] = [
        Case(
            "§5.3.1 HEADERS that depend on themselves", .reset([protocolError]),
            [Frame(type: 1, flags: 0x25, stream: 1, [0, 0, 0, 1, 15] + Frame.block(Client.get))]),
        Case("§5.3.1 PRIORITY that depends on itself", .reset([protocolError]), [.priority(1, dependsOn: 1)]),
        Case("§5.4.1 invalid PING", .goAway([frameSizeError]), [.ping(Array(repeating: 0, count: 6))]),
        Case("§6.1 DATA on no stream", .goAway([protocolError]), [.data(0, "a")]),
        Case(
            "§6.1 padding longer than DATA", .goAway([protocolError]),
            [post(), Frame(type: 0, flags: 0x9, stream: 1, [6, 1, 2, 3])]),
        Case("§6.2 HEADERS on no stream", .goAway([protocolError]), [get(0)]),
        Case(
            "§6.2 padding longer than HEADERS", .goAway([protocolError]),
            [Frame(type: 1, flags: 0xd, stream: 1, [250] + Frame.block(Client.get))]),
        Case("§6.3 PRIORITY on no stream", .goAway([protocolError]), [.priority(0)]),
        Case(
            "§6.3 PRIORITY of another length", .reset([frameSizeError]), [post(), Frame(type: 2, stream: 1, [0, 0])]),
        Case("§6.4 RST_STREAM on no stream", .goAway([protocolError]), [.reset(0)]),
        Case(
            "§6.4 RST_STREAM of another length", .goAway([frameSizeError]),
            [post(), Frame(type: 3, stream: 1, [0, 0, 0])]),
        Case(
            "§6.5 acknowledgement with content", .goAway([frameSizeError]), [Frame(type: 4, flags: 1, [0])]),
        Case("§6.5 SETTINGS on a stream", .goAway([protocolError]), [Frame(type: 4, stream: 1, [0, 3, 0, 0, 0, 1])]),
        Case("§6.5 SETTINGS of another length", .goAway([frameSizeError]), [Frame(type: 4, [0, 3, 0])]),
        Case("§6.5.2 ENABLE_PUSH of 2", .goAway([protocolError]), [.settings([(2, 2)])]),
        Case("§6.5.2 INITIAL_WINDOW_SIZE above 2^31-1", .goAway([flowControlError]), [.settings([(4, 0x8000_0000)])]),
        Case("§6.5.2 MAX_FRAME_SIZE below 2^14", .goAway([protocolError]), [.settings([(5, 16_383)])]),
        Case("§6.5.2 MAX_FRAME_SIZE above 2^24-1", .goAway([protocolError]), [.settings([(5, 16_777_216)])]),
        Case(
            "§6.7 PING on a stream", .goAway([protocolError]),
            [Frame(type: 6, stream: 1, Array(repeating: 0, count: 8))]),
        Case(
            "§6.8 GOAWAY on a stream", .goAway([protocolError]),
            [Frame(type: 7, stream: 1, Array(repeating: 0, count: 8))]),
        Case("§6.9 WINDOW_UPDATE of nothing on the connection", .goAway([protocolError]), [.windowUpdate(0, 0)]),
        Case("§6.9 WINDOW_UPDATE of nothing on a stream", .reset([protocolError]), [post(), .windowUpdate(1, 0)]),
        Case(
            "§6.9 WINDOW_UPDATE of another length", .goAway([frameSizeError]), [Frame(type: 8, [0, 0, 1])]),
        Case(
            "§6.9.1 a window above 2^31-1 on the connection", .goAway([flowControlError]),
            [.windowUpdate(0, 0x7fff_ffff), .windowUpdate(0, 0x7fff_ffff)]),
        Case(
            "§6.9.1 a window above 2^31-1 on a stream", .reset([flowControlError]),
            [post(), .windowUpdate(1, 0x7fff_ffff), .windowUpdate(1, 0x7fff_ffff)]),
        Case(
            "§6.10 CONTINUATION on no stream", .goAway([protocolError]),
            [.headers(1, Client.get, endHeaders: false), .continuation(0)]),
        Case(
            "§6.10 another frame than CONTINUATION", .goAway([protocolError]),
            [.headers(1, Client.post, end: false, endHeaders: false), .data(1, "a")]),
        Case("§6.10 CONTINUATION behind a whole block", .goAway([protocolError]), [post(), .continuation(1)]),
        Case(
            "§6.10 CONTINUATION behind the last one", .goAway([protocolError]),
            [.headers(1, Client.post, end: false, endHeaders: false), .continuation(1), .continuation(1)]),
        Case("§6.10 CONTINUATION behind DATA", .goAway([protocolError]), [post(), .data(1, "a"), .continuation(1)]),
        Case(
            "§8.4 PUSH_PROMISE", .goAway([protocolError]),
            [post(), Frame(type: 5, flags: 4, stream: 1, [0, 0, 0, 2] + Frame.block(Client.get))]),
    ]

    private static func request(_ fields: [(String, String)]) -> [Frame] { [.headers(1, fields)] }

    private static let messages: [Case] = [
        Case(
            "§8.1 HEADERS that do not end the stream", .reset([protocolError]),
            [post(), .headers(1, [("a", "b")], end: false)]),
        Case("§8.2.1 capitals", .reset([protocolError]), request(Client.get + [("X-TEST", "ok")])),
        Case("§8.3 unknown pseudo-field", .reset([protocolError]), request(Client.get + [(":test", "ok")])),
        Case("§8.3 pseudo-field of answers", .reset([protocolError]), request(Client.get + [(":status", "200")])),
        Case("§8.3 pseudo-field in trailers", .reset([protocolError]), [post(), .headers(1, [(":method", "200")])]),
        Case("§8.3 pseudo-field behind a field", .reset([protocolError]), request([("x-test", "ok")] + Client.get)),
        Case("§8.2.2 connection", .reset([protocolError]), request(Client.get + [("connection", "keep-alive")])),
        Case(
            "§8.2.2 te", .reset([protocolError]),
            request(Client.get + [("trailers", "test"), ("te", "trailers, deflate")])),
        Case(
            "§8.3.1 empty path", .reset([protocolError]),
            request([(":method", "GET"), (":scheme", "https"), (":path", ""), (":authority", "a")])),
        Case("§8.3.1 no method", .reset([protocolError]), request(Array(Client.get.dropFirst()))),
        Case(
            "§8.3.1 no scheme", .reset([protocolError]),
            request([(":method", "GET"), (":path", "/"), (":authority", "a")])),
        Case(
            "§8.3.1 no path", .reset([protocolError]),
            request([(":method", "GET"), (":scheme", "https"), (":authority", "a")])),
        Case("§8.3.1 method twice", .reset([protocolError]), request([(":method", "GET")] + Client.get)),
        Case("§8.3.1 scheme twice", .reset([protocolError]), request([(":scheme", "https")] + Client.get)),
        Case("§8.3.1 path twice", .reset([protocolError]), request([(":path", "/")] + Client.get)),
        Case(
            "§8.1.1 content-length and one DATA", .reset([protocolError]),
            [.headers(1, Client.post + [("content-length", "1")], end: false), .data(1, "test", end: true)]),
        Case(
            "§8.1.1 content-length and several DATA", .reset([protocolError]),
            [
                .headers(1, Client.post + [("content-length", "9")], end: false), .data(1, "test"),
                .data(1, "test", end: true),
            ]),
        Case(
            "§8.1.1 content-length without DATA", .reset([protocolError]),
            request(Client.post + [("content-length", "1")])),
        Case(
            "§8.1.1 content-length and trailers", .reset([protocolError]),
            [.headers(1, Client.post + [("content-length", "9")], end: false), .headers(1, [("a", "b")])]),
    ]

    private static func block(_ bytes: [UInt8]) -> [Frame] {
        [.headers(1, block: Frame.block(Client.get) + bytes)]
    }

    /// RFC 7541.
    private static let compression: [Case] = [
        Case(
            "indexed field", .answers(1), [.headers(1, block: [0x82, 0x87, 0x84] + Frame.block([(":authority", "a")]))]),
        Case("literal with indexing", .answers(1), block([0x40] + Frame.literal("x-a") + Frame.literal("b"))),
        Case("never indexed", .answers(1), block([0x10] + Frame.literal("x-a") + Frame.literal("b"))),
        Case("with Huffman coding", .answers(1), block([0x40, 0x03] + Array("x-a".utf8) + [0x82, 0x64, 0x5f])),
        Case("§6.3 a smaller table", .answers(1), [.headers(1, block: [0x20] + Frame.block(Client.get))]),
        Case("§2.3.3 index beyond the table", .goAway([compressionError]), block([0xc6])),
        Case(
            "§2.3.3 literal with an index beyond the table", .goAway([compressionError]),
            block([0x7f, 0x10, 0x01, 0x61])),
        Case("§4.2 table size at the end of a block", .goAway([compressionError]), block([0x20])),
        Case(
            "§5.2 padding longer than 7 bits", .goAway([compressionError]),
            block([0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff])),
        Case(
            "§5.2 padding of zeros", .goAway([compressionError]),
            block([0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x83, 0x49, 0x50, 0x90])),
        Case(
            "§5.2 EOS", .goAway([compressionError]),
            block([0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x87, 0x49, 0x51, 0xff, 0xff, 0xff, 0xfa, 0x7f])),
        Case("§6.1 index 0", .goAway([compressionError]), block([0x80])),
        Case(
            "§6.3 a table larger than allowed", .goAway([compressionError]),
            [.headers(1, block: [0x3f, 0xe1, 0xff, 0x03] + Frame.block(Client.get))]),
    ]
}
