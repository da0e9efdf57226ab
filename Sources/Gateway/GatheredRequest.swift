internal import AWS
internal import Bytes
internal import HTTP
internal import Lambda
internal import Relay
internal import Time

/// A client's request as its exchange gathers it: an object of its own, because it is large, and a running stream does
/// without it.
final class GatheredRequest {
    let head: RequestHead
    private let context: EventContext
    /// The tenant on whose behalf it is, for functions that take theirs from the request.
    let tenantID: String?
    /// What it is to the functions that may stand in, in their order.
    private let standIns: [CallFacts]
    var body = ByteBuffer()

    init(head: consuming RequestHead, context: consuming EventContext, tenantID: String? = nil, standIns: [CallFacts]) {
        self.head = head
        self.context = context
        self.tenantID = tenantID
        self.standIns = standIns
    }

    /// The same request for the next function of those that stand in. It takes the body over.
    func forStandIn() -> GatheredRequest {
        guard let facts = self.standIns.first else { return self }
        var context = self.context
        context.route = facts.route
        let request = GatheredRequest(
            head: self.head, context: context, tenantID: facts.tenantID, standIns: Array(self.standIns.dropFirst()))
        swap(&request.body, &self.body)
        return request
    }

    /// Whether the event can be as small as Lambda takes it, as far as the head tells.
    func canFit(_ format: EventFormat) -> Bool {
        guard case .known(let count) = self.head.bodyLength else { return true }
        return format.leastSize(head: self.head, context: self.context, bodyCount: count) <= EventFormat.sizeLimit
    }

    /// Whether an event can be made of the body.
    func canBecomeEvent(_ format: EventFormat) -> Bool {
        self.body.withBytes { format.takes($0) }
    }

    /// Whose rules a buffered answer to the request follows.
    func answerFormat(_ format: EventFormat) -> AnswerFormat {
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
    func appendCall(
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
