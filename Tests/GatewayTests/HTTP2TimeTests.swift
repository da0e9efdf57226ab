import TestSupport
import Testing
import Time

@testable import Gateway
@testable import Reactor

/// The times of HTTP/2 connections, with a clock that the test moves.
@Suite struct HTTP2TimeTests {
    private static func get(_ path: String = "/fixed") -> [(String, String)] {
        [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "a")]
    }

    private static let post = [(":method", "POST")] + Self.get("/").dropFirst()

    private func connect(_ rig: Rig) throws -> Peer {
        let peer = try rig.connect()
        peer.send(HTTP2Frame.preface + HTTP2Frame.settings().bytes + HTTP2Frame.settingsAcknowledgement.bytes)
        rig.turn()
        return peer
    }

    /// All frames so far.
    private func frames(_ peer: Peer) -> [HTTP2Frame] {
        peer.receive()
        return HTTP2Frame.parse(peer.bytes).frames
    }

    private func await(
        _ rig: Rig, _ peer: Peer, _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
        _ isThere: ([HTTP2Frame]) -> Bool
    ) throws {
        try rig.turn(until: what, sourceLocation: sourceLocation) { isThere(self.frames(peer)) ? () : nil }
    }

    @Test func `an idle connection is told to go after 300 s`() throws {
        let rig = try Rig()
        let peer = try self.connect(rig)
        peer.send(HTTP2Frame.headers(1, Self.get()).bytes)
        try self.await(rig, peer, "the answer") { $0.contains { $0.type == 0 } }
        rig.advance(by: .seconds(299))
        #expect(!self.frames(peer).contains { $0.type == 7 })
        rig.advance(by: .seconds(2))
        try self.await(rig, peer, "the announcement") { $0.last { $0.type == 7 }?.number() == 0x7fff_ffff }
        // It does not say that it knows.
        rig.advance(by: .seconds(2))
        try self.await(rig, peer, "the end") { $0.last { $0.type == 7 }?.number() == 1 }
        try rig.awaitEnd(peer)
    }

    @Test func `a connection that says nothing behind its preface ends after 10 s`() throws {
        let rig = try Rig()
        let peer = try rig.connect()
        peer.send(HTTP2Frame.preface)
        rig.turn()
        rig.advance(by: .seconds(9))
        peer.receive()
        #expect(!peer.hasEnded)
        rig.advance(by: .seconds(2))
        try rig.awaitEnd(peer)
    }

    @Test func `a header block has 10 s in all, however it dribbles`() throws {
        let rig = try Rig()
        let peer = try self.connect(rig)
        let bytes = HTTP2Frame.headers(1, Self.get()).bytes
        for index in 0..<6 {
            peer.send([bytes[index]])
            rig.turn()
            rig.advance(by: .milliseconds(1900))
        }
        try self.await(rig, peer, "the end") { $0.contains { $0.type == 7 && $0.number(at: 4) == 11 } }
        try rig.awaitEnd(peer)
    }

    @Test func `a body has to come at some rate, and its stream alone is answered`() throws {
        let rig = try Rig()
        let peer = try self.connect(rig)
        peer.send(HTTP2Frame.headers(1, Self.post, end: false).bytes)
        rig.turn()
        for _ in 0..<3 {
            peer.send(HTTP2Frame.data(1, "a").bytes)
            rig.turn()
            rig.advance(by: .seconds(11))
        }
        try self.await(rig, peer, "the answer") { $0.contains { $0.type == 1 && $0.stream == 1 } }
        #expect(!self.frames(peer).contains { $0.type == 3 })
        // Nobody takes the rest of its request, and a client that does not see that is told so.
        rig.advance(by: .seconds(2))
        try self.await(rig, peer, "the reset") { $0.contains { $0.type == 3 && $0.number() == 0 } }
        peer.send(HTTP2Frame.headers(3, Self.get()).bytes)
        try self.await(rig, peer, "another answer") { $0.contains { $0.type == 0 && $0.stream == 3 } }
        #expect(!self.frames(peer).contains { $0.type == 7 })
    }

    @Test func `invocations that were reset count for 10 s`() throws {
        let rig = try Rig(limits: "invocations_per_connection: 1")
        let peer = try self.connect(rig)
        peer.send(HTTP2Frame.headers(1, Self.get("/")).bytes)
        let first = try rig.turn(until: "a call") { rig.upstream.accept() }
        peer.send(HTTP2Frame.reset(1).bytes)
        try rig.awaitEnd(first)
        peer.send(HTTP2Frame.headers(3, Self.get("/")).bytes)
        try self.await(rig, peer, "a refusal") { $0.contains { $0.type == 3 && $0.stream == 3 && $0.number() == 7 } }
        rig.advance(by: .seconds(11))
        peer.send(HTTP2Frame.headers(5, Self.get("/")).bytes)
        _ = try rig.turn(until: "another call") { rig.upstream.accept() }
    }

    /// What waits on one connection is bounded for all of its streams together, and none waits for another.
    @Test func `a stream goes on beside those that hold all that may wait`() throws {
        let rig = try Rig("response: raw", limits: "connection_buffer: 64KiB")
        let peer = try self.connect(rig)
        peer.send(HTTP2Frame.settings([(4, 0)]).bytes + HTTP2Frame.windowUpdate(0, 1_000_000).bytes)
        let apis = try [1, 3].map { id in
            peer.send(HTTP2Frame.headers(UInt32(id), Self.get("/")).bytes)
            let api = try rig.turn(until: "a call") { rig.upstream.accept() }
            try rig.await(api, "\r\n\r\n{")
            api.beginStream()
            return api
        }
        apis[0].sendPayload(String(repeating: "a", count: 30_000))
        try rig.turn(until: "the first stream has filled the connection") {
            rig.context.metrics.totals.limits.keys.contains("connection_buffer") ? () : nil
        }
        peer.send(HTTP2Frame.windowUpdate(3, 1_000_000).bytes)
        for _ in 0..<10 { apis[1].sendPayload(String(repeating: "b", count: 10_000)) }
        apis[1].sendComplete()
        try self.await(rig, peer, "the other answer") { frames in
            frames.filter { $0.type == 0 && $0.stream == 3 }.map(\.payload.count).reduce(0, +) == 100_000
        }
        peer.send(HTTP2Frame.windowUpdate(1, 1_000_000).bytes)
        apis[0].sendComplete()
        try self.await(rig, peer, "the first answer") { frames in
            frames.filter { $0.type == 0 && $0.stream == 1 }.map(\.payload.count).reduce(0, +) == 30_000
        }
        #expect(!self.frames(peer).contains { $0.type == 3 || $0.type == 7 })
        #expect(rig.log.lines(with: "connection_buffer").count == 1)
    }

    @Test func `a whole answer that nobody takes is reset after 60 s`() throws {
        let rig = try Rig("response: raw")
        let peer = try self.connect(rig)
        peer.send(HTTP2Frame.settings([(4, 3)]).bytes + HTTP2Frame.headers(1, Self.get("/")).bytes)
        let api = try rig.turn(until: "a call") { rig.upstream.accept() }
        try rig.await(api, "\r\n\r\n{")
        api.beginStream()
        api.sendPayload("hello")
        api.sendComplete()
        try self.await(rig, peer, "a part") { $0.contains { $0.type == 0 && $0.payload.count == 3 } }
        rig.advance(by: .seconds(59))
        #expect(!self.frames(peer).contains { $0.type == 3 })
        rig.advance(by: .seconds(2))
        try self.await(rig, peer, "the reset") { $0.contains { $0.type == 3 && $0.number() == 8 } }
    }

    @Test func `a whole answer that nobody takes is reset after 60 s, also where its request ended later`() throws {
        let rig = try Rig()
        let peer = try self.connect(rig)
        let post = [(":method", "POST")] + Self.get().dropFirst()
        peer.send(HTTP2Frame.settings([(4, 0)]).bytes + HTTP2Frame.headers(1, post, end: false).bytes)
        try self.await(rig, peer, "the head") { $0.contains { $0.type == 1 && $0.stream == 1 } }
        peer.send(HTTP2Frame.data(1, "", end: true).bytes)
        rig.turn()
        rig.advance(by: .seconds(59))
        #expect(!self.frames(peer).contains { $0.type == 3 })
        rig.advance(by: .seconds(2))
        try self.await(rig, peer, "the reset") { $0.contains { $0.type == 3 && $0.number() == 8 } }
    }

    /// The last stream ends by the client's reset, to which there is nothing to say.
    @Test func `a connection that is leaving ends with its last stream, however that ends`() throws {
        let rig = try Rig(limits: "requests_per_connection: 1")
        let peer = try self.connect(rig)
        peer.send(HTTP2Frame.headers(1, Self.get("/")).bytes)
        let api = try rig.turn(until: "a call") { rig.upstream.accept() }
        rig.advance(by: .seconds(2))
        try self.await(rig, peer, "that it is leaving") { $0.last { $0.type == 7 }?.number() == 1 }
        peer.send(HTTP2Frame.reset(1).bytes)
        try rig.awaitEnd(api)
        try rig.awaitEnd(peer)
    }

    @Test func `while a connection ends the loop sleeps`() throws {
        let rig = try Rig()
        let peer = try self.connect(rig)
        peer.send(HTTP2Frame.headers(1, Self.get()).bytes)
        try self.await(rig, peer, "the answer") { $0.contains { $0.type == 0 } }
        rig.advance(by: .seconds(301))
        try self.await(rig, peer, "the announcement") { $0.last { $0.type == 7 }?.number() == 0x7fff_ffff }
        #expect(rig.loop.timers.next > rig.loop.now)
    }

    @Test func `a client that takes nothing is let go of, whatever part of a frame it sends`() throws {
        let rig = try Rig(routes: Rig.largeRoute)
        let peer = try rig.connect(receiveBuffer: 4096)
        let greeting = HTTP2Frame.settings([(4, 0x7fff_ffff)]).bytes + HTTP2Frame.windowUpdate(0, 0x7000_0000).bytes
        peer.send(HTTP2Frame.preface + greeting)
        for index in 0..<80 { peer.send(HTTP2Frame.headers(UInt32(2 * index + 1), Self.get("/large")).bytes) }
        rig.turn(20)
        peer.send(Array(HTTP2Frame.ping().bytes.prefix(5)))
        rig.turn()
        #expect(rig.loop.sourceCount == 2)
        rig.advance(by: .seconds(12))
        rig.advance(by: .seconds(61))
        // The listener is left.
        #expect(rig.loop.sourceCount == 1)
        try rig.awaitEnd(peer)
    }

    /// The client has its answer, and a reset: nothing was refused.
    @Test func `a request that turns out to be malformed while it is answered ends as one whose client has left`()
        throws
    {
        let rig = try Rig(isHTTP: true)
        let peer = try self.connect(rig)
        let fields = Self.post + [("content-length", "10")]
        peer.send(HTTP2Frame.headers(1, fields, end: false).bytes + HTTP2Frame.data(1, "some").bytes)
        let server = try rig.turn(until: "a connection to the server") { rig.upstream.accept() }
        try rig.await(server, "some")
        server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        try self.await(rig, peer, "some of the answer") { $0.contains { $0.type == 0 } }
        peer.send(HTTP2Frame.data(1, "end", end: true).bytes)
        try self.await(rig, peer, "the reset") { $0.contains { $0.type == 3 && $0.number() == 1 } }
        try rig.awaitEnd(server)
        #expect(rig.context.metrics.totals.requests.keys.map(\.end) == ["client_left"])
    }
}
