import Foundation
import Glibc
import Testing

/// HUP: another configuration, and nothing lost by it.
@Suite struct ReloadTests {
    private func setup() async throws -> Setup {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /fixed, respond: { body: before } }"]
        return setup
    }

    @Test func `routes and functions are those of the new file`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try await self.setup()
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get("/fixed").text == "before")
            try expectProblem(try await gateway.get("/hello"), 404)
            setup.routes = ["{ path: /fixed, respond: { body: after } }", "{ path: /hello, function: main }"]
            setup.add(function, as: "main")
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get("/fixed").text == "after")
            #expect(try await gateway.get("/hello").text == "hello")
        }
    }

    @Test func `all loops take it, and connections that are there see it`() async throws {
        var setup = try await self.setup()
        setup.workers = 3
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            var clients: [RawClient] = []
            for _ in 0..<20 {
                let client = try await gateway.connect()
                try await client.send(Gateway.request("/fixed"))
                #expect(try await client.answer().text == "before")
                clients.append(client)
            }
            setup.routes = ["{ path: /fixed, respond: { body: after } }"]
            #expect(try await gateway.reload(setup))
            for client in clients {
                try await client.send(Gateway.request("/fixed"))
                #expect(try await client.answer().text == "after")
            }
        }
    }

    @Test func `more places are given to those who wait already`() async throws {
        let function = try await FakeLambda.shared.function(.gate, .text("hello"), .done, .end)
        let keys = { (places: Int) in "max_concurrency: \(places), queue: { size: 5, timeout: 20s }" }
        try await Gateway.run(Setup(function, keys(1))) { (gateway: Gateway) async throws in
            var clients: [RawClient] = []
            for index in 0..<3 {
                clients.append(try await gateway.connect())
                try await clients[index].send(Gateway.request())
                try await function.wait(for: .gated, 1)
            }
            #expect(try await gateway.reload(Setup(function, keys(3))))
            try await function.wait(for: .gated, 3)
            try await function.release(3)
            for client in clients { #expect(try await client.answer().text == "hello") }
        }
    }

    @Test func `fewer places hold for the calls that are under way`() async throws {
        let function = try await FakeLambda.shared.function(.gate, .text("hello"), .done, .end)
        try await Gateway.run(Setup(function)) { (gateway: Gateway) async throws in
            var clients: [RawClient] = []
            for _ in 0..<3 {
                clients.append(try await gateway.connect())
                try await clients[clients.count - 1].send(Gateway.request())
                try await function.wait(for: .gated, clients.count)
            }
            #expect(try await gateway.reload(Setup(function, "max_concurrency: 2, queue: { size: 5, timeout: 20s }")))
            let waiting = try await gateway.connect()
            try await waiting.send(Gateway.request())
            // Two are left, which is all there may be.
            try await function.release()
            _ = try await gateway.accessLog(lines: 1)
            #expect(try await waiting.staysQuiet(for: .milliseconds(200)))
            #expect(try await function.calls().count == 3)
            try await function.release()
            try await function.wait(for: .gated, 4)
            try await function.release(2)
            #expect(try await waiting.answer().text == "hello")
        }
    }

    @Test func `refused files leave nothing open`() async throws {
        var setup = try await self.setup()
        setup.more = "access_log: { output: \(setup.folder.path("access.log")) }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            setup.listenerKeys = "tls: { certificates: [{ certificate: /nowhere.pem, key: /nowhere.key }] }"
            #expect(try await !gateway.reload(setup))
            let before = (threads: gateway.child.threadCount, open: gateway.child.openDescriptors)
            for _ in 0..<10 { #expect(try await !gateway.reload(setup)) }
            // A thread is listed for a moment after it was waited for.
            _ = try? await eventually("all is closed") {
                gateway.child.threadCount == before.threads && gateway.child.openDescriptors == before.open ? true : nil
            }
            #expect(gateway.child.threadCount == before.threads)
            #expect(gateway.child.openDescriptors == before.open)
        }
    }

    @Test func `a faulty file is refused with every fault, and what ran goes on`() async throws {
        var setup = try await self.setup()
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            setup.wholeText = """
                listeners: [{ address: "127.0.0.1:99999" }]
                wrokers: 2
                routes: [{ path: /x, function: nobody }]

                """
            #expect(try await !gateway.reload(setup))
            try await gateway.logs("99999")
            try await gateway.logs("wrokers")
            try await gateway.logs("nobody")
            #expect(try await gateway.get("/fixed").text == "before")
            unlink(gateway.folder.path("sluice.yaml"))
            #expect(try await !gateway.reload())
            #expect(try await gateway.get("/fixed").text == "before")
        }
    }

    /// Moves the access log away, has it opened anew, and looks for a line before and one behind that. Answers the
    /// gateway's own log.
    private func movesLog(openingItAnew reopen: (Gateway, Setup) async throws -> Void) async throws -> String {
        var setup = try await self.setup()
        let log = setup.folder.path("access.log")
        setup.more = "access_log: { output: \(log), format: text }"
        return try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get("/fixed?first").text == "before")
            _ = try await eventually("the first line is there") {
                try String(contentsOfFile: log, encoding: .utf8).contains("/fixed?first") ? true : nil
            }
            try FileManager.default.moveItem(atPath: log, toPath: log + ".1")
            try await reopen(gateway, setup)
            let second = try await gateway.get("/fixed?second")
            #expect(second.status == 200)
            #expect(second.text == "before")
            _ = try await eventually("the second line is in the new file") {
                (try? String(contentsOfFile: log, encoding: .utf8))?.contains("/fixed?second") ?? false ? true : nil
            }
            let old = try String(contentsOfFile: log + ".1", encoding: .utf8)
            #expect(old.split(separator: "\n").count == 1)
            return gateway.log
        }
    }

    @Test func `a refused file opens the access log anew as well, for who has moved it away`() async throws {
        _ = try await self.movesLog { gateway, _ in
            try gateway.folder.write("sluice.yaml", "nonsense: true\n")
            #expect(try await !gateway.reload())
        }
    }

    @Test func `USR1 opens the access log anew, and leaves the configuration alone`() async throws {
        let log = try await self.movesLog { gateway, setup in
            var setup = setup
            setup.routes = ["{ path: /fixed, respond: { body: after } }"]
            try gateway.folder.write("sluice.yaml", setup.text)
            gateway.child.signal(SIGUSR1)
            try await gateway.logs("the file of the access log was opened again")
        }
        #expect(!log.contains("the configuration was"))
    }

    @Test func `connections to an endpoint that is no more are counted while they serve`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        var setup = try Setup(function)
        setup.more = "admin: { address: \"unix:admin\" }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            _ = try await client.body(holding: "begun ")
            setup.aws = "{ region: eu-west-1, endpoint: \"http://localhost:\(function.lambda.port)\" }"
            #expect(try await gateway.reload(setup))
            let metrics = try await Tool.curl(
                "--unix-socket", gateway.folder.path("admin"), "http://admin/metrics"
            ).output.split(separator: "\n")
            let busy = metrics.first {
                $0.hasPrefix("sluice_upstream_connections{") && $0.contains("127.0.0.1") && $0.contains("busy")
            }
            #expect(busy?.hasSuffix(" 1") ?? false, "\(metrics.filter { $0.contains("upstream_connections") })")
            try await function.release()
            #expect(try await client.answer().text == "begun ended")
        }
    }

    @Test func `what can not be run here is refused as well, all of it`() async throws {
        var setup = try await self.setup()
        let other = try await self.setup()
        try await Gateway.run(other) { (taken: Gateway) async throws in
            try await Gateway.run(setup) { (gateway: Gateway) async throws in
                setup.listeners = ["127.0.0.1:0", "127.0.0.1:\(taken.port)", "fd:nobody", "unix:/nonexistent/s"]
                setup.more = "access_log: { output: /nonexistent/log }"
                #expect(try await !gateway.reload(setup))
                for part in ["127.0.0.1:\(taken.port)", "fd:nobody", "unix:/nonexistent/s", "/nonexistent/log"] {
                    try await gateway.logs(part)
                }
                #expect(try await gateway.get("/fixed").text == "before")
            }
        }
    }

    @Test func `a running stream finishes on what it began with`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        var setup = try Setup(function)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            _ = try await client.body(holding: "begun ")
            setup.functions = []
            setup.routes = ["{ path: /*, respond: { body: fixed } }"]
            #expect(try await gateway.reload(setup))
            try await function.release()
            let answer = try await client.answer()
            #expect(answer.text == "begun ended")
            #expect(answer.end == .whole)
            try await client.send(Gateway.request())
            #expect(try await client.answer().text == "fixed")
        }
    }

    @Test func `a request whose body is still coming calls the function that its head was for`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let client = try await gateway.connect()
            let request = Gateway.request(method: "POST", body: "0123456789")
            try await client.send(String(request.dropLast(5)))
            try await Task.sleep(for: .milliseconds(50))
            setup.functions = []
            setup.routes = ["{ path: /*, respond: { body: fixed } }"]
            #expect(try await gateway.reload(setup))
            try await client.send("56789")
            #expect(try await client.answer().text == "hello")
        }
        #expect(try await function.calls()[0].event["body"]?.string == "MDEyMzQ1Njc4OQ==")
    }

    @Test func `connections to an endpoint that stays are kept, those to others close`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello")
            setup.routes.append("{ path: /more, respond: { body: more } }")
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get().text == "hello")
            #expect(try await function.calls().map(\.connection).count == 2)
            #expect(Set(try await function.calls().map(\.connection)).count == 1)
            let sockets = gateway.child.socketCount
            setup.functions = []
            setup.routes = ["{ path: /*, respond: { body: fixed } }"]
            #expect(try await gateway.reload(setup))
            _ = try await eventually("the connection closes") { gateway.child.socketCount < sockets ? true : nil }
        }
    }

    @Test func `the limit of a function counts calls that began before`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun"), .gate, .done, .end)
        var setup = try Setup(function, "max_concurrency: 1")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let client = try await gateway.begun(until: "begun")
            setup.routes.append("{ path: /more, respond: { body: more } }")
            #expect(try await gateway.reload(setup))
            try expectProblem(try await gateway.get(), 503)
            try await function.release(2)
            #expect(try await client.answer().end == .whole)
            #expect(try await gateway.get().text == "begun")
        }
    }

    @Test func `limits are taken again`() async throws {
        var setup = try await self.setup()
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let long = "X-Long: \(String(repeating: "x", count: 2000))"
            #expect(try await gateway.get("/fixed", [long]).status == 200)
            setup.limits = "header_bytes: 1024"
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get("/fixed", [long]).status == 431)
        }
    }

    // Listeners.

    @Test func `listeners come and go`() async throws {
        var setup = try await self.setup()
        let path = setup.folder.path("s")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            setup.listeners.append("unix:\(path)")
            #expect(try await gateway.reload(setup))
            let client = try await RawClient(unixSocket: path)
            try await client.send(Gateway.request("/fixed"))
            #expect(try await client.answer().text == "before")
            #expect(try await gateway.get("/fixed").text == "before")
            setup.listeners = ["unix:\(path)"]
            #expect(try await gateway.reload(setup))
            await #expect(throws: RawClient.ConnectError.self) { try await gateway.connect() }
            // Connections are no listener's business any more.
            try await client.send(Gateway.request("/fixed"))
            #expect(try await client.answer().text == "before")
            client.close()
            setup.listeners = ["127.0.0.1:\(gateway.port)"]
            #expect(try await gateway.reload(setup))
            #expect(access(path, F_OK) != 0)
            #expect(try await gateway.get("/fixed").text == "before")
        }
    }

    /// The process stands still while clients connect, and finds them and the signal together.
    @Test func `connections in the queue of a listener that goes are served`() async throws {
        var setup = try await self.setup()
        setup.listeners = ["127.0.0.1:0", "127.0.0.1:0"]
        setup.workers = 2
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            gateway.child.signal(SIGSTOP)
            var clients: [RawClient] = []
            for _ in 0..<50 {
                let client = try await gateway.connect()
                try await client.send(Gateway.request("/fixed"))
                clients.append(client)
            }
            setup.listeners = ["unix:\(setup.folder.path("s"))"]
            try gateway.folder.write("sluice.yaml", setup.text)
            gateway.child.signal(SIGHUP)
            gateway.child.signal(SIGCONT)
            for client in clients { #expect(try await client.answer().text == "before") }
            _ = try await eventually("it has gone over") {
                gateway.log.contains("listening no more") ? true : nil
            }
            await #expect(throws: RawClient.ConnectError.self) { try await gateway.connect() }
        }
    }

    @Test func `an address may be for something else, and that of the local Lambda may grow`() async throws {
        var setup = try await self.setup()
        setup.functions = [("page", "{ local: { command: [sluice-demo-function, page] } }")]
        setup.more = "admin: { address: \"127.0.0.1:0\" }\nlocal_lambda: { address: \"127.0.0.1:0\" }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let match = try #require(gateway.log.firstMatch(of: /local Lambda API on http:\/\/127.0.0.1:(\d+)/))
            let local = try #require(Int(match.1))
            setup.more = """
                admin: { address: "127.0.0.1:\(gateway.port)" }
                local_lambda: { address: "0.0.0.0:\(local)" }
                """
            setup.listeners = ["unix:\(setup.folder.path("http"))"]
            // The kernel chose it, so it is named for the first time.
            #expect(try await gateway.reload(setup))
            let page = try await Tool.curl("http://127.0.0.1:\(gateway.port)/readyz")
            #expect(page.output == "ready\n")
            _ = try await RawClient(port: local)
            let moved = gateway.port
            setup.listeners = ["127.0.0.1:\(local)", "127.0.0.1:\(moved)"]
            setup.more = "local_lambda: { address: \"127.0.0.1:0\" }"
            #expect(try await gateway.reload(setup))
            // The admin listener lets go of it on a thread of its own.
            _ = try await eventually("requests are served there") {
                (try? await gateway.get("/fixed").text) == "before" ? true : nil
            }
        }
    }

    @Test func `an address may grow and shrink`() async throws {
        var setup = try await self.setup()
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let client = try await gateway.connect()
            for host in ["0.0.0.0", "127.0.0.1", "0.0.0.0"] {
                setup.listeners = ["\(host):\(gateway.port)"]
                #expect(try await gateway.reload(setup))
                #expect(try await gateway.get("/fixed").text == "before")
            }
            try await client.send(Gateway.request("/fixed"))
            #expect(try await client.answer().text == "before")
        }
    }

    @Test func `the admin listener comes, moves and goes`() async throws {
        var setup = try await self.setup()
        let (first, second) = (setup.folder.path("a1"), setup.folder.path("a2"))
        func status(_ path: String, _ page: String) async throws -> String {
            try await Tool.curl("--unix-socket", path, "-o", "/dev/null", "-w", "%{http_code}", "http://a\(page)")
                .output
        }
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            setup.more = "admin: { address: \"unix:\(first)\" }"
            #expect(try await gateway.reload(setup))
            #expect(try await status(first, "/metrics") == "200")
            let page = try await Tool.curl("--unix-socket", first, "http://a/metrics").output
            #expect(page.contains("sluice_reloads_total{result=\"taken\"} 1\n"))
            setup.more = "admin: { address: \"unix:\(first)\", token: abcdefghijklmnop }"
            #expect(try await gateway.reload(setup))
            #expect(try await status(first, "/metrics") == "401")
            setup.more = "admin: { address: \"unix:\(second)\" }"
            #expect(try await gateway.reload(setup))
            #expect(try await status(second, "/readyz") == "200")
            _ = try await eventually("the first goes") { access(first, F_OK) != 0 ? true : nil }
            setup.more = ""
            #expect(try await gateway.reload(setup))
            _ = try await eventually("the second goes") { access(second, F_OK) != 0 ? true : nil }
        }
    }

    // The access log.

    @Test func `a disk that is full costs lines and nothing else`() async throws {
        var setup = try await self.setup()
        setup.more = "access_log: { output: /dev/full }\nadmin: { address: \"unix:admin\" }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            for _ in 0..<5 { #expect(try await gateway.get("/fixed").text == "before") }
            _ = try await eventually("the lines are counted") {
                let page = try await Tool.curl("--unix-socket", gateway.folder.path("admin"), "http://a/metrics").output
                let line = page.split(separator: "\n").first { $0.hasPrefix("sluice_log_dropped_bytes_total ") }
                return (line?.split(separator: " ").last.flatMap { Int($0) } ?? 0) > 500 ? true : nil
            }
            #expect(try await gateway.reload())
            #expect(try await gateway.get("/fixed").text == "before")
            let page = try await Tool.curl("--unix-socket", gateway.folder.path("admin"), "http://a/metrics").output
            #expect(!page.contains("sluice_log_dropped_bytes_total 0\n"))
        }
    }

    @Test func `the file of the access log is opened again`() async throws {
        var setup = try await self.setup()
        let path = setup.folder.path("access.log")
        setup.more = "access_log: { output: \(path) }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get("/fixed").status == 200)
            #expect(rename(path, "\(path).1") == 0)
            #expect(try await gateway.reload())
            #expect(try await gateway.get("/fixed").status == 200)
            try await gateway.stop()
            for name in [path, "\(path).1"] {
                let text = String(decoding: FileManager.default.contents(atPath: name) ?? Data(), as: UTF8.self)
                #expect(text.split(separator: "\n").count == 1, "\(name): \(text)")
            }
        }
    }

    @Test func `its format and its place may change`() async throws {
        var setup = try await self.setup()
        let path = setup.folder.path("access.log")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get("/fixed").status == 200)
            setup.more = "access_log: { output: \(path), format: text }"
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get("/fixed").status == 200)
            setup.more = "access_log: none"
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get("/fixed").status == 200)
            #expect(gateway.accessLog.count == 1)
            let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
            #expect(text.split(separator: "\n").count == 1)
            #expect(text.contains("GET example.com/fixed"))
        }
    }

    // Functions on this machine.

    private static func printing(_ text: String) -> String {
        "{ local: { command: [\(Support.python), \(Support.file("local_function.py")), \(text)], concurrency: 2 } }"
    }

    @Test func `local functions keep their children, are replaced, or end`() async throws {
        var setup = try await self.setup()
        setup.functions = [("kept", Self.printing("kept")), ("changed", Self.printing("old"))]
        setup.routes = ["{ path: /kept, function: kept }", "{ path: /changed, function: changed }"]
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let kept = try await gateway.get("/kept").text
            let old = try await gateway.get("/changed").text
            #expect(kept.hasPrefix("kept "))
            #expect(old.hasPrefix("old "))
            setup.functions[1] = ("changed", Self.printing("new"))
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get("/kept").text == kept)
            #expect(try await gateway.get("/changed").text.hasPrefix("new "))
            let process = try #require(Int32(old.dropFirst(4)))
            _ = try await eventually("the child of the function that changed ends") {
                kill(process, 0) == 0 ? nil : true
            }
            setup.functions = []
            setup.routes = ["{ path: /fixed, respond: { body: fixed } }"]
            #expect(try await gateway.reload(setup))
            let last = try #require(Int32(kept.dropFirst(5)))
            _ = try await eventually("the child of the function that went ends") { kill(last, 0) == 0 ? nil : true }
            setup.functions = [("again", Self.printing("again"))]
            setup.routes = ["{ path: /again, function: again }"]
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get("/again").text.hasPrefix("again "))
        }
    }

    @Test func `a function that went is called by a request that began before, and its stream ends well`() async throws
    {
        var setup = try await self.setup()
        setup.functions = [("slow", Self.printing("slow"))]
        setup.routes = ["{ path: /*, function: slow }"]
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let streaming = try await gateway.connect()
            try await streaming.send(Gateway.request("/slow"))
            _ = try await streaming.body(holding: "slow ")
            let late = try await gateway.connect()
            let request = Gateway.request(method: "POST", body: "0123456789")
            try await late.send(String(request.dropLast(5)))
            try await Task.sleep(for: .milliseconds(50))
            setup.functions = []
            setup.routes = ["{ path: /*, respond: { body: fixed } }"]
            #expect(try await gateway.reload(setup))
            try await late.send("56789")
            let answer = try await late.answer()
            #expect(answer.text.hasPrefix("slow "))
            #expect(answer.end == .whole)
            let stream = try await streaming.answer()
            #expect(stream.text.hasSuffix("ended"))
            #expect(stream.end == .whole)
        }
    }

    // All of it.

    @Test func `steady load loses nothing by reloads`() async throws {
        let lambda = try await FakeLambda.shared
        let slow = try await lambda.function(
            .text("a"), .pause(0.3), .text("b"), .pause(0.3), .text("c"), .done, .end)
        let bulk = try await lambda.function(.bulk(400_000, seed: 3, piece: 30_000), .done, .end)
        var setup = try await self.setup()
        setup.workers = 2
        setup.drainTimeout = "10s"
        setup.add(slow, as: "slow")
        setup.add(bulk, as: "bulk")
        setup.functions.append(("local", Self.printing("local")))
        setup.routes = [
            "{ path: /fixed, respond: { body: fixed } }", "{ path: /slow, function: slow }",
            "{ path: /bulk, function: bulk }", "{ path: /named, function: local }",
        ]
        let path = setup.folder.path("access.log")
        setup.more = "access_log: { output: \(path) }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let load = try await SteadyLoad(
                on: "127.0.0.1:\(gateway.port)",
                [
                    "fresh:/fixed", "kept:/fixed", "fresh:/bulk", "kept:/bulk", "fresh:/slow", "kept:/slow",
                    "kept:/slow", "kept:/named",
                ])
            for round in 0..<12 {
                setup.routes[0] =
                    "{ path: /fixed, methods: [GET, \(round % 2 == 0 ? "POST" : "PUT")], respond: { body: fixed } }"
                setup.listeners = round % 3 == 0 ? ["127.0.0.1:0", "unix:\(setup.folder.path("s"))"] : ["127.0.0.1:0"]
                setup.limits = "connections: \(1000 + round)"
                if round % 4 == 3 { #expect(try await !gateway.reload(Self.faulty(setup))) }
                #expect(try await gateway.reload(setup))
                try await Task.sleep(for: .milliseconds(100))
            }
            try await load.expectNoLoss()
            try await gateway.stop()
            let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
            let ends = try text.split(separator: "\n").map { try JSONDocument(parsing: String($0))["end"]?.string }
            #expect(Set(ends) == ["complete"])
        }
    }

    @Test(arguments: [[], ["--h1"]])
    func `steady load over TLS loses nothing by reloads`(_ options: [String]) async throws {
        let function = try await FakeLambda.shared.function(
            .text("begun "), .pause(0.02), .text("ended"), .done, .end)
        var setup = try await self.setup()
        setup.workers = 2
        setup.drainTimeout = "10s"
        setup.add(function, as: "main", "response: raw")
        let authority = try await TestAuthority(in: setup.folder)
        setup.listenerKeys = authority.tls("site")
        setup.routes.append("{ path: /main, function: main }")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let load = try Child(
                "h2load",
                options + [
                    "-n", "3000", "-c", "6", "-m", options.isEmpty ? "10" : "1",
                    "https://127.0.0.1:\(gateway.port)/main", "https://127.0.0.1:\(gateway.port)/fixed",
                ], environment: Support.environment, folder: setup.folder, name: "h2load")
            var rounds = 0
            while load.end == nil, rounds < 200 {
                setup.listenerKeys = rounds % 2 == 0 ? authority.tls("site", "other") : authority.tls("site")
                setup.limits = "http2_streams: \(100 + rounds)"
                #expect(try await gateway.reload(setup))
                rounds += 1
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(try await load.ended(within: .seconds(60)) == .exited(0))
            #expect(
                load.outputText.contains("3000 succeeded, 0 failed, 0 errored, 0 timeout"),
                "\(load.outputText.suffix(2000))")
            #expect(rounds > 0)
        }
    }

    private static func faulty(_ setup: Setup) -> Setup {
        var setup = setup
        setup.more += "\nnonsense: true"
        return setup
    }
}
