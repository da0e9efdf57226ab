import Bytes
import TestSupport
import Testing

@testable import HTTP

@Suite struct ResponseParserTests {
    @Test func `an answer of known length`() {
        let replay = ResponseReplay.everyWay("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: \u{e4}\r\n\r\nhello")
        #expect(replay.fault == nil && replay.messages.count == 1)
        #expect(replay.messages.first?.head.status == 200)
        #expect(replay.messages.first?.head.fields == Fields(["content-length": "5", "x-a": "\u{e4}"]))
        #expect(replay.messages.first?.body == Array("hello".utf8))
        #expect(replay.messages.first?.hasEnded == true && replay.messages.first?.keepsAlive == true)
    }

    @Test func `a chunked answer with trailers`() {
        let replay = ResponseReplay.everyWay(
            "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n")
        #expect(replay.fault == nil)
        #expect(replay.messages.first?.body == Array("abcd".utf8))
        #expect(replay.messages.first?.trailers == Fields(["x-sum": "1"]))
    }

    @Test func `an answer that lasts until the connection ends`() {
        let replay = ResponseReplay.everyWay("HTTP/1.0 200 OK\r\n\r\nhello", ends: true)
        #expect(replay.fault == nil)
        #expect(replay.messages.first?.body == Array("hello".utf8))
        #expect(replay.messages.first?.hasEnded == true && replay.messages.first?.keepsAlive == false)
    }

    @Test(arguments: [(Method.head, 200), (.get, 204), (.get, 304)])
    func `answers without body end with their head`(method: Method, status: Int) {
        // RFC 9112 §6.3.
        let replay = ResponseReplay.everyWay(
            "HTTP/1.1 \(status) X\r\nContent-Length: 500\r\n\r\n", to: method)
        #expect(replay.fault == nil && replay.messages.first?.hasEnded == true)
        #expect(replay.messages.first?.keepsAlive == true)
    }

    @Test func `interim answers are skipped, up to a limit`() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
        let replay = ResponseReplay.everyWay("\(interim)HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n")
        #expect(replay.fault == nil && replay.messages.map(\.head.status) == [404])
        let excess = ResponseReplay(pieces: [Array(String(repeating: interim, count: 9).utf8)])
        #expect(excess.fault?.reason == .tooManyInterimAnswers)
        #expect(ResponseReplay.everyWay("HTTP/1.1 101 X\r\n\r\n").fault?.reason == .unexpectedUpgrade)
    }

    @Test(arguments: [
        ("HTTP/1.1", "close", false), ("HTTP/1.1", "x", true), ("HTTP/1.0", "x", false),
        ("HTTP/1.0", "keep-alive", true),
    ])
    func `the connection is kept as version and Connection say`(version: String, connection: String, kept: Bool) {
        let replay = ResponseReplay.everyWay(
            "\(version) 200 OK\r\nConnection: \(connection)\r\nContent-Length: 0\r\n\r\n")
        #expect(replay.messages.first?.keepsAlive == kept)
    }

    @Test(arguments: [
        "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 600 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1\t200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\r\n", "HTTP/1.1 200 O\0K\r\n\r\n",
        "HTTP/1.1 200 O\rK\r\n\r\n", "<html>",
        "HTTP/1.1 200 \(String(repeating: "a", count: 9000))",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nA\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA\r\n\r\n",
        // RFC 9112 §9.2: data that no request awaits.
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", "HTTP/1.1 204 OK\r\n\r\nabc",
    ])
    func `answers that cannot be taken`(text: String) {
        #expect(ResponseReplay.everyWay(text).fault != nil)
    }

    @Test func `an end in the middle is told from an end before the answer`() {
        let answer = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n".utf8)
        #expect(ResponseReplay(pieces: [], ends: true).fault?.reason == .endedBeforeAnswer)
        for count in 1..<answer.count {
            #expect(ResponseReplay(pieces: [Array(answer[..<count])], ends: true).fault?.reason == .truncated)
        }
        #expect(ResponseReplay(pieces: [answer], ends: true).fault == nil)
    }

    @Test func `one connection, one answer after the other`() throws {
        var parser = HTTP1ResponseParser()
        let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)
        for _ in 0..<3 {
            #expect(parser.isIdle == true)
            parser.expectResponse(to: .post)
            var offset = 0
            guard case .head(let head, .known(2)) = try parser.next(answer.span, at: &offset) else {
                Issue.record("no head")
                return
            }
            #expect(head.status == 200)
            #expect(try parser.next(answer.span, at: &offset) == .body(answer.count - 2..<answer.count))
            #expect(try parser.next(answer.span, at: &offset) == .end(Fields()))
            #expect(try parser.next(answer.span, at: &offset) == .needsMore)
            #expect(parser.keepsAlive == true)
        }
        var offset = 0
        #expect(throws: ResponseFault(.unexpectedBytes)) { try parser.next(answer.span, at: &offset) }
        #expect(parser.keepsAlive == false)
    }
}
