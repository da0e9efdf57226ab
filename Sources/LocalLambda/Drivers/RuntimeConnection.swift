import Bytes
import HTTP
import Reactor

/// One connection of a child to its Runtime API. Bound to the loop.
final class RuntimeConnection {
    private let connection: Connection
    private weak var child: ChildDriver?
    private var parser = HTTP1RequestParser(limits: RuntimeLimits.head, keepsTrailers: true)
    private var phase: Phase = .idle
    /// The body of a report or of a buffered answer, so far.
    private var body = ByteBuffer()
    /// What came behind a request that has not been answered.
    private var leftover = ByteBuffer()
    private var errorType: String?

    private enum Phase {
        case idle
        case asksNext
        case asksPing
        /// `next` was asked and has not been answered.
        case parked
        /// A streaming answer is coming in.
        case streaming(InvocationID)
        /// A buffered answer is coming in.
        case gathering(InvocationID)
        case reporting(InvocationID)
        case reportingInit
        /// What comes is read and thrown away; then it is refused.
        case refusing(RuntimeRefusal)
    }

    init(_ connection: Connection, of child: ChildDriver) {
        self.connection = connection
        self.child = child
        connection.handler = self
    }

    /// Hands an invocation over, as the answer to `next`.
    func deliver(_ invocation: Invocation) {
        self.phase = .idle
        self.connection.prepareOutput()
        invocation.append(to: &self.connection.output)
        self.finishAnswer()
        self.processLeftover()
    }

    /// Refuses the request that was read last.
    func refuse(_ refusal: RuntimeRefusal) {
        self.phase = .idle
        self.connection.prepareOutput()
        RuntimeAnswers.append(refusal, closes: !self.parser.keepsAlive, to: &self.connection.output)
        self.finishAnswer()
    }

    /// Stops reading until `resume`, because the caller does not take what comes.
    func pause() {
        if case .streaming = self.phase { self.connection.pauseReading() }
    }

    func resume() {
        self.connection.resumeReading()
    }

    /// Whether an answer is held up by its caller.
    var isPausedInResponse: Bool {
        if case .streaming = self.phase { return self.connection.isReadingPaused }
        return false
    }

    /// Closes the connection, of which nobody needs to hear.
    func close() {
        self.connection.close()
    }
}

@available(*, unavailable)
extension RuntimeConnection: Sendable {}

/// What bounds a child's requests.
enum RuntimeLimits {
    /// One runtime sends the cause of an error in a field of nearly 1 MiB.
    static let head = HeadLimits(requestLine: 8192, headerBytes: 2 * 1024 * 1024, headerCount: 200)
    /// Bytes of a report that are kept.
    static let report = 1024 * 1024
    /// Bytes that may come behind a request that has not been answered.
    static let leftover = 256 * 1024
}

extension RuntimeConnection: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        if case .parked = self.phase {
            self.keep(bytes)
        } else {
            self.process(bytes)
        }
    }

    func receivedEnd() {
        switch self.phase {
        case .streaming, .gathering, .reporting, .reportingInit, .refusing:
            // It may still read what became of its request.
            self.connection.prepareOutput()
            RuntimeAnswers.append(.truncatedRequest, closes: true, to: &self.connection.output)
            self.connection.closeAfterFlush()
        case .idle, .asksNext, .asksPing, .parked:
            // A child that has finished sending wants nothing any more.
            self.connection.close()
        }
        self.ended()
    }

    func closed(_ cause: CloseCause) {
        self.ended()
    }

    private func ended() {
        let isDuringResponse =
            switch self.phase {
            case .streaming, .gathering: true
            case .idle, .asksNext, .asksPing, .parked, .reporting, .reportingInit, .refusing: false
            }
        self.child?.connectionEnded(self, duringResponse: isDuringResponse)
    }

    private func keep(_ bytes: Span<UInt8>) {
        guard self.leftover.count + bytes.count <= RuntimeLimits.leftover else {
            self.connection.abort()
            self.ended()
            return
        }
        self.leftover.append(bytes)
    }

    private func processLeftover() {
        guard !self.leftover.isEmpty else { return }
        var pending = ByteBuffer()
        swap(&pending, &self.leftover)
        self.process(pending.bytes)
    }

    private func process(_ bytes: Span<UInt8>) {
        var offset = 0
        do throws(RequestFault) {
            while self.connection.isOpen {
                switch try self.parser.next(bytes, at: &offset) {
                case .head(let head): self.began(head)
                case .body(let range): self.receivedBody(bytes.extracting(range))
                case .end: self.requestEnded()
                case .needsMore: return
                }
                if case .parked = self.phase {
                    self.keep(bytes.extracting(offset..<bytes.count))
                    return
                }
            }
        } catch {
            let isDuringResponse =
                switch self.phase {
                case .streaming, .gathering: true
                default: false
                }
            self.connection.prepareOutput()
            RuntimeAnswers.append(
                .malformed(status: error.status, "\(error)"), closes: true, to: &self.connection.output)
            self.connection.closeAfterFlush()
            self.child?.connectionEnded(self, duringResponse: isDuringResponse)
        }
    }
}

/// One request, from its head to its end.
extension RuntimeConnection {
    private func began(_ head: RequestHead) {
        self.body.removeAll()
        self.errorType = nil
        switch RuntimeCall(method: head.method, path: head.target.path) {
        case .next: self.phase = .asksNext
        case .ping: self.phase = .asksPing
        case .response(let id): self.phase = self.beginResponse(for: id, head)
        case .error(let id):
            self.errorType = head.fields.first("lambda-runtime-function-error-type")
            self.phase = .reporting(id)
        case .initError:
            self.errorType = head.fields.first("lambda-runtime-function-error-type")
            self.phase = .reportingInit
        case .refused(let refusal): self.phase = .refusing(refusal)
        }
        if self.parser.expectsContinue {
            self.connection.prepareOutput()
            self.connection.output.appendContinue()
            self.connection.flush()
        }
    }

    private func beginResponse(for id: InvocationID, _ head: RequestHead) -> Phase {
        guard let child = self.child else { return .refusing(.invalidStateTransition) }
        guard let mode = RuntimeResponseMode(head.fields) else { return .refusing(.invalidFunctionResponseMode) }
        if case .refuse(let refusal) = child.responseBegan(for: id, on: self) { return .refusing(refusal) }
        switch mode {
        case .streaming:
            child.host.invocation(id)?.caller?.invocationBegan()
            return .streaming(id)
        case .buffered:
            if case .known(let count) = head.bodyLength, count > InvokeAnswer.bufferedLimit {
                return self.tooLarge(id)
            }
            return .gathering(id)
        }
    }

    private func tooLarge(_ id: InvocationID) -> Phase {
        self.body.releaseStorage()
        self.child?.responseEnded(for: id, error: .responseTooLarge(limit: InvokeAnswer.bufferedLimit))
        return .refusing(.requestEntityTooLarge(limit: InvokeAnswer.bufferedLimit))
    }

    private func receivedBody(_ bytes: Span<UInt8>) {
        switch self.phase {
        case .streaming(let id):
            self.child?.host.invocation(id)?.caller?.invocationReceived(bytes)
        case .gathering(let id):
            if self.body.count + bytes.count > InvokeAnswer.bufferedLimit {
                self.phase = self.tooLarge(id)
            } else {
                self.body.append(bytes)
            }
        case .reporting, .reportingInit:
            self.body.append(bytes.extracting(first: RuntimeLimits.report - self.body.count))
        case .idle, .asksNext, .asksPing, .parked, .refusing:
            break
        }
    }

    private func requestEnded() {
        let phase = self.phase
        self.phase = .idle
        guard let child = self.child else { return }
        switch phase {
        case .idle, .parked:
            break
        case .asksNext:
            self.phase = .parked
            child.requestedNext(on: self)
        case .asksPing:
            self.connection.prepareOutput()
            RuntimeAnswers.appendPong(to: &self.connection.output)
            self.finishAnswer()
        case .streaming(let id):
            self.connection.resumeReading()
            child.responseEnded(for: id, error: ErrorTrailers.error(in: self.parser.trailers))
            self.accept()
        case .gathering(let id):
            child.host.invocation(id)?.caller?.invocationReceived(self.body.bytes)
            child.responseEnded(for: id, error: ErrorTrailers.error(in: self.parser.trailers))
            self.accept()
            self.body.releaseStorage()
        case .reporting(let id):
            self.answer(
                child.errorReported(for: id, error: .reported(body: self.body.bytes, headerType: self.errorType)))
        case .reportingInit:
            self.answer(
                child.initErrorReported(.reported(body: self.body.bytes, headerType: self.errorType)))
        case .refusing(let refusal):
            self.refuse(refusal)
        }
    }

    private func answer(_ action: ChildStateMachine.PostAction) {
        switch action {
        case .accept: self.accept()
        case .refuse(let refusal): self.refuse(refusal)
        }
    }

    private func accept() {
        self.connection.prepareOutput()
        RuntimeAnswers.appendAccepted(to: &self.connection.output)
        self.finishAnswer()
    }

    private func finishAnswer() {
        guard self.connection.isOpen else { return }
        if self.parser.keepsAlive {
            self.connection.flush()
        } else {
            self.connection.closeAfterFlush()
            self.child?.connectionEnded(self, duringResponse: false)
        }
    }
}
