import Testing

/// Answers that can have no body are over with their head, whatever the function does afterwards.
@Suite struct BodilessTests {
    static let answers: [(String, String)] = [
        ("HEAD", "{\"statusCode\":200,\"headers\":{\"content-length\":\"1000\"}}"),
        ("HEAD", "{\"statusCode\":200}"),
        ("GET", "{\"statusCode\":204}"),
        ("GET", "{\"statusCode\":304,\"headers\":{\"etag\":\"a\"}}"),
        ("GET", "{\"statusCode\":302,\"headers\":{\"location\":\"/x\",\"content-length\":\"0\"}}"),
    ]

    @Test(arguments: Self.answers)
    func `end at once while the function goes on`(_ method: String, _ prelude: String) async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.prelude(prelude), .gate, .text("not for you"), .done, .end], [.text("second"), .done, .end],
        ])
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request(method: method))
            let answer = try await client.answer(to: method)
            #expect(answer.end == .whole)
            #expect(answer["transfer-encoding"] == nil || method == "HEAD")
            #expect(answer.body.isEmpty)
            // The function still runs; the client is served again meanwhile.
            #expect(try await function.calls()[0].end == nil)
            try await client.send(Gateway.request())
            #expect(try await client.answer().text == "second")
        }
    }

    @Test func `HEAD without a prelude ends with the first byte`() async throws {
        let function = try await FakeLambda.shared.function(.text("body"), .gate, .done, .end)
        try await Gateway.run(Setup(function, "response: raw")) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request(method: "HEAD"))
            let answer = try await client.answer(to: "HEAD")
            #expect(answer.status == 200)
            try await client.send(Gateway.request(method: "HEAD"))
            #expect(try await client.answer(to: "HEAD").status == 200)
        }
    }

    @Test func `what follows shortly is read out and the connection used again`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.prelude("{\"statusCode\":204}"), .text("a little more"), .done, .end], [.text("second"), .done, .end],
        ])
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            #expect(try await client.answer().status == 204)
            try await function.wait(for: .ended)
            // The rest is on its way, and the gateway may need a moment to read it.
            try await Task.sleep(for: .milliseconds(100))
            try await client.send(Gateway.request())
            #expect(try await client.answer().text == "second")
            let calls = try await function.calls()
            #expect(calls[0].connection == calls[1].connection)
        }
    }

    @Test func `what goes on for long is let go of`() async throws {
        let function = try await FakeLambda.shared.function(.prelude("{\"statusCode\":204}"), .forever)
        try await Gateway.run(Setup(function)) { gateway in
            let answer = try await gateway.get()
            #expect(answer.status == 204)
            #expect(try await function.wait(for: .ended, within: 10)[0].end == "gone")
        }
    }

    @Test func `what is much is let go of`() async throws {
        let function = try await FakeLambda.shared.function(
            .prelude("{\"statusCode\":204}"), .bulk(100 << 20, seed: 3, piece: 60_000), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            #expect(try await gateway.get().status == 204)
            let call = try await function.wait(for: .ended, within: 10)[0]
            #expect(call.end == "gone")
            #expect(call.written < 50 << 20)
        }
    }

    @Test func `204 has neither body nor length, 304 keeps what it says`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.prelude("{\"statusCode\":204,\"headers\":{\"content-length\":\"5\"}}"), .text("12345"), .done, .end],
            [.prelude("{\"statusCode\":304,\"headers\":{\"content-length\":\"5\",\"etag\":\"e\"}}"), .done, .end],
        ])
        try await Gateway.run(Setup(function)) { gateway in
            let none = try await gateway.get()
            #expect(none.status == 204)
            #expect(none["content-length"] == nil)
            #expect(none["transfer-encoding"] == nil)
            let unchanged = try await gateway.get()
            #expect(unchanged.status == 304)
            #expect(unchanged["etag"] == "e")
            #expect(unchanged["transfer-encoding"] == nil)
        }
    }
}
