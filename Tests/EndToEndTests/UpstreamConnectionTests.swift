import Testing

/// Connections to the Lambda API: used again, and never trusted longer than they live.
@Suite struct UpstreamConnectionTests {
    @Test func `a connection is used again`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function)) { (gateway: Gateway) async throws in
            for round in 1...5 {
                #expect(try await gateway.get().text == "hello")
                // The client has its answer before the API has said its last word.
                try await function.wait(for: .ended, round)
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        #expect(Set(try await function.calls().map(\.connection)).count == 1)
    }

    @Test func `calls at the same time have connections of their own, which are kept`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun"), .gate, .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            for round in 1...2 {
                var clients: [RawClient] = []
                for _ in 0..<5 {
                    let client = try await gateway.connect()
                    try await client.send(Gateway.request())
                    clients.append(client)
                }
                try await function.wait(for: .gated, round * 5)
                try await function.release(5)
                for client in clients { #expect(try await client.answer().end == .whole) }
            }
        }
        #expect(Set(try await function.calls().map(\.connection)).count == 5)
    }

    @Test func `an idle connection that was closed is found out`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function, "retries: 0")) { gateway in
            for round in 1...3 {
                #expect(try await gateway.get(method: "POST", body: "x").text == "hello")
                try await function.wait(for: .ended, round)
                #expect(try await function.closeIdleConnections() == 1)
            }
        }
        // Each called once, on a connection of its own.
        let calls = try await function.calls()
        #expect(calls.count == 3)
        #expect(Set(calls.map(\.connection)).count == 3)
    }

    @Test func `a connection that the API ends with its answer is not used again`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end, .close)
        try await Gateway.run(Setup(function, "retries: 0")) { (gateway: Gateway) async throws in
            for _ in 0..<3 { #expect(try await gateway.get().text == "hello") }
        }
        #expect(try await function.calls().count == 3)
    }

    @Test func `after an error of the API the connection is used again`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.answer(404, ["x-amzn-errortype": "ResourceNotFoundException"], "{}")], [.text("hello"), .done, .end],
        ])
        try await Gateway.run(Setup(function)) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().status == 502)
            #expect(try await gateway.get().text == "hello")
        }
        #expect(Set(try await function.calls().map(\.connection)).count == 1)
    }

    @Test func `a connection that was lost with a call on it is no reason to call again`() async throws {
        let function = try await FakeLambda.shared.function(calls: [[.close], [.text("hello"), .done, .end]])
        try await Gateway.run(Setup(function, "retries: 5")) { (gateway: Gateway) async throws in
            #expect(try await gateway.get(method: "POST", body: "x").status == 502)
            #expect(try await gateway.get().text == "hello")
        }
        #expect(try await function.calls().count == 2)
    }

    @Test func `no descriptor is left behind`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            _ = try await gateway.get()
            let before = gateway.child.socketCount
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        let client = try await gateway.connect()
                        try await client.send(Gateway.request())
                        if number % 3 == 0 { client.reset() } else { _ = try await client.answer() }
                    }
                }
                try await group.waitForAll()
            }
            // Upstream connections are kept, as many as were needed at once; clients' are not.
            _ = try await eventually("the clients' sockets are closed") {
                gateway.child.socketCount <= before + 40 ? true : nil
            }
            let kept = gateway.child.socketCount
            for _ in 0..<30 { #expect(try await gateway.get().text == "hello") }
            _ = try await eventually("no more than before") { gateway.child.socketCount <= kept ? true : nil }
        }
    }
}
