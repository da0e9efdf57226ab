import TestSupport
import Testing
import Time

@testable import HTTP2

/// What there may be only so much of (docs/threat-model.md).
@Suite struct FloodTests {
    private func expectExcess(
        _ excess: HTTP2Failure.Excess, after count: Int, _ client: Client = Client(),
        sourceLocation: SourceLocation = #_sourceLocation, _ frames: (Int) -> [HTTP2Frame]
    ) {
        for index in 0..<count { client.send(frames(index)) }
        _ = client.frames()
        #expect(client.failure == nil, sourceLocation: sourceLocation)
        client.send(frames(count))
        let ends = client.frames().compactMap(\.goAwayCode)
        #expect(ends == [11], sourceLocation: sourceLocation)
        #expect(client.failure == .excess(excess), sourceLocation: sourceLocation)
        // Nothing is read from then on.
        client.send(.ping())
        #expect(client.frames().isEmpty && client.server.isFinished, sourceLocation: sourceLocation)
    }

    @Test func `streams that the client resets`() {
        self.expectExcess(.resets, after: 100) {
            [.headers(UInt32(2 * $0 + 1), Client.get), .reset(UInt32(2 * $0 + 1))]
        }
    }

    @Test func `streams that the client makes us reset: malformed requests`() {
        self.expectExcess(.resets, after: 100) {
            [.headers(UInt32(2 * $0 + 1), Client.get + [("connection", "close")])]
        }
    }

    @Test func `streams that the client makes us reset: windows that overflow`() {
        var limits = HTTP2Limits()
        limits.streams = 1000
        self.expectExcess(.resets, after: 100, Client(limits)) {
            [.headers(UInt32(2 * $0 + 1), Client.get), .windowUpdate(UInt32(2 * $0 + 1), 0x7fff_ffff)]
        }
    }

    /// The library resets these without a word.
    @Test func `streams that the client makes us reset: more DATA than their windows hold`() {
        var limits = HTTP2Limits()
        limits.streams = 1000
        limits.streamWindow = 1000
        self.expectExcess(.resets, after: 100, Client(limits)) {
            let id = UInt32(2 * $0 + 1)
            return [.headers(id, Client.post, end: false), .data(id, [UInt8](repeating: 0, count: 1001))]
        }
    }

    @Test func `streams that the client makes us reset: content-length`() {
        self.expectExcess(.resets, after: 100) {
            [
                .headers(UInt32(2 * $0 + 1), Client.post + [("content-length", "1")], end: false),
                .data(UInt32(2 * $0 + 1), "ab"),
            ]
        }
    }

    /// The other primitives end the connection at once.
    @Test(arguments: [
        HTTP2Frame.windowUpdate(1, 0), .headers(1, Client.get), .data(1, "a"), .priority(1, dependsOn: 1),
        HTTP2Frame(type: 2, stream: 1, [0]),
    ])
    func `frames that a stream can not take`(_ frame: HTTP2Frame) {
        let client = Client()
        client.send(.headers(1, Client.get), frame)
        #expect(client.frames().compactMap(\.goAwayCode).count == 1)
    }

    @Test func `resets come back with time`() {
        let client = Client()
        for second in 0..<20 {
            client.now = MonotonicTime(nanoseconds: Int64(second) * 1_000_000_000)
            for index in 0..<33 {
                let id = UInt32(2 * (second * 33 + index) + 1)
                client.send(.headers(id, Client.get), .reset(id))
            }
        }
        #expect(client.failure == nil)
    }

    @Test func pings() {
        self.expectExcess(.pings, after: 100) { _ in [.ping()] }
    }

    @Test func settings() {
        // One was in the greeting.
        self.expectExcess(.settings, after: 31) { _ in [.settings()] }
    }

    @Test func `one SETTINGS frame with very many entries`() {
        self.expectExcess(.settings, after: 0) { _ in [.settings(Array(repeating: (0xff, 1), count: 33))] }
    }

    @Test func priorities() {
        self.expectExcess(.priorities, after: 100) { _ in [.priority(1)] }
    }

    @Test func `priority updates`() {
        self.expectExcess(.priorities, after: 100) { [.priorityUpdate(UInt32(2 * $0 + 1), "u=1")] }
    }

    @Test func `window updates`() {
        self.expectExcess(.windowUpdates, after: 5) { _ in [.windowUpdate(0, 1)] }
    }

    /// Twenty for each DATA frame, so that a client which takes its answers is never in the way of this.
    @Test func `window updates that answer DATA are none too many`() {
        let client = Client()
        client.answers = true
        for index in 0..<200 {
            let id = UInt32(2 * index + 1)
            client.send(.headers(id, Client.get))
            _ = client.frames()
            client.send(Array(repeating: .windowUpdate(0, 1), count: 20))
        }
        #expect(client.failure == nil)
    }

    @Test func `unknown frames`() {
        self.expectExcess(.unknownFrames, after: 100) { _ in [HTTP2Frame(type: 0x42, [1, 2, 3])] }
    }

    @Test func `empty DATA`() {
        let client = Client()
        client.send(.headers(1, Client.post, end: false))
        self.expectExcess(.emptyFrames, after: 10, client) { _ in [.data(1, "")] }
    }

    @Test func `empty DATA on a stream that we have reset`() throws {
        let client = Client()
        client.send(.headers(1, Client.post, end: false))
        client.server.reset(try client.stream(1), .cancel)
        _ = client.frames()
        // What was on its way is no fault.
        client.send(.data(1, "abc"))
        self.expectExcess(.emptyFrames, after: 10, client) { _ in [.data(1, "")] }
    }

    @Test func `DATA that is padding and nothing else`() {
        let client = Client()
        client.send(.headers(1, Client.post, end: false))
        self.expectExcess(.emptyFrames, after: 10, client) { _ in [.data(1, "", padding: 255)] }
    }

    @Test func `empty DATA between others`() {
        let client = Client()
        client.send(.headers(1, Client.post, end: false))
        for _ in 0..<50 { client.send(.data(1, ""), .data(1, "a")) }
        #expect(client.failure == nil)
    }

    @Test func continuations() {
        let client = Client()
        client.send(.headers(1, Client.get, endHeaders: false))
        self.expectExcess(.continuations, after: 8, client) { index in
            [.continuation(1, HTTP2Frame.block([("x\(index)", "a")]), endHeaders: false)]
        }
    }

    @Test func `empty continuations`() {
        let client = Client()
        client.send(.headers(1, Client.get, endHeaders: false))
        self.expectExcess(.continuations, after: 8, client) { _ in [.continuation(1, endHeaders: false)] }
    }

    /// A block of a few thousand bytes that names a long field again and again.
    @Test func `a block that unfolds`() {
        let client = Client()
        let long = [0x40] + HTTP2Frame.literal("x-long") + HTTP2Frame.literal(String(repeating: "a", count: 4000))
        let block = HTTP2Frame.block(Client.get) + long + [UInt8](repeating: 0xbe, count: 10_000)
        client.send(.headers(1, block: block))
        #expect(client.frames().compactMap(\.goAwayCode) == [11])
        #expect(client.failure == .excess(.headerBlock))
    }

    @Test func `streams beyond those that were announced`() {
        var limits = HTTP2Limits()
        limits.streams = 2
        let client = Client(limits)
        for id in [1, 3, 5, 7] as [UInt32] { client.send(.headers(id, Client.get)) }
        let frames = client.frames()
        #expect(frames.compactMap(\.resetCode) == [7, 7])
        #expect(client.told.filter { $0 == .other(.tooManyStreams) }.count == 2)
        #expect(frames.compactMap(\.goAwayCode).isEmpty)
        client.answer(1)
        client.answer(3)
        _ = client.frames()
        client.answers = true
        client.send(.headers(9, Client.get))
        #expect(client.frames().first?.type == 1)
        #expect(client.told.filter { if case .head = $0 { true } else { false } }.count == 3)
    }

    @Test func `streams beyond them end the connection in the end`() {
        var limits = HTTP2Limits()
        limits.streams = 2
        let client = Client(limits)
        client.send(.headers(1, Client.get), .headers(3, Client.get))
        self.expectExcess(.resets, after: 100, client) { [.headers(UInt32(2 * $0 + 5), Client.get)] }
    }

    @Test func `frames that nobody takes`() {
        var limits = HTTP2Limits()
        limits.waitingFrames = 20
        let client = Client(limits)
        client.send(Array(repeating: .ping(), count: 20))
        client.send(.ping())
        _ = client.frames()
        #expect(client.failure == .excess(.waitingFrames))
    }

    @Test func `a part that does not become whole is noticed`() {
        let client = Client(greets: false)
        #expect(client.server.incompleteSince == client.now)
        client.now = MonotonicTime(nanoseconds: 1)
        client.send(bytes: HTTP2Frame.preface + HTTP2Frame.settings().bytes)
        #expect(client.server.incompleteSince == nil)
        client.send(.headers(1, Client.post, end: false, endHeaders: false))
        #expect(client.server.incompleteSince == client.now)
        let began = client.now
        client.now = MonotonicTime(nanoseconds: 2)
        client.send(bytes: Array(HTTP2Frame.continuation(1).bytes.prefix(5)))
        #expect(client.server.incompleteSince == began)
        client.send(bytes: Array(HTTP2Frame.continuation(1).bytes.dropFirst(5)))
        #expect(client.server.incompleteSince == nil)
        // Bodies have a time of their own.
        client.send(bytes: Array(HTTP2Frame.data(1, "abc").bytes.prefix(11)))
        #expect(client.server.incompleteSince == nil)
    }
}
