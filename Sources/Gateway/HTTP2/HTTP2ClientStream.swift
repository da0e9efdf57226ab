internal import Bytes
internal import Configuration
internal import HTTP
internal import HTTP2
internal import Reactor
internal import Time

/// One request of an HTTP/2 connection and its answer: the client's side of an exchange, or an answer of the gateway's
/// own.
final class HTTP2ClientStream {
    private let stream: HTTP2Stream
    /// Let go of by being removed from there.
    private let session: HTTP2Session
    private var exchange: Exchange?
    private let isForHead: Bool
    /// Whether a body follows the answer's head.
    private var hasBody = false
    /// Whether the answer has gone whole, before the request has come whole.
    private var isAnswered = false
    /// Whether the client is to send no more of the body for now, and what of it has not been given back to its window.
    private var isRequestPaused = false
    private var heldBytes = 0
    private var bodyPace: BodyPace
    /// How long the rest of a request may come that was answered already. To reset the stream at once would make what
    /// is on its way an error, and clients have been seen to drop the answer with it.
    private static let restTime = Duration.seconds(1)
    /// From so many bytes on, it is looked at once whether they can go, so that the upstream brings no more if not.
    private static let many = 2048
    /// When the request's body has to have made progress, or the client to have taken some of an answer whose exchange
    /// is over.
    private(set) var deadline = MonotonicTime.never
    /// `acknowledgedCount`, when it was last looked whether the client goes on taking such an answer.
    private var acknowledgedBefore = 0

    init(_ stream: HTTP2Stream, isForHead: Bool, session: HTTP2Session) {
        self.stream = stream
        self.isForHead = isForHead
        self.session = session
        self.bodyPace = BodyPace(from: session.context.loop.now)
    }

    /// Whether an exchange is under way.
    var isInvoking: Bool { self.exchange != nil }

    // The request.

    /// The request goes to a function; its body is awaited.
    func began(_ exchange: Exchange) {
        self.exchange = exchange
        guard !self.stream.hasEnded else { return }
        self.setBodyDeadline()
        if self.stream.expectsContinue {
            self.session.server.sendContinue(on: self.stream)
            self.session.touched()
        }
    }

    func receivedBody(_ bytes: Span<UInt8>) {
        guard let exchange = self.exchange else {
            // Answered already: the client gets no more room for what nobody wants.
            self.session.server.discard(bytes.count)
            return
        }
        self.bodyPace.received(bytes.count)
        if exchange.receivedBody(bytes) {
            if self.isRequestPaused {
                // The connection's window is for the other streams as well.
                self.session.server.discard(bytes.count)
                self.heldBytes += bytes.count
            } else {
                self.session.server.consume(bytes.count, on: self.stream)
            }
            self.setBodyDeadline()
        } else {
            self.session.server.discard(bytes.count)
            self.endExchange()
        }
    }

    func receivedEnd() {
        // Without an exchange it is the time that the client has for what waits of its answer.
        guard let exchange = self.exchange else { return }
        self.deadline = .never
        exchange.requestCompleted()
    }

    /// The answer has gone whole, and the request has not come whole.
    func answered() {
        self.isAnswered = true
        self.deadline = self.session.context.loop.now + Self.restTime
        self.session.look(at: self.deadline)
    }

    private func setBodyDeadline() {
        // The client can not be faster than what takes its bytes.
        if self.isRequestPaused { return }
        let context = self.session.context
        self.deadline = self.bodyPace.deadline(at: context.loop.now, context.snapshot.limits)
        self.session.look(at: self.deadline)
    }

    /// The rest of the request does not come, or is none.
    func failRequest(status: Int, end: String, answer: OwnAnswer? = nil) {
        guard let exchange = self.exchange else { return }
        guard !exchange.hasAnswered else {
            // There is no other answer to give than the one that is under way.
            self.leave()
            return
        }
        self.endExchange()
        exchange.requestFailed(status: status, end: end, answer: answer)
    }

    /// A moment has come that may be `deadline`.
    func deadlinePassed(at now: MonotonicTime) {
        guard now >= self.deadline else { return }
        self.deadline = .never
        if self.isAnswered {
            // RFC 9113 §8.1: a server that has sent a complete response MAY ask the client to stop sending its request,
            // by RST_STREAM with NO_ERROR. Nobody would take the rest.
            self.session.server.reset(self.stream, .noError)
            self.session.touched()
            return
        }
        guard let exchange = self.exchange, !self.stream.hasEnded else {
            if self.acknowledgedCount > self.acknowledgedBefore {
                self.setStallDeadline()
                return
            }
            self.noteLimit("client_stall")
            self.session.server.reset(self.stream, .cancel)
            self.session.touched()
            return
        }
        let fault = self.bodyPace.fault(at: now)
        if let limit = fault.limitName { self.noteLimit(limit) }
        if exchange.hasAnswered {
            // There is no other answer to give than the one that is under way.
            self.leave()
            self.session.server.reset(self.stream, .cancel)
            self.session.touched()
            return
        }
        let answer = OwnAnswer.problem(
            status: fault.status, detail: fault.description, requestID: exchange.record.requestID)
        self.failRequest(status: fault.status, end: fault.endName, answer: answer)
        self.respond(answer)
    }

    // The client.

    /// More waits than the client takes; or it has taken some, and not all.
    func blocked() {
        if let exchange = self.exchange {
            exchange.clientBlocked()
        } else {
            self.setStallDeadline()
        }
    }

    func hasLittleRoom(_ isLittle: Bool) {
        self.exchange?.clientHasLittleRoom(isLittle)
    }

    func drained() {
        self.exchange?.clientDrained()
        if self.exchange == nil, !self.isAnswered { self.deadline = .never }
    }

    /// The client is gone, or has reset the stream.
    func leave() {
        guard let exchange = self.exchange else { return }
        self.endExchange()
        exchange.clientLeft()
    }

    /// The time for draining is over.
    func cut() {
        self.exchange?.cut()
    }

    func describe(in streams: inout [StreamReport]) {
        if let exchange = self.exchange { streams.append(exchange.report) }
    }

    /// Nobody else looks after what waits once the exchange is over.
    private func setStallDeadline() {
        self.acknowledgedBefore = self.acknowledgedCount
        self.deadline = self.session.context.loop.now + self.session.context.snapshot.limits.clientStall
        self.session.look(at: self.deadline)
    }

    private func endExchange() {
        guard self.exchange != nil else { return }
        self.exchange = nil
        self.deadline = .never
        self.session.invocationEnded()
    }

    /// The answer is whole, or broken off; what of it has not gone has a time of its own.
    private func finishAnswer() {
        self.endExchange()
        self.setStallDeadline()
        self.session.touched()
    }

    private func sendHead(_ head: borrowing ResponseHead) {
        self.session.context.date.withValue(at: self.session.context.loop.wallNow) { date in
            self.session.server.respond(on: self.stream, head, date: date, hasBody: self.hasBody)
        }
    }
}

extension HTTP2ClientStream: ClientStream {
    var hasLittleRoom: Bool { self.session.server.isFull }

    var acknowledgedCount: Int {
        // While the socket takes nothing, no frames are put together. What waits for the client's window is another
        // matter.
        guard self.session.connection.isBlocked, self.session.server.hasWindow(for: self.stream) else { return 0 }
        return self.session.connection.acknowledgedCount
    }

    func sendHead(_ head: borrowing ResponseHead, hasBody: Bool) {
        self.hasBody = hasBody && canHaveBody(status: head.status, toHead: self.isForHead)
        self.sendHead(head)
        if hasBody { self.session.touched() } else { self.finishAnswer() }
    }

    func sendBody(_ bytes: Span<UInt8>) {
        guard self.hasBody else { return }
        self.session.server.send(bytes, on: self.stream)
        if bytes.count < Self.many { self.session.touched() } else { self.session.touchedByMany() }
    }

    func sendEnd() {
        if self.hasBody { self.session.server.end(self.stream) }
        self.finishAnswer()
    }

    func truncate() {
        if self.hasBody { self.session.server.truncate(self.stream) }
        self.finishAnswer()
    }

    func abandon() {
        self.session.server.reset(self.stream, .cancel)
        self.finishAnswer()
    }

    func pauseRequest() {
        guard !self.stream.hasEnded else { return }
        self.isRequestPaused = true
        self.deadline = .never
    }

    func resumeRequest() {
        guard self.isRequestPaused else { return }
        self.isRequestPaused = false
        // What was measured so far was not the client's speed.
        self.bodyPace = BodyPace(from: self.session.context.loop.now)
        if self.heldBytes > 0 { self.session.server.consumeStream(self.heldBytes, on: self.stream) }
        self.heldBytes = 0
        if self.exchange != nil, !self.stream.hasEnded { self.setBodyDeadline() }
        self.session.touched()
    }

    func noteLimit(_ name: String) {
        self.session.noteLimit(name)
    }

    func respond(_ answer: OwnAnswer) {
        var head = answer.head
        let mayHaveBody = canHaveBody(status: head.status, toHead: false)
        if mayHaveBody, !head.fields.contains("content-length") {
            head.fields.append("content-length", String(answer.body.count))
        }
        self.hasBody = mayHaveBody && !self.isForHead && !answer.body.isEmpty
        self.sendHead(head)
        if self.hasBody {
            self.session.server.send(answer.body.span, on: self.stream)
            self.session.server.end(self.stream)
        }
        self.finishAnswer()
    }
}

@available(*, unavailable)
extension HTTP2ClientStream: Sendable {}
