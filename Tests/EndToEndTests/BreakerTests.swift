import Testing

/// The circuit breaker: what opens it, what does not, and how it closes.
@Suite struct BreakerTests {
    private static let hello: [Step] = [.text("hello"), .done, .end]
    private static let failure: [Step] = [.complete(["ErrorCode": "Unhandled"]), .end]
    private static let throttle = Step.answer(429, ["x-amzn-errortype": "TooManyRequestsException"], "{}")

    @Test func `a function that fails again and again is left alone, then tried`() async throws {
        let failures = [Self.failure, Self.failure, Self.failure]
        let function = try await FakeLambda.shared.function(calls: failures + [Self.hello])
        try await Gateway.run(Setup(function, "circuit_breaker: { failures: 2, open_for: 700ms }")) { gateway in
            for _ in 0..<2 { try expectProblem(try await gateway.get("/"), 502) }
            let open = try await gateway.get("/")
            try expectProblem(open, 503)
            #expect(open["retry-after"] == "1")
            #expect(try await function.calls().count == 2)
            try await Task.sleep(for: .milliseconds(800))
            // The probe fails, and it is open again; the next one does not.
            try expectProblem(try await gateway.get("/"), 502)
            try expectProblem(try await gateway.get("/"), 503)
            try await Task.sleep(for: .milliseconds(800))
            for _ in 0..<3 { #expect(try await gateway.get("/").text == "hello") }
            #expect(try await function.calls().count == 6)
            let ends = try await gateway.accessLog(lines: 8).map { $0["end"]?.string }
            #expect(ends.filter { $0 == "circuit_open" }.count == 2)
        }
    }

    @Test(arguments: [502, 503, 504]) func `a server that nobody is behind is left alone`(status: Int) async throws {
        let bad: [Step] = [.answer(status, ["x-own": "1"], "theirs")]
        let function = try await FakeLambda.shared.function(calls: [bad, bad, [.answer(200, [:], "hello")]])
        try await Gateway.run(Setup(url: function, "circuit_breaker: { failures: 2, open_for: 700ms }")) { gateway in
            for _ in 0..<2 {
                // Its answer goes on as it is.
                let answer = try await gateway.get("/")
                #expect(answer.status == status)
                #expect(answer.text == "theirs")
                #expect(answer["x-own"] == "1")
            }
            try expectProblem(try await gateway.get("/"), 503)
            #expect(try await function.calls().count == 2)
            try await Task.sleep(for: .milliseconds(800))
            for _ in 0..<3 { #expect(try await gateway.get("/").text == "hello") }
            let ends = try await gateway.accessLog(lines: 6).map { $0["end"]?.string }
            #expect(ends.filter { $0 == "circuit_open" }.count == 1)
        }
    }

    @Test(arguments: [429, 500, 501, 404]) func `other answers of a server open nothing`(status: Int) async throws {
        let function = try await FakeLambda.shared.function(.answer(status, [:], "theirs"))
        try await Gateway.run(Setup(url: function, "circuit_breaker: { failures: 1 }")) {
            (gateway: Gateway) async throws in
            for _ in 0..<3 { #expect(try await gateway.get("/").status == status) }
            #expect(try await function.calls().count == 3)
        }
    }

    @Test func `a server that asks for fewer requests counts as failed where another one stands in`() async throws {
        let lambda = try await FakeLambda.shared
        let function = try await lambda.function(.answer(503))
        let other = try await lambda.function(calls: [Self.hello])
        var setup = try Setup(url: function, "fallback: other, circuit_breaker: { failures: 2 }")
        setup.add(other, as: "other")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            for _ in 0..<4 { #expect(try await gateway.get("/").text == "hello") }
            #expect(try await function.calls().count == 2)
        }
    }

    @Test func `a throttle opens nothing`() async throws {
        let function = try await FakeLambda.shared.function(Self.throttle)
        try await Gateway.run(Setup(function, "retries: 0, circuit_breaker: { failures: 1 }")) { gateway in
            for _ in 0..<3 { try expectProblem(try await gateway.get("/"), 429) }
            #expect(try await function.calls().count == 3)
        }
    }

    /// What a function does with each call, whether that opens its breaker, and further keys.
    static let verdicts: [(steps: [Step], opens: Bool, keys: String)] = [
        ([.answer(403, ["x-amzn-errortype": "AccessDeniedException"], "{}")], true, ""),
        ([.answer(404, ["x-amzn-errortype": "ResourceNotFoundException"], "{}")], true, ""),
        ([.answer(500, ["x-amzn-errortype": "ServiceException"], "{}")], true, ""),
        ([.answer(200, ["X-Amz-Function-Error": "Unhandled"], "{}")], true, ", invoke: buffered"),
        ([.text("no prelude"), .done, .end], true, ", response: prelude"), ([.close], true, ""),
        ([.forever], true, ", timeouts: { first_byte: 300ms }"),
        ([.answer(400, ["x-amzn-errortype": "InvalidRequestContentException"], "{}")], false, ""),
        ([.answer(413, ["x-amzn-errortype": "RequestTooLargeException"], "{}")], false, ""),
        ([.answer(415, ["x-amzn-errortype": "UnsupportedMediaTypeException"], "{}")], false, ""),
        ([.answer(502, ["x-amzn-errortype": "EC2ThrottledException"], "{}")], false, ""),
        ([.prelude(#"{"statusCode":503}"#), .done, .end], false, ""),
        (
            [.text("begun"), .forever], false,
            ", timeouts: { idle: 400ms, first_byte: 400ms, connect: 400ms, total: 400ms }"
        ),
    ]

    @Test(arguments: Self.verdicts)
    func `what a function does is a failure or is none`(steps: [Step], opens: Bool, keys: String) async throws {
        let function = try await FakeLambda.shared.function(calls: [steps])
        let setup = try Setup(function, "retries: 0, circuit_breaker: { failures: 1 }\(keys)")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            for _ in 0..<2 { _ = try await gateway.get("/") }
            let ends = try await gateway.accessLog(lines: 2).map { $0["end"]?.string }
            #expect((ends[1] == "circuit_open") == opens, "\(ends)")
            #expect(try await function.calls().count == (opens ? 1 : 2))
        }
    }

    // When the answer has begun.

    @Test(
        arguments: [
            [.text("begun"), .complete(["ErrorCode": "Unhandled"]), .end], [.text("begun"), .close],
            [.text("begun"), .damaged(.message, Array("x".utf8)), .end], [.text("begun"), .end],
            [.text("begun"), .forever],
        ] as [[Step]])
    func `a function that fails in the middle of its answers is left alone too`(steps: [Step]) async throws {
        let function = try await FakeLambda.shared.function(calls: [steps])
        let keys = "response: raw, timeouts: { idle: 300ms }, circuit_breaker: { failures: 3 }"
        try await Gateway.run(Setup(function, keys)) { (gateway: Gateway) async throws in
            for _ in 0..<3 {
                let answer = try await gateway.get("/")
                #expect(answer.status == 200)
                #expect(answer.end != .whole)
            }
            try expectProblem(try await gateway.get("/"), 503)
            #expect(try await function.calls().count == 3)
        }
    }

    @Test func `a call fails once, however its answer ends`() async throws {
        // A gateway failure whose body is cut, and one that a client does not wait for.
        let cut: [Step] = [.plain(502), .raw(Array("theirs".utf8)), .close]
        let whole: [Step] = [.plain(502), .raw(Array("theirs".utf8)), .end]
        let function = try await FakeLambda.shared.function(calls: [cut, whole, [.answer(200, [:], "hello")]])
        try await Gateway.run(Setup(url: function, "circuit_breaker: { failures: 2 }")) {
            (gateway: Gateway) async throws in
            #expect(try await gateway.get("/").status == 502)
            let second = try await gateway.get("/")
            #expect(second.text == "theirs")
            try expectProblem(try await gateway.get("/"), 503)
            #expect(try await function.calls().count == 2)
        }
    }

    @Test func `a failure counts until an answer has ended well`() async throws {
        let begun: [Step] = [.text("begun"), .gate, .done, .end]
        let function = try await FakeLambda.shared.function(calls: [begun, Self.failure, Self.failure, Self.hello])
        try await Gateway.run(Setup(function, "circuit_breaker: { failures: 2 }")) { gateway in
            // A call that was under way says how it went when it is over, and only then.
            let running = try await gateway.begun(until: "begun")
            defer { running.close() }
            try expectProblem(try await gateway.get("/"), 502)
            try await function.release()
            #expect(try await running.answer().end == .whole)
            try expectProblem(try await gateway.get("/"), 502)
            #expect(try await gateway.get("/").text == "hello")
        }
    }

    @Test func `a client that leaves says nothing of the function`() async throws {
        let begun: [Step] = [.text("begun"), .forever]
        let function = try await FakeLambda.shared.function(calls: [Self.failure, begun, [.forever], Self.failure])
        try await Gateway.run(Setup(function, "circuit_breaker: { failures: 2 }")) { gateway in
            try expectProblem(try await gateway.get("/"), 502)
            for count in 2...3 {
                let client = try await gateway.connect()
                try await client.send(Gateway.request())
                if count == 2 { _ = try await client.body(holding: "begun") }
                try await function.wait(for: .calls, count)
                client.close()
                _ = try await gateway.accessLog(lines: count)
            }
            try expectProblem(try await gateway.get("/"), 502)
            try expectProblem(try await gateway.get("/"), 503)
            #expect(try await function.calls().count == 4)
        }
    }

    // The probe.

    @Test func `a probe that begins to answer lets the others in`() async throws {
        let begun: [Step] = [.text("begun"), .gate, .done, .end]
        let function = try await FakeLambda.shared.function(calls: [Self.failure, begun, Self.hello])
        try await Gateway.run(Setup(function, "circuit_breaker: { failures: 1, open_for: 300ms }")) { gateway in
            try expectProblem(try await gateway.get("/"), 502)
            try await Task.sleep(for: .milliseconds(400))
            let probe = try await gateway.begun(until: "begun")
            defer { probe.close() }
            #expect(try await gateway.get("/").text == "hello")
            try await function.release()
            #expect(try await probe.answer().end == .whole)
        }
    }

    @Test func `a probe whose client leaves makes room for another`() async throws {
        let function = try await FakeLambda.shared.function(calls: [Self.failure, [.forever], Self.hello])
        try await Gateway.run(Setup(function, "circuit_breaker: { failures: 1, open_for: 300ms }")) { gateway in
            try expectProblem(try await gateway.get("/"), 502)
            try await Task.sleep(for: .milliseconds(400))
            let probe = try await gateway.connect()
            try await probe.send(Gateway.request())
            try await function.wait(for: .calls, 2)
            try expectProblem(try await gateway.get("/"), 503)
            probe.close()
            _ = try await gateway.accessLog(lines: 3)
            for _ in 0..<2 { #expect(try await gateway.get("/").text == "hello") }
        }
    }

    // Retries.

    @Test func `a call that opens it is not made again`() async throws {
        let lambda = try await FakeLambda.shared
        let other = try await lambda.function(.answer(200, [:], "stand-in"))
        var setup = try Setup(lambda)
        setup.aws = "{ region: eu-west-1, endpoint: \"http://127.0.0.1:1\" }"
        let keys = "function: nobody, retries: 2, circuit_breaker: { failures: 2 }"
        setup.functions = [
            ("alone", "{ \(keys) }"), ("helped", "{ \(keys), fallback: other }"),
            ("other", "{ url: \"http://127.0.0.1:\(lambda.port)/\(other.name)\" }"),
        ]
        setup.routes = ["{ path: /alone, function: alone }", "{ path: /helped, function: helped }"]
        try await Gateway.run(setup) { gateway in
            try expectProblem(try await gateway.get("/alone"), 503)
            #expect(try await gateway.get("/helped").text == "stand-in")
            let lines = try await gateway.accessLog(lines: 2)
            #expect(lines[0]["end"] == "circuit_open")
            #expect(lines.map { $0["attempts"]?.int } == [2, 3])
        }
    }
}
