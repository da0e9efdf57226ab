import AWS
import Bytes
import TestSupport
import Testing

@testable import Gateway

/// One HTTP/2 connection of the gateway to its upstream, whose side the test speaks for.
final class HTTP2API {
    private let rig: Rig
    let peer: Peer
    private let decoder = HTTP2FieldDecoder()
    private var read = HTTP2Frame.preface.count
    /// All frames so far.
    private(set) var frames: [HTTP2Frame] = []
    /// The fields of each request, by its stream.
    private(set) var requests: [UInt32: [String: String]] = [:]

    /// Accepts a connection. `settings` are those of the server; `nil` where it does not tell any.
    init(_ rig: Rig, settings: [(UInt16, UInt32)]? = []) throws {
        self.rig = rig
        self.peer = try rig.turn(until: "a connection to the API") { rig.upstream.accept() }
        try rig.turn(until: "the preface") {
            self.peer.receive()
            return self.peer.bytes.count >= HTTP2Frame.preface.count ? () : nil
        }
        if let settings { self.send(.settings(settings), .settingsAcknowledgement) }
    }

    func send(_ frames: HTTP2Frame...) {
        self.peer.send(frames.flatMap(\.bytes))
        self.rig.turn()
    }

    func receive() {
        self.peer.receive()
        guard self.peer.bytes.count >= self.read else { return }
        let (frames, rest) = HTTP2Frame.parse(Array(self.peer.bytes.dropFirst(self.read)))
        self.read = max(self.read, self.peer.bytes.count - rest.count)
        for frame in frames where frame.type == 1 {
            let fields = self.decoder.decode(frame.payload) ?? []
            self.requests[frame.stream] = Dictionary(fields.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        }
        self.frames += frames
    }

    /// Waits until frames are there.
    func await(
        _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ isThere: (HTTP2API) -> Bool
    ) throws {
        try self.rig.turn(until: what, sourceLocation: sourceLocation) {
            self.receive()
            return isThere(self) ? () : nil
        }
    }

    /// Waits for requests, whole.
    func await(requests count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try self.await("\(count) requests", sourceLocation: sourceLocation) { api in
            api.requests.count >= count && api.frames.count { $0.type <= 1 && $0.flags & 1 == 1 } >= count
        }
    }

    /// The streams on which requests have come.
    var streams: [UInt32] { self.requests.keys.sorted() }

    /// What has come on a stream of its request's body.
    func body(_ stream: UInt32) -> [UInt8] {
        self.frames.filter { $0.type == 0 && $0.stream == stream }.flatMap(\.payload)
    }

    /// The code with which the gateway has reset a stream.
    func resetCode(_ stream: UInt32) -> UInt32? {
        self.frames.first { $0.type == 3 && $0.stream == stream }?.number()
    }

    /// By how much the gateway has widened a stream's window.
    func room(_ stream: UInt32) -> Int {
        self.frames.filter { $0.type == 8 && $0.stream == stream }.reduce(0) { $0 + Int($1.number()) }
    }

    // Answers of the Lambda API.

    func begin(_ stream: UInt32) {
        self.send(
            .headers(
                stream, [(":status", "200"), ("content-type", "application/vnd.amazon.eventstream")], end: false))
    }

    func payload(_ stream: UInt32, _ text: String) {
        var message = ByteBuffer()
        EventStreamEncoder.append(payloadChunk: text.utf8.span, to: &message)
        self.send(.data(stream, message.array()))
    }

    func complete(_ stream: UInt32) {
        var message = ByteBuffer()
        EventStreamEncoder.append(invokeComplete: "{}".utf8.span, to: &message)
        self.send(.data(stream, message.array(), end: true))
    }

    func answer(_ stream: UInt32, _ text: String) {
        self.begin(stream)
        self.payload(stream, text)
        self.complete(stream)
    }
}

extension Rig {
    /// Another connection to the API, if there is one.
    func accepts() -> Bool {
        self.turn()
        return self.upstream.accept() != nil
    }
}
