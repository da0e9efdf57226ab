import Glibc
import Testing

/// TERM: what runs is finished, what is new is refused, and the exit status is 0.
@Suite struct DrainTests {
    private func begun(_ gateway: Gateway, _ request: String = Gateway.request()) async throws -> RawClient {
        try await gateway.begun(request, until: "begun ")
    }

    private func function() async throws -> FakeFunction {
        try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a running stream finishes, idle connections close, new ones are refused`(_ signal: Int32) async throws {
        let function = try await self.function()
        var setup = try Setup(function)
        setup.drainTimeout = "30s"
        setup.routes.append("{ path: /fixed, respond: { body: fixed } }")
        try await Gateway.run(setup) { gateway in
            let idle = try await gateway.connect()
            try await idle.send(Gateway.request("/fixed"))
            #expect(try await idle.answer().text == "fixed")
            let running = try await self.begun(gateway)
            gateway.child.signal(signal)
            #expect(try await idle.ending() == .closed)
            await #expect(throws: RawClient.ConnectError.self) { try await gateway.connect() }
            #expect(gateway.child.end == nil)
            try await function.release()
            let answer = try await running.answer()
            #expect(answer.text == "begun ended")
            #expect(answer.end == .whole)
            #expect(try await running.ending() == .closed)
            #expect(try await gateway.child.ended() == .exited(0))
            #expect(gateway.accessLog.count == 2)
        }
    }

    @Test func `without anything running it is over at once`() async throws {
        var setup = try Setup(await self.function())
        setup.drainTimeout = "900s"
        try await Gateway.run(setup) { gateway in
            gateway.child.signal(SIGTERM)
            let end = try await gateway.child.ended(within: .seconds(10))
            #expect(end == .exited(0))
        }
    }

    @Test func `a second signal cuts what runs`() async throws {
        let function = try await self.function()
        var setup = try Setup(function)
        setup.drainTimeout = "900s"
        try await Gateway.run(setup) { gateway in
            let modern = try await self.begun(gateway)
            let old = try await self.begun(gateway, "GET / HTTP/1.0\r\n\r\n")
            gateway.child.signal(SIGTERM)
            _ = try await eventually("it drains") { gateway.log.contains("draining") ? true : nil }
            gateway.child.signal(SIGTERM)
            #expect(try await modern.answer().end == .cut(.closed))
            #expect(try await old.answer().end == .cut(.reset))
            #expect(try await gateway.child.ended() == .exited(0))
            #expect(gateway.accessLog.map { $0["end"] } == ["cut", "cut"])
            try await gateway.logs("exchanges=2 [Gateway] exchanges were cut")
            #expect(gateway.log.contains("told to end at once"))
            #expect(!gateway.log.contains("the time for draining is over"))
        }
    }

    @Test func `after drain_timeout what still runs is cut`() async throws {
        let function = try await self.function()
        var setup = try Setup(function)
        setup.drainTimeout = "500ms"
        try await Gateway.run(setup) { gateway in
            let running = try await self.begun(gateway)
            gateway.child.signal(SIGTERM)
            #expect(try await running.answer().end == .cut(.closed))
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    @Test func `a call that has not answered yet is waited for, and its connection closed`() async throws {
        let function = try await FakeLambda.shared.function(.gate, .text("late"), .done, .end)
        var setup = try Setup(function)
        setup.drainTimeout = "30s"
        try await Gateway.run(setup) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            try await function.wait(for: .gated)
            gateway.child.signal(SIGTERM)
            _ = try await eventually("it drains") { gateway.log.contains("draining") ? true : nil }
            try await function.release()
            let answer = try await client.answer()
            #expect(answer.text == "late")
            #expect(answer["connection"] == "close")
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    /// The function has ended, but its last bytes wait in the gateway for a client that has not read yet. At which
    /// length the kernel's buffer is full is its own affair, so there are several.
    @Test(arguments: [120_000, 150_000, 180_000, 210_000, 240_000, 270_000])
    func `bytes that wait for a slow client are not lost`(_ count: Int) async throws {
        let function = try await FakeLambda.shared.function(.bulk(count, seed: 9, piece: 60_000), .done, .end)
        var setup = try Setup(function, "response: raw")
        let path = setup.folder.path("s")
        setup.listeners = ["unix:\(path)"]
        setup.drainTimeout = "30s"
        try await Gateway.run(setup) { gateway in
            let client = try await RawClient(unixSocket: path)
            try await client.send(Gateway.request())
            try await function.wait(for: .ended)
            try await Task.sleep(for: .milliseconds(100))
            gateway.child.signal(SIGTERM)
            _ = try await eventually("it drains") { gateway.log.contains("draining") ? true : nil }
            try await Task.sleep(for: .milliseconds(200))
            let answer = try await client.answer()
            #expect(answer.body.count == count)
            #expect(answer.end == .whole)
            client.close()
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    @Test func `a client of a unix socket that does not read what it was sent keeps nobody waiting`() async throws {
        var setup = try Setup(await self.function())
        let path = setup.folder.path("s")
        setup.listeners = ["unix:\(path)"]
        setup.drainTimeout = "30s"
        setup.routes.append("{ path: /fixed, respond: { body: fixed } }")
        try await Gateway.run(setup) { gateway in
            let client = try await RawClient(unixSocket: path)
            try await client.send("GET /fixed HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            _ = try await gateway.accessLog(lines: 1)
            gateway.child.signal(SIGTERM)
            #expect(try await gateway.child.ended(within: .seconds(12)) == .exited(0))
            #expect(try await client.answer().end == .whole)
        }
    }

    /// The process is stopped while a client connects and asks, and finds request and signal together when it goes on.
    @Test func `a request that was sent before the signal is answered`() async throws {
        var setup = try Setup(await self.function())
        setup.drainTimeout = "30s"
        setup.routes.append("{ path: /fixed, respond: { body: fixed } }")
        try await Gateway.run(setup) { gateway in
            let kept = try await gateway.connect()
            try await kept.send(Gateway.request("/fixed"))
            #expect(try await kept.answer().text == "fixed")
            gateway.child.signal(SIGSTOP)
            let fresh = try await gateway.connect()
            try await fresh.send(Gateway.request("/fixed"))
            try await kept.send(Gateway.request("/fixed"))
            gateway.child.signal(SIGTERM)
            gateway.child.signal(SIGCONT)
            #expect(try await fresh.answer().text == "fixed")
            #expect(try await kept.answer().text == "fixed")
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    @Test func `drain_delay goes on accepting for a while`() async throws {
        var setup = try Setup(await self.function())
        setup.routes.append("{ path: /fixed, respond: { body: fixed } }")
        setup.more = "drain_delay: 1500ms"
        try await Gateway.run(setup) { gateway in
            gateway.child.signal(SIGTERM)
            _ = try await eventually("it has heard") { gateway.log.contains("draining after a delay") ? true : nil }
            #expect(try await gateway.get("/fixed").text == "fixed")
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    @Test(arguments: [SIGHUP, SIGUSR1, SIGPIPE])
    func `other signals end nothing`(_ signal: Int32) async throws {
        let function = try await self.function()
        try await Gateway.run(Setup(function)) { gateway in
            let running = try await self.begun(gateway)
            gateway.child.signal(signal)
            try await Task.sleep(for: .milliseconds(100))
            try await function.release()
            #expect(try await running.answer().text == "begun ended")
            #expect(gateway.child.end == nil)
        }
    }

    @Test func `under steady load every request is answered whole or refused`() async throws {
        let lambda = try await FakeLambda.shared
        let slow = try await lambda.function(
            .text("a"), .pause(0.3), .text("b"), .pause(0.3), .text("c"), .done, .end)
        let bulk = try await lambda.function(.bulk(400_000, seed: 3, piece: 30_000), .done, .end)
        let gated = try await self.function()
        var setup = try Setup(lambda)
        setup.workers = 2
        setup.drainTimeout = "30s"
        setup.add(slow, as: "slow")
        setup.add(bulk, as: "bulk")
        setup.add(gated, as: "gated")
        setup.routes = [
            "{ path: /fixed, respond: { body: fixed } }", "{ path: /slow, function: slow }",
            "{ path: /bulk, function: bulk }", "{ path: /gated, function: gated }",
        ]
        try await Gateway.run(setup) { gateway in
            let open = try await self.begun(gateway, Gateway.request("/gated"))
            let load = try await SteadyLoad(
                on: "127.0.0.1:\(gateway.port)",
                [
                    "fresh:/fixed", "kept:/fixed", "fresh:/bulk", "kept:/bulk", "fresh:/slow", "kept:/slow",
                    "kept:/slow",
                ])
            try await Task.sleep(for: .milliseconds(700))
            gateway.child.signal(SIGTERM)
            try await Task.sleep(for: .milliseconds(1500))
            let outcome = try await load.end()
            #expect(outcome.broken == 0, "\(outcome.faults)")
            #expect(outcome.answers > 0)
            for (path, digests) in outcome.digests { #expect(digests.count == 1, "bodies of \(path)") }
            #expect(gateway.child.end == nil)
            try await gated.release()
            #expect(try await open.answer().text == "begun ended")
            #expect(try await gateway.child.ended() == .exited(0))
            #expect(Set(gateway.accessLog.map { $0["end"]?.string }) == ["complete"])
        }
    }

    /// Standard output is a pipe that is full and that nobody reads.
    @Test func `a log that nobody takes does not keep it from ending`() async throws {
        var setup = try Setup(await self.function())
        setup.routes = ["{ path: /*, respond: { body: fixed } }"]
        let path = setup.folder.path("sluice.out")
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDWR | O_CLOEXEC)
        defer { close(reader) }
        try await Gateway.run(setup, drains: false) { gateway in
            let client = try await gateway.connect()
            try await client.send(String(repeating: Gateway.request("/fixed"), count: 1000))
            for _ in 0..<1000 { #expect(try await client.answer().text == "fixed") }
            gateway.child.signal(SIGTERM)
            #expect(try await gateway.child.ended(within: .seconds(15)) == .exited(0))
        }
    }
}
