import TestSupport
import Testing

@testable import HTTP2

/// What RFC 9113 and RFC 7541 ask of a server, case by case, with the clauses of the well-known conformance suites.
@Suite struct ConformanceTests {
    /// How a server may answer.
    enum Outcome: Sendable {
        /// An error of the connection with one of these codes.
        case goAway([UInt32])
        /// An error of the stream or of the connection with one of these codes.
        case reset([UInt32])
        /// Requests are answered, so many of them.
        case answers(Int)
        /// A PING is acknowledged, and nothing else happens.
        case pong
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let outcome: Outcome
        /// What follows the preface and the settings.
        let frames: [HTTP2Frame]
        /// Bytes of answers that the client takes before it goes on.
        var then: [HTTP2Frame] = []
        var limits = HTTP2Limits()

        init(
            _ name: String, _ outcome: Outcome, _ frames: [HTTP2Frame], then: [HTTP2Frame] = [],
            limits: HTTP2Limits = HTTP2Limits()
        ) {
            self.name = name
            self.outcome = outcome
            self.frames = frames
            self.then = then
            self.limits = limits
        }

        var testDescription: String { self.name }
    }

    @Test(arguments: Self.all)
    func `a rule is kept`(_ rule: Case) throws {
        let bytes = rule.frames.flatMap(\.bytes)
        for way in Feeding.ways(of: bytes.count > 400 ? [] : bytes) + [[bytes]] where !bytes.isEmpty {
            if way.isEmpty || way.flatMap({ $0 }).count != bytes.count { continue }
            let client = Client(rule.limits)
            client.answers = true
            for piece in way { client.send(bytes: piece) }
            var frames = client.frames()
            if !rule.then.isEmpty {
                client.send(rule.then)
                frames += client.frames()
            }
            self.check(rule, frames, client)
        }
    }

    private func check(_ rule: Case, _ frames: [HTTP2Frame], _ client: Client) {
        let ends = frames.compactMap(\.goAwayCode)
        let resets = frames.compactMap(\.resetCode)
        let answered = frames.filter { $0.type == 1 && client.fields($0)[":status"] == "200" }.count
        let what: Comment = "\(rule.name): \(frames) \(client.told)"
        switch rule.outcome {
        case .goAway(let codes):
            #expect(ends.count == 1 && ends.allSatisfy { codes.contains($0) }, what)
            #expect(client.failure != nil && client.server.isFinished, what)
        case .reset(let codes):
            #expect((ends + resets).count == 1 && (ends + resets).allSatisfy { codes.contains($0) }, what)
        case .answers(let count):
            #expect(ends.isEmpty && resets.isEmpty && answered == count, what)
        case .pong:
            #expect(ends.isEmpty && resets.isEmpty, what)
            #expect(frames.contains { $0.type == 6 && $0.flags == 1 }, what)
        }
    }

    @Test func `the server begins with its settings`() {
        let client = Client(greets: false)
        let settings = client.frames().first
        #expect(settings?.type == 4 && settings?.flags == 0 && settings?.stream == 0)
        let entries = settings.map { frame in
            stride(from: 0, to: frame.payload.count, by: 6).map { frame.number(at: $0) >> 16 }
        }
        #expect(entries == [4, 6, 9, 3])
    }

    @Test func `a preface that is none ends the connection`() {
        for way in Feeding.ways(of: Array("INVALID CONNECTION PREFACE\r\n\r\n".utf8)) {
            let client = Client(greets: false)
            for piece in way { client.send(bytes: piece) }
            #expect(client.frames().last?.goAwayCode == 1)
            #expect(client.failure?.cause == .preface)
        }
    }

    @Test func `the preface must be followed by settings`() {
        let client = Client(greets: false)
        client.send(bytes: HTTP2Frame.preface + HTTP2Frame.ping().bytes)
        #expect(client.frames().last?.goAwayCode == 1)
    }

    @Test func `windows of one byte are kept to`() {
        let client = Client(greets: false)
        client.answers = true
        client.send(bytes: HTTP2Frame.preface)
        client.send(.settings([(4, 1)]), .headers(1, Client.get))
        let data = client.frames().filter { $0.type == 0 }
        #expect(data == [.data(1, "h")])
    }

    @Test func `a window that is made larger lets waiting bytes go`() {
        let client = Client(greets: false)
        client.answers = true
        client.send(bytes: HTTP2Frame.preface)
        client.send(.settings([(4, 0)]), .headers(1, Client.get))
        #expect(!client.frames().contains { $0.type == 0 })
        client.send(.settings([(4, 1)]))
        #expect(client.frames().filter { $0.type == 0 } == [.data(1, "h")])
    }

    @Test func `a window can become negative`() {
        let client = Client(greets: false)
        client.answers = true
        client.send(bytes: HTTP2Frame.preface)
        client.send(.settings([(4, 3)]), .headers(1, Client.get))
        #expect(client.frames().filter { $0.type == 0 } == [.data(1, "hel")])
        client.send(.settings([(4, 2)]))
        #expect(!client.frames().contains { $0.type == 0 })
        client.send(.windowUpdate(1, 2))
        #expect(client.frames().filter { $0.type == 0 } == [.data(1, "l")])
    }

    @Test func `the last of several values of a setting counts`() {
        let client = Client(greets: false)
        client.answers = true
        client.send(bytes: HTTP2Frame.preface)
        client.send(.settings([(4, 100), (4, 1)]), .headers(1, Client.get))
        #expect(client.frames().filter { $0.type == 0 } == [.data(1, "h")])
    }

    /// RFC 9113 §5.1: on a stream that we have reset, frames may be on their way, and mean nothing.
    @Test func `frames on a stream that was reset by us are passed over`() throws {
        let client = Client()
        client.send(.headers(1, Client.post, end: false))
        client.server.reset(try client.stream(1), .cancel)
        client.send(.data(1, "one"))
        #expect(client.frames().compactMap(\.resetCode) == [8])
        client.send(.data(1, "two"), .headers(1, [("x-t", "1")]), .windowUpdate(1, 5), .reset(1), .ping())
        #expect(client.frames().map(\.type) == [6])
        client.answers = true
        client.send(.headers(3, Client.get))
        #expect(client.frames().map(\.type) == [1, 0])
    }

    /// What was in flight still took from the connection's window, which is given back.
    @Test func `bytes on a stream that was reset by us do not eat the window of the connection`() throws {
        var limits = HTTP2Limits()
        limits.connectionWindow = 65_535
        let client = Client(limits)
        client.send(.headers(1, Client.post, end: false))
        client.server.reset(try client.stream(1), .cancel)
        _ = client.frames()
        let piece = [UInt8](repeating: 0, count: 16_384)
        for _ in 0..<3 { client.send(.data(1, piece)) }
        #expect(client.frames().filter { $0.type == 8 && $0.stream == 0 }.map { $0.number() }.reduce(0, +) >= 32_768)
    }
}
