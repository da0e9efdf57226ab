internal import AWS
internal import Bytes
internal import HTTP
internal import Reactor
internal import Relay

/// One request to an HTTP upstream, which goes on as the client sent it, and its answer.
final class ForwardingAttempt: UpstreamAttempt {
    private var answer: ForwardingStateMachine
    private let framing: ForwardingTemplate.BodyFraming
    /// `nil` where requests are not signed, or none has been yet.
    private var signature: CallSignature?
    /// Whether the body is sent in chunks that say how long they are.
    private var isChunked = false
    /// Whether bytes of a body have gone that are not kept.
    private var hasSpentBody = false
    /// An answer that may be AWS's refusal of the signature, until all of it has come.
    private var refusal: PossibleRefusal?

    /// A refusal by AWS, or an answer of the function that looks like one at its head.
    private struct PossibleRefusal: ~Copyable {
        let head: ResponseHead
        let bodyLength: BodyLength
        var body = ByteBuffer()

        /// What a body may have that is looked into.
        static let sizeLimit = 65_536
    }

    init(of exchange: Exchange, framing: ForwardingTemplate.BodyFraming) {
        self.answer = ForwardingStateMachine(isForHead: exchange.isForHead)
        self.framing = framing
        super.init(of: exchange)
    }

    override func taken(_ connection: UpstreamConnection) {
        if self.isOver {
            connection.giveBack()
            return
        }
        let exchange = self.exchange
        let signature = exchange.function.signsCalls ? exchange.newSignature() : nil
        guard signature != nil || !exchange.function.signsCalls else {
            connection.giveBack()
            self.awaitKeys()
            return
        }
        self.signature = signature
        var request = ByteBuffer()
        exchange.writeForwardedHead(into: &request, framing: self.framing, signature: self.signature)
        self.isChunked = self.framing == .chunked && !connection.framesBodies
        let headCount = request.count
        exchange.takeHeldBody { self.append($0, to: &request) }
        self.hasSpentBody = exchange.streamsRequest && request.count > headCount
        let isWhole = exchange.isRequestWhole
        if isWhole { self.appendEnd(to: &request) }
        self.connection = connection
        connection.send(request, for: self, method: exchange.record.method, isWhole: isWhole)
    }

    // The request's body.

    /// Whether bytes of the body can be sent, or have to be held until there is a connection.
    var isSending: Bool { self.connection != nil }

    /// Sends bytes of a body that goes on as it comes.
    func send(body bytes: Span<UInt8>) {
        self.hasSpentBody = true
        self.connection?.sendMore { self.append(bytes, to: &$0) }
    }

    /// The body is whole.
    func endBody() {
        self.connection?.finishRequest { self.appendEnd(to: &$0) }
    }

    private func append(_ bytes: Span<UInt8>, to buffer: inout ByteBuffer) {
        // RFC 9112 §7.1: a chunk of no bytes would be the last one.
        if bytes.isEmpty { return }
        guard self.isChunked else {
            buffer.append(bytes)
            return
        }
        buffer.append(chunkHeaderFor: bytes.count)
        buffer.append(bytes)
        buffer.append("\r\n")
    }

    private func appendEnd(to buffer: inout ByteBuffer) {
        if self.isChunked { buffer.appendLastChunk() }
    }

    // The answer.

    override func receivedHead(_ head: ResponseHead, bodyLength: BodyLength) {
        if self.isOver { return }
        if self.mayBeRefusal(head) {
            self.refusal = PossibleRefusal(head: head, bodyLength: bodyLength)
            return
        }
        if self.exchange.fallsBack(on: head.status) {
            self.leaveReadOut()
            self.fail(.refusedByUpstream(status: head.status))
            return
        }
        self.relay(head, bodyLength)
    }

    private func relay(_ head: ResponseHead, _ bodyLength: BodyLength) {
        switch self.answer.receivedHead(head, bodyLength: bodyLength) {
        case .head(let head, let endsHere): self.exchange.receivedHead(head, endsHere: endsHere)
        case .failed(let failure): self.fail(failure)
        case .drop: break
        }
    }

    /// Whether an answer may be AWS's refusal of the signature, so that it is looked at before it goes on. A function
    /// may answer 403 as well, and must not be called twice for it: AWS names its reason in the head, and in a document
    /// of its own.
    private func mayBeRefusal(_ head: ResponseHead) -> Bool {
        head.status == 403 && !self.isSignedAnew && self.signature != nil && AWSServiceError.mayHaveSent(head)
    }

    /// What was held back turned out to be the function's own.
    private func relayHeld(_ held: borrowing PossibleRefusal) {
        self.relay(held.head, held.bodyLength)
        guard !self.isOver, self.answer.isRelaying else { return }
        held.body.withBytes { bytes in
            if !bytes.isEmpty { self.exchange.receivedBody(answer: bytes) }
            // As with all bytes that are lent.
            self.exchange.context.loop.settleBorrowers()
        }
    }

    /// Whether the answer is AWS's refusal of the signature, and another one cures it; then it is on its way. A signed
    /// request's body is kept until its answer begins.
    private func signAnew(after refusal: borrowing PossibleRefusal) -> Bool {
        // The answer to HEAD has no body, and such a request may be made twice.
        guard self.exchange.isForHead || AWSServiceError.isDocument(refusal.body.bytes),
            let signature = self.signature,
            signature.isCured(
                after: AWSServiceError(head: refusal.head, body: refusal.body.bytes), for: self.exchange.function,
                self.exchange.context)
        else { return false }
        self.isSignedAnew = true
        self.exchange.calledAnew()
        self.leaveReadOut()
        // From a fresh stack: the connection is still at work with the refusal.
        self.exchange.context.later { self.start() }
        return true
    }

    override func receivedBody(_ bytes: Span<UInt8>) {
        if self.isOver { return }
        if var held = self.refusal.take() {
            held.body.append(bytes)
            if held.body.count > PossibleRefusal.sizeLimit {
                self.relayHeld(held)
            } else {
                self.refusal = consume held
            }
            return
        }
        if self.answer.isRelaying { self.exchange.receivedBody(answer: bytes) }
    }

    override func receivedEnd() {
        guard !self.isOver else { return }
        if let held = self.refusal.take() {
            if self.signAnew(after: held) { return }
            self.relayHeld(held)
        }
        switch self.answer.receivedEnd() {
        case .completed: self.complete()
        case .failed(let failure): self.fail(failure)
        case .drop: break
        }
    }

    override func connectionFailed(_ failure: ExchangeFailure) {
        guard !self.isOver else { return }
        if let held = self.refusal.take() { self.relayHeld(held) }
        self.connection = nil
        // What is not kept can not be sent again, however safe that would be.
        let isOver = self.hasSpentBody && failure.isRetryable
        switch self.answer.lost(isOver ? .connectionLost("\(failure)") : failure) {
        case .failed(let failure): self.fail(failure)
        case .completed, .drop: break
        }
    }
}
