import Glibc
import TestSupport
import Testing
import Time

@testable import Gateway

/// Who leaves, who is slow, and who takes too long: each on a stream of its own, which the others do not notice.
@Suite struct HTTP2UpstreamFlowTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    /// Those that nobody names stay as well.
    private final class Kept {
        var peers: [Peer] = []
    }

    private let kept = Kept()

    private func client(_ rig: Rig) throws -> Peer {
        let client = try rig.connect()
        client.send(Self.get)
        self.kept.peers.append(client)
        return client
    }

    @Test func `a client that leaves ends its stream alone`() throws {
        let rig = try Rig("upstream: http2")
        let leaving = try self.client(rig)
        let staying = try self.client(rig)
        let api = try HTTP2API(rig)
        try api.await(requests: 2)
        for stream: UInt32 in [1, 3] {
            api.begin(stream)
            api.payload(stream, "begun")
        }
        try rig.await(leaving, "begun")
        leaving.close()
        try api.await("CANCEL") { $0.resetCode(1) == 8 }
        api.payload(3, "unharmed")
        try rig.await(staying, "unharmed")
        // What was on its way is dropped.
        api.payload(1, "late")
        api.complete(3)
        try rig.await(staying, "\r\n0\r\n\r\n")
        #expect(!rig.accepts())
    }

    @Test func `a client that takes nothing stops its stream, and no other`() throws {
        let rig = try Rig("upstream: http2, response: raw")
        let slow = try self.client(rig)
        let quick = try self.client(rig)
        let api = try HTTP2API(rig)
        try api.await(requests: 2)
        api.begin(1)
        api.begin(3)
        let text = String(repeating: "z", count: 15_000)
        // As long as there is room for the stream; the client's socket takes some megabytes, and then no more.
        var sent = 0
        var sentAtLast = -1
        while sent != sentAtLast {
            sentAtLast = sent
            for _ in 0..<40 {
                api.receive()
                guard 65_536 + api.room(1) - sent >= 16_000 else { break }
                api.payload(1, text)
                sent += 15_000 + 16 + 79
            }
            rig.turn(20)
        }
        #expect(sent < 32_000_000)
        // The other one gets all of its own meanwhile, several windows long.
        for index in 0..<60 {
            try api.await("room for the other") { 65_536 + $0.room(3) - index * 15_095 >= 16_000 }
            api.payload(3, text)
            quick.receive()
        }
        api.complete(3)
        try rig.await(quick, "\r\n0\r\n\r\n")
        // The slow one goes on when its client does, and ends well.
        api.receive()
        try rig.turn(until: "room for the slow one") {
            slow.receive()
            api.receive()
            return 65_536 + api.room(1) - sent >= 20_000 ? () : nil
        }
        api.complete(1)
        try rig.await(slow, "\r\n0\r\n\r\n")
        #expect(slow.received.count { $0 == "z" } == sent / 15_095 * 15_000)
    }

    @Test func `what comes for a client that takes nothing and then leaves is let go`() throws {
        let rig = try Rig("upstream: http2, response: raw")
        let slow = try self.client(rig)
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.begin(1)
        let text = String(repeating: "z", count: 15_000)
        var sent = 0
        for _ in 0..<2000 {
            api.receive()
            guard 65_536 + api.room(1) - sent >= 16_000 else { break }
            api.payload(1, text)
            sent += 15_095
        }
        api.send(.reset(1, 2))
        slow.close()
        rig.turn(20)
        let next = try self.client(rig)
        try api.await(requests: 2)
        api.answer(3, "next")
        try rig.await(next, "next")
    }

    /// A client that has read nothing of several answers, over one HTTP/2 connection.
    private func silentClient(_ rig: Rig, streams: [UInt32]) throws -> (Peer, HTTP2API) {
        let client = try rig.connect()
        let settings = HTTP2Frame.settings([(4, 0)]).bytes + HTTP2Frame.windowUpdate(0, 100_000_000).bytes
        client.send(HTTP2Frame.preface + settings + HTTP2Frame.settingsAcknowledgement.bytes)
        for stream in streams {
            let fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]
            client.send(HTTP2Frame.headers(stream, fields).bytes)
        }
        let api = try HTTP2API(rig)
        try api.await(requests: streams.count)
        for stream in api.streams { api.begin(stream) }
        return (client, api)
    }

    /// How much the gateway still lets the API send on a stream of which so much has been sent.
    private func room(_ api: HTTP2API, _ stream: UInt32, sent: Int) -> Int {
        api.receive()
        return 65_536 + api.room(stream) - sent
    }

    /// What was handed on and waits for the client counts as what is held back does, once it is more than may wait.
    @Test func `for a client that takes nothing no more is held of a stream than may wait, and a window`() throws {
        let rig = try Rig("upstream: http2, response: raw")
        let (client, api) = try self.silentClient(rig, streams: [1])
        var sent = 0
        while self.room(api, 1, sent: sent) >= 15_095 {
            api.payload(1, String(repeating: "z", count: 15_000))
            sent += 15_095
            rig.turn()
        }
        #expect(sent <= 2 * 65_536)
        let room = api.room(1)
        rig.turn(20)
        api.receive()
        #expect(api.room(1) == room)
        // It is there whole when the client takes it, and there is room for more.
        client.send(HTTP2Frame.windowUpdate(1, 1_000_000).bytes)
        try rig.turn(until: "what was held") {
            client.receive()
            let frames = HTTP2Frame.parse(client.bytes).frames.filter { $0.type == 0 }
            return frames.reduce(0) { $0 + $1.payload.count } == sent / 15_095 * 15_000 ? () : nil
        }
        try api.await("room") { $0.room(1) >= room + 32_768 }
    }

    /// `connection_buffer`: as with upstreams of HTTP/1.1, of which 4 KiB at a time are read then.
    @Test func `for a client whose connection holds what it may, streams get little room at a time`() throws {
        let rig = try Rig("upstream: http2, response: raw", limits: "connection_buffer: 64KiB")
        let (client, api) = try self.silentClient(rig, streams: [1, 3, 5])
        let text = String(repeating: "z", count: 15_000)
        for _ in 0..<4 { api.payload(1, text) }
        try rig.turn(until: "the connection is full") {
            if !rig.context.metrics.totals.limits.keys.contains("connection_buffer") { api.payload(3, "zzz") }
            return rig.context.metrics.totals.limits.keys.contains("connection_buffer") ? () : nil
        }
        api.receive()
        let before = [api.room(1), api.room(3)]
        // The third one goes on beside the others, within what it was given at first, and then little by little.
        client.send(HTTP2Frame.windowUpdate(5, 1_000_000).bytes)
        var sent = 0
        var payload = 0
        for _ in 0..<4 {
            api.payload(5, text)
            sent += 15_095
            payload += 15_000
            #expect(self.room(api, 5, sent: sent) <= max(65_536 - sent, 4096))
        }
        for _ in 0..<50 {
            try rig.turn(until: "some room") { self.room(api, 5, sent: sent) >= 2100 ? () : nil }
            #expect(self.room(api, 5, sent: sent) <= 65_536 - 4 * 15_095)
            api.payload(5, String(repeating: "z", count: 2000))
            sent += 2095
            payload += 2000
        }
        try rig.turn(until: "what was sent") {
            client.receive()
            let frames = HTTP2Frame.parse(client.bytes).frames.filter { $0.type == 0 && $0.stream == 5 }
            return frames.reduce(0) { $0 + $1.payload.count } == payload ? () : nil
        }
        #expect([api.room(1), api.room(3)] == before)
        // Once the others are taken there is all of the room again.
        for stream: UInt32 in [1, 3] { client.send(HTTP2Frame.windowUpdate(stream, 1_000_000).bytes) }
        try rig.turn(until: "all of the room") { self.room(api, 5, sent: sent) >= 32_768 ? () : nil }
    }

    /// RFC 9113 §6.9.1.
    @Test func `an upstream that sends beyond its window ends its stream, and no other`() throws {
        let rig = try Rig("upstream: http2, response: raw")
        let (client, api) = try self.silentClient(rig, streams: [1, 3])
        for _ in 0..<12 { api.payload(1, String(repeating: "z", count: 15_000)) }
        try api.await("FLOW_CONTROL_ERROR") { $0.resetCode(1) == 3 }
        client.send(HTTP2Frame.windowUpdate(1, 1_000_000).bytes + HTTP2Frame.windowUpdate(3, 1_000_000).bytes)
        try rig.turn(until: "the answer is broken") {
            client.receive()
            return HTTP2Frame.parse(client.bytes).frames.contains { $0.type == 3 && $0.stream == 1 } ? () : nil
        }
        api.payload(3, "unharmed")
        api.complete(3)
        try rig.turn(until: "the other answer") {
            client.receive()
            let frames = HTTP2Frame.parse(client.bytes).frames.filter { $0.type == 0 && $0.stream == 3 }
            return frames.flatMap(\.payload) == Array("unharmed".utf8) && frames.last?.flags == 1 ? () : nil
        }
    }

    // Time.

    @Test func `a server that does not greet in time is not waited for`() throws {
        let rig = try Rig("upstream: http2, retries: 0, timeouts: { connect: 2s }")
        let client = try self.client(rig)
        let api = try HTTP2API(rig, settings: nil)
        rig.advance(by: .milliseconds(1900))
        client.receive()
        #expect(client.received.isEmpty)
        rig.advance(by: .milliseconds(200))
        try rig.await(client, "HTTP/1.1 504 ")
        try rig.awaitEnd(api.peer)
    }

    @Test func `a stream that takes too long is given up, and the connection is kept where it lives`() throws {
        let rig = try Rig("upstream: http2, timeouts: { first_byte: 5s }")
        let client = try self.client(rig)
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        rig.advance(by: .seconds(6))
        try rig.await(client, "HTTP/1.1 504 ")
        try api.await("CANCEL, and a question") { $0.resetCode(1) == 8 && $0.frames.contains { $0.type == 6 } }
        // As long as it does not answer, the next ones go elsewhere.
        _ = try self.client(rig)
        let other = try HTTP2API(rig)
        try other.await(requests: 1)
        api.send(.ping(flags: 1))
        _ = try self.client(rig)
        try api.await(requests: 2)
        rig.advance(by: .seconds(4))
        api.receive()
        #expect(!api.peer.hasEnded)
    }

    @Test func `a connection on which nobody answers is closed`() throws {
        let rig = try Rig("upstream: http2, timeouts: { first_byte: 5s }, retries: 0")
        let client = try self.client(rig)
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        rig.advance(by: .seconds(6))
        try rig.await(client, "HTTP/1.1 504 ")
        rig.advance(by: .seconds(6))
        try rig.awaitEnd(api.peer)
    }

    @Test func `a connection without streams is closed after 55 s`() throws {
        let rig = try Rig("upstream: http2")
        let client = try self.client(rig)
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        rig.advance(by: .seconds(58))
        api.answer(1, "late")
        try rig.await(client, "late")
        rig.advance(by: .seconds(54))
        api.receive()
        #expect(!api.peer.hasEnded)
        rig.advance(by: .seconds(2))
        try rig.awaitEnd(api.peer)
    }

    @Test func `one that is always in use is given up after five minutes, when its streams are over`() throws {
        let rig = try Rig("upstream: http2")
        let client = try self.client(rig)
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.begin(1)
        api.payload(1, "begun")
        try rig.await(client, "begun")
        for _ in 0..<6 {
            rig.advance(by: .seconds(51))
            api.payload(1, "more")
        }
        _ = try self.client(rig)
        let other = try HTTP2API(rig)
        try other.await(requests: 1)
        api.complete(1)
        try rig.await(client, "\r\n0\r\n\r\n")
        try rig.awaitEnd(api.peer)
    }

    @Test func `the rest of an answer without body is read for a second, and then ended`() throws {
        let rig = try Rig("upstream: http2")
        let client = try self.client(rig)
        let api = try HTTP2API(rig)
        try api.await(requests: 1)
        api.begin(1)
        api.payload(1, "{\"statusCode\":204}\0\0\0\0\0\0\0\0")
        try rig.await(client, "HTTP/1.1 204 ")
        rig.advance(by: .milliseconds(900))
        api.receive()
        #expect(api.resetCode(1) == nil)
        rig.advance(by: .milliseconds(200))
        try api.await("CANCEL") { $0.resetCode(1) == 8 }
        client.send(Self.get)
        try api.await(requests: 2)
    }

    // Forwarding.

    @Test func `a body goes on as it comes, without chunks of its own`() throws {
        let rig = try Rig("upstream: http2", isHTTP: true)
        let client = try rig.connect()
        client.send("POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        let api = try HTTP2API(rig)
        try api.await("the beginning") { String(decoding: $0.body(1), as: UTF8.self) == "half" }
        #expect(api.requests[1]?["transfer-encoding"] == nil)
        #expect(api.requests[1]?[":path"] == "/up")
        client.send("4\r\nrest\r\n0\r\n\r\n")
        try api.await(requests: 1)
        #expect(String(decoding: api.body(1), as: UTF8.self) == "halfrest")
        api.send(.headers(1, [(":status", "201"), ("x-from", "server")], end: false), .data(1, "made", end: true))
        try rig.await(client, "HTTP/1.1 201 ")
        try rig.await(client, "made")
        // Answers may be without a body, too.
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        try api.await(requests: 2)
        api.send(.headers(3, [(":status", "200"), ("content-length", "7")]))
        try rig.await(client, "content-length: 7")
    }

    @Test func `a server whose window is full stops its client, and goes on with it`() throws {
        let rig = try Rig("upstream: http2, max_request_body: 1GiB", isHTTP: true)
        let client = try rig.connect()
        let count = 30_000_000
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n")
        let body = [UInt8](repeating: 0x78, count: count)
        var offered = client.offer(body[..<50_000])
        let api = try HTTP2API(rig)
        for _ in 0..<200 {
            offered += client.offer(body[offered...])
            rig.turn()
        }
        api.receive()
        #expect(api.body(1).count == 65_535)
        #expect(offered < count)
        // The gateway holds next to nothing of it: what the kernel does not take stays with the client.
        let before = offered
        for _ in 0..<50 {
            offered += client.offer(body[offered...])
            rig.turn()
        }
        #expect(offered == before)
        api.send(.windowUpdate(0, 0x7fff_ffff - 65_535), .windowUpdate(1, 0x7fff_ffff - 65_535))
        try rig.turn(until: "all of it") {
            if offered < count { offered += client.offer(body[offered...]) }
            api.peer.receive()
            return api.peer.bytes.count > count ? () : nil
        }
        try api.await(requests: 1)
        #expect(api.body(1).count == count)
    }

    @Test func `an answer before the end of the request ends the stream, and the connection stays`() throws {
        let rig = try Rig("upstream: http2", isHTTP: true)
        let client = try rig.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        let api = try HTTP2API(rig)
        try api.await("the beginning") { $0.body(1).count == 4 }
        api.send(.headers(1, [(":status", "413")], end: false), .data(1, "no", end: true))
        try rig.await(client, "HTTP/1.1 413 ")
        try api.await("CANCEL") { $0.resetCode(1) == 8 }
        let next = try self.client(rig)
        try api.await("another request") { $0.streams == [1, 3] }
        api.send(.headers(3, [(":status", "200")], end: false), .data(3, "yes", end: true))
        try rig.await(next, "yes")
    }

    @Test func `nor does one without a body keep its stream`() throws {
        let rig = try Rig("upstream: http2", isHTTP: true)
        let client = try rig.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        let api = try HTTP2API(rig)
        try api.await("the beginning") { $0.body(1).count == 4 }
        api.send(.headers(1, [(":status", "413")], end: true))
        try rig.await(client, "HTTP/1.1 413 ")
        try api.await("CANCEL") { $0.resetCode(1) == 8 }
    }

    @Test func `a body of which some has gone is not sent again`() throws {
        let rig = try Rig("upstream: http2", isHTTP: true)
        let client = try rig.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        let api = try HTTP2API(rig)
        try api.await("the beginning") { $0.body(1).count == 4 }
        api.send(.reset(1, 7))
        try rig.await(client, "HTTP/1.1 502 ")
        // One without a body is.
        let other = try self.client(rig)
        try api.await("another request") { $0.streams == [1, 3] }
        api.send(.reset(3, 7))
        rig.advance(by: .milliseconds(200))
        try api.await("and again") { $0.streams == [1, 3, 5] }
        api.send(.headers(5, [(":status", "200")], end: false), .data(5, "yes", end: true))
        try rig.await(other, "yes")
    }
}
