import AWS
import Bytes
import Digest
import HTTP
import Lambda
import Reactor
import Time

/// One caller's connection: calls one after the other, each answered before the next is read. Bound to the loop.
final class InvokeConnection {
    /// Whether it came through the address for others than the gateway.
    let isFromOthers: Bool
    private let connection: Connection
    private weak var host: LambdaHost?
    private var parser = HTTP1RequestParser(limits: HeadLimits(headerBytes: 64 * 1024))
    private var head: RequestHead?
    private var event = ByteBuffer()
    private var answer: InvokeAnswer?
    private var invocation: Invocation?
    private var function: FunctionHost?
    /// What came behind a call that has not been answered.
    private var leftover = ByteBuffer()
    private lazy var readTimer = LoopTimer(handler: self)
    /// Whether a call has come.
    private var hasCalled = false
    /// Whether no more calls are taken after the one that is under way.
    private var isDraining = false

    /// How long a call may take to arrive.
    private static let readLimit = Duration.seconds(60)
    /// How long a caller has that has connected and not called yet, when no more calls are wanted.
    private static let drainGrace = Duration.seconds(1)
    /// Bytes that may come behind a call that has not been answered.
    private static let leftoverLimit = 256 * 1024
    /// Bytes of answers that may wait to be taken before the next call is looked at.
    private static let unsentLimit = 64 * 1024
    /// Bytes of an event that are taken before it is known whose it is.
    private static let unsignedLimit = 64 * 1024

    init(_ connection: Connection, of host: LambdaHost, isFromOthers: Bool) {
        self.connection = connection
        self.host = host
        self.isFromOthers = isFromOthers
        connection.handler = self
    }

    /// Whether a call waits for its answer.
    var isBusy: Bool { self.answer != nil }

    /// Sends what is to be sent, and ends.
    func closeWhenIdle() {
        self.connection.closeAfterFlush()
    }

    /// Takes no more calls after the one that is under way or about to come.
    func drain() {
        guard !self.isDraining else { return }
        self.isDraining = true
        if self.isBusy || !self.parser.isBetweenRequests || !self.leftover.isEmpty { return }
        guard self.hasCalled else {
            self.connection.loop.set(self.readTimer, after: Self.drainGrace)
            return
        }
        self.connection.closeAfterFlush()
        self.ended()
    }

    /// Ends at once, visibly.
    func cut() {
        self.connection.abort()
        self.ended()
    }

    // Reading.

    private func process(_ bytes: Span<UInt8>) {
        var offset = 0
        do throws(RequestFault) {
            while self.connection.isOpen {
                switch try self.parser.next(bytes, at: &offset) {
                case .head(let head): self.began(head)
                case .body(let range): self.receivedBody(bytes.extracting(range))
                case .end: self.call()
                case .needsMore:
                    self.setReadTimer()
                    return
                }
                if self.isBusy {
                    self.keep(bytes.extracting(offset..<bytes.count))
                    return
                }
                if self.hasUnsentAnswers, self.parser.isBetweenRequests {
                    self.connection.pauseReading()
                    self.keep(bytes.extracting(offset..<bytes.count))
                    self.goOnLater()
                    return
                }
            }
        } catch {
            self.refuseUnread(.malformed(status: error.status, "\(error)"))
        }
    }

    /// Whether the caller has enough to take before it is answered again: who calls without taking answers would fill
    /// the memory with them.
    private var hasUnsentAnswers: Bool {
        self.connection.isBlocked || self.connection.output.count > Self.unsentLimit
    }

    /// After the answers so far were offered to the socket. One that is blocked says when it has taken everything.
    private func goOnLater() {
        guard self.connection.isOpen, !self.connection.isBlocked else { return }
        let caller = LoopBound(self)
        self.connection.loop.mailbox.post { loop in caller.value(on: loop).goOn() }
    }

    private func goOn() {
        guard self.connection.isOpen, !self.connection.isBlocked, !self.isBusy else { return }
        var pending = ByteBuffer()
        swap(&pending, &self.leftover)
        self.process(pending.bytes)
        if self.connection.isOpen, self.leftover.isEmpty { self.connection.resumeReading() }
    }

    private func setReadTimer() {
        if self.parser.isBetweenRequests, self.isDraining, !self.hasCalled {
            return
        } else if self.parser.isBetweenRequests {
            self.connection.loop.cancel(self.readTimer)
        } else if self.readTimer.deadline == .never {
            self.connection.loop.set(self.readTimer, after: Self.readLimit)
        }
    }

    private func keep(_ bytes: Span<UInt8>) {
        guard self.leftover.count + bytes.count <= Self.leftoverLimit else {
            self.connection.abort()
            self.ended()
            return
        }
        self.leftover.append(bytes)
    }

    private func began(_ head: RequestHead) {
        self.hasCalled = true
        if self.isDraining { self.connection.loop.set(self.readTimer, after: Self.readLimit) }
        self.head = head
        self.event.removeAll()
        if case .known(let count) = head.bodyLength, count > InvokeRequest.eventLimit {
            self.refuseUnread(.tooLarge(limit: InvokeRequest.eventLimit, operation: self.operation(of: head)))
            return
        }
        guard self.mayBeLong(head) else { return }
        if self.parser.expectsContinue {
            self.connection.prepareOutput()
            self.connection.output.appendContinue()
            self.connection.flush()
        }
    }

    /// Whether the head names keys that are known, where the event may be a long one; else the call is refused.
    private func mayBeLong(_ head: RequestHead) -> Bool {
        switch head.bodyLength {
        case .none: return true
        case .known(let count) where count <= Self.unsignedLimit: return true
        case .known, .unknown: break
        }
        do throws(SigV4Refusal) {
            try self.host?.verifier.checkHead(head, at: self.connection.loop.wallNow)
            return true
        } catch {
            self.refuseUnread(.notAuthenticated(type: error.type, message: error.message))
            return false
        }
    }

    private func operation(of head: RequestHead) -> InvokeOperation {
        InvokePath(head.target.path)?.operation ?? .buffered
    }

    private func receivedBody(_ bytes: Span<UInt8>) {
        if self.event.count + bytes.count > InvokeRequest.eventLimit, let head = self.head {
            self.refuseUnread(.tooLarge(limit: InvokeRequest.eventLimit, operation: self.operation(of: head)))
        } else {
            self.event.append(bytes)
        }
    }

    // Calling.

    /// The call has been read: checks it and passes it on.
    private func call() {
        guard let host = self.host, let head = self.head else { return }
        self.head = nil
        self.connection.loop.cancel(self.readTimer)
        let path = InvokePath(head.target.path)
        let id = InvocationID(RandomBytes.uuid().string())
        let traceID = head.fields.first("x-amzn-trace-id") ?? Self.newTraceID(at: self.connection.loop.wallNow)
        self.answer = InvokeAnswer(
            operation: path?.operation ?? .buffered,
            identity: InvokeAnswer.Identity(
                requestID: id, traceID: traceID, keepsAlive: self.parser.keepsAlive && !self.isDraining))
        do throws(InvokeFault) {
            guard let path else { throw .unknownOperation }
            guard head.method == .post else { throw .methodNotAllowed }
            try self.authenticate(head, with: host.verifier)
            let request = try InvokeRequest(path: path, query: head.target.query, fields: head.fields)
            let function = try host.function(for: request.function)
            try request.check(event: self.event.bytes)
            self.perform(request, id: id, traceID: traceID, arn: host.arn(of: request.function), function)
        } catch {
            self.invocationRefused(error)
        }
    }

    private func perform(
        _ request: InvokeRequest, id: InvocationID, traceID: String, arn: String, _ function: FunctionHost
    ) {
        if request.type == .dryRun {
            self.accept(status: 204)
            return
        }
        var event = ByteBuffer()
        swap(&event, &self.event)
        let invocation = Invocation(
            id: id, request: request, functionARN: arn, traceID: traceID, event: event,
            caller: request.type == .event ? nil : self)
        if request.type == .event {
            if function.invoke(invocation) { self.accept(status: 202) } else { self.invocationRefused(.throttled) }
        } else {
            self.invocation = invocation
            self.function = function
            if !function.invoke(invocation) { self.invocationRefused(.throttled) }
        }
    }

    private func authenticate(_ head: RequestHead, with verifier: SigV4Verifier) throws(InvokeFault) {
        do throws(SigV4Refusal) {
            _ = try verifier.verify(
                head, bodyHash: SHA256.hash(self.event.bytes), at: self.connection.loop.wallNow)
        } catch {
            throw .notAuthenticated(type: error.type, message: error.message)
        }
    }

    /// `Root=1-8hex-24hex;Parent=16hex;Sampled=0`, not sampled, because nothing here records.
    private static func newTraceID(at time: WallTime) -> String {
        let root = TraceID.make(
            at: time, random: UInt32(truncatingIfNeeded: RandomBytes.number()), RandomBytes.number())
        var text = ByteBuffer()
        text.append(root.bytes)
        text.append(";Parent=")
        text.append(fixedHexadecimal: RandomBytes.number(), digits: 16)
        text.append(";Sampled=0")
        return text.string()
    }

    // Answering.

    private func accept(status: Int) {
        self.connection.prepareOutput()
        self.answer?.accepted(status: status, at: self.connection.loop.wallNow, to: &self.connection.output)
        self.answered()
    }

    /// The answer is complete: goes on with the next call.
    private func answered() {
        let keepsAlive = !self.isDraining && self.answer?.identity.keepsAlive ?? false
        self.answer = nil
        self.invocation = nil
        self.function = nil
        guard self.connection.isOpen else { return }
        guard keepsAlive else {
            self.connection.closeAfterFlush()
            self.ended()
            return
        }
        self.connection.flush()
        if !self.leftover.isEmpty { self.goOnLater() }
    }

    /// Answers a call of which the rest will not be read.
    private func refuseUnread(_ fault: InvokeFault) {
        var answer = InvokeAnswer(
            operation: .buffered,
            identity: InvokeAnswer.Identity(
                requestID: InvocationID(RandomBytes.uuid().string()), traceID: nil, keepsAlive: false))
        self.connection.prepareOutput()
        answer.refused(fault, at: self.connection.loop.wallNow, to: &self.connection.output)
        self.connection.closeAfterFlush()
        self.ended()
    }

    /// The connection is no more.
    private func ended() {
        self.connection.loop.cancel(self.readTimer)
        if let invocation = self.invocation { self.function?.abandon(invocation) }
        self.invocation = nil
        self.function = nil
        self.answer = nil
        self.host?.callerEnded(self)
    }
}

@available(*, unavailable)
extension InvokeConnection: Sendable {}

extension InvokeConnection: InvocationCaller {
    func invocationBegan() {
        self.connection.prepareOutput()
        self.answer?.began(at: self.connection.loop.wallNow, to: &self.connection.output)
        self.connection.flush()
    }

    func invocationReceived(_ bytes: Span<UInt8>) {
        self.connection.prepareOutput()
        self.answer?.received(bytes, at: self.connection.loop.wallNow, to: &self.connection.output)
        self.connection.flush()
        // The answer to the call before may have blocked the socket, which says so once.
        if self.connection.isBlocked { self.invocation?.source?.pause() }
    }

    func invocationEnded(error: FunctionError?, logTail: String?) {
        self.connection.prepareOutput()
        self.answer?.ended(
            error: error, logTail: logTail, at: self.connection.loop.wallNow, to: &self.connection.output)
        self.answered()
    }

    func invocationRefused(_ fault: InvokeFault) {
        self.connection.prepareOutput()
        self.answer?.refused(fault, at: self.connection.loop.wallNow, to: &self.connection.output)
        self.answered()
    }
}

extension InvokeConnection: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        if self.isBusy || !self.leftover.isEmpty { self.keep(bytes) } else { self.process(bytes) }
    }

    func receivedEnd() {
        // A caller that has finished sending in the middle of a call has gone: that is how SDKs cancel.
        self.connection.close()
        self.ended()
    }

    func outputBlocked() {
        self.invocation?.source?.pause()
    }

    func outputDrained() {
        self.invocation?.source?.resume()
        self.goOn()
    }

    func closed(_ cause: CloseCause) {
        self.ended()
    }
}

extension InvokeConnection: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        if self.isDraining, self.parser.isBetweenRequests {
            self.connection.closeAfterFlush()
            self.ended()
            return
        }
        self.refuseUnread(.malformed(status: 408, "The call took too long to arrive"))
    }
}

extension ByteBuffer {
    /// Appends the lowest `digits` hexadecimal digits of a number.
    fileprivate mutating func append(fixedHexadecimal value: UInt64, digits: Int) {
        for shift in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            self.append(ASCII.lowerHexDigit(UInt8(truncatingIfNeeded: value >> UInt64(shift) & 0xf)))
        }
    }
}
