import Testing

/// What a client gets when the answer breaks after its head has gone. Never a clean end.
@Suite struct BrokenBodyTests {
    static let failures: [(String, [Step])] = [
        ("a function error", [.complete(["ErrorCode": "Unhandled"]), .end]),
        ("a damaged message", [.damaged(.message, Array("more".utf8)), .done, .end]),
        ("a damaged prelude of a message", [.damaged(.prelude, Array("more".utf8)), .done, .end]),
        ("a cut stream", [.close]),
        ("a cut message", [.cut(Array("more".utf8), at: 2), .close]),
        ("an end without InvokeComplete", [.end]),
        ("an end inside a message", [.cut(Array("more".utf8), at: 2), .end]),
        ("an exception", [.message([":message-type": "exception", ":exception-type": "ServiceException"]), .end]),
        (
            "an error message",
            [.message([":message-type": "error", ":error-code": "500", ":error-message": "x"]), .end]
        ),
        ("a reset", [.reset]),
        ("nonsense", [.raw([UInt8](repeating: 0x41, count: 64)), .end]),
    ]

    @Test(arguments: Self.failures)
    func `breaks a chunked body`(_ what: String, _ steps: [Step]) async throws {
        let function = try await FakeLambda.shared.function(calls: [[.text("first"), .gate] + steps])
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            let beginning = try await client.body(holding: "first")
            #expect(beginning.status == 200)
            #expect(beginning.isChunked)
            try await function.release()
            let answer = try await client.answer()
            #expect(answer.end == .cut(.closed))
            #expect(answer.text.hasPrefix("first"))
            let line = try await gateway.accessLog(lines: 1)[0]
            #expect(line["end"] != "complete")
            #expect(line["status"] == 200)
        }
    }

    @Test func `is seen by curl as a transfer that broke off`() async throws {
        let function = try await FakeLambda.shared.function(.text("first"), .complete(["ErrorCode": "Unhandled"]), .end)
        try await Gateway.run(Setup(function)) { gateway in
            let curl = try await Tool.curl(gateway.url("/"))
            #expect(curl.status == 18)
            #expect(curl.output == "first")
        }
    }

    @Test func `is shorter than its content-length said`() async throws {
        let function = try await FakeLambda.shared.function(
            .prelude("{\"headers\":{\"content-length\":\"10\"}}"), .text("12345"), .gate,
            .complete(["ErrorCode": "Unhandled"]), .end)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            let beginning = try await client.body(holding: "12345")
            #expect(beginning["content-length"] == "10")
            #expect(!beginning.isChunked)
            try await function.release()
            #expect(try await client.answer().end == .cut(.closed))
        }
    }

    /// An HTTP/1.0 body ends with its connection, so only a reset says that it is not whole.
    @Test(arguments: Self.failures)
    func `resets an HTTP 1.0 connection`(_ what: String, _ steps: [Step]) async throws {
        let function = try await FakeLambda.shared.function(calls: [[.text("first"), .gate] + steps])
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send("GET / HTTP/1.0\r\n\r\n")
            let beginning = try await client.body(holding: "first")
            #expect(beginning.status == 200)
            #expect(beginning["transfer-encoding"] == nil)
            try await function.release()
            #expect(try await client.answer().end == .cut(.reset))
        }
    }
}
