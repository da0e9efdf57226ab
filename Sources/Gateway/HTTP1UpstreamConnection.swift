internal import Bytes
internal import HTTP
internal import Reactor
internal import Relay
internal import Time

/// A keep-alive HTTP/1.1 connection to an endpoint, in a pool or serving one attempt.
///
/// Nothing but the order of bytes ties an answer to its request (RFC 9112 §9.2). So what comes before the socket has
/// taken the first byte of a request is not its answer: it ends the connection, and the request goes to another one.
final class HTTP1UpstreamConnection: UpstreamConnection {
    private let connection: Connection
    /// They hold each other until this is closed.
    private let pool: UpstreamPool
    // PERF: that of the connection, through which a reference would be counted.
    private let loop: Loop
    private var parser: HTTP1ResponseParser
    private var use = Use.idle
    /// Whether more of the request is to be sent.
    private var isRequestOpen = false
    /// The one that is served.
    private var attempt: UpstreamAttempt?
    /// Bytes of an unwanted answer that were thrown away.
    private var discarded = 0
    /// What the socket had taken before the request.
    private var takenBefore = 0
    private(set) var idleSince: MonotonicTime
    /// When it was made.
    let openedAt: MonotonicTime
    private let timer = LoopTimer()

    private enum Use {
        /// In the pool.
        case idle
        case serving
        /// Reading the rest of an answer that nobody wants, so that the connection can be used again.
        case readingOut
        case closed
    }

    private static let outOfTurn = "the upstream spoke before it was asked"

    /// An unwanted rest of an answer is read up to this size and time.
    private static let discardLimit = (bytes: 64 * 1024, time: Duration.seconds(1))

    /// Takes over a connection that is up, its TLS included where there is any.
    init(_ connection: Connection, pool: UpstreamPool) {
        self.connection = connection
        self.pool = pool
        self.loop = connection.loop
        self.parser = HTTP1ResponseParser(limits: HeadLimits())
        self.idleSince = connection.loop.now
        self.openedAt = connection.loop.now
        super.init(framesBodies: false)
        self.timer.tell(self)
        connection.handler = self
    }

    // What an attempt asks for.

    override func send(
        _ request: consuming ByteBuffer, for attempt: UpstreamAttempt, method: Method = .post, isWhole: Bool = true
    ) {
        self.use = .serving
        self.attempt = attempt
        self.isRequestOpen = !isWhole
        self.takenBefore = self.connection.takenCount
        self.parser.expectResponse(to: method)
        if attempt.readsLittle { self.connection.readLittle(true) }
        self.loop.set(self.timer, to: .never)
        self.connection.send(request)
        // Sent with the end of this round, unless the socket blocks; then `outputDrained` says so again.
        attempt.requestSent()
    }

    override func sendMore(_ append: (inout ByteBuffer) -> Void) {
        guard case .serving = self.use else { return }
        self.connection.prepareOutput()
        append(&self.connection.output)
        self.connection.flush()
    }

    override func finishRequest(_ append: (inout ByteBuffer) -> Void) {
        guard case .serving = self.use else { return }
        self.isRequestOpen = false
        self.sendMore(append)
        if !self.connection.isBlocked { self.attempt?.requestSent() }
    }

    override func pause() {
        self.connection.pauseReading()
    }

    override func resume() {
        self.connection.resumeReading()
    }

    override func readLittle(_ isLittle: Bool) {
        self.connection.readLittle(isLittle)
    }

    override func giveBack() {
        self.becomeIdle()
    }

    override func readOut() {
        guard case .serving = self.use else { return }
        // The upstream has answered before it had the request; the rest of that would be taken for the next one.
        guard !self.isRequestOpen else {
            self.close()
            return
        }
        self.use = .readingOut
        self.attempt = nil
        self.discarded = 0
        self.connection.readLittle(false)
        self.connection.resumeReading()
        self.loop.set(self.timer, after: Self.discardLimit.time)
    }

    override func letGo() {
        // In the middle of an answer it is of no use to others.
        switch self.use {
        case .serving: self.close()
        case .idle, .readingOut, .closed: break
        }
    }

    /// Closes for good.
    func close() {
        self.use = .closed
        self.attempt = nil
        self.loop.cancel(self.timer)
        self.connection.close()
        self.pool.closed(self)
    }

    /// Whether the peer has closed, or spoken out of turn, since the last answer.
    var isStale: Bool {
        !self.connection.isOpen || self.connection.hasPeerEnded || self.connection.hasUnreadInput
    }

    private func becomeIdle() {
        self.use = .idle
        self.attempt = nil
        self.idleSince = self.loop.now
        self.connection.readLittle(false)
        self.connection.resumeReading()
        self.pool.gaveBack(self)
        if case .idle = self.use { self.loop.set(self.timer, after: self.pool.idleTime) }
    }

    // Reading.

    /// PERF: the attempt is held once for all that has come, and not for each part of it.
    private func read(_ bytes: Span<UInt8>, for attempt: UpstreamAttempt?) throws(ResponseFault) {
        var offset = 0
        while true {
            switch try self.parser.next(bytes, at: &offset) {
            case .head(let head, let bodyLength):
                if case .serving = self.use { attempt?.receivedHead(head, bodyLength: bodyLength) }
            case .body(let range):
                switch self.use {
                case .serving:
                    attempt?.receivedBody(bytes.extracting(range))
                case .readingOut:
                    self.discard(range.count)
                case .idle, .closed:
                    return
                }
            case .end:
                self.ended(attempt)
                // Bytes behind the answer are found by `isStale`, or end the connection in the next round.
                if offset < bytes.count, case .idle = self.use { self.close() }
                return
            case .needsMore:
                return
            }
        }
    }

    private func ended(_ attempt: UpstreamAttempt?) {
        // Unless the attempt lets go of the connection, it goes on with reading out, which ends right here.
        if case .serving = self.use { attempt?.receivedEnd() }
        switch self.use {
        case .serving, .readingOut:
            // An answer that came before the whole request was sent leaves the rest of it in between.
            if self.parser.keepsAlive, !self.connection.hasUnsent, !self.isRequestOpen {
                self.becomeIdle()
            } else {
                self.close()
            }
        case .idle, .closed:
            break
        }
    }

    private func discard(_ count: Int) {
        self.discarded += count
        if self.discarded > Self.discardLimit.bytes { self.close() }
    }

    /// Whether the socket has taken some of the request.
    private var hasBegun: Bool { self.connection.takenCount != self.takenBefore }

    /// What a connection that ends has lost. Where the socket took no byte of the request, it was closed before it was
    /// used, and the upstream has seen nothing.
    private func loss(_ reason: String) -> ExchangeFailure {
        self.hasBegun ? .connectionLost(reason) : .staleConnection
    }

    private func lost(_ reason: String) {
        let attempt = self.attempt
        self.close()
        attempt?.connectionFailed(self.loss(reason))
    }
}

extension HTTP1UpstreamConnection: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        switch self.use {
        case .idle:
            // Nobody asked.
            self.close()
        case .serving where !self.hasBegun:
            // RFC 9112 §9.2. What comes in the microseconds between this round's events and its sends is not seen, just
            // as what is on the wire by then: asking the kernel once more costs 1 % of a request and cannot close that
            // gap.
            self.lost(Self.outOfTurn)
        case .serving, .readingOut:
            do throws(ResponseFault) {
                try self.read(bytes, for: self.attempt)
            } catch {
                self.faulted(error)
            }
        case .closed:
            break
        }
    }

    func outputBlocked() {
        self.attempt?.requestBlocked()
    }

    func outputDrained() {
        self.attempt?.requestSent()
    }

    func receivedEnd() {
        guard case .idle = self.use else {
            do throws(ResponseFault) {
                if case .end = try self.parser.receivedEnd() { self.ended(self.attempt) }
                self.lost("the connection was closed in the middle of an answer")
            } catch {
                self.faulted(error)
            }
            return
        }
        self.close()
    }

    private func faulted(_ fault: ResponseFault) {
        let attempt = self.attempt
        let failure: ExchangeFailure =
            switch fault.reason {
            case .endedBeforeAnswer, .truncated: self.loss(fault.description)
            default: .badUpstreamAnswer(fault.description)
            }
        self.close()
        attempt?.connectionFailed(failure)
    }

    func closed(_ cause: CloseCause) {
        switch cause {
        case .connectFailed(let error), .failed(let error): self.lost(error.description)
        case .refused(let reason): self.lost(reason)
        }
    }
}

extension HTTP1UpstreamConnection: LoopTimerHandler {
    /// Idle for too long, or the unwanted rest of an answer took too long.
    func timerFired(_ timer: LoopTimer) {
        switch self.use {
        case .idle, .readingOut: self.close()
        case .serving, .closed: break
        }
    }
}
