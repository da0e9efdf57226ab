import Bytes
import HTTP
import TestSupport
import Testing
import Time

@testable import HTTP2

/// Our two roles with one another, and a client with a server that says anything.
@Suite struct ClientPropertyTests {
    /// Client and server exchange bodies of random sizes in random pieces; what arrives is what was sent.
    @Test(arguments: 0..<UInt64(20)) func `bodies arrive as they were sent, both ways`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let now = MonotonicTime(nanoseconds: 0)
        let client = HTTP2Client(at: now)
        let server = HTTP2Server(at: now)
        var sent: [StreamID: [UInt8]] = [:]
        var answered: [StreamID: [UInt8]] = [:]
        var gotByServer: [StreamID: [UInt8]] = [:]
        var gotByClient: [StreamID: [UInt8]] = [:]
        var ended: Set<StreamID> = []
        let count = Int.random(in: 1...8, using: &random)
        var opened = 0
        for _ in 0..<4000 where ended.count < count {
            if opened < count, client.canOpen {
                let hasBody = Bool.random(using: &random)
                let head = "POST / HTTP/1.1\r\nhost: a\r\n\r\n"
                if let stream = client.open(head.utf8.span, method: .post, hasBody: hasBody) {
                    opened += 1
                    let size = hasBody ? Int.random(in: 0...100_000, using: &random) : 0
                    let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ opened) }
                    sent[stream.id] = body
                    client.send(body.span, on: stream)
                    if hasBody { client.end(stream) }
                }
            }
            var output = ByteBuffer()
            client.fill(&output, atMost: Int.random(in: 1...50_000, using: &random))
            while let event = client.nextEvent() { Self.expectHarmless(event) }
            for bytes in Self.pieces(of: output.array(), &random) {
                server.receive(bytes.span, at: now)
                while let event = server.nextEvent() {
                    switch event {
                    case .head(let id):
                        guard let stream = server.stream(id) else { continue }
                        _ = server.takeHead(of: stream)
                    case .body(let id, let range):
                        gotByServer[id, default: []] += bytes[range]
                        if let stream = server.stream(id) { server.consume(range.count, on: stream) }
                    case .end(let id):
                        guard let stream = server.stream(id) else { continue }
                        let size = Int.random(in: 0...100_000, using: &random)
                        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 17 &+ Int(id.rawValue)) }
                        answered[id] = body
                        let date = "today"
                        server.respond(on: stream, ResponseHead(status: 200), date: date.utf8.span, hasBody: true)
                        server.send(body.span, on: stream)
                        server.end(stream)
                    default: Self.expectHarmless(event)
                    }
                }
            }
            var answers = ByteBuffer()
            server.fill(&answers, atMost: Int.random(in: 1...50_000, using: &random))
            while let event = server.nextEvent() { Self.expectHarmless(event) }
            for bytes in Self.pieces(of: answers.array(), &random) {
                client.receive(bytes.span, at: now)
                while let event = client.nextEvent() {
                    switch event {
                    case .body(let id, let range):
                        gotByClient[id, default: []] += bytes[range]
                        if let stream = client.stream(id) { client.consume(range.count, on: stream) }
                    case .end(let id): ended.insert(id)
                    default: Self.expectHarmless(event)
                    }
                }
            }
        }
        #expect(ended.count == count)
        #expect(sent.allSatisfy { gotByServer[$0.key, default: []] == $0.value })
        #expect(answered.allSatisfy { gotByClient[$0.key, default: []] == $0.value })
        #expect(client.openStreams == 0)
        #expect(client.waitingCount == 0)
    }

    private static func expectHarmless(_ event: HTTP2Event) {
        switch event {
        case .failed, .malformed, .refused, .unprocessed: Issue.record("\(event)")
        default: break
        }
    }

    private static func pieces(of bytes: [UInt8], _ random: inout SeededRandom) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(Int.random(in: 1...20_000, using: &random)))
            rest = rest.dropFirst(piece.count)
            pieces.append(piece)
        }
        return pieces
    }

    /// Frames of all kinds with anything in them: each stream ends once, and nothing traps.
    @Test(arguments: 0..<UInt64(300)) func `no server can make it fall over`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let server = Server()
        for _ in 0..<5 { try server.open(Server.post, method: .post, hasBody: Bool.random(using: &random)) }
        _ = server.frames()
        for _ in 0..<60 {
            let stream = [0, 1, 3, 5, 7, 9, 11, 2].randomElement(using: &random) ?? 0
            let payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            switch Int.random(in: 0...9, using: &random) {
            case 0...2: server.send(.headers(UInt32(stream), Server.ok, end: Bool.random(using: &random)))
            case 3...5: server.send(.data(UInt32(stream), payload, end: Bool.random(using: &random)))
            case 6: server.send(.reset(UInt32(stream), UInt32.random(in: 0...14, using: &random)))
            case 7: server.send(.settings([(UInt16.random(in: 1...6, using: &random), 16_384)]))
            default:
                server.send(
                    HTTP2Frame(
                        type: UInt8.random(in: 0...16, using: &random),
                        flags: UInt8.random(in: 0...255, using: &random),
                        stream: UInt32(stream), payload))
            }
            _ = server.frames()
            if server.client.canOpen, Bool.random(using: &random) { try server.open() }
        }
        var closed: Set<StreamID> = []
        for case .other(.closed(let id, _)) in server.told { #expect(closed.insert(id).inserted) }
        #expect(server.client.waitingCount >= 0)
    }
}
