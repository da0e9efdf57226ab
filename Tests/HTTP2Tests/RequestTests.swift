import HTTP
import TestSupport
import Testing

@testable import HTTP2

/// What a request is, and what is refused (RFC 9113 §8).
@Suite struct RequestTests {
    private func head(
        _ fields: [(String, String)], sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> RequestHead {
        let client = Client()
        client.send(.headers(1, fields))
        #expect(client.malformed.isEmpty && client.refused.isEmpty, sourceLocation: sourceLocation)
        return try client.head(1)
    }

    private func replacing(_ name: String, _ value: String?) -> [(String, String)] {
        Client.get.compactMap { $0.0 == name ? value.map { (name, $0) } : $0 }
    }

    @Test func `a request is what HTTP/1.1 would have made of it`() throws {
        let head = try self.head([
            (":authority", "A.Example:8443"), (":path", "/a/%7Eb/../c?q=1"), (":method", "PUT"), (":scheme", "https"),
            ("accept", "*/*"), ("x-empty", ""),
        ])
        #expect(head.method == .put && head.version == .http2 && head.bodyLength == .none)
        #expect(head.target == Target(path: "/a/c", routingPath: "/a/c", query: "q=1"))
        #expect(head.authority == Authority(host: "a.example", port: 8443))
        #expect(head.fields == Fields(["accept": "*/*", "x-empty": "", "host": "A.Example:8443"]))
    }

    @Test func `bodies and their lengths`() throws {
        for (fields, length) in [
            ([], BodyLength.unknown), ([("content-length", "3")], .known(3)), ([("content-length", "0")], .known(0)),
        ] {
            let client = Client()
            client.send(.headers(1, Client.post + fields, end: false))
            #expect(try client.head(1).bodyLength == length)
        }
    }

    @Test func `a body comes in pieces, however it is cut`() throws {
        let frames: [HTTP2Frame] = [
            .headers(1, Client.post, end: false), .data(1, "hel", padding: 4), .headers(3, Client.post, end: false),
            .data(1, "lo"), .data(3, "other", end: true), .data(1, "!", end: true),
        ]
        for way in Feeding.ways(of: frames.flatMap(\.bytes)) {
            let client = Client()
            for piece in way { client.send(bytes: piece) }
            #expect(client.body(1) == "hello!" && client.body(3) == "other")
            #expect(client.told.filter { $0 == .other(.end(1)) || $0 == .other(.end(3)) }.count == 2)
        }
    }

    @Test func `trailers are read and dropped`() throws {
        let client = Client()
        client.send(.headers(1, Client.post, end: false), .data(1, "a"), .headers(1, [("x-trailer", "1")]))
        #expect(client.told.last == .other(.end(1)))
        #expect(try client.head(1).fields.contains("x-trailer") == false)
    }

    @Test func `crumbs of cookies are joined`() throws {
        let head = try self.head(Client.get + [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")])
        #expect(head.fields.all("cookie") == ["a=1; b=2; c=3"])
    }

    @Test func `many crumbs are one field`() throws {
        let crumbs = (0..<500).map { ("cookie", "c\($0)=1") }
        #expect(try self.head(Client.get + crumbs).fields.all("cookie").count == 1)
    }

    @Test func `Host stands in for :authority`() throws {
        let head = try self.head(self.replacing(":authority", nil) + [("host", "b.example")])
        #expect(head.authority == Authority(host: "b.example"))
        #expect(head.fields.all("host") == ["b.example"])
    }

    @Test func `Host may say the same as :authority`() throws {
        #expect(try self.head(Client.get + [("host", "A.EXAMPLE")]).fields.all("host") == ["A.EXAMPLE"])
    }

    @Test func `te may name trailers`() throws {
        #expect(try self.head(Client.get + [("te", "trailers")]).fields.contains("te"))
    }

    @Test func `OPTIONS may ask about the server`() throws {
        let fields = [(":method", "OPTIONS"), (":scheme", "https"), (":path", "*"), (":authority", "a")]
        #expect(try self.head(fields).target.path == "*")
    }

    @Test func `100 is sent on request`() throws {
        let client = Client()
        client.send(.headers(1, Client.post + [("expect", "100-continue")], end: false))
        let stream = try client.stream(1)
        #expect(stream.expectsContinue)
        client.server.sendContinue(on: stream)
        #expect(client.fields(client.frames().first) == [":status": "100"])
        client.answer(1)
        #expect(client.fields(client.frames().first)[":status"] == "200")
    }

    @Test(arguments: [
        (":path", "*"), (":path", ""), (":path", "http://a.example/"), (":path", "a.example:443"), (":path", "x"),
        (":method", ""), (":method", "GE T"), (":method", "GET:"), (":method", "G\u{e9}T"), (":scheme", "ftp"),
        (":scheme", ""), (":scheme", "ht tp"), (":path", " /"), (":path", "/ "), (":path", "/\r\nx: y"),
        (":path", "/\0"), (":authority", "a\r\nb"), (":method", "GET\n"), (":authority", " a"),
    ])
    func `a pseudo-field that can not be one resets the stream`(name: String, value: String) {
        let client = Client()
        client.send(.headers(1, self.replacing(name, value)))
        #expect(client.malformed.count == 1 && client.frames().compactMap(\.resetCode) == [1])
    }

    @Test(arguments: [
        (":path", "/a b"), (":path", "/#f"), (":path", "/%zz"), (":path", "/a%00"), (":path", "/..%2f../x"),
        (":path", "/\u{e9}"), (":authority", ""), (":authority", "user@a"), (":authority", "a b"),
        (":authority", "a/b"),
        (":authority", "[x]"), (":authority", "a:b"),
    ])
    func `a target or host that can not be taken is answered with 400`(name: String, value: String) {
        let client = Client()
        client.send(.headers(1, self.replacing(name, value)))
        #expect(client.refused.map(\.status) == [400] || client.malformed.count == 1)
        #expect(client.told.allSatisfy { if case .head = $0 { false } else { true } })
    }

    @Test(arguments: [
        ("", "a"), ("a b", "c"), ("a:", "b"), ("a\r\n", "b"), ("a\0", "b"), ("A", "b"), ("\u{e9}", "b"), (":", "b"),
        ("a", "b\r\nc: d"), ("a", "b\n"), ("a", "b\0"), ("a", " b"), ("a", "b "), ("a", "b\t"), ("a", "b\u{7f}"),
        ("a", "b\u{1}"), ("connection", "close"), ("keep-alive", "5"), ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"), ("upgrade", "h2c"), ("te", "gzip"), ("te", "trailers, gzip"),
        ("host", "b.example"), ("content-length", "1"), ("content-length", "-1"), ("content-length", "+0"),
        ("content-length", "0x0"), ("content-length", ""), ("content-length", "99999999999999999999"),
        ("content-length", "0000000000000000"),
        (":protocol", "websocket"),
    ])
    func `a field that no message has resets the stream`(name: String, value: String) {
        let client = Client()
        client.send(.headers(1, Client.get + [(name, value)]))
        #expect(client.malformed.count == 1 && client.frames().compactMap(\.resetCode) == [1])
        // The connection goes on.
        client.answers = true
        client.send(.headers(3, Client.get))
        #expect(client.frames().first?.type == 1)
    }

    @Test(arguments: ["host", "content-length", ":authority"])
    func `what there may be once`(name: String) {
        let client = Client()
        let value = name == "content-length" ? "0" : "a.example"
        let line = [(name, value)]
        client.send(.headers(1, name == ":authority" ? line + Client.get : Client.get + line + line))
        #expect(client.malformed.count == 1)
    }

    @Test func `each request of a connection has the host that it names`() throws {
        let client = Client()
        let names = ["a.example", "a.example", "A.Example", "a.example:443", "b.example", "a.example"]
        let expected = ["a.example", "a.example", "a.example", "a.example", "b.example", "a.example"]
        for (index, name) in names.enumerated() {
            let id = Int32(2 * index + 1)
            client.send(.headers(UInt32(id), self.replacing(":authority", name)))
            let head = try client.head(id)
            #expect(head.authority == Authority(host: expected[index], port: index == 3 ? 443 : nil))
            #expect(head.fields.all("host") == [name])
        }
    }

    @Test func `no host at all`() {
        let client = Client()
        client.send(.headers(1, self.replacing(":authority", nil)))
        #expect(client.refused == [RequestFault(.hostMissing)])
    }

    @Test func `CONNECT is refused as it should be`() {
        let client = Client()
        client.send(.headers(1, [(":method", "CONNECT"), (":authority", "a:443")], end: false))
        #expect(client.refused.map(\.status) == [501])
        client.send(.headers(3, [(":method", "CONNECT")] + Client.get.dropFirst(), end: false))
        #expect(client.malformed == [.pseudoFieldsIncomplete])
        client.send(
            .headers(5, [(":method", "CONNECT"), (":protocol", "websocket")] + Client.get.dropFirst(), end: false))
        #expect(client.malformed.last == .unknownPseudoField)
    }

    @Test func `too much of a head`() {
        for (fields, status) in [
            ((0..<101).map { ("x-\($0)", "a") }, 431),
            ((0..<10).map { ("x-\($0)", String(repeating: "a", count: 3500)) }, 431),
            ((0..<40).map { ("cookie", "c\($0)=\(String(repeating: "a", count: 900))") }, 431),
            ([("expect", "200-ok")], 417),
        ] {
            let client = Client()
            let block = HTTP2Frame.block(Client.get + fields)
            let pieces = stride(from: 0, to: block.count, by: 16_000).map {
                Array(block[$0..<min(block.count, $0 + 16_000)])
            }
            client.send(.headers(1, block: pieces[0], endHeaders: pieces.count == 1))
            for (index, piece) in pieces.enumerated().dropFirst() {
                client.send(.continuation(1, piece, endHeaders: index == pieces.count - 1))
            }
            #expect(client.refused.map(\.status) == [status])
        }
    }

    @Test func `a long path is 414`() {
        let client = Client()
        client.send(.headers(1, self.replacing(":path", "/" + String(repeating: "a", count: 9000))))
        #expect(client.refused.map(\.status) == [414])
    }

    @Test func `a refused request can be answered`() {
        let client = Client()
        client.send(.headers(1, self.replacing(":path", "/#")))
        client.answer(1)
        let frames = client.frames()
        #expect(client.fields(frames.first)[":status"] == "200")
        #expect(frames.last == .data(1, "hello", end: true))
    }

    /// RFC 9113 §6.9.2: until it has our settings it has the window that all begin with.
    @Test func `a client that does not know of a smaller window yet does nothing wrong`() {
        var limits = HTTP2Limits()
        limits.streamWindow = 1024
        let client = Client(limits, greets: false)
        client.send(bytes: HTTP2Frame.preface)
        client.send(.settings(), .headers(1, Client.post, end: false))
        for _ in 0..<3 { client.send(.data(1, [UInt8](repeating: 1, count: 16_384))) }
        client.send(.data(1, "end", end: true))
        #expect(client.failure == nil)
        #expect(client.told.contains(.other(.end(1))))
        #expect(!client.frames().contains { $0.type == 3 })
    }
}
