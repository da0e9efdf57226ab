internal import AWS
internal import Bytes
internal import HTTP
internal import Lambda
internal import Reactor
internal import Relay

/// Exchanges with HTTP upstreams: the request goes on as it came.
///
/// A body that is not signed goes on as it comes. Until there is a connection what has come of it is held, and the
/// client is asked to pause; so is it whenever the upstream's socket takes no more.
extension Exchange {
    /// Bytes of a body that goes on as it comes. Answers whether the request is still wanted.
    func receivedStreamedBody(_ bytes: Span<UInt8>) -> Bool {
        // The answer may have ended before the request.
        guard !self.machine.isFinished else { return false }
        self.record.bytesIn += bytes.count
        guard self.bodyFits(self.function) else { return false }
        if let attempt = self.attempt as? ForwardingAttempt, attempt.isSending {
            attempt.send(body: bytes)
            return true
        }
        guard let request = self.request else { return false }
        guard self.context.budget.take(bytes.count) else {
            self.refuseForMemory()
            return false
        }
        request.body.append(bytes)
        self.pauseClient()
        self.begin()
        return !self.machine.isFinished
    }

    /// The body that goes on as it comes is whole.
    func endStreamedBody() {
        if let attempt = self.attempt as? ForwardingAttempt, attempt.isSending {
            attempt.endBody()
        } else {
            self.begin()
        }
    }

    /// Whether there is no second try, because what has come of the body goes on and is not kept.
    var canBeSentOnceOnly: Bool { self.streamsRequest && self.request?.body.isEmpty == false }

    /// A try to forward the request.
    var forwardingAttempt: UpstreamAttempt {
        ForwardingAttempt(
            of: self, framing: self.request?.forwardedFraming(isGathered: !self.streamsRequest) ?? .none)
    }

    /// Writes the head of the request for the upstream, signed with keys where it is to be.
    func writeForwardedHead(
        into buffer: inout ByteBuffer, framing: ForwardingTemplate.BodyFraming, signature: CallSignature?
    ) {
        guard let template = self.function.forwarding, let request = self.request else {
            preconditionFailure("a request is forwarded to an HTTP upstream")
        }
        self.context.lendStorage(to: &buffer)
        request.appendForwardedHead(
            template, framing: framing, to: &buffer, host: self.route.upstreamHost, signer: self.context.signer,
            signature: signature)
    }

    /// Hands over what has come of the body. What goes on as it comes is not kept: from now on there is no second try.
    func takeHeldBody(_ body: (Span<UInt8>) -> Void) {
        guard let request = self.request else { return }
        request.body.withBytes(body)
        guard self.streamsRequest else { return }
        self.context.budget.giveBack(request.body.count)
        request.body.releaseStorage()
    }
}
