import Bytes
import TestSupport
import Testing

@testable import HTTP

@Suite struct RequestParserTests {
    @Test func `a request without body`() throws {
        let replay = RequestReplay.everyWay(
            "GET /a/b?c=d&e HTTP/1.1\r\nHost: Example.com:8080\r\nAccept:*/*\r\nX-Empty:\r\nX-Spaces: \t a  b \t\r\n\r\n"
        )
        let message = try #require(replay.messages.first)
        #expect(replay.fault == nil && replay.messages.count == 1 && message.hasEnded && message.keepsAlive)
        #expect(message.head.method == .get && message.head.version == .http11)
        #expect(message.head.target == Target(path: "/a/b", routingPath: "/a/b", query: "c=d&e"))
        #expect(message.head.authority == Authority(host: "example.com", port: 8080))
        #expect(message.head.bodyLength == .none)
        #expect(
            message.head.fields
                == Fields(["host": "Example.com:8080", "accept": "*/*", "x-empty": "", "x-spaces": "a  b"]))
        #expect(message.head.fields.capitals(at: 3) == 0b101)
    }

    @Test func `a body of known length, and the next request right behind it`() throws {
        let replay = RequestReplay.everyWay(
            "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /two HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(replay.fault == nil)
        #expect(replay.messages.map(\.head.target.path) == ["/one", "/two"])
        #expect(replay.messages.map { $0.body.span.string() } == ["hello", ""])
        #expect(replay.messages.map(\.head.bodyLength) == [.known(5), .none])
        #expect(replay.messages.map(\.hasEnded) == [true, true])
    }

    @Test func `each request of a connection is for the host that it names`() {
        let hosts = [
            "a.example", "a.example", "a.example:80", "A.example:80", "a.example:080", "a.example:", "b.example",
        ]
        let replay = RequestReplay.everyWay(hosts.map { "GET / HTTP/1.1\r\nHost: \($0)\r\n\r\n" }.joined())
        #expect(replay.fault == nil)
        #expect(
            replay.messages.map(\.head.authority) == [
                Authority(host: "a.example"), Authority(host: "a.example"), Authority(host: "a.example", port: 80),
                Authority(host: "a.example", port: 80), Authority(host: "a.example", port: 80),
                Authority(host: "a.example"), Authority(host: "b.example"),
            ])
    }

    @Test(arguments: ["GET", "HEAD", "DELETE", "OPTIONS", "BREW", "get"])
    func `a body is read whatever the method`(method: String) {
        // RFC 9112 §6: presence of a body is signalled by the framing fields, not by the method.
        let replay = RequestReplay.everyWay("\(method) / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        #expect(replay.messages.first?.body == Array("abc".utf8))
        #expect(replay.messages.first?.head.method.rawValue == method)
    }

    @Test func `a chunked body with extensions and trailers`() throws {
        let text =
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
            + "5;a;b=c ; d = \"e;\\\" \"\r\nhello\r\n00A\r\n, world.\r\n\r\n0;last\r\nX-Sum: 1\r\nX_Y: 2\r\n\r\n"
        let dropped = RequestReplay.everyWay(text)
        let message = try #require(dropped.messages.first)
        #expect(dropped.fault == nil && message.hasEnded)
        #expect(message.head.bodyLength == .unknown)
        #expect(message.body.span.string() == "hello, world.\r\n")
        #expect(message.trailers?.isEmpty == true)
        let kept = RequestReplay.everyWay(text, keepsTrailers: true)
        #expect(kept.messages.first?.trailers == Fields(["x-sum": "1", "x_y": "2"]))
    }

    @Test func `trailers of one request do not show in the next`() {
        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        let replay = RequestReplay.everyWay(
            "\(chunked)A: b\r\n\r\n\(chunked)\r\n\(chunked)C: d\r\n\r\n", keepsTrailers: true)
        #expect(replay.messages.map(\.trailers) == [Fields(["a": "b"]), Fields(), Fields(["c": "d"])])
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "close", false), ("HTTP/1.1", "x, CLOSE", false),
        ("HTTP/1.1", "keep-alive", true), ("HTTP/1.0", "", false), ("HTTP/1.0", "Keep-Alive", true),
        ("HTTP/1.0", "keep-alive, close", false), ("HTTP/1.1", "closed", true),
    ])
    func `the connection is kept as version and Connection say`(version: String, connection: String, kept: Bool) {
        // RFC 9112 §9.3.
        let line = connection.isEmpty ? "" : "Connection: \(connection)\r\n"
        let replay = RequestReplay.everyWay("GET / \(version)\r\nHost: a\r\n\(line)\r\n")
        #expect(replay.messages.first?.keepsAlive == kept)
    }

    @Test(arguments: [
        ("HTTP/1.1", "100-continue", "5", true), ("HTTP/1.1", "100-Continue", "5", true),
        ("HTTP/1.1", "100-continue", "0", false), ("HTTP/1.0", "100-continue", "5", false),
    ])
    func `Continue is expected only where a body follows`(
        version: String, expect: String, length: String, expected: Bool
    ) {
        // RFC 9110 §10.1.1.
        let replay = RequestReplay(
            pieces: [
                Array("PUT / \(version)\r\nHost: a\r\nExpect: \(expect)\r\nContent-Length: \(length)\r\n\r\n".utf8)
            ])
        #expect(replay.fault == nil && replay.messages.first?.expectsContinue == expected)
    }

    @Test func `HTTP/1.0 needs no Host`() {
        let replay = RequestReplay.everyWay("GET / HTTP/1.0\r\nExpect: what\r\n\r\n")
        #expect(replay.fault == nil)
        #expect(replay.messages.first?.head.version == .http10 && replay.messages.first?.head.authority == nil)
    }

    @Test func `empty lines in front of a request are skipped, up to a limit`() {
        // RFC 9112 §2.2.
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let replay = RequestReplay.everyWay("\r\n\r\n\(request)\r\n\(request)")
        #expect(replay.fault == nil && replay.messages.count == 2)
        let excess = RequestReplay.everyWay(String(repeating: "\r\n", count: 9) + request)
        #expect(excess.fault?.reason == .tooManyEmptyLines)
    }

    @Test func `the absolute form names the host, and replaces the field`() throws {
        // RFC 9112 §3.2.2.
        let replay = RequestReplay.everyWay(
            "GET HTTP://One.example:81/p?q HTTP/1.1\r\nHost: two.example\r\n\r\n")
        let head = try #require(replay.messages.first?.head)
        #expect(head.authority == Authority(host: "one.example", port: 81))
        #expect(head.target.path == "/p" && head.target.query == "q")
        #expect(head.fields.all("host") == ["one.example:81"])
    }

    @Test(arguments: [
        ("OPTIONS", "*", "*"), ("OPTIONS", "http://a", "*"), ("OPTIONS", "http://a/", "/"), ("GET", "http://a", "/"),
        ("GET", "https://a?x", "/"), ("OPTIONS", "/*", "/*"),
    ])
    func `the forms of a target`(method: String, target: String, path: String) {
        // RFC 9112 §3.2.
        let replay = RequestReplay.everyWay("\(method) \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(replay.messages.first?.head.target.path == path)
    }

    @Test func `a client that leaves in the middle leaves a fault`() {
        let request = Array(
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n".utf8)
        #expect(RequestReplay(pieces: [request], ends: true).fault == nil)
        #expect(RequestReplay(pieces: [], ends: true).fault == nil)
        #expect(RequestReplay(pieces: [Array("\r".utf8)], ends: true).fault == nil)
        for count in 1..<request.count {
            #expect(RequestReplay(pieces: [Array(request[..<count])], ends: true).fault?.reason == .truncated)
        }
    }

    @Test func `what the parser says of itself while a request comes in`() throws {
        var parser = HTTP1RequestParser()
        func feed(_ text: String) throws -> HTTP1RequestParser.Event {
            var offset = 0
            return try parser.next(Array(text.utf8).span, at: &offset)
        }
        #expect(parser.isBetweenRequests && !parser.hasPartialHead && parser.heldBytes == 0)
        #expect(try feed("\r\n") == .needsMore)
        #expect(parser.isBetweenRequests && !parser.hasPartialHead)
        #expect(try feed("GET / HTTP/1.1\r\n") == .needsMore)
        #expect(!parser.isBetweenRequests && parser.hasPartialHead && parser.heldBytes > 0)
        guard case .head = try feed("Host: a\r\nContent-Length: 2\r\n\r\n") else {
            Issue.record("no head")
            return
        }
        #expect(!parser.isBetweenRequests && !parser.hasPartialHead && parser.heldBytes == 0)
        #expect(try feed("ab") == .body(0..<2))
        #expect(try feed("") == .end)
        #expect(parser.isBetweenRequests && parser.heldBytes == 0)
    }

    @Test func `a head that trickles in is scanned once`() {
        // A head of the largest size, byte by byte: quadratic work would take minutes.
        let line = "x-filler: \(String(repeating: "v", count: 310))\r\n"
        let text =
            "GET /\(String(repeating: "p", count: 8000)) HTTP/1.1\r\nHost: a\r\n"
            + String(repeating: line, count: 99) + "\r\n"
        let replay = RequestReplay(pieces: text.utf8.map { [$0] })
        #expect(replay.fault == nil && replay.messages.first?.head.fields.count == 100)
    }

    @Test func `what fills a limit exactly is taken, and one more is not`() {
        func status(_ request: String) -> Int? {
            let input = Array(request.utf8)
            let fault = RequestReplay(pieces: [input]).fault
            #expect(RequestReplay(pieces: input.map { [$0] }).fault == fault)
            return fault?.status
        }
        func line(of count: Int) -> String {
            "GET /\(String(repeating: "a", count: count - 14)) HTTP/1.1\r\nHost: a\r\n\r\n"
        }
        #expect(status(line(of: 8192)) == nil && status(line(of: 8193)) == 414)
        func fields(of count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\nA: \(String(repeating: "b", count: count - 14))\r\n\r\n"
        }
        #expect(status(fields(of: 32768)) == nil && status(fields(of: 32769)) == 431)
        func lines(of count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "A: b\r\n", count: count - 1))\r\n"
        }
        #expect(status(lines(of: 100)) == nil && status(lines(of: 101)) == 431)
        func method(of count: Int) -> String {
            "\(String(repeating: "M", count: count)) / HTTP/1.1\r\nHost: a\r\n\r\n"
        }
        #expect(status(method(of: 64)) == nil && status(method(of: 65)) == 501)
    }

    @Test func `the largest lengths are taken`() {
        let head = "PUT / HTTP/1.1\r\nHost: a\r\n"
        let known = RequestReplay.everyWay("\(head)Content-Length: 999999999999999\r\n\r\nabc")
        #expect(known.fault == nil && known.messages.first?.head.bodyLength == .known(999_999_999_999_999))
        let chunked = RequestReplay.everyWay("\(head)Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc")
        #expect(chunked.fault == nil && chunked.messages.first?.body == Array("abc".utf8))
        let padded = RequestReplay.everyWay("\(head)Content-Length: 0003\r\n\r\nabc")
        #expect(padded.fault == nil && padded.messages.first?.hasEnded == true)
    }
}
