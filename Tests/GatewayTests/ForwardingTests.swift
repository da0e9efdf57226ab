import Glibc
import Reactor
import Testing

@testable import Gateway

/// Requests to an HTTP upstream go on as they come, and no faster than it takes them.
@Suite struct ForwardingTests {
    private static let piece = [UInt8](repeating: 0x78, count: 50_000)
    private static let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    private func upload(_ rig: Rig, _ client: Peer, _ text: String = "4\r\nhalf\r\n") throws -> Peer {
        client.send(Self.head + text)
        let server = try rig.turn(until: "a connection to the server") { rig.upstream.accept() }
        try rig.await(server, text)
        return server
    }

    @Test func `a body arrives before it is whole`() throws {
        let rig = try Rig(isHTTP: true)
        let client = try rig.connect()
        let server = try self.upload(rig, client)
        #expect(server.received.contains("transfer-encoding: chunked\r\n"))
        client.send("4\r\nrest\r\n")
        try rig.await(server, "4\r\nrest\r\n")
        client.send("0\r\n\r\n")
        try rig.await(server, "0\r\n\r\n")
        server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        try rig.await(client, "hello")
        // Both connections are used again.
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.await(server, "GET / HTTP/1.1\r\n")
    }

    @Test func `request and answer may run at the same time`() throws {
        let rig = try Rig(isHTTP: true)
        let client = try rig.connect()
        let server = try self.upload(rig, client)
        server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        try rig.await(client, "one")
        client.send("4\r\nmore\r\n0\r\n\r\n")
        try rig.await(server, "more\r\n0\r\n\r\n")
        server.send("3\r\ntwo\r\n0\r\n\r\n")
        try rig.await(client, "3\r\ntwo\r\n0\r\n\r\n")
    }

    /// Of a body that is not kept there is no second try.
    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nnobody"])
    func `an upload is not put on a connection that has closed or spoken a moment ago`(_ unasked: String) throws {
        let rig = try Rig("retries: 0", isHTTP: true)
        let client = try rig.connect()
        let server = try self.upload(rig, client, "4\r\nhalf\r\n0\r\n\r\n")
        server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
        try rig.await(client, "first")
        rig.turn()
        // In this order for the loop, which has not looked at either.
        client.send(Self.head + "4\r\nmore\r\n")
        if unasked.isEmpty { server.close() } else { server.send(unasked) }
        let next = try rig.turn(until: "another connection") { rig.upstream.accept() }
        try rig.await(next, "4\r\nmore\r\n")
        client.send("0\r\n\r\n")
        try rig.await(next, "0\r\n\r\n")
        next.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
        try rig.await(client, "second")
        #expect(!client.received.contains("nobody"))
    }

    @Test func `an answer before the end of the request ends both connections`() throws {
        let rig = try Rig(isHTTP: true)
        let client = try rig.connect()
        let server = try self.upload(rig, client)
        server.send("HTTP/1.1 413 X\r\nContent-Length: 2\r\n\r\nno")
        try rig.await(client, "HTTP/1.1 413 ")
        try rig.await(client, "\r\n\r\nno")
        try rig.awaitEnd(client)
        try rig.awaitEnd(server)
    }

    @Test func `a server that takes nothing stops its client, which is not called slow for it`() throws {
        let rig = try Rig("max_request_body: 1GiB", isHTTP: true)
        let client = try rig.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n\r\n")
        var sent = self.fill(rig, client)
        // The kernel's buffers hold some megabytes, and the gateway next to nothing.
        #expect(sent < 40_000_000)
        #expect(rig.context.budget.used < 200_000)
        for _ in 0..<10 { rig.advance(by: .seconds(20)) }
        client.receive()
        #expect(client.received.isEmpty)
        #expect(!client.hasEnded)
        // It reads.
        let server = try rig.turn(until: "a connection to the server") { rig.upstream.accept() }
        try rig.turn(until: "all of it") {
            server.receive()
            if sent < 60_000_000 { sent += client.offer(Self.piece[..<min(Self.piece.count, 60_000_000 - sent)]) }
            return server.received.utf8.count > 60_000_000 ? () : nil
        }
        server.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        try rig.await(client, "HTTP/1.1 200 ")
    }

    @Test func `a client that leaves while it is stopped is let go of at once`() throws {
        let rig = try Rig("max_request_body: 1GiB", isHTTP: true)
        let client = try rig.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n\r\n")
        self.fill(rig, client)
        let server = try rig.turn(until: "a connection to the server") { rig.upstream.accept() }
        client.reset()
        // The listener is left. To read from the server's side would let the upload go on.
        try rig.turn(until: "the end") { rig.loop.sourceCount == 1 ? () : nil }
        try rig.awaitEnd(server)
    }

    /// Sends until nothing is taken any more, and answers how much that was.
    @discardableResult
    private func fill(_ rig: Rig, _ client: Peer) -> Int {
        var sent = 0
        var quiet = 0
        while sent < 60_000_000, quiet < 50 {
            let count = client.offer(Self.piece[..<min(Self.piece.count, 60_000_000 - sent)])
            sent += count
            quiet = count == 0 ? quiet + 1 : 0
            rig.turn(1)
        }
        return sent
    }

    @Test func `a pipelined body whose request waits for a place is not gathered meanwhile`() throws {
        let rig = try Rig(
            "max_request_body: 1GiB, max_concurrency: 1, queue: { size: 10, timeout: 900s }", isHTTP: true)
        let client = try rig.connect()
        client.send(
            "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
                + "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n\r\n" + "some")
        let server = try rig.turn(until: "a connection to the server") { rig.upstream.accept() }
        try rig.await(server, "GET /a ")
        // Another one gets the place.
        let other = try rig.connect()
        other.send("GET /c HTTP/1.1\r\nHost: a\r\n\r\n")
        rig.turn()
        server.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
        try rig.await(client, "one")
        try rig.await(server, "GET /c ")
        #expect(self.fill(rig, client) < 40_000_000)
        #expect(rig.context.budget.used < 200_000)
    }

    @Test func `a client that stops in its body is slow`() throws {
        let rig = try Rig(isHTTP: true)
        let client = try rig.connect()
        let server = try self.upload(rig, client)
        rig.advance(by: .seconds(31))
        try rig.await(client, "HTTP/1.1 408 ")
        try rig.awaitEnd(server)
    }

    @Test func `a client that stops in its body after its answer has begun is left`() throws {
        let rig = try Rig(isHTTP: true)
        let client = try rig.connect()
        let server = try self.upload(rig, client)
        server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        try rig.await(client, "one")
        rig.advance(by: .seconds(31))
        try rig.awaitEnd(client)
        #expect(!client.received.contains("HTTP/1.1 408 "))
        #expect(!client.received.contains("0\r\n\r\n"))
        try rig.awaitEnd(server)
    }

    @Test func `the first byte is waited for from the end of the request`() throws {
        let rig = try Rig(isHTTP: true)
        let client = try rig.connect()
        let server = try self.upload(rig, client)
        for _ in 0..<5 {
            rig.advance(by: .seconds(20))
            // No slower than a client may be.
            client.send("4000\r\n" + String(repeating: "x", count: 0x4000) + "\r\n")
            rig.turn()
        }
        client.send("0\r\n\r\n")
        try rig.await(server, "0\r\n\r\n")
        rig.advance(by: .seconds(59))
        client.receive()
        #expect(client.received.isEmpty)
        rig.advance(by: .seconds(2))
        try rig.await(client, "HTTP/1.1 504 ")
        try rig.awaitEnd(server)
    }

    @Test func `a server that goes in the middle of an answer breaks it`() throws {
        let rig = try Rig(isHTTP: true)
        let client = try rig.connect()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let server = try rig.turn(until: "a connection to the server") { rig.upstream.accept() }
        try rig.await(server, "\r\n\r\n")
        server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        try rig.await(client, "one")
        server.close()
        try rig.awaitEnd(client)
        #expect(!client.received.contains("0\r\n\r\n"))
    }
}
