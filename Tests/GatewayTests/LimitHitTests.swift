import TestSupport
import Testing
import Time

@testable import Gateway
@testable import Reactor

/// Every limit that a client can hit is counted under its key and logged once for the connection.
@Suite struct LimitHitTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// The limit's name: its key in the configuration, mostly of `limits:`.
        let limit: String
        let protocolName: String
        /// Keys of `limits:` and of the function, in flow form.
        var limits = ""
        var function = ""
        /// Whether it is counted once, however often the client goes on.
        var count = 1
        /// What the client does.
        let act: @Sendable (Rig, Peer) throws -> Void
        var testDescription: String { "\(self.limit), \(self.protocolName)" }
    }

    private static let head = "GET /fixed HTTP/1.1\r\nHost: a\r\n"
    private static let long = String(repeating: "a", count: 600)

    private static let http1: [Case] = [
        Case(limit: "request_line", protocolName: "HTTP/1.1", limits: "request_line: 128") { _, peer in
            peer.send("GET /\(Self.long) HTTP/1.1\r\nHost: a\r\n\r\n")
        },
        Case(limit: "header_bytes", protocolName: "HTTP/1.1", limits: "header_bytes: 512") { _, peer in
            peer.send("\(Self.head)a: \(Self.long)\r\n\r\n")
        },
        Case(limit: "header_count", protocolName: "HTTP/1.1", limits: "header_count: 2") { _, peer in
            peer.send("\(Self.head)a: b\r\nc: d\r\n\r\n")
        },
        Case(limit: "request_head", protocolName: "HTTP/1.1") { rig, peer in
            peer.send(Self.head)
            rig.turn()
            rig.advance(by: .seconds(11))
        },
        Case(limit: "request_head", protocolName: "HTTP/1.1, a part of a preface") { rig, peer in
            peer.send("PRI * H")
            rig.turn()
            rig.advance(by: .seconds(11))
        },
        Case(limit: "request_body_stall", protocolName: "HTTP/1.1") { rig, peer in
            peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na")
            rig.turn()
            rig.advance(by: .seconds(31))
        },
        Case(limit: "request_body_rate", protocolName: "HTTP/1.1") { rig, peer in
            peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n")
            for _ in 0..<4 {
                peer.send("a")
                rig.turn()
                rig.advance(by: .seconds(10))
            }
        },
        Case(limit: "max_request_body", protocolName: "HTTP/1.1", function: "max_request_body: 1KiB") { _, peer in
            peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n")
        },
        Case(
            limit: "max_request_body", protocolName: "HTTP/1.1, chunked", function: "max_request_body: 1KiB"
        ) { _, peer in
            let chunk = "258\r\n\(Self.long)\r\n"
            peer.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)\(chunk)")
        },
        Case(
            limit: "request_bodies", protocolName: "HTTP/1.1", limits: "request_bodies: 64KiB",
            function: "max_request_body: 64KiB"
        ) { rig, peer in
            let other = try rig.connect()
            let half = String(repeating: "a", count: 40_000)
            other.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n\(half)")
            rig.turn()
            peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n\(half)")
            try rig.await(peer, "HTTP/1.1 503 ")
        },
        Case(limit: "idle_http1", protocolName: "HTTP/1.1") { rig, peer in
            peer.send("\(Self.head)\r\n")
            try rig.await(peer, "fixed")
            rig.advance(by: .seconds(61))
        },
        Case(
            limit: "requests_per_connection", protocolName: "HTTP/1.1", limits: "requests_per_connection: 2"
        ) { rig, peer in
            peer.send("\(Self.head)\r\n\(Self.head)\r\n")
            try rig.awaitEnd(peer)
        },
        Case(limit: "client_stall", protocolName: "HTTP/1.1", function: "response: raw") { rig, peer in
            let api = try rig.call(peer)
            api.beginStream()
            let text = String(repeating: "x", count: 30_000)
            var rounds = 0
            // Until both sockets are full.
            while rounds < 2000, api.offerPayload(text) {
                rig.turn(1)
                rounds += 1
            }
            // What the kernels were still at is looked at first.
            rig.advance(by: .seconds(20))
            rig.advance(by: .seconds(61))
        },
        Case(limit: "max_memory", protocolName: "HTTP/1.1", limits: "max_memory: 32MiB") { rig, peer in
            rig.context.memory.look()
            peer.send("\(Self.head)\r\n")
            try rig.await(peer, "HTTP/1.1 503 ")
        },
        Case(limit: "connections", protocolName: "HTTP/1.1", limits: "connections: 1") { rig, peer in
            _ = try rig.connect()
            try rig.awaitEnd(peer)
        },
    ]

    private static func fields(_ method: String = "GET", _ path: String = "/fixed") -> [(String, String)] {
        [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")]
    }

    /// With prior knowledge.
    private static func http2(
        _ limit: String, _ limits: String = "", function: String = "",
        _ act: @escaping @Sendable (Rig, Peer) throws -> Void
    ) -> Case {
        Case(limit: limit, protocolName: "HTTP/2", limits: limits, function: function) { rig, peer in
            peer.send(HTTP2Frame.preface + HTTP2Frame.settings().bytes + HTTP2Frame.settingsAcknowledgement.bytes)
            rig.turn()
            try act(rig, peer)
        }
    }

    /// Sends frames at once.
    private static func frames(
        _ limit: String, _ limits: String = "", _ frames: [HTTP2Frame]
    ) -> Case {
        Self.http2(limit, limits) { _, peer in peer.send(frames.flatMap(\.bytes)) }
    }

    private static let get = Self.fields()

    private static let http2: [Case] = [
        Self.frames("request_line", "request_line: 128", [.headers(1, Self.fields("GET", "/\(Self.long)"))]),
        Self.frames("header_bytes", "header_bytes: 512", [.headers(1, Self.get + [("a", Self.long)])]),
        Self.frames("header_count", "header_count: 2", [.headers(1, Self.get + [("a", "b"), ("c", "d"), ("e", "f")])]),
        Self.http2("request_head") { rig, peer in
            peer.send(HTTP2Frame.headers(1, Self.get, endHeaders: false).bytes)
            rig.turn()
            rig.advance(by: .seconds(11))
        },
        Self.http2("request_body_stall") { rig, peer in
            peer.send(HTTP2Frame.headers(1, Self.fields("POST", "/"), end: false).bytes)
            rig.turn()
            rig.advance(by: .seconds(31))
        },
        Self.http2("request_body_rate") { rig, peer in
            peer.send(HTTP2Frame.headers(1, Self.fields("POST", "/"), end: false).bytes)
            for _ in 0..<4 {
                peer.send(HTTP2Frame.data(1, "a").bytes)
                rig.turn()
                rig.advance(by: .seconds(10))
            }
        },
        Self.http2("max_request_body", function: "max_request_body: 1KiB") { _, peer in
            peer.send(HTTP2Frame.headers(1, Self.fields("POST", "/"), end: false).bytes)
            peer.send(HTTP2Frame.data(1, Self.long).bytes + HTTP2Frame.data(1, Self.long).bytes)
        },
        Self.http2("client_stall", function: "response: raw") { rig, peer in
            peer.send(HTTP2Frame.settings([(4, 3)]).bytes + HTTP2Frame.headers(1, Self.fields("GET", "/")).bytes)
            let api = try rig.turn(until: "a call") { rig.upstream.accept() }
            try rig.await(api, "\r\n\r\n{")
            api.beginStream()
            api.sendPayload("hello")
            rig.turn()
            rig.advance(by: .seconds(61))
        },
        Self.http2("connection_buffer", "connection_buffer: 64KiB", function: "response: raw") { rig, peer in
            let settings = HTTP2Frame.settings([(4, 0)]).bytes + HTTP2Frame.windowUpdate(0, 1_000_000).bytes
            peer.send(settings + HTTP2Frame.headers(1, Self.fields("GET", "/")).bytes)
            let api = try rig.turn(until: "a call") { rig.upstream.accept() }
            try rig.await(api, "\r\n\r\n{")
            api.beginStream()
            api.sendPayload(String(repeating: "a", count: 70_000))
            rig.turn(20)
            // What has found its way is kept, and goes when the client takes it.
            peer.send(HTTP2Frame.windowUpdate(1, 1_000_000).bytes)
            api.sendComplete()
            try rig.turn(until: "the answer") {
                peer.receive()
                let frames = HTTP2Frame.parse(peer.bytes).frames.filter { $0.type == 0 }
                return frames.reduce(0) { $0 + $1.payload.count } == 70_000 ? () : nil
            }
        },
        Self.http2("idle_http2") { rig, peer in rig.advance(by: .seconds(301)) },
        Self.frames(
            "requests_per_connection", "requests_per_connection: 2", [.headers(1, Self.get), .headers(3, Self.get)]),
        Self.http2("http2_streams", "http2_streams: 1") { _, peer in
            let post = HTTP2Frame.headers(1, Self.fields("POST", "/"), end: false)
            peer.send(post.bytes + HTTP2Frame.headers(3, Self.get).bytes)
        },
        Self.http2("invocations_per_connection", "invocations_per_connection: 1") { _, peer in
            let post = HTTP2Frame.headers(1, Self.fields("POST", "/"), end: false)
            peer.send(post.bytes + HTTP2Frame.headers(3, Self.fields("GET", "/")).bytes)
        },
        Self.frames(
            "http2_resets", "http2_resets: 1, http2_reset_rate: 0",
            [.headers(1, Self.get), .reset(1), .headers(3, Self.get), .reset(3)]),
        Self.frames("http2_pings", "http2_pings: 2", [.ping(), .ping(), .ping()]),
        Self.frames("http2_settings", "http2_settings: 2", [.settings(), .settings()]),
        Self.frames("http2_priorities", "http2_priorities: 1", [.priority(1), .priority(1)]),
        Self.frames(
            "http2_window_updates", "http2_window_updates: 1", Array(repeating: .windowUpdate(0, 1), count: 6)),
        Self.frames(
            "http2_empty_frames", "http2_empty_frames: 1",
            [.headers(1, Self.fields("POST", "/"), end: false), .data(1, ""), .data(1, "")]),
        Self.frames(
            "http2_continuations", "http2_continuations: 1",
            [
                .headers(1, Self.get, endHeaders: false),
                .continuation(1, HTTP2Frame.block([("a", "b")]), endHeaders: false),
                .continuation(1, HTTP2Frame.block([("c", "d")])),
            ]),
        Self.frames(
            "http2_unknown_frames", "http2_unknown_frames: 1",
            [HTTP2Frame(type: 0x42, [1]), HTTP2Frame(type: 0x42, [1])]),
        Self.http2("http2_waiting_frames", "http2_waiting_frames: 10, http2_pings: 100") { _, peer in
            peer.send(Array(repeating: HTTP2Frame.ping(), count: 50).flatMap(\.bytes))
        },
    ]

    @Test(arguments: Self.http1 + Self.http2)
    func `a limit that is hit is counted, and logged once`(_ rule: Case) throws {
        let rig = try Rig(rule.function, limits: rule.limits)
        let peer = try rig.connect()
        try rule.act(rig, peer)
        let totals = try rig.turn(until: "\(rule.limit) is counted") {
            peer.receive()
            return rig.context.metrics.totals.limits.keys.contains(rule.limit) ? rig.context.metrics.totals.limits : nil
        }
        #expect(totals.keys == [rule.limit] && totals.values == [1])
        // Each episode of overload is logged, not each request.
        let lines = rig.log.lines(with: "limit hit").filter { $0.contains("limit=\(rule.limit)") }
        #expect(lines.count == (rule.limit == "max_memory" ? 0 : 1))
        #expect(lines.allSatisfy { $0.contains("protocol=\(rule.protocolName.prefix { $0 != "," })") })
    }

    /// Browsers connect ahead of requests that may not come.
    @Test func `a client that says nothing at all hits no limit`() throws {
        let rig = try Rig()
        let peer = try rig.connect()
        rig.advance(by: .seconds(9))
        peer.receive()
        #expect(!peer.hasEnded)
        rig.advance(by: .seconds(2))
        try rig.awaitEnd(peer)
        #expect(rig.context.metrics.totals.limits.keys.isEmpty)
        #expect(rig.log.lines(with: "limit hit").isEmpty)
        let lines = rig.log.lines(with: "connection without a request closed")
        #expect(lines.count == 1)
    }

    /// What a client may do so often at once, and so often each second.
    struct Rate: Sendable, CustomTestStringConvertible {
        let burst: String
        let rate: String
        let frames: @Sendable (UInt32) -> [HTTP2Frame]
        var testDescription: String { self.rate }
    }

    private static let rates = [
        Rate(burst: "http2_resets", rate: "http2_reset_rate") { [.headers(2 * $0 + 1, Self.get), .reset(2 * $0 + 1)] },
        Rate(burst: "http2_pings", rate: "http2_ping_rate") { _ in [.ping()] },
        Rate(burst: "http2_settings", rate: "http2_settings_rate") { _ in [.settings()] },
        Rate(burst: "http2_unknown_frames", rate: "http2_unknown_frame_rate") { _ in [HTTP2Frame(type: 0x42, [1])] },
    ]

    @Test(arguments: Self.rates, [0, 1]) func `what was used up comes back at the rate that is a key`(
        _ rule: Rate, _ rate: Int
    ) throws {
        let rig = try Rig(limits: "\(rule.burst): 3, \(rule.rate): \(rate)")
        let peer = try rig.connect()
        peer.send(HTTP2Frame.preface + HTTP2Frame.settings().bytes + HTTP2Frame.settingsAcknowledgement.bytes)
        for index in 0..<10 as Range<UInt32> {
            peer.send(rule.frames(index).flatMap(\.bytes))
            rig.turn()
            if rate == 0, !rig.context.metrics.totals.limits.keys.isEmpty { break }
            rig.advance(by: .seconds(1))
        }
        #expect(rig.context.metrics.totals.limits.keys == (rate == 0 ? [rule.burst] : []))
    }

    @Test func `a limit that a connection hits again is counted again, and logged no more`() throws {
        let rig = try Rig(limits: "invocations_per_connection: 1")
        let peer = try rig.connect()
        peer.send(HTTP2Frame.preface + HTTP2Frame.settings().bytes)
        peer.send(HTTP2Frame.headers(1, Self.fields("POST", "/"), end: false).bytes)
        for id in [3, 5, 7] as [UInt32] { peer.send(HTTP2Frame.headers(id, Self.fields("GET", "/")).bytes) }
        try rig.turn(until: "three are counted") { rig.context.metrics.totals.limits.values == [3] ? () : nil }
        #expect(rig.log.lines(with: "limit hit").count == 1)
    }

    /// SETTINGS_MAX_FRAME_SIZE is announced, and frames up to it are taken.
    @Test func `larger frames may be allowed`() throws {
        let rig = try Rig(limits: "http2_frame_size: 32KiB, http2_stream_window: 1MiB")
        let peer = try rig.connect()
        peer.send(HTTP2Frame.preface + HTTP2Frame.settings().bytes + HTTP2Frame.settingsAcknowledgement.bytes)
        peer.send(HTTP2Frame.headers(1, Self.fields("POST", "/"), end: false).bytes)
        peer.send(HTTP2Frame.data(1, [UInt8](repeating: 1, count: 32_768), end: true).bytes)
        let api = try rig.turn(until: "a call") { rig.upstream.accept() }
        try rig.await(api, "\r\n\r\n{")
        peer.send(HTTP2Frame(type: 0, stream: 3, [UInt8](repeating: 1, count: 32_769)).bytes)
        try rig.turn(until: "the end") {
            peer.receive()
            return HTTP2Frame.parse(peer.bytes).frames.contains { $0.type == 7 && $0.number(at: 4) == 6 } ? () : nil
        }
        let settings = HTTP2Frame.parse(peer.bytes).frames.first
        #expect(settings?.payload.contains([0, 5, 0, 0, 0x80, 0]) == true)
    }

    /// What was reset counts for as long as the key says.
    @Test func `how long invocations that were reset count is a key`() throws {
        let rig = try Rig(limits: "invocations_per_connection: 1, reset_invocation: 1s")
        let peer = try rig.connect()
        peer.send(HTTP2Frame.preface + HTTP2Frame.settings().bytes)
        peer.send(HTTP2Frame.headers(1, Self.fields("GET", "/")).bytes)
        let first = try rig.turn(until: "a call") { rig.upstream.accept() }
        peer.send(HTTP2Frame.reset(1).bytes)
        try rig.awaitEnd(first)
        rig.advance(by: .seconds(2))
        peer.send(HTTP2Frame.headers(3, Self.fields("GET", "/")).bytes)
        _ = try rig.turn(until: "another call") { rig.upstream.accept() }
    }

    /// What a process of tests has is between a hundredth and all of twenty times as much, with a sanitizer too.
    @Test func `from how much memory on connections are closed after their answers is a key`() throws {
        let resident = try #require(UsableMemory.resident)
        let rig = try Rig(limits: "max_memory: \(20 * resident >> 20)MiB, memory_tight: 1, memory_full: 100")
        rig.context.memory.look()
        #expect(rig.context.memory.level == .tight)
        let client = try rig.connect()
        client.send("\(Self.head)\r\n")
        try rig.await(client, "fixed")
        #expect(client.received.contains("connection: close"))
        try rig.awaitEnd(client)
        #expect(rig.log.lines(with: "memory is nearly used up").count == 1)
    }

    @Test func `from how much memory on requests are refused is a key`() throws {
        let rig = try Rig(limits: "max_memory: 1000GiB, memory_tight: 1, memory_full: 1")
        rig.context.memory.look()
        #expect(rig.context.memory.level == .normal)
        let tight = try Rig(limits: "max_memory: 32MiB, memory_tight: 1, memory_full: 100")
        tight.context.memory.look()
        #expect(tight.context.memory.level == .full)
    }
}
