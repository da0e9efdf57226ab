import Bytes
import HTTP
import TestSupport
import Testing
import Time

@testable import HTTP2

/// A client in the test's hands, and the server that it speaks to, which answers nothing by itself.
final class Client {
    let server: HTTP2Server
    var now = MonotonicTime(nanoseconds: 0)
    private let decoder = HTTP2FieldDecoder()
    /// What the server has told, bodies as bytes.
    private(set) var told: [Told] = []
    private var unread: [UInt8] = []
    /// Answers each request as soon as it is whole.
    var answers = false

    enum Told: Equatable {
        case head(StreamID)
        case body(StreamID, [UInt8])
        case other(HTTP2Event)
    }

    /// Preface and settings are exchanged unless `greets` is false.
    init(_ limits: HTTP2Limits = HTTP2Limits(), buffers: HTTP2Buffers = HTTP2Buffers(), greets: Bool = true) {
        self.server = HTTP2Server(limits: limits, buffers: buffers, at: self.now)
        guard greets else { return }
        self.send(bytes: HTTP2Frame.preface)
        self.send(.settings(), .settingsAcknowledgement)
        _ = self.frames()
    }

    static let get = [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a.example")]
    static let post = [(":method", "POST")] + get.dropFirst()

    func send(_ frames: HTTP2Frame...) {
        self.send(bytes: frames.flatMap(\.bytes))
    }

    func send(_ frames: [HTTP2Frame]) {
        self.send(bytes: frames.flatMap(\.bytes))
    }

    func send(bytes: [UInt8]) {
        self.server.receive(bytes.span, at: self.now)
        while let event = self.server.nextEvent() {
            switch event {
            case .head(let id):
                self.told.append(.head(id))
            case .body(let id, let range):
                self.told.append(.body(id, Array(bytes[range])))
                if let stream = self.server.stream(id) { self.server.consume(range.count, on: stream) }
            case .end(let id):
                self.told.append(.other(event))
                if self.answers { self.answer(id) }
            default:
                self.told.append(.other(event))
            }
        }
    }

    func stream(_ id: Int32) throws -> HTTP2Stream {
        try #require(self.server.stream(StreamID(rawValue: id)))
    }

    func head(_ id: Int32) throws -> RequestHead {
        try #require(self.server.takeHead(of: try self.stream(id)))
    }

    func answer(_ id: StreamID, _ body: String = "hello") {
        guard let stream = self.server.stream(id) else { return }
        self.server.respond(
            on: stream, ResponseHead(status: 200, fields: Fields(["x-request-id": "1"])), date: "today".utf8.span,
            hasBody: !body.isEmpty)
        guard !body.isEmpty else { return }
        self.server.send(body.utf8.span, on: stream)
        self.server.end(stream)
    }

    /// The frames that the server wants to send.
    func frames(atMost limit: Int = .max) -> [HTTP2Frame] {
        var output = ByteBuffer()
        self.server.fill(&output, atMost: limit)
        while let event = self.server.nextEvent() { self.told.append(.other(event)) }
        let (frames, rest) = HTTP2Frame.parse(self.unread + output.array())
        self.unread = rest
        return frames
    }

    /// The fields of a HEADERS frame.
    func fields(_ frame: HTTP2Frame?) -> [String: String] {
        guard let frame, let fields = self.decoder.decode(frame.payload) else { return [:] }
        return Dictionary(fields.map { ($0.name, $0.value) }, uniquingKeysWith: { "\($0),\($1)" })
    }

    /// All bodies of a stream.
    func body(_ id: Int32) -> String {
        String(
            decoding: self.told.flatMap {
                if case .body(StreamID(rawValue: id), let bytes) = $0 { bytes } else { [UInt8]() }
            }, as: UTF8.self)
    }

    /// The failure that ended the connection.
    var failure: HTTP2Failure? {
        for case .other(.failed(let failure)) in self.told { return failure }
        return nil
    }

    var malformed: [MalformedMessage] {
        self.told.compactMap { if case .other(.malformed(_, let malformed)) = $0 { malformed } else { nil } }
    }

    var refused: [RequestFault] {
        self.told.compactMap { if case .other(.refused(_, let fault)) = $0 { fault } else { nil } }
    }
}

extension HTTP2Frame {
    /// The code of a GOAWAY frame.
    var goAwayCode: UInt32? { self.type == 7 ? self.number(at: 4) : nil }
    /// The code of a RST_STREAM frame.
    var resetCode: UInt32? { self.type == 3 ? self.number() : nil }
}
