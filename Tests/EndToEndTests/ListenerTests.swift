import Foundation
import Glibc
import Testing

/// Where a gateway can be reached.
@Suite struct ListenerTests {
    private func setup() async throws -> Setup {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /*, respond: { body: fixed } }"]
        return setup
    }

    @Test func `a unix socket, whose file goes with it`() async throws {
        var setup = try await self.setup()
        let path = setup.folder.path("s")
        setup.listeners = ["unix:\(path)"]
        try await Gateway.run(setup) { gateway in
            let client = try await RawClient(unixSocket: path)
            try await client.send(Gateway.request())
            #expect(try await client.answer().text == "fixed")
            let curl = try await Tool.curl("--unix-socket", path, "http://localhost/")
            #expect(curl.output == "fixed")
            client.close()
            try await gateway.stop()
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test func `a function called through a unix socket gets an event all the same`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        let path = setup.folder.path("s")
        setup.listeners = ["unix:\(path)"]
        try await Gateway.run(setup) { gateway in
            let client = try await RawClient(unixSocket: path)
            try await client.send(Gateway.request())
            #expect(try await client.answer().text == "hello")
        }
        #expect(try await function.calls()[0].event["requestContext"]?["http"]?["sourceIp"]?.string != nil)
    }

    @Test func `the file of a gateway that was killed is no obstacle`() async throws {
        var setup = try await self.setup()
        let path = setup.folder.path("s")
        setup.listeners = ["unix:\(path)"]
        try await Gateway.run(setup) { gateway in
            gateway.child.signal(SIGKILL)
            _ = try await gateway.child.ended()
        }
        #expect(access(path, F_OK) == 0)
        var again = try await self.setup()
        again.listeners = ["unix:\(path)"]
        try await Gateway.run(again) { gateway in
            let client = try await RawClient(unixSocket: path)
            try await client.send(Gateway.request())
            #expect(try await client.answer().text == "fixed")
        }
        withExtendedLifetime(setup.folder) {}
    }

    /// Else a socket has the number of standard output, and what is written there goes to a client.
    @Test func `standard streams that are closed at the start are taken by nothing else`() async throws {
        var setup = try await self.setup()
        setup.launcher = ("/bin/sh", ["-c", "exec \"$0\" \"$@\" <&- >&-", Support.binary])
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "fixed")
            for number in 0...1 {
                let target = try FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/\(gateway.child.pid)/fd/\(number)")
                #expect(target == "/dev/null", "\(number)")
            }
        }
        // Any command may open something.
        let tool = try await Tool.run("/bin/sh", ["-c", "exec \"$0\" version <&- >&- 2>&-", Support.binary])
        #expect(tool.status == 0)
    }

    @Test func `a socket that was handed over under a name`() async throws {
        var setup = try await self.setup()
        setup.listeners = ["fd:web"]
        setup.launcher = (Support.python, [Support.file("hand_over.py"), "web", Support.binary])
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(gateway.port > 0)
            #expect(try await gateway.get().text == "fixed")
        }
    }

    @Test func `a name that nobody handed over is said`() async throws {
        var setup = try await self.setup()
        setup.listeners = ["fd:other"]
        setup.launcher = (Support.python, [Support.file("hand_over.py"), "web", Support.binary])
        let error = await #expect(throws: HarnessError.self) { try await Gateway.run(setup) { _ in } }
        #expect(error?.description.contains("fd:other") == true)
        #expect(error?.description.contains("web") == true)
        #expect(error?.description.contains("exited(1)") == true)
    }

    @Test func `one that no listener takes is warned of`() async throws {
        var setup = try await self.setup()
        setup.listeners = ["fd:web"]
        setup.launcher = (Support.python, [Support.file("hand_over.py"), "web:spare", Support.binary])
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            try await eventually("the warning") {
                gateway.log.split(separator: "\n").contains { line in
                    line.contains(" warning ") && line.contains("no listener takes this socket")
                        && line.contains("name=fd:spare")
                } ? () : nil
            }
            #expect(!gateway.log.contains("name=fd:web"))
        }
    }

    /// Where the service manager has bound a socket is known only when it hands it over.
    @Test(arguments: [("0.0.0.0", "", false), ("0.0.0.0", ", token: 0123456789abcdef", true), ("127.0.0.1", "", true)])
    func `an admin listener that others can reach needs a token`(
        host: String, token: String, starts: Bool
    ) async throws {
        var setup = try await self.setup()
        setup.listeners = ["127.0.0.1:0"]
        setup.more = "admin: { address: \"fd:admin\"\(token) }"
        setup.environment["HAND_OVER_HOST"] = host
        setup.launcher = (Support.python, [Support.file("hand_over.py"), "admin", Support.binary])
        if starts {
            try await Gateway.run(setup) { (gateway: Gateway) async throws in
                #expect(try await gateway.get().text == "fixed")
                // The same socket stays, and what is asked of it is looked at again.
                var open = setup
                open.more = "admin: { address: \"fd:admin\" }"
                #expect(try await gateway.reload(open) == (host == "127.0.0.1"))
            }
        } else {
            let error = await #expect(throws: HarnessError.self) { try await Gateway.run(setup) { _ in } }
            #expect(error?.description.contains("admin.address fd:admin: 0.0.0.0:") == true)
            #expect(error?.description.contains("give admin.token") == true)
            #expect(error?.description.contains("exited(1)") == true)
        }
    }

    @Test func `several at once, IPv6 among them`() async throws {
        var setup = try await self.setup()
        setup.listeners = ["[::1]:0", "127.0.0.1:0"]
        try await Gateway.run(setup) { gateway in
            let curl = try await Tool.curl("http://[::1]:\(gateway.port)/")
            #expect(curl.output == "fixed")
        }
    }

    @Test func `an address that is taken is said and ends with 1`() async throws {
        try await Gateway.run(self.setup()) { gateway in
            var setup = try await self.setup()
            setup.listeners = ["127.0.0.1:\(gateway.port)"]
            let file = try setup.folder.write("sluice.yaml", setup.text)
            let tool = try await Tool.sluice("run", "--config", file)
            #expect(tool.status == 1)
            #expect(tool.errors.contains("127.0.0.1:\(gateway.port)"))
        }
    }

    @Test func `several loops share a listener`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun"), .gate, .done, .end)
        var setup = try Setup(function)
        setup.workers = 3
        try await Gateway.run(setup) { gateway in
            var clients: [RawClient] = []
            for _ in 0..<30 {
                let client = try await gateway.connect()
                try await client.send(Gateway.request())
                clients.append(client)
            }
            try await function.wait(for: .gated, 30)
            try await function.release(30)
            for client in clients { #expect(try await client.answer().text == "begun") }
            #expect(try await gateway.accessLog(lines: 30).count == 30)
        }
    }

    /// Whichever loop a newcomer comes to, an idle connection of any of them goes for it.
    @Test func `an idle connection of another loop goes for a newcomer`() async throws {
        var setup = try await self.setup()
        setup.workers = 2
        setup.limits = "connections: 1"
        try await Gateway.run(setup) { gateway in
            var last: RawClient?
            for _ in 0..<24 {
                let client = try await gateway.connect()
                try await client.send(Gateway.request())
                #expect(try await client.answer().text == "fixed")
                if let last { #expect(try await last.ending() == .closed) }
                last = client
            }
        }
    }

    @Test func `busy connections of all loops stay, and newcomers go`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun"), .gate, .done, .end)
        var setup = try Setup(function)
        setup.workers = 2
        setup.limits = "connections: 3"
        try await Gateway.run(setup) { gateway in
            var busy: [RawClient] = []
            for _ in 0..<3 { busy.append(try await gateway.begun(until: "begun")) }
            for _ in 0..<12 {
                let newcomer = try await gateway.connect()
                #expect(try await newcomer.ending() == .closed)
            }
            try await function.wait(for: .gated, 3)
            try await function.release(3)
            for client in busy { #expect(try await client.answer().text == "begun") }
        }
    }

    /// More clients than descriptors: those that have one are served, the others wait or are refused, and all is well
    /// when they have gone.
    @Test func `descriptors may run out`() async throws {
        var setup = try await self.setup()
        setup.limits = "connections: 1000"
        setup.launcher = ("/bin/sh", ["-c", "ulimit -n 40; exec \"$0\" \"$@\"", Support.binary])
        try await Gateway.run(setup) { gateway in
            let first = try await gateway.connect()
            var clients: [RawClient] = []
            for _ in 0..<60 { clients.append(try await gateway.connect()) }
            _ = try await eventually("it says so") { gateway.log.contains("no resources left") ? true : nil }
            try await first.send(Gateway.request())
            #expect(try await first.answer().text == "fixed")
            for client in clients { client.close() }
            for _ in 0..<5 {
                let answer = try await gateway.get()
                #expect(answer.text == "fixed")
            }
        }
    }
}
