import Configuration
import HTTP
import Reactor
import Testing

@testable import Gateway

@Suite struct LimitTests {
    @Test func `a budget gives no more than it has, and takes back`() {
        let budget = MemoryBudget(limit: 100)
        #expect(budget.take(60))
        #expect(!budget.take(41))
        #expect(budget.used == 60)
        #expect(budget.take(40))
        #expect(!budget.take(1))
        #expect(budget.take(0))
        budget.giveBack(100)
        #expect(budget.used == 0)
        budget.giveBack(0)
        #expect(budget.take(100))
    }

    @Test func `a budget stays right however many take from it`() async {
        let budget = MemoryBudget(limit: 50)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2000 where budget.take(10) {
                        #expect(budget.used > 0)
                        budget.giveBack(10)
                    }
                }
            }
        }
        #expect(budget.used == 0)
    }

    @Test func `connections are counted in all and by address`() {
        var settings = LimitSettings()
        settings.connections = 3
        settings.connectionsPerAddress = 2
        let limits = ConnectionLimits(settings)
        let (first, second) = (IPAddress(v4: 0x0a00_0001), IPAddress(v4: 0x0a00_0002))
        #expect(limits.enter(from: first))
        #expect(limits.enter(from: first))
        #expect(!limits.enter(from: first))
        #expect(limits.enter(from: second))
        limits.leave(from: first)
        #expect(limits.enter(from: first))
        for _ in 0..<3 { #expect(limits.enter()) }
        // What is full is entered all the same: an idle one has to go.
        #expect(!limits.enter())
        limits.leave()
        limits.leave()
        #expect(limits.enter())
    }

    @Test func `loopback counts in all only, and so do trusted proxies`() throws {
        let rig = try Rig(limits: "connections_per_address: 1")
        let clients = try (0..<3).map { _ in try rig.connect() }
        for client in clients {
            client.send("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n")
            try rig.await(client, "fixed")
        }
        var proxies = TrustedProxies()
        proxies.ranges = [try IPRange(parsing: "10.0.0.0/8")]
        let listener = ListenerRuntime(name: "test", port: 80, trustedProxies: proxies)
        #expect(listener.trusts(IPAddress(v4: 0x0a01_0203)))
        #expect(!listener.trusts(IPAddress(v4: 0x0b01_0203)))
        #expect(!listener.trusts(nil))
    }

    @Test func `one connection more than there is room for costs an idle one`() throws {
        let rig = try Rig(limits: "connections: 2")
        let idle = try rig.connect()
        idle.send("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.await(idle, "fixed")
        let busy = try rig.connect()
        let api = try rig.call(busy)
        let next = try rig.connect()
        try rig.awaitEnd(idle)
        next.send("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.await(next, "fixed")
        // Now that none is idle there is no room; the busy ones are let alone.
        let second = try rig.call(next)
        let refused = try rig.connect()
        try rig.awaitEnd(refused)
        for (client, connection) in [(busy, api), (next, second)] {
            connection.beginStream()
            connection.sendPayload("answer")
            connection.sendComplete()
            try rig.await(client, "answer")
        }
    }

    @Test func `where memory is used up requests are refused, and connections closed`() throws {
        // The least that may be configured, and less than a process of tests has.
        let rig = try Rig(limits: "max_memory: 32MiB")
        rig.context.memory.look()
        #expect(rig.context.memory.level == .full)
        let client = try rig.connect()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.await(client, "HTTP/1.1 503 ")
        #expect(client.received.contains("retry-after: "))
        #expect(client.received.contains("connection: close"))
        try rig.awaitEnd(client)
        #expect(rig.upstream.accept() == nil)
    }

    /// The session is over with its answer, the socket only when the client has taken it.
    @Test func `a connection counts until its socket is closed`() throws {
        let rig = try Rig(limits: "connections: 2", routes: Rig.largeRoute)
        let slow = try (0..<2).map { _ in try rig.connect(receiveBuffer: 4096) }
        for client in slow { client.send("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") }
        rig.turn(20)
        let refused = try rig.connect()
        try rig.awaitEnd(refused)
        #expect(refused.received.isEmpty)
        for client in slow { client.reset() }
        rig.turn()
        let next = try rig.connect()
        next.send("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.await(next, "fixed")
    }
}
