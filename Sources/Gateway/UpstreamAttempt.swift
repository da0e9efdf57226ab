internal import AWS
internal import HTTP
internal import Reactor
internal import Relay

/// One try to have an exchange's request answered by an upstream: takes a connection, sends the request, and makes of
/// what comes back what the exchange is told. Subclasses know what is said to which kind of upstream.
///
/// The exchange owns it until it ends, is cancelled, or is left alone to read out an answer that nobody wants any more.
/// A class with subclasses, and not a protocol: what comes on a connection reaches it with one indirect call.
class UpstreamAttempt {
    /// They hold each other until one of them is over.
    // PERF: constant, because who calls what could be replaced meanwhile, counts a reference to it for each call.
    final let exchange: Exchange
    /// Whether the exchange has no more to do with it.
    final private(set) var isOver = false
    /// Whether the request was signed anew after a refusal; once is all there is.
    final var isSignedAnew = false
    final var connection: UpstreamConnection?
    /// While keys are waited for. Most calls find theirs.
    private final var keyWait: KeyWait?

    init(of exchange: Exchange) {
        self.exchange = exchange
    }

    /// How long connecting may take.
    final var connectTimeout: Duration { self.exchange.function.connectTimeout }

    /// Whether there is no second try where the connection turns out to be none.
    final var canBeSentOnceOnly: Bool { !self.isOver && self.exchange.canBeSentOnceOnly }

    /// Whether little is to be read at a time, because the client has little room for it.
    final var readsLittle: Bool { !self.isOver && self.exchange.hasLittleRoom }

    /// Asks the pool for a connection, once there are keys where the call needs some; the answer may come within the
    /// call.
    final func start() {
        if self.isOver { return }
        if !self.exchange.takeConnection(for: self) { self.awaitKeys() }
    }

    // What the pool and the connection tell.

    /// A connection is there.
    func taken(_ connection: UpstreamConnection) {
        connection.giveBack()
    }

    /// No connection came about.
    final func notTaken(_ failure: ExchangeFailure) {
        self.fail(failure)
    }

    /// The socket has taken all of the request that there is.
    final func requestSent() {
        if !self.isOver { self.exchange.requestSent() }
    }

    /// The socket did not take all of it.
    final func requestBlocked() {
        if !self.isOver { self.exchange.requestBlocked() }
    }

    /// The head of the upstream's answer.
    func receivedHead(_ head: ResponseHead, bodyLength: BodyLength) {}

    /// Bytes of its body, in the receive buffer of the loop.
    func receivedBody(_ bytes: Span<UInt8>) {}

    /// Its body has ended.
    func receivedEnd() {}

    /// The connection was lost, or spoke nonsense.
    func connectionFailed(_ failure: ExchangeFailure) {
        self.connection = nil
        self.fail(failure)
    }

    // The end.

    final func complete() {
        if self.isOver { return }
        self.end()
        // The rest of the HTTP body is the last chunk, which may be here already.
        self.leaveReadOut()
        self.exchange.completed()
    }

    final func fail(_ failure: ExchangeFailure) {
        if self.isOver { return }
        self.end()
        self.connection.take()?.letGo()
        self.exchange.failed(failure)
    }

    private final func end() {
        self.isOver = true
        self.keyWait.take()?.end()
    }

    final func leaveReadOut() {
        self.connection.take()?.readOut()
    }

    // What the exchange asks for.

    final func pause() {
        self.connection?.pause()
    }

    final func resume() {
        self.connection?.resume()
    }

    /// The client's connection has little room for all of its answers together, or enough again.
    final func readLittle(_ isLittle: Bool) {
        self.connection?.readLittle(isLittle)
    }

    /// The answer is over for the client; what the function still sends is thrown away, within limits.
    final func discardRest() {
        self.end()
        self.leaveReadOut()
    }

    /// Nobody wants the answer any more.
    final func cancel() {
        self.end()
        self.connection.take()?.letGo()
    }
}

/// Keys that are not there.
extension UpstreamAttempt {
    /// Waits for keys, up to the time for the first byte.
    final func awaitKeys() {
        let function = self.exchange.function
        let wait =
            self.keyWait ?? KeyWait(of: self, on: self.exchange.context.loop, atMost: function.policy.firstByte)
        self.keyWait = wait
        wait.ask(function.credentials)
    }

    /// The keys are there, or will not come.
    fileprivate final func keysCame(_ fault: CredentialError?) {
        if let fault { self.fail(.noCredentials(fault.description)) } else { self.start() }
    }

    /// The time for the first byte has passed without keys.
    fileprivate final func keysTimedOut() {
        self.fail(.credentialsTimedOut(source: self.exchange.function.credentials.source))
    }
}

/// The wait of one attempt for keys.
private final class KeyWait: LoopTimerHandler {
    private let loop: Loop
    private var attempt: UpstreamAttempt?
    private var isAsking = false
    /// Whether the time passed while keys were there, which have to be asked for once more.
    private var hasPassed = false
    /// Begins with the first question, and goes on where there has to be another.
    private lazy var timer = LoopTimer(handler: self)

    init(of attempt: UpstreamAttempt, on loop: Loop, atMost limit: Duration) {
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
extension UpstreamAttempt: Sendable {}
