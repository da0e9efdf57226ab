import Testing

/// Requests that can not be understood: answered once, the connection closed, and nothing behind them read as a
/// request.
@Suite struct RefusedRequestTests {
    /// Each with the statuses that are right for it.
    static let requests: [(String, Set<Int>)] = [
        // Two framings (RFC 9112 §6.3), or one that can be read in two ways.
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 0\r\n\r\nabcd", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", [400, 413]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\nabcd", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", [400, 501]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", [400, 501]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", [400, 501]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", [400, 501]),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            [400, 501]
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\u{0b}chunked\r\n\r\n0\r\n\r\n", [400, 501]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]),
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]),
        // Chunks.
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", [400]),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x=\ny\r\na\r\n0\r\n\r\n", [400]),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\na\r\n0\r\n\r\n",
            [400, 413]
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX y: z\r\n\r\n", [400]),
        // Lines.
        ("GET / HTTP/1.1\nHost: a\n\n", [400]),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", [400]),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", [400]),
        ("GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", [400]),
        ("GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n", [400]),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
        ("G<T / HTTP/1.1\r\nHost: a\r\n\r\n", [400, 501]),
        ("GET /#fragment HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
        ("GET /a/%2e%2e%2fb HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", [505]),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", [505]),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", [400, 505]),
        ("GET /\r\n\r\n", [400]),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", [501]),
        // Host.
        ("GET / HTTP/1.1\r\n\r\n", [400]),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", [400]),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", [400]),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", [400]),
        ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", [400]),
        ("GET / HTTP/1.1\r\nHost: [a]\r\n\r\n", [400]),
        // Expectations.
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\na", [417]),
        // Not HTTP at all.
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}", [400]),
        ("SSH-2.0-OpenSSH_9.2\r\n", [400]),
    ]

    @Test func `each gets its status once and nothing behind it is read`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            for (request, statuses) in Self.requests {
                let client = try await gateway.connect()
                try await client.send(request + Gateway.request("/behind"))
                let (bytes, _) = try await client.everything()
                var reader = AnswerReader(method: "GET")
                reader.feed(bytes)
                #expect(
                    statuses.contains(reader.answer.status), "\(request.debugDescription): \(reader.answer.summary)")
                #expect(reader.answer.end == .whole && reader.rest.isEmpty, "\(request.debugDescription)")
                #expect(reader.answer["connection"] == "close", "\(request.debugDescription)")
                #expect(try reader.answer.problem["requestId"]?.string == reader.answer["x-request-id"])
            }
            #expect(try await function.calls().isEmpty)
            #expect(try await gateway.get().text == "hello")
            // Each has its line in the access log, with the id that its client was told.
            let lines = try await gateway.accessLog(lines: Self.requests.count + 1)
            for line in lines.dropLast() { #expect((400...599).contains(line["status"]?.int ?? 0), "\(line)") }
            #expect(Set(lines.map { $0["request_id"]?.string ?? "" }).count == lines.count)
        }
    }

    /// The answer went out before the body turned out to be broken: a second one would be taken for that to the next
    /// request.
    @Test func `a broken body behind an answer only closes the connection`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /here, respond: { body: here } }"]
        try await Gateway.run(setup) { gateway in
            for path in ["/here", "/nowhere"] {
                let client = try await gateway.connect()
                try await client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                _ = try await client.head()
                try await client.send("oops\r\n")
                let answer = try await client.answer()
                #expect(answer.end == .whole)
                #expect(try await client.ending() == .closed)
            }
        }
    }

    @Test func `an end inside a body behind an answer only closes the connection`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /here, respond: { body: here } }"]
        try await Gateway.run(setup) { gateway in
            let client = try await gateway.connect()
            try await client.send("POST /here HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            #expect(try await client.answer().text == "here")
            client.finishSending()
            #expect(try await client.ending() == .closed)
        }
    }

    @Test func `an end inside a request is 400`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            for request in ["GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"] {
                let client = try await gateway.connect()
                try await client.send(request)
                client.finishSending()
                let (bytes, _) = try await client.everything()
                expectOneAnswer(bytes, [400])
            }
            #expect(try await function.calls().isEmpty)
        }
    }
}
