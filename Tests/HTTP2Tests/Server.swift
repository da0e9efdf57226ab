import Bytes
import HTTP
import TestSupport
import Testing
import Time

@testable import HTTP2

/// A server in the test's hands, and the client that it speaks to.
final class Server {
    let client: HTTP2Client
    var now = MonotonicTime(nanoseconds: 0)
    private let decoder = HTTP2FieldDecoder()
    /// What the client has told, bodies as bytes.
    private(set) var told: [Told] = []
    private(set) var answers: [StreamID: ResponseHead] = [:]
    private var unread: [UInt8] = []
    /// Those that were opened; the client forgets them when they are over.
    private var streams: [StreamID: HTTP2Stream] = [:]
    /// Whether bytes of bodies are given back to the windows at once.
    var consumes = true

    enum Told: Equatable {
        case body(StreamID, [UInt8])
        case other(HTTP2Event)
    }

    /// Prefaces are exchanged unless `greets` is false.
    init(
        _ settings: [(UInt16, UInt32)] = [], limits: HTTP2Limits = .ofUpstreams, buffers: HTTP2Buffers = HTTP2Buffers(),
        greets: Bool = true
    ) {
        self.client = HTTP2Client(limits: limits, buffers: buffers, at: self.now)
        guard greets else { return }
        self.unread = Array(self.bytes().dropFirst(HTTP2Frame.preface.count))
        self.send(.settings(settings), .settingsAcknowledgement)
        _ = self.frames()
        self.told = []
    }

    static let post = "POST /call?x=1 HTTP/1.1\r\nhost: api.example\r\nX-Name: value\r\ncontent-length: 5\r\n\r\n"
    static let get = "GET / HTTP/1.1\r\nhost: api.example\r\n\r\n"
    static let ok = [(":status", "200"), ("content-type", "text/plain")]

    /// Opens a stream with a request.
    @discardableResult
    func open(_ head: String = Server.get, method: Method = .get, hasBody: Bool = false) throws -> HTTP2Stream {
        let opened = self.client.open(head.utf8.span, method: method, hasBody: hasBody)
        let stream = try #require(opened)
        self.streams[stream.id] = stream
        return stream
    }

    func send(_ frames: HTTP2Frame...) { self.send(bytes: frames.flatMap(\.bytes)) }

    func send(bytes: [UInt8]) {
        self.client.receive(bytes.span, at: self.now)
        self.read(bytes)
    }

    private func read(_ bytes: [UInt8]) {
        while let event = self.client.nextEvent() {
            switch event {
            case .head(let id):
                self.told.append(.other(event))
                self.answers[id] = self.streams[id].flatMap { self.client.takeAnswer(of: $0)?.head }
            case .body(let id, let range):
                if case .body(id, let before) = self.told.last {
                    self.told[self.told.count - 1] = .body(id, before + bytes[range])
                } else {
                    self.told.append(.body(id, Array(bytes[range])))
                }
                guard self.consumes else { continue }
                if let stream = self.streams[id] { self.client.consume(range.count, on: stream) }
            default:
                self.told.append(.other(event))
            }
        }
    }

    private func bytes(atMost limit: Int = .max) -> [UInt8] {
        var output = ByteBuffer()
        self.client.fill(&output, atMost: limit)
        self.read([])
        return output.array()
    }

    /// The frames that the client wants to send.
    func frames(atMost limit: Int = .max) -> [HTTP2Frame] {
        let (frames, rest) = HTTP2Frame.parse(self.unread + self.bytes(atMost: limit))
        self.unread = rest
        return frames
    }

    /// The first bytes of all.
    func greeting() -> [UInt8] { self.bytes() }

    func fields(_ frame: HTTP2Frame?) -> [String] {
        guard let frame, let fields = self.decoder.decode(frame.payload) else { return [] }
        return fields.map { "\($0.name): \($0.value)" }
    }

    var failure: HTTP2Failure? {
        for case .other(.failed(let failure)) in self.told { return failure }
        return nil
    }

    var malformed: [MalformedMessage] {
        self.told.compactMap { if case .other(.malformed(_, let malformed)) = $0 { malformed } else { nil } }
    }

    func body(_ id: StreamID) -> [UInt8] {
        self.told.flatMap { if case .body(id, let bytes) = $0 { bytes } else { [UInt8]() } }
    }
}
