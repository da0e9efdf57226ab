import Glibc
import Testing

/// What a service manager is told: sd_notify(3).
@Suite struct ServiceManagerTests {
    private func setup() async throws -> Setup {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /*, respond: { body: fixed } }"]
        return setup
    }

    @Test(arguments: [false, true])
    func `it hears of the beginning, of reloads and of the end`(_ isAbstract: Bool) async throws {
        var setup = try await self.setup()
        let manager = try NotifySocket(in: setup.folder, isAbstract: isAbstract)
        setup.environment["NOTIFY_SOCKET"] = manager.name
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let ready = try await manager.wait(for: "READY=1")
            #expect(ready.contains { $0.hasPrefix("STATUS=listening on 127.0.0.1:0; 0 functions, 1 routes") })
            #expect(try await gateway.get().text == "fixed")

            #expect(try await gateway.reload())
            let reloading = try await manager.wait(for: "RELOADING=1")
            let time = try #require(reloading.first { $0.hasPrefix("MONOTONIC_USEC=") }?.dropFirst(15))
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            let age = Int(now.tv_sec) * 1_000_000 + now.tv_nsec / 1000 - (try #require(Int(time)))
            #expect((0..<60_000_000).contains(age))
            try await manager.wait(for: "READY=1", 2)

            setup.wholeText = "nonsense: true\n"
            #expect(try await !gateway.reload(setup))
            let refused = try await manager.wait(for: "READY=1", 3)
            #expect(refused.contains { $0.hasPrefix("STATUS=") && $0.contains("the last reload was refused") })

            try await gateway.stop()
            let stopping = try await manager.wait(for: "STOPPING=1")
            // drain_timeout, and some.
            #expect(stopping.contains("EXTEND_TIMEOUT_USEC=12000000"))
        }
    }

    @Test func `its watchdog is fed`() async throws {
        var setup = try await self.setup()
        let manager = try NotifySocket(in: setup.folder)
        setup.environment["NOTIFY_SOCKET"] = manager.name
        setup.environment["WATCHDOG_USEC"] = "90000"
        setup.workers = 2
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            try await manager.wait(for: "WATCHDOG=1", 5)
            _ = gateway
        }
    }

    @Test func `a watchdog that is meant for another process is left alone`() async throws {
        var setup = try await self.setup()
        let manager = try NotifySocket(in: setup.folder)
        setup.environment["NOTIFY_SOCKET"] = manager.name
        setup.environment["WATCHDOG_USEC"] = "30000"
        setup.environment["WATCHDOG_PID"] = "1"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            try await manager.wait(for: "READY=1")
            try await Task.sleep(for: .milliseconds(200))
            #expect(!manager.messages.contains("WATCHDOG=1"))
            _ = gateway
        }
    }

    @Test(arguments: ["/nonexistent/notify", "vsock:2:1234", "@", "relative"])
    func `a service manager that can not be reached is no obstacle`(_ name: String) async throws {
        var setup = try await self.setup()
        setup.environment["NOTIFY_SOCKET"] = name
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "fixed")
        }
    }
}
