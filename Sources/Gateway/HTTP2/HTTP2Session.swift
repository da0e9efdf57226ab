internal import Bytes
internal import Configuration
internal import HTTP
internal import HTTP2
internal import Logging
internal import Reactor
internal import Relay
internal import Time

/// A client's HTTP/2 connection: many requests at the same time, each on a stream of its own.
///
/// Frames are put together when the round ends (`fillOutput`), so that what became ready in it leaves together, and not
/// before the socket can take them, so that what waits is in the order in which it is urgent.
///
/// The end comes in steps: `announced` says that it is near and still takes requests, `leaving` takes none, and the
/// connection closes when the last answer has gone.
final class HTTP2Session {
    let context: LoopContext
    let client: ClientConnection
    let connection: Connection
    let server: HTTP2Server
    private(set) var streams: [StreamID: HTTP2ClientStream] = [:]
    private var phase = Phase.open
    private var requests = 0
    /// Exchanges under way.
    private var invocations = 0
    /// When invocations that the client reset cease to count, soonest first.
    private var leftInvocations: [MonotonicTime] = []
    /// Since when there has been no stream.
    private var idleSince: MonotonicTime
    /// When the next step of the end is taken without an answer of the client.
    private var stepAt = MonotonicTime.never
    /// When a client that takes no byte at all is let go.
    private var blockedUntil = MonotonicTime.never
    /// What it had acknowledged when that was set.
    private var acknowledgedBefore = 0
    private var isHandling = false
    private lazy var timer = LoopTimer(handler: self)

    private enum Phase {
        case open
        case announced
        case leaving
        case closed
    }

    /// How long a client may take to answer that it knows of the end.
    private static let announcementTime = Duration.seconds(1)

    init(_ client: ClientConnection, context: LoopContext) {
        let limits = context.snapshot.limits
        self.client = client
        self.connection = client.connection
        self.context = context
        self.server = HTTP2Server(limits: limits.http2, buffers: limits.http2Buffers, at: context.loop.now)
        self.idleSince = context.loop.now
        self.connection.handler = self
        self.connection.isFilledAtEnd = true
        context.sessionOpened(self)
        if context.isDraining { self.announceEnd() }
        self.goOn()
    }

    private var limits: LimitSettings { self.context.snapshot.limits }

    private var isClosed: Bool {
        if case .closed = self.phase { true } else { false }
    }

    // What the client says.

    /// Handles what the machine has found; `bytes` are those that it was given.
    private func handleEvents(of bytes: Span<UInt8>) {
        // What an event leads to may bring others, which come in their turn.
        guard !self.isHandling else { return }
        self.isHandling = true
        defer { self.isHandling = false }
        while !self.isClosed, let event = self.server.nextEvent() {
            switch event {
            case .head(let id):
                self.begin(id)
            case .refused(let id, let fault):
                self.refuse(id, fault)
            case .body(let id, let range):
                if let stream = self.streams[id] {
                    stream.receivedBody(bytes.extracting(range))
                } else {
                    self.server.discard(range.count)
                }
            case .end(let id):
                self.streams[id]?.receivedEnd()
            case .answered(let id):
                self.streams[id]?.answered()
            case .malformed(let id, let malformed):
                self.refuseMalformed(id, malformed)
            case .tooManyStreams:
                self.noteLimit("http2_streams")
                // It has no answer, and so no status: the client may send it again (RFC 9113 §8.7).
                _ = self.logRefused(status: 0, end: "refused_stream")
            case .closed(let id, let code):
                self.closed(id, code)
            case .blocked(let id):
                self.streams[id]?.blocked()
            case .progressed(let id):
                self.streams[id]?.blocked()
            case .full(let isFull):
                if isFull { self.noteLimit("connection_buffer") }
                for stream in self.streams.values { stream.hasLittleRoom(isFull) }
            case .drained(let id):
                self.streams[id]?.drained()
            case .drainAcknowledged:
                if case .announced = self.phase { self.leave() }
            case .goAway:
                // Where nothing is under way, nothing will be.
                if self.server.isFinished { self.finish() }
            case .settings, .unprocessed:
                // What a client announces about streams of ours, of which there are none.
                break
            case .failed(let failure):
                self.fail(failure)
            }
        }
    }

    /// Has frames sent and deadlines kept after something has happened.
    private func goOn() {
        guard !self.isClosed else { return }
        if let failure = self.server.failure, self.connection.isBlocked {
            // There is no saying goodbye to somebody who takes nothing.
            self.noteFailure(failure)
            self.close()
            return
        }
        if case .leaving = self.phase, self.server.isFinished {
            // The client has reset the last stream, about which there is nothing to say.
            self.finish()
            return
        }
        if self.server.wantsToSend { self.connection.flush() }
        // A connection that is ending is looked at when its next step is due; moments that are over must not be asked
        // for.
        if self.server.failure == nil, let since = self.server.incompleteSince {
            self.look(at: since + self.limits.requestHead)
        }
        if case .open = self.phase, self.streams.isEmpty { self.look(at: self.idleSince + self.limits.idleHTTP2) }
    }

    // Requests.

    private func begin(_ id: StreamID) {
        guard let stream = self.server.stream(id), let head = self.server.takeHead(of: stream) else { return }
        guard self.mayInvoke else {
            self.noteLimit("invocations_per_connection")
            self.server.refuseUnprocessed(stream)
            let record = self.record(of: head)
            record.finished(status: 0, end: "refused_stream", at: self.context.loop.now)
            self.context.log(record)
            return
        }
        self.countRequest()
        let record = self.record(of: head)
        let answers = HTTP2ClientStream(stream, isForHead: head.method.isHead, session: self)
        self.streams[id] = answers
        switch self.context.dispatch(head, on: answers, from: self.client, record: record) {
        case .exchange(let exchange):
            self.invocations += 1
            answers.began(exchange)
        case .answered(let answer):
            answers.respond(answer)
        }
    }

    private func record(of head: borrowing RequestHead) -> RequestRecord {
        RequestRecord(
            head, requestID: self.context.newRequestID(), client: self.client.address,
            startedAt: self.context.loop.now, wall: self.context.wallNow)
    }

    /// Whether a connection may have another invocation: those that its client reset still cost something.
    private var mayInvoke: Bool {
        let now = self.context.loop.now
        while let first = self.leftInvocations.first, first <= now { self.leftInvocations.removeFirst() }
        return self.invocations + self.leftInvocations.count < self.limits.invocationsPerConnection
    }

    private func countRequest() {
        self.requests += 1
        if self.requests >= self.limits.requestsPerConnection {
            if self.requests == self.limits.requestsPerConnection { self.noteLimit("requests_per_connection") }
            self.announceEnd()
        } else if self.context.memory.level != .normal {
            self.announceEnd()
        }
    }

    /// A request that can not be taken, answered on its stream.
    private func refuse(_ id: StreamID, _ fault: RequestFault) {
        guard let stream = self.server.stream(id) else { return }
        self.countRequest()
        let requestID = self.logRefused(status: fault.status, end: fault.endName)
        self.context.log(fault, from: self.client, requestID: requestID)
        let answers = HTTP2ClientStream(stream, isForHead: false, session: self)
        self.streams[id] = answers
        answers.respond(.problem(status: fault.status, detail: fault.description, requestID: requestID))
    }

    /// A message that is none: its stream is being reset.
    private func refuseMalformed(_ id: StreamID, _ malformed: MalformedMessage) {
        if let stream = self.streams[id] {
            if stream.isInvoking { self.invocationLeft() }
            stream.failRequest(status: 400, end: "bad_request")
            return
        }
        let requestID = self.logRefused(status: 400, end: "bad_request")
        self.context.logger.info(
            "request refused",
            metadata: [
                "request_id": "\(requestID)", "client": "\(self.client.address)", "reason": "malformed: \(malformed)",
            ])
    }

    private func logRefused(status: Int, end: String) -> ShortText {
        let requestID = self.context.newRequestID()
        let record = RequestRecord(
            withoutHead: requestID, version: .http2, client: self.client.address, startedAt: self.context.loop.now,
            wall: self.context.wallNow)
        record.finished(status: status, end: end, at: self.context.loop.now)
        self.context.log(record)
        return requestID
    }

    /// A stream is no more.
    private func closed(_ id: StreamID, _ code: HTTP2ErrorCode) {
        guard let stream = self.streams.removeValue(forKey: id) else { return }
        if stream.isInvoking {
            self.invocationLeft()
            stream.leave()
        }
        if self.streams.isEmpty { self.idleSince = self.context.loop.now }
    }

    /// The client has made an end of an invocation: what it started may go on for a while without it.
    private func invocationLeft() {
        self.leftInvocations.append(self.context.loop.now + self.limits.resetInvocation)
    }

    // What streams tell.

    /// A stream's exchange is over.
    func invocationEnded() {
        self.invocations -= 1
    }

    /// A stream has something to say.
    func touched() {
        if self.connection.isBlocked {
            // No frames are put together now; the streams that have too much waiting have to know.
            self.server.settleTouched()
            self.handleEvents(of: Span())
        } else {
            self.connection.flush()
        }
    }

    /// A stream has many bytes to send, of an upstream's receive buffer.
    func touchedByMany() {
        if self.connection.isBlocked { self.touched() } else { self.connection.flushAfterReceiving() }
    }

    /// Has deadlines looked at no later than this.
    func look(at moment: MonotonicTime) {
        if moment < self.timer.deadline { self.context.loop.set(self.timer, to: moment) }
    }

    /// The client has hit a limit.
    func noteLimit(_ name: String) {
        self.context.noteLimit(name, of: self.client)
    }

    // The end.

    private func announceEnd() {
        guard case .open = self.phase else { return }
        self.phase = .announced
        self.server.announceShutdown()
        self.stepAt = self.context.loop.now + Self.announcementTime
        self.look(at: self.stepAt)
        self.goOn()
    }

    private func leave() {
        self.phase = .leaving
        self.stepAt = .never
        self.server.goAway()
        self.goOn()
    }

    /// The machine has ended the connection: what it says about that is sent, and nothing else.
    private func fail(_ failure: HTTP2Failure) {
        self.noteFailure(failure)
        self.finish()
    }

    private func noteFailure(_ failure: HTTP2Failure) {
        if case .excess(let excess) = failure.cause {
            self.noteLimit(excess.limitName)
        } else {
            self.context.logger.info(
                "HTTP/2 connection ended", metadata: ["client": "\(self.client.address)", "reason": "\(failure)"])
        }
    }

    /// Sends what is left, and closes.
    private func finish() {
        guard !self.isClosed else { return }
        self.ended()
        self.connection.closeAfterFlush()
    }

    private func close() {
        guard !self.isClosed else { return }
        self.ended()
        self.connection.close()
    }

    private func ended() {
        self.phase = .closed
        self.context.loop.cancel(self.timer)
        let streams = self.streams
        self.streams = [:]
        for stream in streams.values { stream.leave() }
        self.context.sessionClosed(self)
    }
}

extension HTTP2Session: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        self.server.receive(bytes, at: self.context.loop.now)
        self.handleEvents(of: bytes)
        self.goOn()
    }

    func receivedEnd() {
        // A client that has finished sending is taken to have left, as with HTTP/1.1.
        if self.connection.hasUnsent { self.finish() } else { self.close() }
    }

    func fillOutput() {
        guard !self.isClosed else { return }
        if self.server.wantsToSend { self.connection.prepareOutput() }
        self.server.fill(&self.connection.output, atMost: self.limits.http2Portion)
        self.handleEvents(of: Span())
        guard !self.isClosed else { return }
        if self.server.isFinished {
            self.finish()
        } else if self.server.wantsToSend {
            // Only a portion was put together: on to the next one, once this has been offered.
            self.connection.flush()
        }
    }

    func outputBlocked() {
        self.setBlockedUntil()
        self.server.settleTouched()
        self.handleEvents(of: Span())
    }

    private func setBlockedUntil() {
        self.acknowledgedBefore = self.connection.acknowledgedCount
        // The streams' own times run out first, and say so in the log.
        self.blockedUntil = self.context.loop.now + self.limits.clientStall + .seconds(1)
        self.look(at: self.blockedUntil)
    }

    func outputDrained() {
        self.blockedUntil = .never
        self.connection.flush()
    }

    func closed(_ cause: CloseCause) {
        self.close()
    }
}

extension HTTP2Session: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        let now = self.context.loop.now
        if now >= self.blockedUntil {
            guard self.connection.acknowledgedCount > self.acknowledgedBefore else {
                self.noteLimit("client_stall")
                self.close()
                return
            }
            self.setBlockedUntil()
        }
        if let since = self.server.incompleteSince, now >= since + self.limits.requestHead {
            self.noteLimit("request_head")
            self.server.end(with: HTTP2Failure(code: .enhanceYourCalm, cause: .tooSlow))
            self.goOn()
            return
        }
        if now >= self.stepAt { self.leave() }
        if self.streams.isEmpty, now >= self.idleSince + self.limits.idleHTTP2, case .open = self.phase {
            self.noteLimit("idle_http2")
            self.announceEnd()
        }
        var next = min(self.stepAt, self.blockedUntil)
        for stream in Array(self.streams.values) {
            stream.deadlinePassed(at: now)
            next = min(next, stream.deadline)
        }
        guard !self.isClosed else { return }
        self.look(at: next)
        self.goOn()
    }
}

extension HTTP2Session: ClientSession {
    var protocolName: String { "HTTP/2" }

    func describeExchanges(in streams: inout [StreamReport]) {
        for stream in self.streams.values { stream.describe(in: &streams) }
    }

    func drain() {
        self.announceEnd()
    }

    func cut() {
        for stream in Array(self.streams.values) { stream.cut() }
        self.leave()
        self.fillOutput()
        self.finish()
    }

    var canBeShed: Bool { self.streams.isEmpty && !self.connection.hasUnsent }

    func shed() {
        self.leave()
        self.fillOutput()
        // Its place is another one's already.
        self.ended()
        self.connection.closeAfterOffer()
    }
}

extension HTTP2Failure.Excess {
    /// How the metrics name it.
    fileprivate var limitName: String {
        switch self {
        case .resets: "http2_resets"
        case .pings: "http2_pings"
        case .settings: "http2_settings"
        case .priorities: "http2_priorities"
        case .windowUpdates: "http2_window_updates"
        case .emptyFrames: "http2_empty_frames"
        case .continuations: "http2_continuations"
        case .unknownFrames: "http2_unknown_frames"
        case .headerBlock: "http2_header_block"
        case .waitingFrames: "http2_waiting_frames"
        }
    }
}

@available(*, unavailable)
extension HTTP2Session: Sendable {}
