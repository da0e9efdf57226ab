import Bytes
import FuzzingSupport
import HTTP
import HTTP2
import TestSupport
import Time

/// A server's side of a connection on which requests are under way, whole and in pieces.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    // Most inputs would fail at the preface, and teach nothing.
    let greeting = input.choice & 1 == 1 ? [] : HTTP2Frame.settings().bytes + HTTP2Frame.settingsAcknowledgement.bytes
    let whole = Connection(greeting, [input.bytes])
    expectEqual(whole, Connection(greeting, input.pieces), "cut elsewhere, read differently")
    return 0
}

private struct Connection: Equatable {
    var heads: [StreamID: ResponseHead] = [:]
    var bodies: [StreamID: [UInt8]] = [:]
    var ended: Set<StreamID> = []
    var malformed: [StreamID: MalformedMessage] = [:]
    var unprocessed: Set<StreamID> = []
    var closed: [StreamID: HTTP2ErrorCode] = [:]
    var failure: HTTP2Failure?

    init(_ greeting: [UInt8], _ pieces: [[UInt8]]) {
        var limits = HTTP2Limits.ofUpstreams
        // Looked at whenever bytes have come, so that it depends on where they were cut.
        limits.waitingFrames = .max
        let now = MonotonicTime(nanoseconds: 0)
        let client = HTTP2Client(limits: limits, at: now)
        var output = ByteBuffer()
        client.fill(&output, atMost: 1 << 20)
        client.receive(greeting.span, at: now)
        while client.nextEvent() != nil {}
        var streams: [StreamID: HTTP2Stream] = [:]
        for method in [Method.get, .head, .post, .get] {
            let head = "\(method.rawValue) / HTTP/1.1\r\nhost: a\r\n\r\n"
            guard let stream = client.open(head.utf8.span, method: method, hasBody: method == .post) else { continue }
            streams[stream.id] = stream
            let body = [UInt8](repeating: 65, count: method == .post ? 100_000 : 0)
            client.send(body.span, on: stream)
        }
        client.fill(&output, atMost: 1 << 20)
        for piece in pieces {
            client.receive(piece.span, at: now)
            while let event = client.nextEvent() { self.note(event, piece, client, streams) }
        }
        // How much of an answer had been handed out when it turned out to be malformed, or was reset, depends on where
        // it was cut.
        for id in streams.keys where !self.ended.contains(id) || self.malformed[id] != nil {
            self.heads[id] = nil
            self.bodies[id] = nil
        }
        client.fill(&output, atMost: 1 << 20)
        while let event = client.nextEvent() { self.note(event, [], client, streams) }
        let frames = output.array().dropFirst(HTTP2Frame.preface.count)
        precondition(HTTP2Frame.parse(Array(frames)).rest.isEmpty, "half a frame went out")
        precondition(client.waitingCount >= 0, "more went than there was")
    }

    private mutating func note(
        _ event: HTTP2Event, _ piece: [UInt8], _ client: HTTP2Client, _ streams: [StreamID: HTTP2Stream]
    ) {
        switch event {
        case .head(let id):
            precondition(self.heads[id] == nil, "a second head")
            if let stream = streams[id] { self.heads[id] = client.takeAnswer(of: stream)?.head }
        case .body(let id, let range):
            precondition(self.heads[id] != nil, "a body without a head")
            precondition(!self.ended.contains(id), "a body behind the end")
            self.bodies[id, default: []] += piece[range]
            if let stream = streams[id] { client.consume(range.count, on: stream) }
        case .end(let id):
            precondition(self.heads[id] != nil, "an end without a head")
            precondition(self.ended.insert(id).inserted, "a second end")
        case .malformed(let id, let malformed):
            self.malformed[id] = malformed
        case .unprocessed(let id, _):
            precondition(self.heads[id] == nil, "an answer to what was not processed")
            self.unprocessed.insert(id)
        case .closed(let id, let code):
            precondition(self.closed.updateValue(code, forKey: id) == nil, "closed twice")
        case .failed(let failure):
            precondition(self.failure == nil, "a second failure")
            self.failure = failure
        case .answered, .full, .refused, .tooManyStreams, .blocked, .progressed, .drained, .drainAcknowledged, .goAway,
            .settings:
            break
        }
    }
}
