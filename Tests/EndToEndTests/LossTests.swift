import Foundation
import Glibc
import Testing

/// What is taken away from a running gateway: processes behind it in the middle of their answers, room for its log,
/// descriptors. Who has lost something hears of it, and all others go on.
@Suite struct LossTests {
    /// Begins a request on a connection of its own, and waits for the first piece of its answer.
    private func begin(
        _ path: String, on gateway: Gateway, until piece: String
    ) async throws -> (client: RawClient, text: String) {
        let client = try await gateway.connect()
        try await client.send(Gateway.request(path))
        return (client, try await client.body(holding: piece).text)
    }

    @Test func `a local function that is killed breaks its own answer alone`() async throws {
        try await Tool.checkPython()
        var setup = try Setup(await FakeLambda.shared)
        setup.aws = "{ }"
        let command = "[\"\(Support.python)\", \"\(Support.file("local_function.py"))\", one]"
        setup.functions = [(name: "one", keys: "{ local: { command: \(command), concurrency: 4 } }")]
        setup.routes = ["{ path: /*, function: one }"]
        setup.workers = 2
        try await Gateway.run(setup) { gateway in
            let load = try await SteadyLoad(on: "127.0.0.1:\(gateway.port)", ["kept:/named"])
            for _ in 0..<2 {
                // They take eight seconds, so that all three run still when one is killed.
                var running: [(client: RawClient, text: String)] = []
                for _ in 0..<3 { running.append(try await self.begin("/slower", on: gateway, until: "one ")) }
                let processes = running.compactMap { pid_t($0.text.dropFirst(4)) }
                #expect(Set(processes).count == 3)
                kill(try #require(processes.first), SIGKILL)
                #expect(try await running[0].client.answer().end == .cut(.closed))
                for (client, text) in running.dropFirst() {
                    let answer = try await client.answer()
                    #expect(answer.text == text + " ended")
                    #expect(answer.end == .whole)
                }
            }
            // It is started anew, and nobody else has noticed.
            #expect(try await gateway.get("/named").text == "one")
            let outcome = try await load.end()
            #expect(outcome.broken == 0, "\(outcome.faults)")
            #expect(outcome.answers > 0)
            let ends = try await gateway.accessLog(lines: 10).compactMap { $0["end"]?.string }
            #expect(ends.filter { $0 == "function_error" }.count == 2, "\(ends)")
        }
    }

    /// As functions of the Lambda API, and as servers that requests are forwarded to.
    @Test(arguments: [false, true])
    func `an upstream that is killed breaks its own answers alone`(isServer: Bool) async throws {
        let doomed = try await FakeLambda()
        let steps: [Step] =
            isServer
            ? [.plain(200, [:]), .raw(Array("first".utf8)), .gate, .end] : [.text("first"), .gate, .done, .end]
        let lost = try await doomed.function(calls: [steps])
        let other = try await FakeLambda.shared.function(.text("first"), .pause(1.5), .text(" last"), .done, .end)
        let brief = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(other.lambda)
        // With the API all of its functions are gone.
        if isServer {
            setup.functions = [
                (
                    "lost",
                    "{ url: \"http://127.0.0.1:\(doomed.port)/\(lost.name)\", retries: 0, timeouts: { connect: 1s } }"
                )
            ]
            setup.add(other, as: "other")
            setup.add(brief, as: "brief")
            setup.routes = [
                "{ path: /lost, function: lost }", "{ path: /other, function: other }",
                "{ path: /brief, function: brief }",
            ]
        } else {
            setup = try Setup(doomed)
            setup.add(lost, as: "lost", "retries: 0")
            setup.routes = ["{ path: /lost, function: lost }", "{ path: /brief, respond: { body: hello } }"]
        }
        setup.workers = 2
        try await Gateway.run(setup) { gateway in
            let load = try await SteadyLoad(on: "127.0.0.1:\(gateway.port)", ["kept:/brief", "fresh:/brief"])
            var running: [(client: RawClient, text: String)] = []
            for _ in 0..<5 { running.append(try await self.begin("/lost", on: gateway, until: "first")) }
            let unharmed = isServer ? try await self.begin("/other", on: gateway, until: "first") : nil
            try await doomed.kill()
            for (client, _) in running {
                let answer = try await client.answer()
                #expect(answer.text == "first")
                #expect(answer.end == .cut(.closed))
            }
            // There is nobody any more, and the gateway says so at once.
            try expectProblem(try await gateway.get("/lost"), 502)
            if let unharmed {
                let answer = try await unharmed.client.answer()
                #expect(answer.text == "first last")
                #expect(answer.end == .whole)
            }
            try await load.expectNoLoss()
        }
    }

    @Test func `a disk that is full costs a busy gateway lines and no request`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        setup.more = "access_log: { output: /dev/full }\nadmin: { address: \"unix:admin\" }"
        setup.workers = 2
        try await Gateway.run(setup) { gateway in
            let load = try await SteadyLoad(
                on: "127.0.0.1:\(gateway.port)", ["kept:/a", "kept:/b", "fresh:/c", "fresh:/d"])
            _ = try await eventually("lines are dropped and counted") {
                let page = try await Tool.curl("--unix-socket", gateway.folder.path("admin"), "http://a/metrics").output
                let line = page.split(separator: "\n").first { $0.hasPrefix("sluice_log_dropped_bytes_total ") }
                return (line?.split(separator: " ").last.flatMap { Int($0) } ?? 0) > 20_000 ? true : nil
            }
            try await load.expectNoLoss()
        }
    }

    @Test func `streams go on where descriptors run out, and calls are made again afterwards`() async throws {
        let streaming = try await FakeLambda.shared.function(.text("first"), .gate, .text(" last"), .done, .end)
        let brief = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(streaming.lambda)
        setup.add(streaming, as: "streaming")
        setup.add(brief, as: "brief", "retries: 0")
        setup.routes = ["{ path: /streaming, function: streaming }", "{ path: /brief, function: brief }"]
        setup.limits = "connections: 1000"
        setup.launcher = ("/bin/sh", ["-c", "ulimit -n 48; exec \"$0\" \"$@\"", Support.binary])
        try await Gateway.run(setup) { gateway in
            var running: [(client: RawClient, text: String)] = []
            for _ in 0..<3 { running.append(try await self.begin("/streaming", on: gateway, until: "first")) }
            // Connections without requests take all that are left, and calls get none.
            var idle: [RawClient] = []
            for _ in 0..<60 { idle.append(try await gateway.connect()) }
            _ = try await eventually("it says so") { gateway.log.contains("no resources left") ? true : nil }
            try await streaming.release(3)
            for (client, _) in running {
                let answer = try await client.answer()
                #expect(answer.text == "first last")
                #expect(answer.end == .whole)
            }
            for client in idle { client.close() }
            for (client, _) in running { client.close() }
            for _ in 0..<5 { #expect(try await gateway.get("/brief").text == "hello", "\(gateway.log)") }
        }
    }
}
