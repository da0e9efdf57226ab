import Testing

/// Too much at once: for the function (429, tried again), or for the gateway's own bound (503).
@Suite struct ThrottleTests {
    private static func throttled(_ retryAfter: String? = nil) -> Step {
        var fields = ["x-amzn-errortype": "TooManyRequestsException"]
        fields["Retry-After"] = retryAfter
        return .answer(
            429, fields, "{\"Reason\":\"ReservedFunctionConcurrentInvocationLimitExceeded\",\"message\":\"secret\"}")
    }

    @Test func `a throttled call is tried again as often as it may be, then is 429`() async throws {
        let function = try await FakeLambda.shared.function(Self.throttled())
        try await Gateway.run(Setup(function, "retries: 2")) { gateway in
            let answer = try await gateway.get()
            try expectProblem(answer, 429)
            #expect(Int(answer["retry-after"] ?? "") ?? 0 >= 1)
            #expect(!answer.text.contains("secret"))
            #expect(try await function.calls().count == 3)
            let line = try await gateway.accessLog(lines: 1)[0]
            #expect(line["attempts"] == 3)
            #expect(line["end"] == "throttled")
        }
    }

    @Test func `without retries there is one call`() async throws {
        let function = try await FakeLambda.shared.function(Self.throttled("7"))
        try await Gateway.run(Setup(function, "retries: 0")) { gateway in
            let answer = try await gateway.get()
            #expect(answer.status == 429)
            #expect(answer["retry-after"] == "7")
        }
        #expect(try await function.calls().count == 1)
    }

    @Test func `a call that is throttled once is answered all the same`() async throws {
        let function = try await FakeLambda.shared.function(calls: [[Self.throttled()], [.text("hello"), .done, .end]])
        try await Gateway.run(Setup(function)) { gateway in
            let answer = try await gateway.get(method: "POST", body: "kept")
            #expect(answer.text == "hello")
            let calls = try await function.calls()
            #expect(calls.count == 2)
            // The same request: the same id, the same body.
            #expect(
                try calls[0].event["requestContext"]?["requestId"] == calls[1].event["requestContext"]?["requestId"])
            #expect(try calls[1].event["requestContext"]?["requestId"]?.string == answer["x-request-id"])
            #expect(try calls[0].event["body"] == calls[1].event["body"])
        }
    }

    @Test func `a wait that Lambda asks for is kept`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [Self.throttled("1")], [.text("hello"), .done, .end],
        ])
        try await Gateway.run(Setup(function)) { (gateway: Gateway) async throws in
            let clock = ContinuousClock()
            let start = clock.now
            #expect(try await gateway.get().text == "hello")
            #expect(clock.now - start >= .seconds(1))
        }
    }

    @Test(arguments: ["EC2ThrottledException", "ResourceNotReadyException"])
    func `what has not run is tried again`(_ type: String) async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.answer(502, ["x-amzn-errortype": type], "{}")], [.text("hello"), .done, .end],
        ])
        try await Gateway.run(Setup(function)) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello")
        }
    }

    @Test func `a function in trouble is not called ever more often`() async throws {
        let function = try await FakeLambda.shared.function(Self.throttled())
        try await Gateway.run(Setup(function, "retries: 1")) { (gateway: Gateway) async throws in
            // A hundred further calls are saved up, and each exchange earns a fifth of one.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        let client = try await gateway.connect()
                        for _ in 0..<25 {
                            try await client.send(Gateway.request())
                            #expect(try await client.answer().status == 429)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let calls = try await function.calls().count
            #expect((370...400).contains(calls), "\(calls)")
        }
    }

    @Test func `over max_concurrency there is 503, and a place again when one ends`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun"), .gate, .done, .end)
        try await Gateway.run(Setup(function, "max_concurrency: 2")) { gateway in
            var clients: [RawClient] = []
            for _ in 0..<2 { clients.append(try await gateway.begun(until: "begun")) }
            let refused = try await gateway.get()
            try expectProblem(refused, 503)
            #expect(refused["retry-after"] != nil)
            #expect(try await function.calls().count == 2)
            // One ends, one leaves: two places.
            try await function.release()
            #expect(try await clients[0].answer().end == .whole)
            clients[1].reset()
            _ = try await gateway.accessLog(lines: 3)
            try await function.release(3)
            #expect(try await gateway.get().text == "begun")
            #expect(try await gateway.get().text == "begun")
        }
    }

    @Test func `a request that is still coming in takes no place`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function, "max_concurrency: 1")) { gateway in
            let slow = try await gateway.connect()
            try await slow.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
            for _ in 0..<3 { #expect(try await gateway.get().text == "hello") }
            try await slow.send("cd")
            #expect(try await slow.answer().text == "hello")
        }
    }

    @Test func `whose body comes when the places are taken is refused then`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun"), .gate, .done, .end)
        try await Gateway.run(Setup(function, "max_concurrency: 1")) { gateway in
            let slow = try await gateway.connect()
            try await slow.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
            let running = try await gateway.begun(until: "begun")
            try await slow.send("cd")
            try expectProblem(await slow.answer(), 503)
            try await function.release(2)
            #expect(try await running.answer().end == .whole)
            // The connection is as good as before.
            try await slow.send(Gateway.request())
            #expect(try await slow.answer().text == "begun")
        }
    }
}
