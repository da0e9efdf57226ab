import Glibc
import Testing

/// Endpoints and functions that take too long, or are not there.
@Suite struct TimeoutTests {
    @Test func `no first byte in time is 504`() async throws {
        let function = try await FakeLambda.shared.function(.head, .forever)
        try await Gateway.run(Setup(function, "timeouts: { first_byte: 400ms }")) { gateway in
            try expectProblem(await gateway.get(), 504)
            #expect(try await function.wait(for: .ended)[0].end == "gone")
            #expect(try await function.calls().count == 1)
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "first_byte_timeout")
        }
    }

    @Test func `no answer at all in time is 504`() async throws {
        let function = try await FakeLambda.shared.function(.forever)
        try await Gateway.run(Setup(function, "timeouts: { first_byte: 400ms }")) { gateway in
            try expectProblem(await gateway.get(), 504)
        }
    }

    @Test func `a silent stream is broken off`() async throws {
        let function = try await FakeLambda.shared.function(.text("first"), .forever)
        try await Gateway.run(Setup(function, "timeouts: { idle: 400ms }")) { gateway in
            let answer = try await gateway.get()
            #expect(answer.text == "first")
            #expect(answer.end == .cut(.closed))
            #expect(try await function.wait(for: .ended)[0].end == "gone")
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "idle_timeout")
        }
    }

    @Test func `a stream that goes on is not broken off by the idle time`() async throws {
        let pieces = (0..<8).flatMap { _ in [Step.text("."), .pause(0.15)] }
        let function = try await FakeLambda.shared.function(calls: [pieces + [.done, .end]])
        try await Gateway.run(Setup(function, "timeouts: { idle: 1s, first_byte: 1s }")) { gateway in
            let answer = try await gateway.get()
            #expect(answer.text == "........")
            #expect(answer.end == .whole)
        }
    }

    @Test func `held bytes that stand still are 504`() async throws {
        let function = try await FakeLambda.shared.function(.text("{\"statusCode\":"), .forever)
        try await Gateway.run(Setup(function, "timeouts: { idle: 400ms }")) { gateway in
            try expectProblem(await gateway.get(), 504)
        }
    }

    @Test func `the total time breaks off a stream that is alive`() async throws {
        let pieces = (0..<100).flatMap { _ in [Step.text("."), .pause(0.05)] }
        let function = try await FakeLambda.shared.function(calls: [pieces])
        try await Gateway.run(
            Setup(function, "timeouts: { total: 600ms, idle: 500ms, first_byte: 500ms, connect: 500ms }")
        ) { gateway in
            let answer = try await gateway.get()
            #expect(answer.text.hasPrefix("."))
            #expect(answer.end == .cut(.closed))
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "total_timeout")
        }
    }

    @Test func `the total time counts over all tries`() async throws {
        let function = try await FakeLambda.shared.function(
            .answer(429, ["x-amzn-errortype": "TooManyRequestsException", "Retry-After": "5"], "{}"))
        try await Gateway.run(
            Setup(function, "retries: 5, timeouts: { total: 1s, idle: 1s, first_byte: 1s, connect: 1s }")
        ) { gateway in
            let status = try await gateway.get().status
            #expect(status == 429 || status == 504)
        }
        #expect(try await function.calls().count == 1)
    }

    @Test func `an endpoint where nobody listens is 502, after retries`() async throws {
        let port = try ReservedPort()
        var setup = try Setup(await FakeLambda.shared)
        setup.aws = "{ region: eu-west-1, endpoint: \"http://127.0.0.1:\(port.number)\" }"
        setup.functions = [("main", "{ function: nobody, retries: 2 }")]
        setup.routes = ["{ path: /*, function: main }"]
        try await Gateway.run(setup) { gateway in
            try expectProblem(await gateway.get(), 502)
            #expect(try await gateway.accessLog(lines: 1)[0]["attempts"] == 3)
        }
    }

    @Test func `an endpoint that appears between two tries answers`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let port = try await function.lambda.ask(["do": "late"])["port"]?.int ?? 0
        var setup = try Setup(function, "retries: 10")
        setup.aws = "{ region: eu-west-1, endpoint: \"http://127.0.0.1:\(port)\" }"
        try await Gateway.run(setup) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            _ = try await eventually("a first try has failed") { gateway.log.contains("call failed") ? true : nil }
            _ = try await function.lambda.ask(["do": "listen", "port": .number(Double(port))])
            #expect(try await client.answer().text == "hello")
        }
        #expect(try await function.calls().count == 1)
    }

    @Test func `an error that does not end is no first byte`() async throws {
        let stalled: [Step] = [
            .plain(503, ["x-amzn-errortype": "ServiceException"]), .raw(Array(#"{"message":"#.utf8)), .forever,
        ]
        let lambda = try await FakeLambda.shared
        let function = try await lambda.function(calls: [stalled])
        let other = try await lambda.function(.text("stand-in"), .done, .end)
        var setup = try Setup(lambda)
        let keys = "timeouts: { first_byte: 400ms, idle: 60s }"
        setup.add(function, as: "alone", keys)
        setup.add(function, as: "helped", "fallback: other, \(keys)")
        setup.add(other, as: "other")
        setup.routes = ["{ path: /alone, function: alone }", "{ path: /helped, function: helped }"]
        try await Gateway.run(setup) { gateway in
            try expectProblem(await gateway.get("/alone"), 504)
            #expect(try await gateway.get("/helped").text == "stand-in")
            #expect(try await gateway.accessLog(lines: 2)[0]["end"] == "first_byte_timeout")
        }
    }

    @Test func `an endpoint that takes no connection is 504 after the connect time`() async throws {
        let lambda = try await FakeLambda.shared
        let port = try await lambda.silentPort()
        var setup = try Setup(lambda)
        setup.aws = "{ region: eu-west-1, endpoint: \"http://127.0.0.1:\(port)\" }"
        setup.functions = [("main", "{ function: nobody, timeouts: { connect: 300ms } }")]
        setup.routes = ["{ path: /*, function: main }"]
        try await Gateway.run(setup) { gateway in
            try expectProblem(await gateway.get(), 504)
            let line = try await gateway.accessLog(lines: 1)[0]
            #expect(line["end"] == "connect_timeout")
            #expect(line["attempts"] == 3)
        }
    }

    @Test func `an endpoint that does not shake hands is tried again, no longer than for a first byte`() async throws {
        let lambda = try await FakeLambda.shared
        let other = try await lambda.function(.answer(200, [:], "stand-in"))
        // Its connections come about, and nobody is there to speak on them.
        let port = try ReservedPort(listens: true)
        var setup = try Setup(lambda)
        setup.aws = "{ region: eu-west-1, endpoint: \"https://127.0.0.1:\(port.number)\" }"
        let keys = "function: nobody, retries: 9, timeouts: { connect: 400ms, first_byte: 1s }"
        setup.functions = [
            ("alone", "{ \(keys) }"), ("helped", "{ \(keys), fallback: other }"),
            ("other", "{ url: \"http://127.0.0.1:\(lambda.port)/\(other.name)\" }"),
        ]
        setup.routes = ["{ path: /alone, function: alone }", "{ path: /helped, function: helped }"]
        try await Gateway.run(setup) { gateway in
            try expectProblem(await gateway.get("/alone"), 504)
            #expect(try await gateway.get("/helped").text == "stand-in")
            let lines = try await gateway.accessLog(lines: 2)
            #expect(lines[0]["end"] == "connect_timeout")
            #expect((2...3).contains(lines[0]["attempts"]?.int ?? 0))
        }
    }

    @Test func `an endpoint whose name does not exist is 502`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.aws = "{ region: eu-west-1, endpoint: \"http://nobody.invalid\" }"
        setup.functions = [("main", "{ function: nobody, retries: 0 }")]
        setup.routes = ["{ path: /*, function: main }"]
        try await Gateway.run(setup) { gateway in
            try expectProblem(await gateway.get(), 502)
        }
    }

    @Test func `without keys there is 502 and a line that says what to do`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        setup.environment["AWS_ACCESS_KEY_ID"] = nil
        setup.environment["AWS_SECRET_ACCESS_KEY"] = nil
        setup.environment["AWS_EC2_METADATA_DISABLED"] = "true"
        try await Gateway.run(setup) { gateway in
            try expectProblem(await gateway.get(), 502)
            try await gateway.logs("AWS_ACCESS_KEY_ID")
        }
        #expect(try await function.calls().isEmpty)
    }
}

/// A port that is bound, so that nobody else gets it. Connecting to it is refused, unless it listens; then nothing is
/// ever said there.
final class ReservedPort {
    let number: Int
    private let descriptor: Int32

    init(listens: Bool = false) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard result, !listens || listen(descriptor, 64) == 0 else { throw HarnessError("no port") }
        self.number = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit {
        close(self.descriptor)
    }
}
