internal import AWS
internal import Bytes
internal import HTTP
internal import Lambda
internal import Reactor
internal import Relay

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

    init(of exchange: Exchange) {
        self.exchange = exchange
        self.connectTimeout = exchange.function.connectTimeout
        self.invocation = InvocationStateMachine(
            mode: exchange.function.responseMode, requestMethod: exchange.method, format: exchange.answerFormat,
            operation: exchange.function.operation)
    }

    /// Whether the exchange has no more to do with it.
    var isOver: Bool { self.exchange == nil }

    /// A connection is there.
    func taken(_ connection: UpstreamConnection) {
        guard let exchange = self.exchange else {
            connection.giveBack()
            return
        }
        guard let credentials = exchange.function.credentials.current else {
            connection.giveBack()
            self.fail(.noCredentials(exchange.function.credentials.explanation))
            return
        }
        var request = ByteBuffer()
        do throws(ExchangeFailure) {
            try exchange.writeRequest(into: &request, credentials: credentials)
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
        if let log = self.invocation.logResult { exchange?.receivedLog(log) }
        // The rest of the HTTP body is the last chunk, which may be here already.
        self.leaveReadOut()
        exchange?.completed()
    }

    private func fail(_ failure: ExchangeFailure) {
        guard let exchange = self.exchange.take() else { return }
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
        self.leaveReadOut()
    }

    private func leaveReadOut() {
        self.connection.take()?.readOut()
    }

    /// Nobody wants the answer any more.
    func cancel() {
        self.exchange = nil
        self.connection.take()?.letGo()
    }
}

@available(*, unavailable)
extension Attempt: Sendable {}
