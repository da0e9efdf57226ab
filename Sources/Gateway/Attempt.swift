internal import AWS
internal import Bytes
internal import HTTP
internal import Lambda
internal import Logging
internal import Reactor
internal import Relay
internal import Time

/// One call of a function on behalf of an exchange: takes a connection, sends the request, decodes the answer.
///
/// The exchange owns it until it ends, is cancelled, or is left alone to read out a stream that nobody wants any more.
final class Attempt {
    /// Until the exchange has no more to do with it; they hold each other until then.
    private var exchange: Exchange?
    private var invocation: InvocationStateMachine
    private var connection: UpstreamConnection?
    /// How long connecting may take.
    let connectTimeout: Duration
    /// What the request was signed with, and when by this machine's clock.
    private var lease: CredentialLease?
    private var signedAt = WallTime(seconds: 0)
    /// Whether the request was signed anew after a refusal; once is all there is.
    private var isSignedAnew = false
    /// While keys are waited for. Most calls find theirs.
    private var keyWait: KeyWait?

    init(of exchange: Exchange) {
        self.exchange = exchange
        self.connectTimeout = exchange.function.connectTimeout
        self.invocation = Self.invocation(of: exchange)
    }

    private static func invocation(of exchange: Exchange) -> InvocationStateMachine {
        InvocationStateMachine(
            mode: exchange.function.responseMode, requestMethod: exchange.method, format: exchange.answerFormat,
            operation: exchange.function.operation)
    }

    /// Whether the exchange has no more to do with it.
    var isOver: Bool { self.exchange == nil }

    /// Asks the pool for a connection, once there are keys; the answer may come within the call.
    func start() {
        guard let exchange = self.exchange else { return }
        guard exchange.context.lease(for: exchange.function) != nil else {
            self.awaitKeys(for: exchange)
            return
        }
        exchange.context.pool(for: exchange.function).take(for: self)
    }

    /// A connection is there.
    func taken(_ connection: UpstreamConnection) {
        guard let exchange = self.exchange else {
            connection.giveBack()
            return
        }
        guard let lease = exchange.context.lease(for: exchange.function) else {
            connection.giveBack()
            self.awaitKeys(for: exchange)
            return
        }
        self.lease = lease
        self.signedAt = exchange.context.loop.wallNow
        var request = ByteBuffer()
        do throws(ExchangeFailure) {
            try exchange.writeRequest(
                into: &request, credentials: lease.credentials,
                at: self.signedAt + exchange.context.clock.offset)
        } catch {
            connection.giveBack()
            self.fail(error)
            return
        }
        self.connection = connection
        connection.send(request, for: self)
    }

    /// No connection came about.
    func notTaken(_ failure: ExchangeFailure) {
        self.fail(failure)
    }

    // What the connection tells.

    func requestSent() {
        self.exchange?.requestSent()
    }

    func requestBlocked() {
        self.exchange?.requestBlocked()
    }

    func receivedHead(_ head: ResponseHead) {
        switch self.invocation.receivedHead(head) {
        case .awaitStream, .collectError: break
        case .failed(let failure): self.fail(.invocation(failure))
        }
    }

    /// Bytes of the answer, in the receive buffer of the loop.
    func receivedBody(_ bytes: Span<UInt8>) {
        guard let exchange = self.exchange else { return }
        var offset = 0
        while !self.isOver {
            if let range = self.invocation.nextChunk(bytes, at: &offset) {
                exchange.receivedBody(answer: bytes.extracting(range))
                if offset == bytes.count { return }
                continue
            }
            switch self.invocation.next(bytes, at: &offset) {
            case .head(let head, let endsHere):
                self.receivedAnswerHead(head, endsHere: endsHere, for: exchange)
            case .bodyHeld:
                self.invocation.withHeldBytes { exchange.receivedBody(answer: $0) }
            case .body(let range):
                exchange.receivedBody(answer: bytes.extracting(range))
            case .completed:
                self.complete()
            case .failed(let failure) where self.signAnew(after: failure, for: exchange):
                return
            case .failed(let failure):
                // The stream of a function that failed is in order: its last chunk follows, if it is not here already.
                if case .functionError = failure { self.leaveReadOut() }
                self.fail(.invocation(failure))
            case .needsMore:
                if self.invocation.holdsBytes { exchange.receivedHeldBytes() }
                return
            }
        }
    }

    private func receivedAnswerHead(_ head: consuming ResponseHead, endsHere: Bool, for exchange: Exchange) {
        let function = exchange.function
        if case .auto = function.responseMode, let shape = self.invocation.shape { function.answerShapes.count(shape) }
        exchange.receivedHead(head, endsHere: endsHere)
    }

    /// The HTTP body has ended; the end of a streamed invocation ought to have come before, that of a plain one is this.
    func receivedEnd() {
        if self.isOver { return }
        // The connection has nothing more of this answer, whatever it says.
        self.connection = nil
        var action = self.invocation.receivedEnd()
        var offset = 0
        while let exchange = self.exchange {
            switch action {
            case .head(let head, let endsHere):
                self.receivedAnswerHead(head, endsHere: endsHere, for: exchange)
            case .bodyHeld:
                self.invocation.withHeldBytes { exchange.receivedBody(answer: $0) }
            case .completed:
                self.complete()
            case .failed(let failure) where self.signAnew(after: failure, for: exchange):
                return
            case .failed(let failure):
                self.fail(.invocation(failure))
            case .body, .needsMore:
                // Unreachable: nothing comes without input.
                self.fail(.invocation(.truncated))
            }
            action = self.invocation.next(Span(), at: &offset)
        }
    }

    /// The connection was lost, or spoke nonsense.
    func connectionFailed(_ failure: ExchangeFailure) {
        if self.isOver { return }
        self.connection = nil
        switch self.invocation.lostConnection() {
        case .failed(.service(let error)):
            // An error of the API that came in part says more than that the connection was lost.
            self.fail(.invocation(.service(error)))
        case .failed(.functionError(let code, let details)):
            self.fail(.invocation(.functionError(code: code, details: details)))
        default:
            self.fail(failure)
        }
    }

    private func complete() {
        let exchange = self.exchange.take()
        self.keyWait.take()?.end()
        if let log = self.invocation.logResult { exchange?.receivedLog(log) }
        // The rest of the HTTP body is the last chunk, which may be here already.
        self.leaveReadOut()
        exchange?.completed()
    }

    private func fail(_ failure: ExchangeFailure) {
        guard let exchange = self.exchange.take() else { return }
        self.keyWait.take()?.end()
        self.connection.take()?.letGo()
        if let log = self.invocation.logResult { exchange.receivedLog(log) }
        exchange.failed(failure)
    }

    // What the exchange asks for.

    func pause() {
        self.connection?.pause()
    }

    func resume() {
        self.connection?.resume()
    }

    /// The answer is over for the client; what the function still sends is thrown away, within limits.
    func discardRest() {
        self.exchange = nil
        self.keyWait.take()?.end()
        self.leaveReadOut()
    }

    private func leaveReadOut() {
        self.connection.take()?.readOut()
    }

    /// Nobody wants the answer any more.
    func cancel() {
        self.exchange = nil
        self.keyWait.take()?.end()
        self.connection.take()?.letGo()
    }
}

/// Keys that are not there, or not taken.
extension Attempt {
    /// Waits for keys, up to the time for the first byte (DESIGN.md 6).
    private func awaitKeys(for exchange: Exchange) {
        let wait =
            self.keyWait ?? KeyWait(of: self, on: exchange.context.loop, atMost: exchange.function.policy.firstByte)
        self.keyWait = wait
        wait.ask(exchange.function.credentials)
    }

    /// The keys are there, or will not come.
    func keysCame(_ fault: CredentialError?) {
        if let fault { self.fail(.noCredentials(fault.description)) } else { self.start() }
    }

    /// The time for the first byte has passed without keys.
    func keysTimedOut() {
        guard let exchange = self.exchange else { return }
        self.fail(.credentialsTimedOut(source: exchange.function.credentials.source))
    }

    /// Whether the refusal is one that another signature cures: with the time as AWS has it, or with other keys. It costs
    /// one call, and the function has not run.
    private func signAnew(after failure: InvocationFailure, for exchange: Exchange) -> Bool {
        guard !self.isSignedAnew, let lease = self.lease, case .service(let error) = failure else { return false }
        let context = exchange.context
        if error.clockOffset(signedAt: self.signedAt + context.clock.offset) != nil, let time = error.serverTime {
            context.clock.offset = time - self.signedAt
            context.logger.warning(
                "the clock of this machine is not that of AWS: signing with the difference from now on",
                metadata: ["difference": "\(context.clock.offset)"])
        } else if !error.isExpiredKey
            || !exchange.function.credentials.takenBack(lease.credentials.accessKeyID)
        {
            return false
        }
        self.isSignedAnew = true
        self.leaveReadOut()
        self.invocation = Self.invocation(of: exchange)
        // From a fresh stack: the connection is still at work with the refusal.
        context.later { self.start() }
        return true
    }
}

/// The wait of one attempt for keys.
private final class KeyWait: LoopTimerHandler {
    private let loop: Loop
    private var attempt: Attempt?
    private var isAsking = false
    /// Whether the time passed while keys were there, which have to be asked for once more.
    private var hasPassed = false
    /// Begins with the first question, and goes on where there has to be another.
    private lazy var timer = LoopTimer(handler: self)

    init(of attempt: Attempt, on loop: Loop, atMost limit: Duration) {
        self.loop = loop
        self.attempt = attempt
        loop.set(self.timer, after: limit)
    }

    func ask(_ store: CredentialStore) {
        guard !self.hasPassed else {
            self.attempt?.keysTimedOut()
            return
        }
        self.isAsking = true
        let box = LoopBound(self)
        store.want(on: self.loop.mailbox) { loop, fault in box.value(on: loop).answered(fault) }
    }

    private func answered(_ fault: CredentialError?) {
        self.isAsking = false
        self.attempt?.keysCame(fault)
    }

    func timerFired(_ timer: LoopTimer) {
        if self.isAsking { self.attempt?.keysTimedOut() } else { self.hasPassed = true }
    }

    func end() {
        self.attempt = nil
        self.loop.cancel(self.timer)
    }
}

@available(*, unavailable)
extension Attempt: Sendable {}
