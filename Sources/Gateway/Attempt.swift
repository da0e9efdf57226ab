internal import AWS
internal import Bytes
internal import HTTP
internal import Lambda
internal import Reactor
internal import Relay
internal import Time

/// One call of a function through the Lambda API.
final class Attempt: UpstreamAttempt {
    private var invocation: InvocationStateMachine
    private var signature: CallSignature?

    override init(of exchange: Exchange) {
        self.invocation = Self.invocation(of: exchange)
        super.init(of: exchange)
    }

    private static func invocation(of exchange: Exchange) -> InvocationStateMachine {
        InvocationStateMachine(
            mode: exchange.function.responseMode, isForHead: exchange.isForHead, format: exchange.answerFormat,
            operation: exchange.function.operation)
    }

    override func taken(_ connection: UpstreamConnection) {
        if self.isOver {
            connection.giveBack()
            return
        }
        var request = ByteBuffer()
        do throws(ExchangeFailure) {
            self.signature = try self.exchange.writeRequest(into: &request)
        } catch {
            connection.giveBack()
            self.fail(error)
            return
        }
        if self.signature == nil {
            connection.giveBack()
            self.awaitKeys()
            return
        }
        self.connection = connection
        connection.send(request, for: self)
    }

    override func receivedHead(_ head: ResponseHead, bodyLength: BodyLength) {
        if !self.isOver, let line = head.fields.firstIndex(of: "x-amzn-requestid") {
            self.exchange.received(awsRequestID: head.fields.value(at: line))
        }
        switch self.invocation.receivedHead(head) {
        case .awaitStream, .collectError: break
        case .failed(let failure): self.fail(.invocation(failure))
        }
    }

    override func receivedBody(_ bytes: Span<UInt8>) {
        var offset = 0
        while !self.isOver {
            if let range = self.invocation.nextChunk(bytes, at: &offset) {
                self.exchange.receivedBody(answer: bytes.extracting(range))
                if offset == bytes.count { return }
                continue
            }
            switch self.invocation.next(bytes, at: &offset) {
            case .head(let head, let endsHere):
                self.receivedAnswerHead(head, endsHere: endsHere)
            case .bodyHeld:
                self.sendHeld()
            case .body(let range):
                self.exchange.receivedBody(answer: bytes.extracting(range))
            case .completed:
                self.finish()
            case .failed(let failure) where self.signAnew(after: failure):
                return
            case .failed(let failure):
                // The stream of a function that failed is in order: its last chunk follows, if it is not here already.
                if case .functionError = failure { self.leaveReadOut() }
                self.failInvocation(failure)
            case .needsMore:
                if self.invocation.holdsPayload { self.exchange.receivedHeldBytes() }
                return
            }
        }
    }

    /// Sends what was held back. The client's connection may keep only a reference to long runs, as it does to those of
    /// the receive buffer, so it has to be done with them before they are let go of.
    private func sendHeld() {
        let held = self.invocation.takeHeld()
        held.withBytes { bytes in
            self.exchange.receivedBody(answer: bytes)
            self.exchange.context.loop.settleBorrowers()
        }
    }

    private func receivedAnswerHead(_ head: consuming ResponseHead, endsHere: Bool) {
        let function = self.exchange.function
        if case .auto = function.responseMode, let shape = self.invocation.shape { function.answerShapes.count(shape) }
        self.exchange.receivedHead(head, endsHere: endsHere)
    }

    /// The HTTP body has ended; the end of a streamed invocation ought to have come before, that of a plain one is
    /// this.
    override func receivedEnd() {
        guard !self.isOver else { return }
        // The connection has nothing more of this answer, whatever it says.
        self.connection = nil
        var action = self.invocation.receivedEnd()
        var offset = 0
        while !self.isOver {
            switch action {
            case .head(let head, let endsHere):
                self.receivedAnswerHead(head, endsHere: endsHere)
            case .bodyHeld:
                self.sendHeld()
            case .completed:
                self.finish()
            case .failed(let failure) where self.signAnew(after: failure):
                return
            case .failed(let failure):
                self.failInvocation(failure)
            case .body, .needsMore:
                // Unreachable: nothing comes without input.
                self.fail(.invocation(.truncated))
            }
            action = self.invocation.next(Span(), at: &offset)
        }
    }

    override func connectionFailed(_ failure: ExchangeFailure) {
        if self.isOver { return }
        self.connection = nil
        // An error that came in part says more than that the connection was lost.
        switch self.invocation.lostConnection() {
        case .failed(.service(let error)): self.failInvocation(.service(error))
        case .failed(.functionError(let code, let details)):
            self.failInvocation(.functionError(code: code, details: details))
        default: self.fail(failure)
        }
    }

    private func finish() {
        if let log = self.invocation.logResult { self.exchange.receivedLog(log) }
        self.complete()
    }

    private func failInvocation(_ failure: InvocationFailure) {
        if let log = self.invocation.logResult { self.exchange.receivedLog(log) }
        self.fail(.invocation(failure))
    }

    /// Whether another signature cures the refusal; then it is on its way.
    private func signAnew(after failure: InvocationFailure) -> Bool {
        guard !self.isSignedAnew, let signature = self.signature, case .service(let error) = failure,
            signature.isCured(after: error, for: self.exchange.function, self.exchange.context)
        else { return false }
        self.isSignedAnew = true
        self.exchange.calledAnew()
        self.leaveReadOut()
        self.invocation = Self.invocation(of: self.exchange)
        // From a fresh stack: the connection is still at work with the refusal.
        self.exchange.context.later { self.start() }
        return true
    }
}
