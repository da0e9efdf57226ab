import Bytes
import FuzzingSupport
import HTTP
import HTTP2
import TestSupport
import Time

/// A client's side of a connection, whole and in pieces; every request that comes of it is answered.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    // Most inputs would fail at the preface, and teach nothing.
    let greeting = input.choice & 1 == 1 ? [] : HTTP2Frame.preface + HTTP2Frame.settings().bytes
    let whole = Connection(reading: [greeting, input.bytes])
    expectEqual(whole, Connection(reading: [greeting] + input.pieces), "cut elsewhere, read differently")
    return 0
}

private struct Connection: Equatable {
    var heads: [StreamID: RequestHead] = [:]
    var bodies: [StreamID: [UInt8]] = [:]
    var ended: Set<StreamID> = []
    var refused: [StreamID: RequestFault] = [:]
    var malformed: [StreamID: MalformedMessage] = [:]
    var closed: Set<StreamID> = []
    var failure: HTTP2Failure?

    init(reading pieces: [[UInt8]]) {
        var limits = HTTP2Limits()
        // Looked at whenever bytes have come, so that it depends on where they were cut.
        limits.waitingFrames = .max
        let now = MonotonicTime(nanoseconds: 0)
        let server = HTTP2Server(limits: limits, at: now)
        for piece in pieces {
            server.receive(piece.span, at: now)
            while let event = server.nextEvent() { self.note(event, piece, server) }
        }
        // How much of a request had been handed out when it turned out to be malformed, or was reset, depends on where
        // it was cut.
        for id in self.closed.union(self.malformed.keys) {
            self.heads[id] = nil
            self.bodies[id] = nil
        }
        for id in self.heads.keys.sorted() {
            guard let stream = server.stream(id) else { continue }
            let date = "today"
            server.respond(on: stream, ResponseHead(status: 200), date: date.utf8.span, hasBody: true)
            let body = [UInt8](repeating: 65, count: 100_000)
            server.send(body.span, on: stream)
            if id.rawValue % 3 == 0 { server.truncate(stream) } else { server.end(stream) }
        }
        var output = ByteBuffer()
        server.fill(&output, atMost: 1 << 20)
        while let event = server.nextEvent() { self.note(event, [], server) }
        precondition(HTTP2Frame.parse(output.array()).rest.isEmpty, "half a frame went out")
        precondition(server.waitingCount >= 0, "more went than there was")
    }

    private mutating func note(_ event: HTTP2Event, _ piece: [UInt8], _ server: HTTP2Server) {
        switch event {
        case .head(let id):
            precondition(self.heads[id] == nil, "a second head")
            if let stream = server.stream(id), let head = server.takeHead(of: stream) { self.heads[id] = head }
        case .body(let id, let range):
            self.bodies[id, default: []] += piece[range]
            if let stream = server.stream(id) {
                server.consume(range.count, on: stream)
            } else {
                server.discard(range.count)
            }
        case .end(let id):
            precondition(self.ended.insert(id).inserted, "a second end")
        case .refused(let id, let fault):
            self.refused[id] = fault
        case .malformed(let id, let malformed):
            self.malformed[id] = malformed
        case .closed(let id, _):
            precondition(self.closed.insert(id).inserted, "closed twice")
        case .failed(let failure):
            precondition(self.failure == nil, "a second failure")
            self.failure = failure
        case .answered, .full, .tooManyStreams, .blocked, .progressed, .drained, .drainAcknowledged, .goAway, .settings,
            .unprocessed:
            break
        }
    }
}
