import Foundation
import Reactor
import Testing

@testable import Gateway

/// When connections to the API are used again, and when they are given up.
@Suite struct UpstreamPoolTests {
    private func answer(_ api: Peer, _ rig: Rig, _ client: Peer, _ text: String) throws {
        api.beginStream()
        api.sendPayload(text)
        api.sendComplete()
        try rig.await(client, text)
        rig.turn()
    }

    @Test func `an idle connection is used again`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        try self.answer(api, rig, client, "one")
        client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.await(api, "/second")
        #expect(rig.upstream.accept() == nil)
        try self.answer(api, rig, client, "two")
    }

    @Test func `it is kept for 55 s`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        try self.answer(api, rig, client, "one")
        rig.advance(by: .seconds(54))
        api.receive()
        #expect(!api.hasEnded)
        rig.advance(by: .seconds(2))
        try rig.awaitEnd(api)
    }

    @Test func `one that is always in use is given up after five minutes`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        try self.answer(api, rig, client, "first")
        for round in 1...6 {
            rig.advance(by: .seconds(48))
            client.send("GET /round-\(round) HTTP/1.1\r\nHost: a\r\n\r\n")
            try rig.await(api, "/round-\(round)")
            try self.answer(api, rig, client, "answer \(round)")
        }
        rig.advance(by: .seconds(20))
        client.send("GET /last HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.await(api, "/last")
        try self.answer(api, rig, client, "the last")
        // It was used to the end of its last answer, and the next call goes where the name leads.
        try rig.awaitEnd(api)
        client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        let next = try rig.turn(until: "another connection") { rig.upstream.accept() }
        try rig.await(next, "/next")
    }

    /// The API closes while the loop is busy elsewhere: the event waits, and the next call must not go to its death.
    @Test func `one that was closed a moment ago is not taken`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        try self.answer(api, rig, client, "one")
        rig.clock.advance(by: .seconds(1))
        // Both wait in the kernel; which of them the loop sees first is up to it.
        client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        api.close()
        let next = try rig.turn(until: "another connection") { rig.upstream.accept() }
        try rig.await(next, "/second")
        try self.answer(next, rig, client, "two")
        #expect(!client.received.contains("HTTP/1.1 502 "))
    }

    /// The API closes in the very round in which the connection is taken: not a byte of the call has left.
    @Test(arguments: ["", "retries: 0"])
    func `a call that was put on a connection closed before is made on another one`(
        _ keys: String
    ) throws {
        let rig = try Rig(keys)
        let client = try rig.connect()
        let api = try rig.call(client)
        try self.answer(api, rig, client, "one")
        // In this order for the loop, which has not looked at either.
        client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        api.close()
        let next = try rig.turn(until: "another connection") { rig.upstream.accept() }
        try rig.await(next, "/second")
        try self.answer(next, rig, client, "two")
        #expect(!client.received.contains("HTTP/1.1 502 "))
        #expect(rig.context.metrics.totals.resent.keys == ["stale_connection"])
    }

    /// The kernel has taken the call, so that the function may have run, whatever is more likely.
    @Test func `a call that has left is not made again`() throws {
        let rig = try Rig("retries: 5")
        let client = try rig.connect()
        let api = try rig.call(client)
        try self.answer(api, rig, client, "one")
        client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        rig.turn()
        api.close()
        try rig.await(client, "HTTP/1.1 502 ")
        rig.advance(by: .seconds(10))
        #expect(rig.upstream.accept() == nil)
        #expect(rig.context.metrics.totals.resent.keys.isEmpty)
    }

    @Test func `one on which the API spoke out of turn is not taken`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        try self.answer(api, rig, client, "one")
        api.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        rig.turn()
        try rig.awaitEnd(api)
        client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        let next = try rig.turn(until: "another connection") { rig.upstream.accept() }
        try rig.await(next, "/second")
        try self.answer(next, rig, client, "two")
    }

    /// What is no answer, because nobody has asked.
    private static let unasked = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"

    /// However short the time in which a connection is idle: what comes in it is no answer to the next call (RFC 9112
    /// §9.2), and the call, of which not a byte has left, is made on another one.
    @Test(arguments: ["", "retries: 0"])
    func `what came before a call was sent is not taken for its answer`(_ keys: String) throws {
        let rig = try Rig(keys)
        let client = try rig.connect()
        let api = try rig.call(client)
        try self.answer(api, rig, client, "one")
        // In this order for the loop, which has not looked at either.
        client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        api.send(Self.unasked)
        let next = try rig.turn(until: "another connection") { rig.upstream.accept() }
        try rig.await(next, "/second")
        try self.answer(next, rig, client, "two")
        try rig.awaitEnd(api)
        #expect(!api.received.contains("/second"))
        #expect(!client.received.contains("HTTP/1.1 502 "))
        #expect(rig.context.metrics.totals.resent.keys == ["stale_connection"])
    }

    @Test func `nor is what a new connection begins with`() throws {
        let rig = try Rig("retries: 0")
        let client = try rig.connect()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let api = try rig.turn(until: "a connection to the API") { rig.upstream.accept() }
        api.send(Self.unasked)
        let next = try rig.turn(until: "another connection") { rig.upstream.accept() }
        try rig.await(next, "\r\n\r\n{")
        try self.answer(next, rig, client, "one")
        try rig.awaitEnd(api)
    }

    @Test func `the rest of an answer without body is read for a second`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        api.beginStream()
        api.sendPayload("{\"statusCode\":204}\0\0\0\0\0\0\0\0")
        try rig.await(client, "HTTP/1.1 204 ")
        rig.advance(by: .milliseconds(900))
        api.receive()
        #expect(!api.hasEnded)
        rig.advance(by: .milliseconds(200))
        try rig.awaitEnd(api)
    }

    @Test func `a rest that ends within the second leaves the connection good`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        api.beginStream()
        api.sendPayload("{\"statusCode\":204}\0\0\0\0\0\0\0\0")
        try rig.await(client, "HTTP/1.1 204 ")
        rig.advance(by: .milliseconds(900))
        api.sendPayload("late")
        api.sendComplete()
        rig.turn()
        rig.advance(by: .seconds(2))
        client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.await(api, "/second")
    }

    @Test func `a connection that comes up for a client that has left is kept for the next`() throws {
        let rig = try Rig()
        let first = try rig.connect()
        first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        rig.turn(1)
        first.close()
        let api = try rig.turn(until: "a connection") { rig.upstream.accept() }
        rig.turn()
        let second = try rig.connect()
        second.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.turn(until: "a call") {
            api.receive()
            return api.received.contains("/second") || rig.upstream.accept() != nil ? () : nil
        }
    }

    @Test func `a throttled call is made again after a while and on the same connection`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        api.send(
            "HTTP/1.1 429 X\r\nx-amzn-errortype: TooManyRequestsException\r\nRetry-After: 2\r\nContent-Length: 2\r\n\r\n{}"
        )
        rig.turn()
        rig.advance(by: .milliseconds(1900))
        let before = api.received
        api.receive()
        #expect(api.received == before)
        rig.advance(by: .milliseconds(200))
        try rig.turn(until: "a second call") {
            api.receive()
            return api.received.components(separatedBy: "POST /2021").count == 3 ? () : nil
        }
        try self.answer(api, rig, client, "one")
    }
}
