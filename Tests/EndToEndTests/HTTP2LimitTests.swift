import Foundation
import TestSupport
import Testing

/// What HTTP/2 clients may cost: the limits of docs/configuration.md, and the attacks that docs/threat-model.md names.
@Suite struct HTTP2LimitTests {
    @Test func `streams beyond the limit are refused, the others answered`() async throws {
        let function = try await FakeLambda.shared.function(.text("x"), .gate, .done, .end)
        try await Gateway.run(Setup(function, limits: "http2_streams: 2")) { gateway in
            let client = try await HTTP2Client(gateway)
            for stream in [1, 3, 5] as [UInt32] { try await client.send(.headers(stream, HTTP2Client.get)) }
            try await client.receive(until: "one is refused") { $0.resets == [5: 7] }
            #expect(client.frames.first { $0.type == 4 }?.payload.suffix(6) == [0, 3, 0, 0, 0, 2])
            try await function.wait(for: .gated, 2)
            try await function.release(2)
            #expect(try await client.answer(1).end == .whole)
            #expect(try await client.answer(3).end == .whole)
            #expect(try await function.calls().count == 2)
            let refused = try #require(await gateway.accessLog(lines: 3).first)
            #expect(refused["end"] == "refused_stream")
            #expect(refused["status"] == 0)
            client.close()
        }
    }

    /// Streams are free again at once, what they started is not.
    @Test func `invocations that the client reset count a while longer`() async throws {
        let function = try await FakeLambda.shared.function(.text("x"), .forever)
        try await Gateway.run(Setup(function, limits: "invocations_per_connection: 3")) { gateway in
            let client = try await HTTP2Client(gateway)
            for stream in [1, 3, 5] as [UInt32] {
                try await client.send(.headers(stream, HTTP2Client.get))
                try await client.receive(until: "it has begun") { $0.answers[stream]?.text == "x" }
                try await client.send(.reset(stream))
            }
            try await client.send(.headers(7, HTTP2Client.get))
            try await client.receive(until: "the next is refused") { $0.resets == [7: 7] }
            #expect(try await function.calls().count == 3)
            let refused = try #require(await gateway.accessLog(lines: 4).last)
            #expect(refused["end"] == "refused_stream")
            #expect(refused["path"] == "/")
            let other = try await HTTP2Client(gateway)
            try await other.send(.headers(1, HTTP2Client.get))
            try await other.receive(until: "another connection is served") { $0.answers[1]?.text == "x" }
            try await gateway.logs("invocations_per_connection")
            client.close()
            other.close()
        }
    }

    /// An end that breaks the rules makes us reset the stream, which is the client's doing as well.
    @Test func `invocations that ended malformed count a while longer`() async throws {
        let function = try await FakeLambda.shared.function(.answer(200, [:], "hello"))
        let setup = try Setup(url: function, limits: "invocations_per_connection: 3")
        try await Gateway.run(setup) { gateway in
            let client = try await HTTP2Client(gateway)
            let post = HTTP2Client.fields(method: "POST", [("content-length", "10")])
            for stream in [1, 3, 5] as [UInt32] {
                try await client.send(
                    .headers(stream, post, end: false), .data(stream, "short", end: true))
                try await client.receive(until: "it is reset") { $0.resets[stream] == 1 }
            }
            try await client.send(.headers(7, HTTP2Client.get))
            try await client.receive(until: "the next is refused") { $0.resets[7] == 7 }
            client.close()
        }
    }

    @Test func `a connection that has had its requests is told to go`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /, respond: { body: fixed } }"]
        setup.limits = "requests_per_connection: 3"
        try await Gateway.run(setup) { gateway in
            let client = try await HTTP2Client(gateway)
            for stream in [1, 3, 5] as [UInt32] {
                try await client.send(.headers(stream, HTTP2Client.get))
                #expect(try await client.answer(stream).text == "fixed")
            }
            try await client.end()
            #expect(client.goAways.map(\.code) == [0, 0])
        }
    }

    @Test func `an idle connection is told to go`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /, respond: { body: fixed } }"]
        setup.limits = "idle_http2: 2s"
        try await Gateway.run(setup) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(.headers(1, HTTP2Client.get))
            try await client.answer()
            try await client.end()
            #expect(client.goAways.last?.code == 0)
        }
    }

    @Test func `a head that does not become whole ends the connection`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /, respond: { body: fixed } }"]
        setup.limits = "request_head: 2s"
        try await Gateway.run(setup) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(.headers(1, HTTP2Client.get, endHeaders: false))
            try await client.end()
            #expect(client.goAways.count == 1)
            // Nor does a connection that says nothing behind its preface.
            let silent = try await gateway.connect()
            try await silent.send(HTTP2Frame.preface)
            while try await silent.nextBytes(within: .seconds(10)) != nil {}
        }
    }

    @Test func `a body that stands still is 408, and the connection goes on`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function, limits: "request_body_stall: 600ms")) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(.headers(1, HTTP2Client.fields(method: "POST"), end: false), .data(1, "a"))
            try expectProblem(try await client.answer(1, within: .seconds(10)), 408)
            try await client.send(.headers(3, HTTP2Client.get))
            #expect(try await client.answer(3).text == "hello")
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "request_timeout")
            client.close()
        }
    }

    // Attacks.

    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        /// Frames are sent again and again until the gateway ends the connection, or so many steps were done.
        let steps: Int
        /// Whether the connection has to be ended.
        var ends = true
        let frames: @Sendable (Int) -> [HTTP2Frame]
        var testDescription: String { self.name }
    }

    private static func id(_ step: Int) -> UInt32 { UInt32(2 * step + 1) }
    private static let get = HTTP2Client.fields("/fixed")
    private static let post = HTTP2Client.fields("/", method: "POST")
    private static let long = String(repeating: "a", count: 4000)

    static let attacks: [Attack] = [
        Attack(name: "rapid reset", steps: 5000) { [.headers(Self.id($0), Self.get), .reset(Self.id($0))] },
        Attack(name: "rapid reset of calls", steps: 5000) {
            [.headers(Self.id($0), HTTP2Client.get), .reset(Self.id($0))]
        },
        Attack(name: "reset by a window that overflows", steps: 5000) {
            [.headers(Self.id($0), HTTP2Client.get), .windowUpdate(Self.id($0), 0x7fff_ffff)]
        },
        Attack(name: "reset by DATA behind the end", steps: 5000) {
            [.headers(Self.id($0), HTTP2Client.get), .data(Self.id($0), "a")]
        },
        Attack(name: "reset by content-length", steps: 5000) {
            [
                .headers(Self.id($0), Self.post + [("content-length", "1")], end: false),
                .data(Self.id($0), "abc", end: true),
            ]
        },
        Attack(name: "malformed requests", steps: 5000) {
            [.headers(Self.id($0), Self.get + [("connection", "close")])]
        },
        Attack(name: "CONTINUATION without end", steps: 20_000) {
            $0 == 0
                ? [.headers(1, Self.get, endHeaders: false)]
                : [.continuation(1, HTTP2Frame.block([("x-\($0)", "a")]), endHeaders: false)]
        },
        Attack(name: "empty CONTINUATION", steps: 20_000) {
            $0 == 0 ? [.headers(1, Self.get, endHeaders: false)] : [.continuation(1, endHeaders: false)]
        },
        Attack(name: "HPACK bomb", steps: 200) { step in
            let entry = [0x40] + HTTP2Frame.literal("x-long") + HTTP2Frame.literal(Self.long)
            let bomb = HTTP2Frame.block(Self.get) + entry + [UInt8](repeating: 0xbe, count: 11_000)
            return [.headers(Self.id(step), block: bomb)]
        },
        Attack(name: "table churn", steps: 2000, ends: false) { step in
            let entry = [0x40] + HTTP2Frame.literal("x-\(step)") + HTTP2Frame.literal(Self.long)
            return [.headers(Self.id(step), block: HTTP2Frame.block(Self.get) + entry)]
        },
        Attack(name: "cookie crumbs", steps: 500, ends: false) { step in
            [.headers(Self.id(step), Self.get + (0..<1000).map { _ in ("cookie", "a") })]
        },
        Attack(name: "SETTINGS", steps: 50_000) { _ in [.settings()] },
        Attack(name: "large SETTINGS", steps: 5000) { _ in [.settings(Array(repeating: (4, 65_535), count: 2000))] },
        Attack(name: "PING", steps: 50_000) { _ in [.ping()] },
        Attack(name: "empty DATA", steps: 50_000) {
            $0 == 0 ? [.headers(1, Self.post, end: false)] : [.data(1, "")]
        },
        Attack(name: "padding", steps: 5000) {
            $0 == 0 ? [.headers(1, Self.post, end: false)] : [.data(1, "", padding: 250)]
        },
        Attack(name: "empty HEADERS", steps: 5000) { [.headers(Self.id($0), block: [])] },
        Attack(name: "PRIORITY", steps: 50_000) { [.priority(UInt32($0 % 2 * 2 + 1), dependsOn: 7)] },
        Attack(name: "PRIORITY_UPDATE", steps: 50_000) { [.priorityUpdate(Self.id($0), "u=1")] },
        Attack(name: "WINDOW_UPDATE", steps: 50_000) { _ in [.windowUpdate(0, 1)] },
        Attack(name: "unknown frames", steps: 50_000) { _ in [HTTP2Frame(type: 0x42, [UInt8](repeating: 1, count: 64))]
        },
        Attack(name: "streams beyond the limit", steps: 5000) {
            [.headers(Self.id($0), HTTP2Client.fields("/", method: "POST"), end: false)]
        },
    ]

    /// Whatever a client does, its connection ends or is limited, a normal request answers meanwhile, and memory stays.
    @Test(arguments: Self.attacks)
    func `an attack costs little`(_ attack: Attack) async throws {
        let function = try await FakeLambda.shared.function(.text("x"), .forever)
        var setup = try Setup(function)
        setup.routes = ["{ path: /fixed, respond: { body: fixed } }", "{ path: /, function: main }"]
        try await Gateway.run(setup) { gateway in
            #expect(try await gateway.get("/fixed").text == "fixed")
            let before = gateway.child.residentMemory
            let client = try await HTTP2Client(gateway)
            let attacking = Task { @Sendable [raw = client.raw] in
                var step = 0
                while step < attack.steps, !Task.isCancelled {
                    let batch = (step..<min(attack.steps, step + 50)).flatMap { attack.frames($0) }.flatMap(\.bytes)
                    do { try await raw.send(batch) } catch { return }
                    step += 50
                }
            }
            let begin = ContinuousClock().now
            for _ in 0..<5 { #expect(try await gateway.get("/fixed").text == "fixed") }
            #expect(ContinuousClock().now - begin < .seconds(20 * Support.timeFactor))
            // Nothing is read by the attacker in between.
            if attack.ends {
                _ = await attacking.value
                try await client.end(within: .seconds(20))
                #expect(client.goAways.allSatisfy { $0.code != 0 })
            } else {
                while !attacking.isCancelled, client.answers.count < attack.steps / 2, !client.hasEnded {
                    try await client.receiveOnce(within: .seconds(5))
                }
                attacking.cancel()
                // Nobody may send on a descriptor that is closed, and perhaps somebody else's by then.
                client.raw.finishSending()
                _ = await attacking.value
            }
            #expect(gateway.child.residentMemory - before < (64 << 20) * Support.memoryFactor)
            client.close()
            // What the streams had begun was let go.
            _ = try await eventually("no call is left") {
                try await function.calls().allSatisfy { $0.end != nil } ? true : nil
            }
        }
    }

    /// Ten connections of a hundred streams each, whose answers nobody takes.
    @Test func `a thousand streams without a window cost little`() async throws {
        let function = try await FakeLambda.shared.function(.bulk(100_000, seed: 9, piece: 50_000), .done, .end)
        try await Gateway.run(Setup(function, "response: raw"), drains: false) { gateway in
            // So that what is there only once is there.
            let first = try await HTTP2Client(gateway)
            try await first.send(.headers(1, HTTP2Client.get))
            first.givesWindow = false
            try await first.receive(until: "a part comes") { $0.answers[1]?.body.count == 65_535 }
            first.close()
            let before = gateway.child.residentMemory
            var clients: [HTTP2Client] = []
            for _ in 0..<10 {
                let client = try await HTTP2Client(gateway, settings: [(4, 0)])
                for index in 0..<100 { try await client.send(.headers(UInt32(2 * index + 1), HTTP2Client.get)) }
                clients.append(client)
            }
            try await function.wait(for: .calls, 1001, within: 50)
            try await Task.sleep(for: .seconds(1))
            let begin = ContinuousClock().now
            let other = try await HTTP2Client(gateway)
            try await other.send(.headers(1, HTTP2Client.fields("/%00")))
            #expect(try await other.answer().status == 400)
            #expect(ContinuousClock().now - begin < .seconds(5))
            // 1 MiB for each connection and 4 KiB for each stream beside it, and what calls cost themselves. Without a
            // bound for connections it would be 64 KiB for each stream.
            let grown = gateway.child.residentMemory - before
            #expect(grown < (40 << 20) * Support.memoryFactor, "\(grown >> 20) MiB")
            for client in clients { client.close() }
            other.close()
            gateway.child.signal(SIGKILL)
        }
    }
}
