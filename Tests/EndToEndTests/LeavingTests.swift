import Testing

/// A client that leaves lets go of its function's connection at once: each one that runs on costs money.
@Suite struct LeavingTests {
    enum Way: CaseIterable { case close, reset, finishSending }

    @Test(arguments: Way.allCases)
    func `before the answer has begun`(_ way: Way) async throws {
        let function = try await FakeLambda.shared.function(.head, .forever)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            try await function.wait(for: .calls)
            self.leave(client, way)
            #expect(try await function.wait(for: .ended, within: 5)[0].end == "gone")
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "client_left")
        }
    }

    @Test(arguments: Way.allCases)
    func `in the middle of a stream that is silent`(_ way: Way) async throws {
        let function = try await FakeLambda.shared.function(.text("first"), .forever)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            _ = try await client.body(holding: "first")
            self.leave(client, way)
            #expect(try await function.wait(for: .ended, within: 5)[0].end == "gone")
        }
    }

    @Test(arguments: [Way.close, .reset])
    func `while the function waits for it to read`(_ way: Way) async throws {
        let function = try await FakeLambda.shared.function(.bulk(200 << 20, seed: 2, piece: 60_000), .done, .end)
        try await Gateway.run(Setup(function, "response: raw")) { gateway in
            let client = try await gateway.connect(receiveBuffer: 8192)
            try await client.send(Gateway.request())
            try await function.wait(for: .blocked)
            self.leave(client, way)
            #expect(try await function.wait(for: .ended, within: 5)[0].end == "gone")
        }
    }

    /// Pipelined bytes wait in the gateway, which does not read meanwhile; the client's end is seen all the same.
    @Test func `with another request behind the first`() async throws {
        let function = try await FakeLambda.shared.function(.text("first"), .forever)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request() + Gateway.request("/second"))
            _ = try await client.body(holding: "first")
            client.close()
            #expect(try await function.wait(for: .ended, within: 5)[0].end == "gone")
            #expect(try await function.calls().count == 1)
        }
    }

    @Test func `between two tries`() async throws {
        let throttled = Step.answer(429, ["x-amzn-errortype": "TooManyRequestsException", "Retry-After": "1"], "{}")
        let function = try await FakeLambda.shared.function(throttled)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            try await function.wait(for: .ended)
            client.close()
            _ = try await gateway.accessLog(lines: 1)
            try await Task.sleep(for: .milliseconds(1300))
            #expect(try await function.calls().count == 1)
        }
    }

    private func leave(_ client: RawClient, _ way: Way) {
        switch way {
        case .close: client.close()
        case .reset: client.reset()
        case .finishSending: client.finishSending()
        }
    }
}
