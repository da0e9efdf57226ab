import TestSupport

/// A client of HTTP/2 with prior knowledge that sends the frames it is told, right or wrong, and keeps what comes.
final class HTTP2Client {
    let raw: RawClient
    private let decoder = HTTP2FieldDecoder()
    private var unread: [UInt8] = []
    /// All frames that have come.
    private(set) var frames: [HTTP2Frame] = []
    private(set) var answers: [UInt32: Answer] = [:]
    private(set) var hasEnded = false
    /// Whether it gives windows back as bytes come.
    var givesWindow = true
    /// Streams that it gives nothing back for.
    var stalled: Set<UInt32> = []

    static let get = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "example.com")]

    static func fields(_ path: String = "/", method: String = "GET", _ more: [(String, String)] = []) -> [(
        String, String
    )] {
        [(":method", method), (":scheme", "http"), (":path", path), (":authority", "example.com")] + more
    }

    init(_ gateway: Gateway, settings: [(UInt16, UInt32)] = [], receiveBuffer: Int32? = nil) async throws {
        self.raw = try await gateway.connect(receiveBuffer: receiveBuffer)
        try await self.raw.send(HTTP2Frame.preface + HTTP2Frame.settings(settings).bytes)
    }

    func send(_ frames: HTTP2Frame...) async throws {
        try await self.raw.send(frames.flatMap(\.bytes))
    }

    /// The same where the gateway may have closed.
    func trySend(_ frames: [HTTP2Frame]) async {
        try? await self.raw.send(frames.flatMap(\.bytes))
    }

    func close() {
        self.raw.close()
    }

    /// Takes frames until something is so.
    func receive(
        until what: String, within limit: Duration = .seconds(20), _ isThere: (HTTP2Client) -> Bool
    ) async throws {
        let until = ContinuousClock().now + limit
        while !isThere(self) {
            guard !self.hasEnded else { throw HarnessError("the connection ended before \(what): \(self.summary)") }
            guard ContinuousClock().now < until else { throw HarnessError("not in time: \(what): \(self.summary)") }
            try await self.receiveOnce(within: .milliseconds(200))
        }
    }

    /// Takes what comes first, and answers what has to be answered.
    func receiveOnce(within limit: Duration) async throws {
        guard let bytes = try await self.raw.nextBytes(within: limit) else {
            self.hasEnded = true
            return
        }
        let (frames, rest) = HTTP2Frame.parse(self.unread + bytes)
        self.unread = rest
        var replies: [HTTP2Frame] = []
        for frame in frames {
            self.frames.append(frame)
            self.take(frame, &replies)
        }
        if !replies.isEmpty { await self.trySend(replies) }
    }

    private func take(_ frame: HTTP2Frame, _ replies: inout [HTTP2Frame]) {
        let ends = frame.flags & HTTP2Frame.endStream != 0
        switch frame.type {
        case 0:
            self.answers[frame.stream, default: Answer()].body += frame.payload
            if ends { self.answers[frame.stream]?.end = .whole }
            if self.givesWindow, !frame.payload.isEmpty {
                replies.append(.windowUpdate(0, UInt32(frame.payload.count)))
                if !ends, !self.stalled.contains(frame.stream) {
                    replies.append(.windowUpdate(frame.stream, UInt32(frame.payload.count)))
                }
            }
        case 1:
            let fields = self.decoder.decode(frame.payload) ?? []
            if ends, self.answers[frame.stream]?.status ?? 0 >= 200 {
                // Trailers.
                self.answers[frame.stream]?.end = .whole
                return
            }
            let status = fields.first { $0.name == ":status" }.flatMap { Int($0.value) } ?? 0
            if status < 200 {
                self.answers[frame.stream, default: Answer()].interim.append(status)
                return
            }
            self.answers[frame.stream, default: Answer()].status = status
            self.answers[frame.stream]?.fields = fields.filter { !$0.name.hasPrefix(":") }
            if ends { self.answers[frame.stream]?.end = .whole }
        case 3:
            if self.answers[frame.stream, default: Answer()].end == .open {
                self.answers[frame.stream]?.end = .cut(.reset)
            }
        case 4 where frame.flags & 1 == 0:
            replies.append(.settingsAcknowledgement)
        case 6 where frame.flags & 1 == 0:
            replies.append(.ping(frame.payload, flags: 1))
        default:
            break
        }
    }

    /// Waits until a stream's answer has ended one way or another.
    @discardableResult
    func answer(_ stream: UInt32 = 1, within limit: Duration = .seconds(20)) async throws -> Answer {
        try await self.receive(until: "stream \(stream) ends", within: limit) {
            $0.answers[stream].map { $0.end != .open } ?? false
        }
        return self.answers[stream] ?? Answer()
    }

    /// Waits until the connection has ended.
    func end(within limit: Duration = .seconds(20)) async throws {
        let until = ContinuousClock().now + limit
        while !self.hasEnded {
            guard ContinuousClock().now < until else { throw HarnessError("it stays open: \(self.summary)") }
            try await self.receiveOnce(within: .milliseconds(200))
        }
    }

    /// The codes of streams that were reset.
    var resets: [UInt32: UInt32] {
        Dictionary(
            self.frames.filter { $0.type == 3 }.map { ($0.stream, $0.number()) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Code and last stream of each GOAWAY.
    var goAways: [(last: UInt32, code: UInt32)] {
        self.frames.filter { $0.type == 7 }.map { ($0.number(), $0.number(at: 4)) }
    }

    private var summary: String {
        self.frames.suffix(20).map { "\($0.type)/\($0.flags)@\($0.stream)#\($0.payload.count)" }.joined(separator: " ")
    }
}
