import Foundation
import Glibc
import Testing

/// USR2: another process takes over, and nothing is lost by it.
@Suite struct UpgradeTests {
    private func setup() async throws -> Setup {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /fixed, respond: { body: fixed } }"]
        setup.drainTimeout = "30s"
        return setup
    }

    @Test func `the new process serves on the same sockets, and the old one lets its streams end`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        var setup = try await self.setup()
        let path = setup.folder.path("s")
        setup.listeners = ["127.0.0.1:0", "unix:\(path)"]
        setup.add(function, as: "main")
        setup.routes.append("{ path: /stream, function: main }")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let streaming = try await gateway.connect()
            try await streaming.send(Gateway.request("/stream"))
            _ = try await streaming.body(holding: "begun ")
            let idle = try await gateway.connect()
            try await idle.send(Gateway.request("/fixed"))
            #expect(try await idle.answer().text == "fixed")

            let successor = try await Successor(of: gateway)
            #expect(try await idle.ending() == .closed)
            #expect(gateway.child.end == nil)
            #expect(try await gateway.get("/fixed").text == "fixed")
            let other = try await RawClient(unixSocket: path)
            try await other.send(Gateway.request("/fixed"))
            #expect(try await other.answer().text == "fixed")

            try await function.release()
            let answer = try await streaming.answer()
            #expect(answer.text == "begun ended")
            #expect(answer.end == .whole)
            #expect(try await gateway.child.ended() == .exited(0))
            // The socket's file is the new one's now, and goes with it.
            #expect(access(path, F_OK) == 0)
            #expect(try await gateway.get("/fixed").text == "fixed")
            other.close()
            try await successor.stop()
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test func `the new process takes the file as it is then, its listeners too`() async throws {
        var setup = try await self.setup()
        setup.listeners = ["127.0.0.1:0", "unix:\(setup.folder.path("gone"))"]
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let path = setup.folder.path("new")
            setup.listeners = ["127.0.0.1:\(gateway.port)", "unix:\(path)"]
            setup.routes = ["{ path: /fixed, respond: { body: new } }"]
            // The port that the kernel chose is named now, so it is bound to by that name.
            try gateway.folder.write("sluice.yaml", setup.text)
            #expect(try await gateway.reload())
            let successor = try await Successor(of: gateway)
            #expect(try await gateway.get("/fixed").text == "new")
            let client = try await RawClient(unixSocket: path)
            try await client.send(Gateway.request("/fixed"))
            #expect(try await client.answer().text == "new")
            client.close()
            #expect(try await gateway.child.ended() == .exited(0))
            try await successor.stop()
        }
    }

    @Test func `sockets of the service manager are handed on, and it is told who serves now`() async throws {
        var setup = try await self.setup()
        let manager = try NotifySocket(in: setup.folder)
        setup.listeners = ["fd:web"]
        setup.environment["NOTIFY_SOCKET"] = manager.name
        setup.environment["WATCHDOG_USEC"] = "90000"
        setup.launcher = (Support.python, [Support.file("hand_over.py"), "web:un used", Support.binary])
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let first = try await Successor(of: gateway)
            try await manager.wait(for: "MAINPID=\(first.processID)")
            try await manager.wait(for: "READY=1", 2)
            #expect(try await gateway.child.ended() == .exited(0))
            #expect(!manager.messages.contains { $0.contains("STOPPING=1") })
            #expect(try await gateway.get("/fixed").text == "fixed")
            let fed = manager.messages.count { $0 == "WATCHDOG=1" }
            try await manager.wait(for: "WATCHDOG=1", fed + 3)
            let second = try await Successor(of: gateway, upgrading: first.processID)
            try await manager.wait(for: "MAINPID=\(second.processID)")
            try await first.ended()
            #expect(try await gateway.get("/fixed").text == "fixed")
            try await second.stop()
            try await manager.wait(for: "STOPPING=1")
        }
    }

    @Test(arguments: ["nonsense: true\n", "listeners: [{ address: \"fd:nobody\" }]\n"])
    func `a new process that can not start leaves the old one serving`(_ text: String) async throws {
        var setup = try await self.setup()
        let path = setup.folder.path("s")
        setup.listeners = ["127.0.0.1:0", "unix:\(path)"]
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            try gateway.folder.write("sluice.yaml", text)
            gateway.child.signal(SIGUSR2)
            _ = try await eventually("it is said") {
                gateway.log.contains("the upgrade failed") && gateway.log.contains("exit status 1") ? true : nil
            }
            #expect(try await gateway.get("/fixed").text == "fixed")
            #expect(access(path, F_OK) == 0)
            let client = try await RawClient(unixSocket: path)
            try await client.send(Gateway.request("/fixed"))
            #expect(try await client.answer().text == "fixed")
            client.close()
            // The next one may be better.
            try gateway.folder.write("sluice.yaml", setup.text)
            let successor = try await Successor(of: gateway)
            #expect(try await gateway.child.ended() == .exited(0))
            try await successor.stop()
        }
    }

    @Test func `a program that is gone leaves the old one serving`() async throws {
        var setup = try await self.setup()
        let binary = setup.folder.path("sluice")
        try FileManager.default.createSymbolicLink(atPath: binary, withDestinationPath: Support.binary)
        setup.launcher = (binary, [])
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            unlink(binary)
            gateway.child.signal(SIGUSR2)
            _ = try await eventually("it is said") { gateway.log.contains("the upgrade failed") ? true : nil }
            #expect(try await gateway.get("/fixed").text == "fixed")
            // It has been put back, and is taken.
            try FileManager.default.createSymbolicLink(atPath: binary, withDestinationPath: Support.binary)
            let successor = try await Successor(of: gateway)
            #expect(try await gateway.child.ended() == .exited(0))
            try await successor.stop()
        }
    }

    @Test func `the new process does not end before the streams of the old one have`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        var setup = try Setup(function)
        setup.drainTimeout = "30s"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let streaming = try await gateway.connect()
            try await streaming.send(Gateway.request())
            _ = try await streaming.body(holding: "begun ")
            let successor = try await Successor(of: gateway)
            kill(successor.processID, SIGTERM)
            _ = try await eventually("it waits") {
                gateway.log.contains("waiting for the process before this one") ? true : nil
            }
            #expect(!successor.hasEnded)
            try await function.release()
            #expect(try await streaming.answer().text == "begun ended")
            #expect(try await gateway.child.ended() == .exited(0))
            try await successor.ended()
        }
    }

    @Test func `the address of the local Lambda is handed over, and streams of its functions end well`() async throws {
        var setup = try await self.setup()
        let port = try await self.freePort()
        setup.functions = [
            (
                "local",
                "{ local: { command: [\(Support.python), \(Support.file("local_function.py")), local], concurrency: 2 } }"
            )
        ]
        setup.routes = ["{ path: /*, function: local }"]
        setup.more = "local_lambda: { address: \"127.0.0.1:\(port)\" }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let streaming = try await gateway.connect()
            try await streaming.send(Gateway.request("/slow"))
            _ = try await streaming.body(holding: "local ")
            let successor = try await Successor(of: gateway)
            #expect(try await gateway.get("/named").text == "local")
            let answer = try await streaming.answer()
            #expect(answer.text.hasSuffix(" ended"))
            #expect(answer.end == .whole)
            #expect(try await gateway.child.ended() == .exited(0))
            _ = try await RawClient(port: port)
            try await successor.stop()
        }
    }

    @Test func `the admin listener belongs to the new process at once`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        var setup = try Setup(function)
        setup.drainTimeout = "30s"
        setup.more = "admin: { address: \"unix:admin\" }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let streaming = try await gateway.connect()
            try await streaming.send(Gateway.request())
            _ = try await streaming.body(holding: "begun ")
            let successor = try await Successor(of: gateway)
            for _ in 0..<5 {
                let page = try await Tool.curl("--unix-socket", gateway.folder.path("admin"), "http://a/readyz")
                #expect(page.status == 0, "\(page.errors)")
                let metrics = try await Tool.curl("--unix-socket", gateway.folder.path("admin"), "http://a/metrics")
                #expect(metrics.output.contains("sluice_open_streams 0\n"))
                #expect(metrics.output.contains("sluice_ready 1\n"))
            }
            try await function.release()
            #expect(try await streaming.answer().text == "begun ended")
            #expect(try await gateway.child.ended() == .exited(0))
            try await successor.stop()
        }
    }

    @Test func `a program that was named by a relative path, and an address that grows`() async throws {
        var setup = try await self.setup()
        let binary = setup.folder.path("sluice")
        try FileManager.default.createSymbolicLink(atPath: binary, withDestinationPath: Support.binary)
        setup.launcher = ("/bin/sh", ["-c", "cd \(setup.folder.path) && exec ./sluice \"$@\"", "sh"])
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            setup.listeners = ["0.0.0.0:\(gateway.port)"]
            try gateway.folder.write("sluice.yaml", setup.text)
            let successor = try await Successor(of: gateway)
            #expect(try await gateway.get("/fixed").text == "fixed")
            #expect(try await gateway.child.ended() == .exited(0))
            #expect(try await gateway.get("/fixed").text == "fixed")
            try await successor.stop()
        }
    }

    @Test(arguments: ["--http2", "--http1.1"])
    func `streams over TLS end well, and new ones begin at the new process`(_ version: String) async throws {
        let function = try await FakeLambda.shared.function(
            calls: [
                [.text("begun "), .gate, .text("ended"), .done, .end], [.text("another"), .done, .end],
            ])
        var setup = try await self.setup()
        setup.add(function, as: "main", "response: raw")
        let authority = try await TestAuthority(in: setup.folder)
        setup.listenerKeys = authority.tls("site")
        setup.routes.append("{ path: /main, function: main }")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let streaming = try Child(
                "curl",
                [
                    version, "--silent", "--show-error", "--no-buffer", "--cacert", authority.path("ca.pem"),
                    "https://127.0.0.1:\(gateway.port)/main",
                ], environment: Support.environment, folder: gateway.folder, name: "curl")
            _ = try await eventually("it begins") { streaming.outputText == "begun " ? true : nil }
            let successor = try await Successor(of: gateway)
            #expect(try await gateway.curl(authority, version, "/main").output == "another")
            #expect(streaming.end == nil)
            try await function.release()
            #expect(try await streaming.ended() == .exited(0))
            #expect(streaming.outputText == "begun ended")
            #expect(try await gateway.child.ended() == .exited(0))
            try await successor.stop()
        }
    }

    @Test func `a client that has connected and not asked yet is served by the old process`() async throws {
        let setup = try await self.setup()
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let client = try await gateway.connect()
            try await Task.sleep(for: .milliseconds(50))
            let successor = try await Successor(of: gateway)
            try await Task.sleep(for: .milliseconds(1500))
            try await client.send(Gateway.request("/fixed"))
            #expect(try await client.answer().text == "fixed")
            #expect(try await gateway.child.ended() == .exited(0))
            try await successor.stop()
        }
    }

    @Test func `a term that comes while the new process starts ends both`() async throws {
        var setup = try await self.setup()
        // Starts, and never says that it is ready.
        let binary = try setup.folder.write("sluice", "#!/bin/sh\nexec sleep 1000\n")
        chmod(binary, 0o755)
        setup.launcher = ("/bin/sh", ["-c", "exec -a \(binary) \"$0\" \"$@\"", Support.binary])
        if access("/bin/bash", X_OK) == 0 { setup.launcher?.0 = "/bin/bash" }
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            gateway.child.signal(SIGUSR2)
            _ = try await eventually("it begins") { gateway.log.contains("upgrading") ? true : nil }
            #expect(try await gateway.get("/fixed").text == "fixed")
            try await gateway.stop()
            let left = try await Tool.run("/bin/sh", ["-c", "grep -lx 'sleep.1000.' /proc/[0-9]*/cmdline || true"])
            #expect(left.output.isEmpty)
        }
    }

    /// A program that waits until there is a file `go`, and then is the gateway, or ends with 7.
    private func waiting(_ setup: inout Setup, succeeds: Bool) throws {
        let binary = setup.folder.path("sluice")
        let then = succeeds ? "exec \(Support.binary) \"$@\"" : "exit 7"
        try setup.folder.write(
            "sluice", "#!/bin/sh\nwhile [ ! -e \(setup.folder.path("go")) ]; do sleep 0.02; done\n\(then)\n")
        chmod(binary, 0o755)
        setup.launcher = ("/bin/bash", ["-c", "exec -a \(binary) \"$0\" \"$@\"", Support.binary])
    }

    @Test func `a log that is opened anew while the new process starts is opened anew by it too`() async throws {
        var setup = try await self.setup()
        let log = setup.folder.path("access.log")
        setup.more = "access_log: { output: \(log), format: text }"
        try self.waiting(&setup, succeeds: true)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            gateway.child.signal(SIGUSR2)
            try await gateway.logs("upgrading")
            gateway.child.signal(SIGUSR1)
            try await gateway.logs("the file of the access log was opened again")
            try gateway.folder.write("go", "")
            try await gateway.logs("takes over")
            _ = try await eventually("the other has opened it too") {
                gateway.log.split(separator: "\n").count { $0.contains("was opened again") } == 2 ? true : nil
            }
            let text = try #require(gateway.log.firstMatch(of: /process=(\d+) .*takes over/)?.1)
            kill(try #require(pid_t(text)), SIGTERM)
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    @Test(arguments: [true, false])
    func `a reload while the new process starts is done by whichever goes on`(_ succeeds: Bool) async throws {
        var setup = try await self.setup()
        let log = setup.folder.path("access.log")
        setup.more = "access_log: { output: \(log), format: text }"
        try self.waiting(&setup, succeeds: succeeds)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let kept = try await gateway.connect()
            gateway.child.signal(SIGUSR2)
            try await gateway.logs("upgrading")
            rename(log, log + ".1")
            setup.routes = ["{ path: /fixed, respond: { body: new } }"]
            try gateway.folder.write("sluice.yaml", setup.text)
            gateway.child.signal(SIGHUP)
            try await gateway.logs("will be read again")
            // The file of the log is another one, as soon as each loop has heard of it.
            _ = try await eventually("a line is in the new file") {
                try await kept.send(Gateway.request("/fixed"))
                #expect(try await kept.answer().text == "fixed")
                return (try? String(contentsOfFile: log, encoding: .utf8))?.contains("/fixed") ?? false ? true : nil
            }
            kept.close()
            #expect(!gateway.log.contains("the configuration was taken"))
            try gateway.folder.write("go", "")
            try await gateway.logs(succeeds ? "takes over" : "exit status 7")
            try await gateway.logs("the configuration was taken")
            #expect(try await gateway.get("/fixed").text == "new")
            guard succeeds else { return }
            let text = try #require(gateway.log.firstMatch(of: /process=(\d+) .*takes over/)?.1)
            kill(try #require(pid_t(text)), SIGTERM)
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    @Test func `a program that was named without a directory is looked for in PATH again`() async throws {
        var setup = try await self.setup()
        let binary = setup.folder.path("sluice")
        try FileManager.default.createSymbolicLink(atPath: binary, withDestinationPath: Support.binary)
        setup.environment["PATH"] = "\(setup.folder.path):/usr/bin:/bin"
        setup.launcher = ("/bin/sh", ["-c", "exec sluice \"$@\"", "sh"])
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            // What the link leads to now is another version, which can not start.
            unlink(binary)
            let other = try setup.folder.write("other", "#!/bin/sh\nexit 7\n")
            chmod(other, 0o755)
            try FileManager.default.createSymbolicLink(atPath: binary, withDestinationPath: other)
            gateway.child.signal(SIGUSR2)
            try await gateway.logs("exit status 7")
            #expect(try await gateway.get("/fixed").text == "fixed")
        }
    }

    @Test func `one that was replaced while another drains says nothing of its end`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        var setup = try await self.setup()
        let manager = try NotifySocket(in: setup.folder)
        setup.environment["NOTIFY_SOCKET"] = manager.name
        setup.add(function, as: "main")
        setup.routes.append("{ path: /stream, function: main }")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let streaming = try await gateway.connect()
            try await streaming.send(Gateway.request("/stream"))
            _ = try await streaming.body(holding: "begun ")
            let first = try await Successor(of: gateway)
            let ready = try await manager.wait(for: "READY=1", 2)
            #expect(
                ready.contains { $0.hasPrefix("STATUS=") && $0.hasSuffix("; the process before this one still drains") }
            )
            let second = try await Successor(of: gateway, upgrading: first.processID)
            try await gateway.logs("waiting for the process before this one")
            #expect(!first.hasEnded)
            try await function.release()
            #expect(try await streaming.answer().text == "begun ended")
            #expect(try await gateway.child.ended() == .exited(0))
            try await first.ended()
            #expect(!manager.messages.contains { $0.contains("STOPPING=1") })
            try await second.stop()
            try await manager.wait(for: "STOPPING=1")
        }
    }

    @Test(arguments: [true, false])
    func `calls of others to functions of this machine end well`(_ isUpgrade: Bool) async throws {
        try await Tool.checkPython()
        var setup = try await self.setup()
        let port = try await self.freePort()
        let command = "[\(Support.python), \(Support.file("local_function.py")), local]"
        setup.functions = [("local", "{ local: { command: \(command), concurrency: 2 } }")]
        setup.more = "local_lambda: { address: \"127.0.0.1:\(port)\" }"
        let environment = [
            "AWS_ACCESS_KEY_ID": FakeLambda.accessKey, "AWS_SECRET_ACCESS_KEY": FakeLambda.secretKey,
            "AWS_DEFAULT_REGION": "us-east-1",
        ]
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let caller = try Child(
                Support.python,
                [
                    Support.file("stream_with_boto3.py"), "http://127.0.0.1:\(port)", "local", #"{"rawPath":"/slow"}"#,
                ], environment: Support.environment.merging(environment) { $1 }, folder: gateway.folder, name: "caller")
            _ = try await eventually("it begins") { caller.outputText.contains("local ") ? true : nil }
            var successor: Successor?
            if isUpgrade { successor = try await Successor(of: gateway) } else { gateway.child.signal(SIGTERM) }
            _ = try await caller.ended()
            #expect(caller.outputText.hasSuffix(" ended\ncomplete\n"), "\(caller.outputText)\(caller.errorText)")
            #expect(try await gateway.child.ended() == .exited(0))
            if let successor {
                _ = try await RawClient(port: port)
                try await successor.stop()
            }
            await #expect(throws: RawClient.ConnectError.self) { try await RawClient(port: port) }
        }
    }

    private func freePort() async throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, length)
                _ = getsockname(descriptor, $0, &length)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    @Test func `steady load loses nothing by upgrades`() async throws {
        let lambda = try await FakeLambda.shared
        let slow = try await lambda.function(
            .text("a"), .pause(0.5), .text("b"), .pause(0.5), .text("c"), .done, .end)
        let bulk = try await lambda.function(.bulk(400_000, seed: 3, piece: 30_000), .done, .end)
        var setup = try await self.setup()
        setup.workers = 2
        setup.add(slow, as: "slow")
        setup.add(bulk, as: "bulk")
        setup.routes += ["{ path: /slow, function: slow }", "{ path: /bulk, function: bulk }"]
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let load = try await SteadyLoad(
                on: "127.0.0.1:\(gateway.port)",
                [
                    "fresh:/fixed", "kept:/fixed", "fresh:/bulk", "kept:/bulk", "fresh:/slow", "kept:/slow",
                    "kept:/slow",
                ])
            var processID = gateway.child.pid
            var successors: [Successor] = []
            for _ in 0..<3 {
                try await Task.sleep(for: .milliseconds(300))
                let successor = try await Successor(of: gateway, upgrading: processID)
                processID = successor.processID
                successors.append(successor)
            }
            try await Task.sleep(for: .milliseconds(300))
            try await load.expectNoLoss()
            #expect(try await gateway.child.ended() == .exited(0))
            try await successors.last?.stop()
            for successor in successors { try await successor.ended() }
        }
    }
}

/// A gateway that took the place of another. It is no child of the tests.
final class Successor: Sendable {
    let processID: pid_t
    private let gateway: Gateway

    /// Sends USR2 to a gateway and waits until another has taken over.
    init(of gateway: Gateway, upgrading processID: pid_t? = nil) async throws {
        self.gateway = gateway
        let before = Self.processes(in: gateway.log)
        kill(processID ?? gateway.child.pid, SIGUSR2)
        self.processID = try await eventually("another process takes over") {
            let now = Self.processes(in: gateway.log)
            return now.count > before.count ? now.last : nil
        }
    }

    deinit {
        if !self.hasEnded { kill(self.processID, SIGKILL) }
    }

    /// From lines such as `... process=123 [Gateway] the new process is ready, and takes over`.
    private static func processes(in log: String) -> [pid_t] {
        log.split(separator: "\n").filter { $0.hasSuffix("takes over") }.compactMap { line in
            line.split(separator: " ").first { $0.hasPrefix("process=") }.flatMap { pid_t($0.dropFirst(8)) }
        }
    }

    /// Whether it has, seen from outside: nobody may be there to reap it.
    var hasEnded: Bool {
        guard let data = FileManager.default.contents(atPath: "/proc/\(self.processID)/stat") else { return true }
        return String(decoding: data, as: UTF8.self).split(separator: ")").last?.hasPrefix(" Z") ?? true
    }

    /// Waits for its end.
    func ended() async throws {
        _ = try await eventually("the new process ends") { self.hasEnded ? true : nil }
    }

    /// TERM, and the end.
    func stop() async throws {
        kill(self.processID, SIGTERM)
        try await self.ended()
    }
}
