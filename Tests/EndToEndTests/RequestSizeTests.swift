import Testing

/// Requests that are too large: refused as early as that is known, and never half taken.
@Suite struct RequestSizeTests {
    private func hello() async throws -> FakeFunction {
        try await FakeLambda.shared.function(.text("hello"), .done, .end)
    }

    @Test func `a large content-length is refused before a byte of the body`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function, "max_request_body: 100000")) { gateway in
            let client = try await gateway.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n")
            let answer = try await client.answer()
            try expectProblem(answer, 413)
            #expect(answer["connection"] == "close")
            #expect(try await client.ending() == .closed)
        }
        #expect(try await function.calls().isEmpty)
    }

    @Test func `a small refused body is thrown away and the connection lives on`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function, "max_request_body: 10")) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request(method: "POST", body: String(repeating: "x", count: 5000)))
            try expectProblem(await client.answer(), 413)
            try await client.send(Gateway.request(method: "POST", body: "0123456789"))
            #expect(try await client.answer().text == "hello")
        }
        #expect(try await function.calls().count == 1)
    }

    @Test func `a chunked body is refused where it passes the limit`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function, "max_request_body: 1000")) { gateway in
            let client = try await gateway.connect()
            let piece = "64\r\n" + String(repeating: "x", count: 100) + "\r\n"
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            try await client.send(String(repeating: piece, count: 11))
            let (bytes, ending) = try await client.everything()
            expectOneAnswer(bytes, [413])
            #expect(ending == .closed)
            #expect(try await gateway.accessLog(lines: 1)[0]["status"] == 413)
        }
        #expect(try await function.calls().isEmpty)
    }

    @Test func `a body whose event would be too large is refused early`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            // Base64 makes 6,666,668 of them.
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: 5000000\r\n\r\n")
            try expectProblem(await client.answer(), 413)
            #expect(try await client.ending() == .closed)
        }
        #expect(try await function.calls().isEmpty)
    }

    @Test func `the same body as text is taken`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 5000000\r\n\r\n")
            try await client.send([UInt8](repeating: UInt8(ascii: "x"), count: 5_000_000))
            #expect(try await client.answer().text == "hello")
        }
        let event = try await function.calls()[0].event
        #expect(event["body"]?.string?.utf8.count == 5_000_000)
        #expect(event["isBase64Encoded"] == false)
    }

    @Test func `a chunked body whose event is too large is refused`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            try await client.send("\(String(5_000_000, radix: 16))\r\n")
            try await client.send([UInt8](repeating: 0, count: 5_000_000))
            try await client.send("\r\n0\r\n\r\n")
            try expectProblem(await client.answer(), 413)
        }
        #expect(try await function.calls().isEmpty)
    }

    /// The answer must not be lost in a reset while the client is still sending.
    @Test(arguments: [[], ["-H", "Transfer-Encoding: chunked"]])
    func `curl sees 413 although it would go on sending`(_ more: [String]) async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function, "max_request_body: 1000")) { gateway in
            let file = gateway.folder.path("upload")
            _ = try await Tool.run("truncate", ["-s", "30M", file])
            let curl = try await Tool.run(
                "curl",
                [
                    "-sS", "--max-time", "20", "-H", "Expect:", "--data-binary", "@\(file)", "-o", "/dev/null", "-w",
                    "%{http_code}",
                ] + more
                    + [gateway.url("/")])
            #expect(curl.output == "413", "\(curl.status) \(curl.errors)")
        }
    }

    @Test func `413 of Lambda itself is 413`() async throws {
        let function = try await FakeLambda.shared.function(
            .answer(413, ["x-amzn-errortype": "RequestTooLargeException"], "{\"message\":\"secret\"}"))
        try await Gateway.run(Setup(function)) { gateway in
            let answer = try await gateway.get()
            try expectProblem(answer, 413)
            #expect(!answer.text.contains("secret"))
        }
    }

    @Test func `bodies that are too much for the gateway's memory are 503`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function, "max_request_body: 64KiB", limits: "request_bodies: 64KiB")) { gateway in
            let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"
            let first = try await gateway.connect()
            try await first.send(head + String(repeating: "x", count: 40_000))
            // Answered at once, so the bytes above have been read.
            #expect(try await gateway.get().text == "hello")
            let second = try await gateway.connect()
            try await second.send(head + String(repeating: "x", count: 40_000))
            let answer = try await second.answer()
            try expectProblem(answer, 503)
            #expect(answer["retry-after"] != nil)
            try await first.send(String(repeating: "x", count: 20_000))
            #expect(try await first.answer().text == "hello")
            // What was taken has been given back.
            for _ in 0..<3 {
                #expect(
                    try await gateway.get(method: "POST", body: String(repeating: "x", count: 60_000)).text == "hello")
            }
        }
    }

    @Test(arguments: [
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 33_000))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: a\r\n", count: 101))\r\n", 431),
    ])
    func `a head that is too large is refused`(_ request: String, _ status: Int) async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(request)
            let (bytes, _) = try await client.everything()
            expectOneAnswer(bytes, [status])
        }
        #expect(try await function.calls().isEmpty)
    }
}
