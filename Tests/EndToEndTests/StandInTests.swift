import Testing

/// Whom a call goes to where the function itself can not take it: the rows of docs/invoking.md that `FailureTableTests`
/// has not, from the client to the stand-in.
@Suite struct StandInTests {
    private static let throttle: [Step] = [.answer(429, ["x-amzn-errortype": "TooManyRequestsException"], "{}")]
    private static let failure: [Step] = [.complete(["ErrorCode": "Unhandled"]), .end]
    private static let held: [Step] = [.gate, .text("first"), .done, .end]

    /// A gateway for a function with these keys and scripts, and one that stands in for it.
    private func run(
        _ keys: String, _ calls: [[Step]], _ body: (Gateway, FakeFunction, FakeFunction) async throws -> Void
    ) async throws {
        let lambda = try await FakeLambda.shared
        let first = try await lambda.function(calls: calls)
        let second = try await lambda.function(.text("second"), .done, .end)
        var setup = try Setup(lambda)
        setup.add(first, as: "first", "fallback: second, retries: 0, \(keys)")
        setup.add(second, as: "second")
        setup.routes = ["{ path: /*, function: first }"]
        try await Gateway.run(setup) { gateway in try await body(gateway, first, second) }
    }

    @Test func `a function of another region is called there`() async throws {
        let lambda = try await FakeLambda.shared
        let first = try await lambda.function(calls: [Self.throttle])
        let second = try await lambda.function(.text("second"), .done, .end)
        var setup = try Setup(lambda)
        setup.add(first, as: "first", "fallback: second, retries: 0")
        let arn = "arn:aws:lambda:eu-central-1:123456789012:function:\(second.name)"
        setup.functions.append(("second", "{ function: \"\(arn)\" }"))
        setup.routes = ["{ path: /*, function: first }"]
        try await Gateway.run(setup) { gateway in
            #expect(try await gateway.get("/", method: "POST", body: "hi").text == "second")
            let (refused, taken) = (try await first.calls()[0], try await second.calls()[0])
            #expect(refused.header("authorization")?.contains("/eu-west-1/lambda/") == true)
            #expect(taken.header("authorization")?.contains("/eu-central-1/lambda/") == true)
            #expect(taken.target.contains("arn%3Aaws%3Alambda%3Aeu-central-1"))
            #expect(taken.signature == nil)
        }
    }

    @Test func `who finds the line full goes to the stand-in`() async throws {
        try await self.run("max_concurrency: 1, queue: { size: 1, timeout: 20s }", [Self.held]) {
            gateway, first, second in
            let running = try await gateway.connect()
            try await running.send(Gateway.request())
            try await first.wait(for: .gated)
            let waiting = try await gateway.connect()
            try await waiting.send(Gateway.request())
            // It stands in line once a further one finds no place there.
            _ = try await eventually("the line is full") {
                try await gateway.get("/").text == "second" ? true : nil
            }
            try await first.release(2)
            for client in [running, waiting] {
                #expect(try await client.answer().text == "first")
                client.close()
            }
            #expect(try await second.calls().isEmpty == false)
        }
    }

    @Test func `who waits in the line for too long goes to the stand-in`() async throws {
        try await self.run("max_concurrency: 1, queue: { size: 1, timeout: 300ms }", [Self.held]) {
            gateway, first, second in
            let running = try await gateway.connect()
            defer { running.close() }
            try await running.send(Gateway.request())
            try await first.wait(for: .gated)
            #expect(try await gateway.get("/").text == "second")
            #expect(try await second.calls().count == 1)
            try await first.release()
            #expect(try await running.answer().text == "first")
            #expect(try await first.calls().count == 1)
        }
    }

    @Test func `while a function is left alone its stand-in is called`() async throws {
        try await self.run("circuit_breaker: { failures: 1 }", [Self.failure]) { gateway, first, second in
            // Nobody stands in for a function that has run.
            try expectProblem(try await gateway.get("/"), 502)
            for _ in 0..<3 { #expect(try await gateway.get("/").text == "second") }
            #expect(try await first.calls().count == 1)
            let lines = try await gateway.accessLog(lines: 4)
            #expect(lines.map { $0["function"] } == ["first", "second", "second", "second"])
            #expect(lines.map { $0["attempts"]?.int } == [1, 1, 1, 1])
        }
    }

    @Test func `a stand-in has a stand-in, and its own retries`() async throws {
        let lambda = try await FakeLambda.shared
        let functions = [
            try await lambda.function(calls: [Self.throttle]), try await lambda.function(calls: [Self.throttle]),
            try await lambda.function(.text("third"), .done, .end),
        ]
        var setup = try Setup(lambda)
        setup.add(functions[0], as: "first", "fallback: second, retries: 0")
        setup.add(functions[1], as: "second", "fallback: third, retries: 2, event: v1")
        setup.add(functions[2], as: "third", "event: alb")
        setup.routes = ["{ path: /*, function: first }"]
        try await Gateway.run(setup) { gateway in
            let answer = try await gateway.get("/", ["Content-Type: text/plain"], method: "POST", body: "hi")
            #expect(answer.text == "third")
            var counts: [Int] = []
            for function in functions { counts.append(try await function.calls().count) }
            #expect(counts == [1, 3, 1])
            #expect(try await functions[2].calls()[0].event["requestContext"]?["elb"] != nil)
            let line = try await gateway.accessLog(lines: 1)[0]
            #expect(line["function"] == "third")
            #expect(line["attempts"] == 5)
        }
    }
}
