import Glibc
import TestSupport
import Testing
import Time

@testable import Gateway
@testable import Reactor

/// Many calls on few connections.
@Suite struct HTTP2UpstreamTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    /// Those that nobody names stay as well.
    private final class Kept {
        var peers: [Peer] = []
    }

    private let kept = Kept()

    private func clients(_ rig: Rig, _ count: Int) throws -> [Peer] {
        let clients = try (0..<count).map { _ in
            let client = try rig.connect()
            client.send(Self.get)
            return client
        }
        self.kept.peers += clients
        return clients
    }

    @Test func `calls at the same time share a connection, whoever is answered first`() throws {
        let rig = try Rig("upstream: http2")
        let clients = try self.clients(rig, 3)
        let api = try HTTP2API(rig)
        try api.await(requests: 3)
        #expect(api.streams == [1, 3, 5])
        #expect(!rig.accepts())
        for (index, stream) in [(2, 5), (0, 1), (1, 3)] as [(Int, UInt32)] {
            api.answer(stream, "answer \(stream)")
            try rig.await(clients[index], "answer \(stream)")
        }
        // And the next ones use it again.
        clients[0].send(Self.get)
        try api.await(requests: 4)
        #expect(api.streams.last == 7)
    }

    /// The socket has failed when the first byte was offered to it: not a byte of the call has left.
    @Test func `a call that no socket has taken is made on another connection`() throws {
        var isBroken = false
        let faults = FaultPlan { operation, _ in
            guard isBroken, operation == .send else { return .pass }
            isBroken = false
            return .reset
        }
        let rig = try Rig("upstream: http2, retries: 0", faults: faults)
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.answer(1, "one")
        try rig.await(client, "one")
        rig.turn()
        isBroken = true
        client.send(Self.get)
        let next = try HTTP2API(rig)
        try next.await(requests: 1)
        next.answer(1, "two")
        try rig.await(client, "two")
        #expect(!client.received.contains("HTTP/1.1 502 "))
        #expect(rig.context.metrics.totals.resent.keys == ["stale_connection"])
    }

    @Test func `an endpoint that greets and goes away in one breath is no endpoint`() throws {
        let rig = try Rig("upstream: http2, retries: 0")
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig, settings: nil)
        api.send(.settings(), .goAway(last: 0))
        try rig.await(client, "HTTP/1.1 502 ")
        #expect(!rig.accepts())
    }

    /// Each time one of two connections fails, another one is on its way.
    @Test func `who waits is told that nobody can be reached, however many connections are tried`() throws {
        let rig = try Rig("upstream: http2, retries: 0")
        let clients = try self.clients(rig, 3)
        // It takes one at a time: two more connections are needed for the others.
        let api = try HTTP2API(rig, settings: [(3, 1)])
        try api.await(requests: 1)
        let trying = [try HTTP2API(rig, settings: nil), try HTTP2API(rig, settings: nil)]
        for api in trying {
            api.peer.close()
            rig.turn()
        }
        try rig.turn(until: "both are refused") {
            let refused = clients.count { client in
                client.receive()
                return client.received.hasPrefix("HTTP/1.1 502 ")
            }
            return refused == 2 ? () : nil
        }
    }

    @Test func `a call says what it says in HTTP1`() throws {
        let rig = try Rig("upstream: http2")
        _ = try self.clients(rig, 1)
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        let request = try #require(api.requests[1])
        #expect(request[":method"] == "POST")
        #expect(request[":scheme"] == "http")
        #expect(request[":authority"] == "127.0.0.1:\(rig.upstream.port)")
        #expect(request[":path"] == "/2021-11-15/functions/main/response-streaming-invocations")
        #expect(request["authorization"]?.hasPrefix("AWS4-HMAC-SHA256 ") == true)
        #expect(request["host"] == nil)
        #expect(request["content-length"] == "\(api.body(1).count)")
        #expect(api.body(1).first == UInt8(ascii: "{"))
    }

    @Test func `chunks arrive as they come`() throws {
        let rig = try Rig("upstream: http2")
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.begin(1)
        for text in ["one", "two", "three"] {
            api.payload(1, text)
            try rig.await(client, text)
        }
        #expect(!client.received.contains("\r\n0\r\n"))
        api.complete(1)
        try rig.await(client, "\r\n0\r\n\r\n")
    }

    @Test func `nothing is sent before the server has greeted, and all who wait share the connection`() throws {
        let rig = try Rig("upstream: http2")
        _ = try self.clients(rig, 5)
        let api = try HTTP2API(rig, settings: nil)
        rig.turn(20)
        api.receive()
        #expect(api.requests.isEmpty)
        #expect(!rig.accepts())
        api.send(.settings())
        try api.await(requests: 5)
        #expect(!rig.accepts())
    }

    // The server's limit.

    @Test func `beyond the server's limit there is another connection`() throws {
        let rig = try Rig("upstream: http2")
        let clients = try self.clients(rig, 3)
        let first = try HTTP2API(rig, settings: [(3, 2)])
        try first.await(requests: 2)
        let second = try HTTP2API(rig, settings: [(3, 2)])
        try second.await(requests: 1)
        first.receive()
        #expect(first.streams == [1, 3])
        #expect(!rig.accepts())
        // A place that becomes free is used before anything else.
        first.answer(1, "done")
        try rig.turn(until: "an answer") {
            clients.forEach { $0.receive() }
            return clients.contains { $0.received.contains("done") } ? () : nil
        }
        _ = try self.clients(rig, 1)
        try first.await(requests: 3)
        #expect(!rig.accepts())
    }

    @Test func `a limit that changes is obeyed from then on`() throws {
        let rig = try Rig("upstream: http2")
        _ = try self.clients(rig, 1)
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.send(.settings([(3, 1)]))
        _ = try self.clients(rig, 1)
        let other = try HTTP2API(rig, settings: [(3, 1)])
        try other.await(requests: 1)
        api.send(.settings([(3, 3)]))
        _ = try self.clients(rig, 2)
        try api.await(requests: 3)
    }

    @Test func `a server that takes no streams at all is no server`() throws {
        let rig = try Rig("upstream: http2, retries: 0")
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig, settings: [(3, 0)])
        try rig.await(client, "HTTP/1.1 502 ")
        try rig.awaitEnd(api.peer)
        #expect(!rig.accepts())
    }

    // Sent again.

    @Test func `what a GOAWAY leaves out is sent again at once, and the rest goes on`() throws {
        let rig = try Rig("upstream: http2")
        let clients = try self.clients(rig, 2)
        let old = try HTTP2API(rig)
        try old.await(requests: 2)
        old.begin(1)
        old.payload(1, "begun")
        old.send(.goAway(last: 1))
        let new = try HTTP2API(rig)
        try new.await(requests: 1)
        new.answer(1, "on the new one")
        try rig.await(clients[1], "on the new one")
        old.payload(1, "ended")
        old.complete(1)
        try rig.await(clients[0], "ended")
        try rig.awaitEnd(old.peer)
        let resent = rig.context.metrics.totals.resent
        #expect(Array(zip(resent.keys, resent.values)).map { "\($0) \($1)" } == ["goaway 1"])
    }

    /// A connection that takes a call and leaves it out.
    private func leaveOut(_ rig: Rig) throws {
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.send(.goAway(last: 0))
    }

    /// RFC 9113 §6.8: it was certainly not begun with. Connections may end one after the other, but not for ever.
    @Test func `a call that GOAWAYs leave out costs no try`() throws {
        let rig = try Rig("upstream: http2, retries: 0")
        let client = try self.clients(rig, 1)[0]
        for _ in 0..<3 { try self.leaveOut(rig) }
        let last = try HTTP2API(rig)
        try last.await(requests: 1)
        last.answer(1, "at last")
        try rig.await(client, "at last")
        #expect(rig.context.metrics.totals.resent.values == [3])
    }

    @Test func `one that all connections leave out is given up`() throws {
        let rig = try Rig("upstream: http2, retries: 0")
        let client = try self.clients(rig, 1)[0]
        for _ in 0..<4 { try self.leaveOut(rig) }
        try rig.await(client, "HTTP/1.1 502 ")
        #expect(!rig.accepts())
    }

    @Test func `a refusal costs a try`() throws {
        let rig = try Rig("upstream: http2, retries: 0")
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.send(.reset(1, 7))
        try rig.await(client, "HTTP/1.1 502 ")
    }

    @Test func `a connection under GOAWAY gets no new streams`() throws {
        let rig = try Rig("upstream: http2")
        let first = try self.clients(rig, 1)[0]
        let old = try HTTP2API(rig)
        try old.await(requests: 1)
        old.send(.goAway(last: 0x7fff_ffff))
        _ = try self.clients(rig, 1)
        let new = try HTTP2API(rig)
        try new.await(requests: 1)
        old.answer(1, "still here")
        try rig.await(first, "still here")
        old.receive()
        #expect(old.streams == [1])
    }

    @Test func `a stream that was refused is sent again after a while`() throws {
        let rig = try Rig("upstream: http2")
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.send(.reset(1, 7))
        rig.turn()
        api.receive()
        #expect(api.streams == [1])
        rig.advance(by: .milliseconds(200))
        try api.await(requests: 2)
        api.answer(3, "now")
        try rig.await(client, "now")
        #expect(rig.context.metrics.totals.resent.keys == ["refused_stream"])
    }

    @Test func `one that is always refused is given up`() throws {
        let rig = try Rig("upstream: http2, retries: 1")
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.send(.reset(1, 7))
        rig.advance(by: .milliseconds(200))
        try api.await(requests: 2)
        api.send(.reset(3, 7))
        try rig.await(client, "HTTP/1.1 502 ")
    }

    @Test(arguments: [UInt32(0), 2, 8, 11]) func `any other reset may mean that the function has run`(_ code: UInt32)
        throws
    {
        let rig = try Rig("upstream: http2")
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.send(.reset(1, code))
        try rig.await(client, "HTTP/1.1 502 ")
        rig.advance(by: .seconds(5))
        api.receive()
        #expect(api.streams == [1])
    }

    @Test func `a refusal behind the head is none`() throws {
        let rig = try Rig("upstream: http2")
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.begin(1)
        api.send(.reset(1, 7))
        try rig.await(client, "HTTP/1.1 502 ")
        rig.advance(by: .seconds(5))
        api.receive()
        #expect(api.streams == [1])
    }

    @Test func `calls on a connection that is lost are not made again`() throws {
        let rig = try Rig("upstream: http2")
        let clients = try self.clients(rig, 2)
        let api = try HTTP2API(rig)
        try api.await(requests: 2)
        api.peer.close()
        for client in clients { try rig.await(client, "HTTP/1.1 502 ") }
        #expect(!rig.accepts())
        rig.advance(by: .seconds(5))
        #expect(!rig.accepts())
    }

    // Broken answers.

    @Test func `an answer that is reset in its middle is visibly broken`() throws {
        let rig = try Rig("upstream: http2")
        let clients = try self.clients(rig, 2)
        let api = try HTTP2API(rig)
        try api.await(requests: 2)
        api.begin(1)
        api.payload(1, "begun")
        api.begin(3)
        try rig.await(clients[0], "begun")
        api.send(.reset(1, 2))
        try rig.awaitEnd(clients[0])
        #expect(!clients[0].received.contains("\r\n0\r\n"))
        api.payload(3, "unharmed")
        try rig.await(clients[1], "unharmed")
    }

    @Test func `a stream that ends without the end of its invocation is broken`() throws {
        let rig = try Rig("upstream: http2")
        let client = try self.clients(rig, 1)[0]
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.begin(1)
        api.payload(1, "begun")
        api.send(.data(1, [], end: true))
        try rig.awaitEnd(client)
        #expect(client.received.contains("begun"))
        #expect(!client.received.contains("\r\n0\r\n"))
    }

    @Test func `a malformed answer is 502, and the others go on`() throws {
        let rig = try Rig("upstream: http2")
        let clients = try self.clients(rig, 2)
        let api = try HTTP2API(rig)
        try api.await(requests: 2)
        api.send(.headers(1, [(":status", "200"), ("Bad", "name")], end: false))
        try rig.await(clients[0], "HTTP/1.1 502 ")
        try api.await("the reset") { $0.resetCode(1) == 1 }
        api.answer(3, "unharmed")
        try rig.await(clients[1], "unharmed")
    }

    @Test func `a server that breaks the protocol loses its connection`() throws {
        let rig = try Rig("upstream: http2")
        let clients = try self.clients(rig, 2)
        let api = try HTTP2API(rig)
        try api.await(requests: 2)
        api.send(.headers(2, [(":status", "200")]))
        for client in clients { try rig.await(client, "HTTP/1.1 502 ") }
        try api.await("GOAWAY") { $0.frames.contains { $0.type == 7 } }
        try rig.awaitEnd(api.peer)
    }

    @Test func `a server of HTTP1 is found out before anything is sent to it`() throws {
        let rig = try Rig("upstream: http2, retries: 0")
        let client = try self.clients(rig, 1)[0]
        let api = try rig.turn(until: "a connection") { rig.upstream.accept() }
        api.send("HTTP/1.1 400 Bad Request\r\n\r\n")
        try rig.await(client, "HTTP/1.1 502 ")
        #expect(!api.received.contains("authorization"))
    }
}
