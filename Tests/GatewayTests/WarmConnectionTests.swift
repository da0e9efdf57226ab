import TestSupport
import Testing

@testable import Gateway

/// Connections that are there before they are needed.
@Suite struct WarmConnectionTests {
    private func accept(_ rig: Rig, _ count: Int) throws -> [Peer] {
        let peers = try (0..<count).map { _ in try rig.turn(until: "a connection") { rig.upstream.accept() } }
        rig.turn()
        #expect(rig.upstream.accept() == nil)
        return peers
    }

    @Test func `so many are opened from the start, and used`() throws {
        let rig = try Rig("warm_connections: 2")
        let peers = try self.accept(rig, 2)
        let client = try rig.connect()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.turn(until: "a call on one of them") {
            peers.forEach { $0.receive() }
            return peers.contains { $0.received.contains("\r\n\r\n{") } ? () : nil
        }
        #expect(!rig.accepts())
    }

    @Test func `without the key there are none`() throws {
        let rig = try Rig()
        rig.turn(10)
        #expect(rig.upstream.accept() == nil)
    }

    @Test func `one that is lost is made again after a second`() throws {
        let rig = try Rig("warm_connections: 2")
        let peers = try self.accept(rig, 2)
        peers[0].close()
        rig.turn()
        #expect(rig.upstream.accept() == nil)
        rig.advance(by: .milliseconds(1100))
        _ = try self.accept(rig, 1)
    }

    @Test func `those that are not used are replaced before their peer gives them up`() throws {
        let rig = try Rig("warm_connections: 1")
        let peer = try self.accept(rig, 1)[0]
        rig.advance(by: .seconds(56))
        try rig.awaitEnd(peer)
        rig.advance(by: .milliseconds(1100))
        _ = try self.accept(rig, 1)
    }

    @Test func `a connection of HTTP2 is greeted before it is needed`() throws {
        let rig = try Rig("upstream: http2, warm_connections: 1")
        let api = try HTTP2API(rig)
        let client = try rig.connect()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try api.await(requests: 1)
        api.answer(1, "warm")
        try rig.await(client, "warm")
        #expect(!rig.accepts())
    }

    @Test func `none is left when the loop ends`() throws {
        let rig = try Rig("warm_connections: 2")
        let peers = try self.accept(rig, 2)
        rig.context.drain {}
        rig.turn()
        for peer in peers { try rig.awaitEnd(peer) }
        rig.advance(by: .seconds(5))
        #expect(rig.upstream.accept() == nil)
    }
}
