internal import AWS
internal import Bytes
internal import HTTP
internal import Lambda
internal import Relay
internal import Time

/// A client's request as its exchange gathers it. A head is too large to be copied about.
///
/// PERF: what each request asks of it is `mutating`, though nothing changes: it is asked where it lies, and not moved
/// out of its exchange and back.
struct GatheredRequest: ~Copyable {
    private(set) var head: RequestHead
    private(set) var context: EventContext
    /// The tenant on whose behalf it is, for functions that take theirs from the request.
    private(set) var tenantID: String?
    /// What it is to the functions that may stand in, in their order.
    private(set) var standIns: [CallFacts] = []
    var body = ByteBuffer()

    /// From now on it is one for the next function of those that stand in.
    mutating func turnToStandIn() {
        guard !self.standIns.isEmpty else { return }
        let facts = self.standIns.removeFirst()
        self.context.route = facts.route
        self.tenantID = facts.tenantID
    }

    /// Lets go of what is large, once the request is not needed any more. Answers how many bytes its body had.
    mutating func release() -> Int {
        let count = self.body.count
        self.body.releaseStorage()
        self.head.fields = Fields()
        return count
    }

    /// Whether the event can be as small as Lambda takes it, as far as the head tells.
    func canFit(_ format: EventFormat) -> Bool {
        guard case .known(let count) = self.head.bodyLength else { return true }
        return format.leastSize(head: self.head, context: self.context, bodyCount: count) <= EventFormat.sizeLimit
    }

    /// Whether an event can be made of the body.
    mutating func canBecomeEvent(_ format: EventFormat) -> Bool {
        self.body.withBytes { format.takes($0) }
    }

    /// Whose rules a buffered answer to the request follows.
    mutating func answerFormat(_ format: EventFormat) -> AnswerFormat {
        format.answerFormat(to: self.head.fields)
    }

    /// How the body is framed for an HTTP upstream: as it came, or by its length where all of it is here.
    func forwardedFraming(isGathered: Bool) -> ForwardingTemplate.BodyFraming {
        let framing = ForwardingTemplate.framing(of: self.head)
        return isGathered && framing != .none ? .length(self.body.count) : framing
    }

    /// Writes the head for an HTTP upstream, signed with keys where it is to be.
    func appendForwardedHead(
        _ template: ForwardingTemplate, framing: ForwardingTemplate.BodyFraming, to buffer: inout ByteBuffer,
        host: String?, signer: SigV4Signer, signature: CallSignature?
    ) {
        let signature = signature.map { signature in
            self.body.withBytes {
                ForwardingSignature(
                    signer: signer, credentials: signature.lease.credentials, body: $0, at: signature.time)
            }
        }
        template.appendHead(
            to: &buffer, head: self.head, context: self.context, framing: framing, host: host, signature: signature)
    }

    /// Writes the signed call of a function. Throws where the event is too large.
    mutating func appendCall(
        _ call: InvocationTemplate, event format: EventFormat, to buffer: inout ByteBuffer, signer: SigV4Signer,
        signature: borrowing CallSignature, scratch: inout ByteBuffer
    ) throws(ExchangeFailure) {
        buffer.reserveHeadroom(call.headroom)
        // Bodies that are not text grow by a third; fields and names make up the rest. One growth at most.
        if self.body.count > 4096 { buffer.reserve(4096 + self.head.fields.byteCount * 2 + self.body.count / 2 * 3) }
        self.body.withBytes { format.append(to: &buffer, head: self.head, context: self.context, body: $0) }
        guard buffer.count <= EventFormat.sizeLimit else { throw .eventTooLarge(limit: EventFormat.sizeLimit) }
        call.writeHead(
            before: &buffer, signer: signer, credentials: signature.lease.credentials, at: signature.time,
            traceID: self.context.traceID, tenantID: self.tenantID, scratch: &scratch)
    }
}

@available(*, unavailable)
extension GatheredRequest: Sendable {}
