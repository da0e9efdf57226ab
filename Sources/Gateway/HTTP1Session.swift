internal import Bytes
internal import Configuration
internal import HTTP
internal import HTTP2
internal import Reactor
internal import Relay
internal import TLS
internal import Time

/// A client's HTTP/1.1 connection: requests come in one after the other, each is answered before the next is looked at.
///
/// Bytes of a pipelined request are kept, at most one receive buffer of them, and reading is paused meanwhile.
final class HTTP1Session {
    private let context: LoopContext
    let client: ClientConnection
    private let connection: Connection
    private var parser: HTTP1RequestParser
    private var phase = Phase.idle
    private var exchange: Exchange?
    /// Bytes that came behind the request that is being answered.
    private var pending = ByteBuffer()
    /// The framing of the answer that is under way.
    private var framing = Framing.none
    /// Whether the connection is used again after this answer.
    private var keepsAlive = true
    private var requestVersion = HTTPVersion.http11
    private var isForHead = false
    private var isReading = false
    /// Whether the body's bytes are not taken from the client for now.
    private var isRequestPaused = false
    /// Nothing has come yet that tells HTTP/1.1 from HTTP/2 with prior knowledge; with TLS it is agreed on.
    private var mayBeHTTP2: Bool
    private var requests = 0
    private var bodyPace = BodyPace(from: MonotonicTime(nanoseconds: 0))
    private let timer = LoopTimer()
    /// What the client had acknowledged when it was last looked whether it goes on taking the end of an answer.
    private var acknowledgedBefore = 0

    private enum Phase {
        /// Between requests.
        case idle
        /// A request's head has begun.
        case head
        /// The body of a request that an exchange gathers.
        case body
        /// The body of a request that was answered already; it is thrown away so that the next one can be read.
        case discarding(left: Int)
        /// The request is whole; its answer is awaited or under way.
        case answering
        case closed
    }

    private enum Framing: Equatable {
        /// The answer has no body, or is over.
        case none
        case chunked
        /// So many bytes are still to come.
        case length(Int)
        /// The body ends with the connection: HTTP/1.0.
        case close
    }

    /// The rest of a refused request's body that is read and thrown away so that the connection can be used again.
    private static let discardLimit = 64 * 1024
    /// Bytes of answers that may wait for the end of the round while pipelined requests are read.
    private static let unsentLimit = 64 * 1024

    init(_ client: ClientConnection, context: LoopContext) {
        self.client = client
        self.connection = client.connection
        self.context = context
        self.parser = HTTP1RequestParser(limits: context.snapshot.limits.head)
        self.mayBeHTTP2 = client.tls == nil
        self.timer.tell(self)
        self.connection.handler = self
        self.setTimer(after: context.snapshot.limits.requestHead)
        context.sessionOpened(self)
    }

    // The protocol.

    /// RFC 9113 §3.3: a client that knows that the server speaks HTTP/2 begins with the preface.
    private func receivedFirst(_ bytes: Span<UInt8>) {
        guard self.pending.isEmpty else {
            self.pending.append(bytes)
            var first = ByteBuffer()
            swap(&first, &self.pending)
            self.decide(first.bytes)
            return
        }
        self.decide(bytes)
    }

    private func decide(_ bytes: Span<UInt8>) {
        switch HTTP2Server.prefaceMatch(bytes) {
        case .no:
            self.mayBeHTTP2 = false
            self.read(bytes)
        case .soFar:
            self.pending.append(bytes)
        case .yes:
            self.phase = .closed
            self.context.loop.cancel(self.timer)
            self.context.sessionReplaced(self)
            self.context.beginSession(on: self.client, speaking: .http2)
            self.connection.handler?.received(bytes)
        }
    }

    // Requests.

    private func read(_ bytes: Span<UInt8>) {
        self.isReading = true
        defer { self.isReading = false }
        var offset = 0
        while true {
            switch self.phase {
            case .answering:
                self.keep(bytes, from: offset)
                return
            case .idle where self.hasUnsentAnswers:
                self.keep(bytes, from: offset)
                self.goOnLater()
                return
            case .closed:
                return
            case .idle, .head, .body, .discarding:
                break
            }
            do throws(RequestFault) {
                guard try self.readEvent(bytes, at: &offset) else { return }
            } catch {
                self.refuse(error)
                return
            }
        }
    }

    /// Takes one event from the parser. Answers whether there may be more.
    private func readEvent(_ bytes: Span<UInt8>, at offset: inout Int) throws(RequestFault) -> Bool {
        switch try self.parser.next(bytes, at: &offset) {
        case .head(let head):
            self.receivedHead(head)
        case .body(let range):
            self.receivedBody(bytes.extracting(range))
        case .end:
            self.receivedRequestEnd()
        case .needsMore:
            if case .idle = self.phase, self.parser.hasPartialHead {
                self.phase = .head
                self.setTimer(after: self.context.snapshot.limits.requestHead)
            }
            return false
        }
        return true
    }

    private func receivedHead(_ head: consuming RequestHead) {
        self.requests += 1
        self.requestVersion = head.version
        self.isForHead = head.method.isHead
        self.keepsAlive =
            self.parser.keepsAlive && !self.context.isDraining && self.context.memory.level == .normal
            && self.requests < self.context.snapshot.limits.requestsPerConnection
        if self.requests == self.context.snapshot.limits.requestsPerConnection {
            self.noteLimit("requests_per_connection")
        }
        let record = RequestRecord(
            head, requestID: self.context.newRequestID(), client: self.client.address,
            startedAt: self.context.loop.now, wall: self.context.wallNow)
        let bodyLength = head.bodyLength
        switch self.context.dispatch(head, on: self, from: self.client, record: record) {
        case .exchange(let exchange):
            self.exchange = exchange
            self.phase = .body
            self.bodyPace = BodyPace(from: self.context.loop.now)
            if bodyLength != .none {
                self.setTimer(after: self.context.snapshot.limits.requestBodyStall)
                if self.parser.expectsContinue { self.sendContinue() }
            }
        case .answered(let answer):
            self.phase = .discarding(left: bodyLength == .none ? 0 : Self.discardLimit)
            if bodyLength != .none { self.setTimer(after: self.context.snapshot.limits.requestBodyStall) }
            // A client that waits for 100 will not send the body now, or will, and nobody could tell.
            if self.parser.expectsContinue { self.keepsAlive = false }
            if case .known(let count) = bodyLength, count > Self.discardLimit { self.keepsAlive = false }
            self.respond(answer)
        }
    }

    private func sendContinue() {
        self.connection.prepareOutput()
        self.connection.output.appendContinue()
        self.connection.flush()
    }

    private func receivedBody(_ bytes: Span<UInt8>) {
        switch self.phase {
        case .body:
            self.bodyPace.received(bytes.count)
            guard let exchange = self.exchange else { return }
            if exchange.receivedBody(bytes) {
                self.setBodyTimer()
            } else {
                self.exchange = nil
                if case .body = self.phase { self.phase = .discarding(left: Self.discardLimit) }
            }
        case .discarding(let left):
            if bytes.count > left {
                self.keepsAlive = false
                self.finishConnection()
            } else {
                self.phase = .discarding(left: left - bytes.count)
            }
        case .idle, .head, .answering, .closed:
            break
        }
    }

    private func setBodyTimer() {
        // The client can not be faster than what takes its bytes.
        if self.isRequestPaused { return }
        let deadline = self.bodyPace.deadline(at: self.context.loop.now, self.context.snapshot.limits)
        self.context.set(self.timer, to: deadline)
    }

    private func receivedRequestEnd() {
        switch self.phase {
        case .body:
            self.phase = .answering
            self.resumeRequest()
            self.context.set(self.timer, to: .never)
            self.exchange?.requestCompleted()
        case .discarding:
            self.finishRequest()
        case .idle, .head, .answering, .closed:
            break
        }
    }

    private func keep(_ bytes: Span<UInt8>, from offset: Int) {
        guard offset < bytes.count else { return }
        self.pending.append(bytes.extracting(offset..<bytes.count))
        self.connection.pauseReading()
    }

    /// A request that can not be understood: answered, and nothing behind it is looked at.
    private func refuse(_ fault: RequestFault) {
        if let exchange = self.exchange, exchange.hasAnswered {
            // Its answer is under way, and there is no other one to give: the client breaks it by leaving its request.
            self.context.log(fault, from: self.client, requestID: exchange.record.requestID)
            self.leave()
            return
        }
        if case .discarding = self.phase {
            // It was answered before its body turned out to be wrong: a second answer would be taken for that to the
            // next request.
            if let limit = fault.limitName { self.noteLimit(limit) }
            self.finishConnection()
            return
        }
        let requestID = self.exchange?.record.requestID ?? self.context.newRequestID()
        let answer = OwnAnswer.problem(status: fault.status, detail: fault.description, requestID: requestID)
        if let exchange = self.exchange {
            self.exchange = nil
            exchange.requestFailed(status: fault.status, end: fault.endName, answer: answer)
        } else {
            // What the request before it was does not matter.
            self.isForHead = false
            let record = RequestRecord(
                withoutHead: requestID, client: self.client.address, startedAt: self.context.loop.now,
                wall: self.context.wallNow)
            record.count(answer)
            record.finished(status: fault.status, end: fault.endName, at: self.context.loop.now)
            self.context.log(record)
        }
        self.keepsAlive = false
        self.context.log(fault, from: self.client, requestID: requestID)
        self.respond(answer)
        self.finishConnection()
    }

    // Answers.

    private func appendHead(_ head: borrowing ResponseHead, framing: Framing) {
        self.connection.prepareOutput()
        self.connection.output.append(statusLine: head.status)
        self.connection.output.append(fieldsOf: head.fields)
        if !head.fields.contains("date") {
            self.context.date.append(to: &self.connection.output, at: self.context.wallNow)
        }
        if case .chunked = framing { self.connection.output.append("transfer-encoding: chunked\r\n") }
        if !self.keepsAlive {
            self.connection.output.append("connection: close\r\n")
        } else if self.requestVersion == .http10 {
            self.connection.output.append("connection: keep-alive\r\n")
        }
        self.connection.output.append("\r\n")
        self.connection.flush()
    }

    private func framing(of head: borrowing ResponseHead, hasBody: Bool) -> Framing {
        guard hasBody, canHaveBody(status: head.status, toHead: self.isForHead) else { return .none }
        if let length = head.fields.contentLength { return .length(length) }
        if self.requestVersion == .http11 { return .chunked }
        self.keepsAlive = false
        return .close
    }

    /// The answer is whole: on to the next request, or to the end of the connection.
    private func finishAnswer() {
        self.framing = .none
        self.exchange = nil
        if case .discarding = self.phase {
            // The request's body is still coming.
            if !self.keepsAlive { self.finishConnection() }
            return
        }
        if case .body = self.phase {
            // Answered before the request was whole.
            self.keepsAlive = false
            self.finishConnection()
            return
        }
        self.finishRequest()
    }

    private func finishRequest() {
        guard self.keepsAlive else {
            self.finishConnection()
            return
        }
        self.phase = .idle
        self.setTimer(after: self.context.snapshot.limits.idleHTTP1)
        if !self.isReading { self.goOnLater() }
    }

    /// Whether the client has to take answers before its next request is looked at: else one that sends requests and
    /// reads nothing would fill the memory with answers.
    private var hasUnsentAnswers: Bool {
        self.connection.isBlocked || self.connection.output.count > Self.unsentLimit
    }

    private func goOnLater() {
        if self.pending.isEmpty {
            self.connection.resumeReading()
        } else if !self.connection.isBlocked {
            // From a fresh stack, so that a long row of pipelined requests does not pile up, and after the answers so
            // far were offered to the socket.
            self.context.later { [weak self] in self?.readPending() }
        }
    }

    private func readPending() {
        // A blocked socket says when it has taken everything.
        guard case .idle = self.phase, !self.pending.isEmpty, !self.connection.isBlocked else { return }
        var bytes = ByteBuffer()
        swap(&bytes, &self.pending)
        self.read(bytes.bytes)
        // A request among them may have asked for a pause.
        if self.pending.isEmpty, !self.isRequestPaused, !self.isClosed { self.connection.resumeReading() }
    }

    private var isClosed: Bool {
        if case .closed = self.phase { true } else { false }
    }

    private func finishConnection() {
        guard !self.isClosed else { return }
        self.ended()
        self.connection.closeAfterFlush()
    }

    private func close() {
        guard !self.isClosed else { return }
        self.ended()
        self.connection.close()
    }

    private func ended() {
        self.phase = .closed
        self.context.loop.cancel(self.timer)
        self.pending.releaseStorage()
        self.context.sessionClosed(self)
    }

    private func setTimer(after duration: Duration) {
        self.context.set(self.timer, after: duration)
    }
}

extension HTTP1Session: ClientSession {
    var protocolName: String { "HTTP/1.1" }

    func describeExchanges(in streams: inout [StreamReport]) {
        if let exchange = self.exchange { streams.append(exchange.report) }
    }

    func drain() {
        self.keepsAlive = false
        guard self.isIdle, self.parser.isBetweenRequests, self.pending.isEmpty else { return }
        if self.connection.hasUnreadInput {
            // A request that has come already is answered, as are those before it; the head must not take long.
            self.setTimer(after: self.context.snapshot.limits.requestHead)
        } else if self.requests == 0 {
            // Somebody who has just connected is about to ask.
            self.setTimer(after: self.context.freshGrace)
        } else if !self.connection.hasUnsent {
            self.close()
        } else {
            self.finishConnection()
        }
    }

    func cut() {
        if let exchange = self.exchange { exchange.cut() } else { self.close() }
    }

    var canBeShed: Bool { self.isIdle && !self.connection.hasUnsent }

    func shed() {
        self.close()
    }

    /// Whether nothing of a request is under way, so that the connection can be closed without loss.
    private var isIdle: Bool {
        if case .idle = self.phase { true } else { false }
    }
}

extension HTTP1Session: ClientStream {
    var acknowledgedCount: Int { self.connection.acknowledgedCount }

    func sendHead(_ head: borrowing ResponseHead, hasBody: Bool) {
        let framing = self.framing(of: head, hasBody: hasBody)
        self.appendHead(head, framing: framing)
        self.framing = framing
        if !hasBody {
            self.finishAnswer()
        } else if self.connection.isBlocked {
            // By answers before this one: whether it is full is told only when that changes.
            self.exchange?.clientBlocked()
        }
    }

    func sendBody(_ bytes: Span<UInt8>) {
        guard bytes.count > 0 else { return }
        switch self.framing {
        case .chunked:
            self.connection.prepareOutput()
            self.connection.output.append(chunkHeaderFor: bytes.count)
            self.connection.lend(bytes)
            self.connection.output.append("\r\n")
        case .length(let left):
            // The invocation machine polices the length; what is too much never comes here.
            self.framing = .length(left - bytes.count)
            self.connection.lend(bytes)
        case .close:
            self.connection.lend(bytes)
        case .none:
            return
        }
        self.connection.flush()
    }

    func sendEnd() {
        if case .chunked = self.framing {
            self.connection.prepareOutput()
            self.connection.output.appendLastChunk()
            self.connection.flush()
        }
        self.finishAnswer()
    }

    func truncate() {
        self.exchange = nil
        self.keepsAlive = false
        if case .close = self.framing {
            // Only a reset tells an HTTP/1.0 client that this is not the end.
            self.ended()
            self.connection.abortAfterFlush()
        } else {
            self.finishConnection()
        }
    }

    func abandon() {
        self.exchange = nil
        self.close()
    }

    func pauseRequest() {
        guard case .body = self.phase, !self.isRequestPaused else { return }
        self.isRequestPaused = true
        self.connection.pauseReading()
        self.context.loop.cancel(self.timer)
    }

    func resumeRequest() {
        guard self.isRequestPaused else { return }
        self.isRequestPaused = false
        if self.isClosed { return }
        // What was measured so far was not the client's speed.
        self.bodyPace = BodyPace(from: self.context.loop.now)
        if case .body = self.phase { self.setBodyTimer() }
        self.connection.resumeReading()
    }

    func noteLimit(_ name: String) {
        self.context.noteLimit(name, of: self.client)
    }

    func respond(_ answer: OwnAnswer) {
        // Answered before the request is whole: what of it still comes is not waited for.
        if case .body = self.phase { self.keepsAlive = false }
        var head = answer.head
        let mayHaveBody = canHaveBody(status: head.status, toHead: false)
        if mayHaveBody, !head.fields.contains("content-length") {
            head.fields.append("content-length", String(answer.body.count))
        }
        self.appendHead(head, framing: .none)
        if mayHaveBody, !self.isForHead { self.connection.append(answer.body.span) }
        self.finishAnswer()
    }
}

extension HTTP1Session: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        if self.mayBeHTTP2 {
            self.receivedFirst(bytes)
        } else if !self.pending.isEmpty {
            self.keep(bytes, from: 0)
        } else {
            self.read(bytes)
        }
    }

    func receivedEnd() {
        switch self.phase {
        case .idle:
            // Answers may still be on their way to a client that has said all it wanted to say.
            if self.connection.hasUnsent { self.finishConnection() } else { self.close() }
        case .head, .body, .discarding:
            do throws(RequestFault) {
                try self.parser.receivedEnd()
                self.leave()
            } catch {
                self.refuse(error)
            }
        case .answering:
            // A client that has finished sending is taken to have left, as other proxies do: nobody else could tell
            // that a long stream has lost its reader.
            self.leave()
        case .closed:
            break
        }
    }

    func peerLeft() {
        switch self.phase {
        case .answering:
            self.leave()
        case .body where self.isRequestPaused:
            // What it sent before it left would be read only to find that it has.
            self.leave()
        case .idle, .head, .body, .discarding, .closed:
            break
        }
    }

    func outputBlocked() {
        self.exchange?.clientBlocked()
        // A request that has begun has its own time.
        if case .idle = self.phase { self.setStallTimer() }
    }

    private func setStallTimer() {
        self.acknowledgedBefore = self.connection.acknowledgedCount
        self.setTimer(after: self.context.snapshot.limits.clientStall)
    }

    func outputDrained() {
        self.exchange?.clientDrained()
        if case .idle = self.phase {
            self.setTimer(after: self.context.snapshot.limits.idleHTTP1)
            self.goOnLater()
        }
    }

    func closed(_ cause: CloseCause) {
        self.leave()
    }

    private func leave() {
        let exchange = self.exchange
        self.exchange = nil
        self.close()
        exchange?.clientLeft()
    }
}

extension HTTP1Session: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        switch self.phase {
        case .idle where self.connection.isBlocked && self.connection.acknowledgedCount > self.acknowledgedBefore:
            self.setStallTimer()
        case .idle:
            self.noteEndOfIdleness()
            self.close()
        case .head:
            self.refuse(RequestFault(.headTimedOut))
        case .body, .discarding:
            self.refuse(self.bodyPace.fault(at: self.context.loop.now))
        case .answering, .closed:
            break
        }
    }

    private func noteEndOfIdleness() {
        if self.connection.isBlocked {
            self.noteLimit("client_stall")
        } else if self.requests > 0 {
            self.noteLimit("idle_http1")
        } else if self.pending.isEmpty {
            self.context.noteSilence(of: self.client)
        } else {
            // The beginning of an HTTP/2 preface.
            self.noteLimit("request_head")
        }
    }
}

@available(*, unavailable)
extension HTTP1Session: Sendable {}
