internal import AWS
internal import Bytes
internal import Digest
internal import HTTP
internal import Lambda
internal import Reactor
internal import Relay
internal import Routing
internal import Time

/// One request of a client and its answer by a function: runs an `ExchangeStateMachine`.
///
/// Lives on the loop of its client's connection. It keeps the snapshot that it began with, and ends exactly once.
final class Exchange {
    let context: LoopContext
    /// The one that is called now: another one, once it has stood in.
    private(set) var function: FunctionRuntime
    let route: RouteRuntime
    let record: RequestRecord
    private(set) var machine: ExchangeStateMachine
    /// Whether the request's body goes on as it comes, and is not gathered first.
    let streamsRequest: Bool
    /// Whether all of the request has come.
    private(set) var isRequestWhole = false
    /// Whether the client was asked to pause in sending its request.
    private var isClientPaused = false
    /// Whether it counts among the calls of the function that are under way.
    private var hasPlace = false
    /// Whether the function's circuit breaker waits for how the call goes.
    private var isProbe = false
    /// Whether it has ended, and has nothing to say to its client any more.
    private var isOver = false
    /// Lets go of the exchange with its end.
    // PERF: constant, because who calls what could be replaced meanwhile, counts a reference to it for each call.
    private let client: any ClientStream
    /// Kept until the answer's head has come, because the event is written anew for each call.
    private(set) var request: GatheredRequest?
    private(set) var attempt: UpstreamAttempt?
    /// In the line for a place.
    private var ticket: UInt64?
    /// What the client had acknowledged when it was last looked whether it goes on taking what waits for it.
    private var acknowledgedBefore = 0
    /// Given back with the end.
    private let timer: LoopTimer

    init(
        _ request: GatheredRequest, on client: any ClientStream, context: LoopContext,
        function: FunctionRuntime, route: RouteRuntime, record: RequestRecord
    ) {
        self.context = context
        self.client = client
        self.function = function
        self.route = route
        self.record = record
        self.machine = ExchangeStateMachine(policy: function.policy)
        self.streamsRequest = function.streamsRequests
        self.request = request
        self.timer = context.loop.takeTimer()
        self.timer.tell(self)
        context.exchangeStarted()
    }

    // The request.

    /// Bytes of the request's body. Answers whether the body stays within its limits; where it does not, the client has
    /// been answered.
    func receivedBody(_ bytes: Span<UInt8>) -> Bool {
        if self.streamsRequest { return self.receivedStreamedBody(bytes) }
        // The answer may have ended before the request.
        guard let request = self.request else { return false }
        guard self.context.budget.take(bytes.count) else {
            self.refuseForMemory()
            return false
        }
        self.record.bytesIn += bytes.count
        request.body.append(bytes)
        return self.bodyFits(self.function)
    }

    /// The request has come whole.
    func requestCompleted() {
        self.isRequestWhole = true
        if self.streamsRequest {
            self.endStreamedBody()
            if self.hasAnswered { self.forgetRequest() }
            return
        }
        if self.suits(self.function) { self.begin() }
    }

    /// Whether the request as it has come can be made into a call of the function. Where it can not, the client has
    /// been answered.
    private func suits(_ function: FunctionRuntime) -> Bool {
        guard self.bodyFits(function), let request = self.request else { return false }
        if request.canBecomeEvent(function.event) { return true }
        self.refuse(
            .problem(
                status: 400, detail: "The request's body is to be the function's event, and is no JSON.",
                requestID: self.record.requestID), end: "request_not_json")
        return false
    }

    /// Whether the body, as far as it has come, is no larger than the function takes. Where it is, the client has been
    /// answered.
    func bodyFits(_ function: FunctionRuntime) -> Bool {
        if self.record.bytesIn <= function.maximumBody { return true }
        self.client.noteLimit("max_request_body")
        self.refuse(
            function.tooLarge(.body(limit: function.maximumBody), requestID: self.record.requestID),
            end: "request_too_large")
        return false
    }

    /// What a call needs of the request is there: all of it, or its beginning where its body goes on as it comes.
    func begin() {
        switch self.machine.requestCompleted(at: self.context.loop.now) {
        case .invoke: self.enter()
        case .drop: break
        }
    }

    /// Only now: a request that is still coming in runs nothing, and must not keep others out.
    private func enter() {
        if let refusal = self.askBreaker() {
            self.couldNotCall(refusal)
            return
        }
        // PERF: apart from the line, for which things have to be held that a call does not need.
        guard self.function.enterAtOnce() else {
            self.standInLine()
            return
        }
        self.hasPlace = true
        self.invoke()
    }

    private func standInLine() {
        let function = self.function
        let entry = function.enter { ticket in
            let mailbox = self.context.loop.mailbox
            let box = LoopBound((self, function))
            return {
                mailbox.post { loop in
                    let (exchange, function) = box.value(on: loop)
                    exchange.admitted(to: function, ticket)
                }
            }
        }
        switch entry {
        case .admitted:
            // There is a place after all.
            function.retryBudget.earn()
            self.hasPlace = true
            self.invoke()
        case .waiting(let ticket):
            self.ticket = ticket
            self.machine.queued(until: self.context.loop.now + function.lineTimeout)
            self.setTimer()
        case .full:
            self.couldNotCall(.busy)
        }
    }

    /// A place has been taken for this exchange, if it still wants one.
    private func admitted(to function: FunctionRuntime, _ ticket: UInt64) {
        // Each gate counts its tickets by itself, and this exchange may have gone on to another function's meanwhile.
        guard self.ticket == ticket, self.function === function else {
            function.leave()
            return
        }
        self.ticket = nil
        switch self.machine.admitted(at: self.context.loop.now) {
        case .invoke:
            self.hasPlace = true
            self.function.retryBudget.earn()
            self.invokeAfterWait()
        case .drop:
            function.leave()
        }
    }

    /// A place has become free, or another try is due; meanwhile the breaker may have opened. A probe has been let in.
    private func invokeAfterWait() {
        if !self.isProbe, let refusal = self.askBreaker() {
            self.couldNotCall(refusal)
        } else {
            self.invoke()
        }
    }

    /// The function is not even called.
    private func couldNotCall(_ failure: ExchangeFailure) {
        let fallback = self.function.fallback?.policy
        switch self.machine.failed(failure, at: self.context.loop.now, spread: 0, fallback: fallback) {
        case .fallBack: self.fallBack()
        case .respond(let failure): self.respond(failure)
        case .retry, .truncate, .drop: break
        }
    }

    /// Calls the function that stands in.
    private func fallBack() {
        guard let fallback = self.function.fallback else { return }
        self.leaveFunction()
        self.function = fallback
        self.record.function = fallback.name
        self.request = self.request?.forStandIn()
        guard !fallback.takesTenants || self.request?.tenantID != nil else {
            self.refuse(LoopContext.noTenant(requestID: self.record.requestID), end: "no_tenant")
            return
        }
        if self.suits(fallback) { self.enter() }
    }

    /// Asks whether the function may be called; answers why not.
    private func askBreaker() -> ExchangeFailure? {
        guard let breaker = self.function.breaker, !breaker.needsNoAsking else { return nil }
        let now = self.context.loop.now
        switch breaker.update({ $0.permission(at: now) }) {
        case .call: return nil
        case .probe:
            self.isProbe = true
            return nil
        case .refuse(let duration): return .circuitOpen(retryAfter: duration)
        }
    }

    /// The function has begun to answer. That is no verdict yet, but enough to let others in whom a probe keeps
    /// waiting.
    private func beganWell(status: Int) {
        if self.isProbe, !self.isGatewayFailure(status: status) { self.calledWell() }
    }

    /// The call has ended with an answer of this status.
    private func ended(status: Int) {
        guard let breaker = self.function.breaker else { return }
        if self.isGatewayFailure(status: status) {
            self.calledBadly(.refusedByUpstream(status: status))
        } else if !breaker.needsNoAsking {
            self.calledWell()
        }
    }

    /// Whether an HTTP upstream's answer says that there is nobody behind it.
    private func isGatewayFailure(status: Int) -> Bool {
        self.function.isForwarding && ExchangeFailure.refusedByUpstream(status: status).isFunctionFailure
    }

    private func calledWell() {
        let isProbe = self.isProbe
        self.isProbe = false
        self.function.breaker?.update { $0.succeeded(isProbe: isProbe) }
    }

    /// The call has failed.
    private func calledBadly(_ failure: ExchangeFailure) {
        guard let breaker = self.function.breaker, failure.isFunctionFailure else { return }
        let (isProbe, now) = (self.isProbe, self.context.loop.now)
        self.isProbe = false
        breaker.update { $0.failed(isProbe: isProbe, at: now) }
    }

    /// Whether an HTTP upstream's answer means that it takes no more requests, and another function can stand in.
    func fallsBack(on status: Int) -> Bool {
        (status == 429 || status == 503) && self.function.fallback != nil
    }

    /// Gives back what the function counts of this exchange.
    private func leaveFunction() {
        if let ticket = self.ticket { self.function.gate.cancel(ticket) }
        self.ticket = nil
        if self.hasPlace { self.function.leave() }
        self.hasPlace = false
        let now = self.context.loop.now
        if self.isProbe { self.function.breaker?.update { $0.abandonedProbe(at: now) } }
        self.isProbe = false
    }

    /// The rest of the request did not come, or was no HTTP. The client is answered by its session.
    ///
    /// `answer` is what the client is told instead.
    func requestFailed(status: Int, end: String, answer: OwnAnswer? = nil) {
        switch self.machine.clientLeft() {
        case .release:
            if let answer { self.record.count(answer) }
            self.releaseAttempt()
            self.finish(status: status, end: end)
        case .drop: break
        }
    }

    /// Whether an answer has begun, so that there is no other one to give.
    var hasAnswered: Bool { self.record.firstByteAt != nil }

    /// Ends the exchange with an answer of the gateway's own, or breaks the one that has begun.
    func refuse(_ answer: OwnAnswer, end: String) {
        guard case .release = self.machine.clientLeft() else { return }
        self.releaseAttempt()
        if self.hasAnswered { self.client.truncate() } else { self.respond(answer) }
        self.finish(status: self.hasAnswered ? self.record.status : answer.head.status, end: end)
    }

    /// 503: all request bodies together take as much memory as they may.
    func refuseForMemory() {
        self.client.noteLimit("request_bodies")
        self.refuse(
            .problem(
                status: 503, detail: "The gateway has no memory for another request body now.",
                requestID: self.record.requestID, fields: ["retry-after": "1"]), end: "body_memory")
    }

    /// Asks the client to pause in sending its request.
    func pauseClient() {
        guard !self.isClientPaused, !self.isRequestWhole else { return }
        self.isClientPaused = true
        self.client.pauseRequest()
    }

    private func resumeClient() {
        guard self.isClientPaused else { return }
        self.isClientPaused = false
        self.client.resumeRequest()
    }

    private func invoke() {
        self.record.attempts += 1
        let attempt = self.function.isForwarding ? self.forwardingAttempt : Attempt(of: self)
        self.attempt = attempt
        attempt.start()
        // Where a connection was there, the request has been sent and the timer set.
        if self.timer.deadline == .never { self.setTimer() }
    }

    /// Asks for a connection for an attempt; the answer may come within the call. `false`: there are no keys.
    func takeConnection(for attempt: UpstreamAttempt) -> Bool {
        self.context.takeConnection(for: attempt, to: self.function)
    }

    /// AWS has told what it knows the call as.
    func received(awsRequestID: Span<UInt8>) {
        self.record.awsRequestID = ShortText(awsRequestID)
    }

    /// What a call is signed with now; `nil` where keys have to be asked for.
    func newSignature() -> CallSignature? {
        self.context.newSignature(for: self.function)
    }

    /// Writes the request to the function that is called now, and answers what it is signed with; `nil`, and nothing
    /// written, where keys have to be asked for. Throws where the event is too large.
    func writeRequest(into buffer: inout ByteBuffer) throws(ExchangeFailure) -> CallSignature? {
        // Unreachable: no call is made once an answer has begun.
        guard let request = self.request else { throw .invocation(.truncated) }
        return try self.context.write(request, to: self.function, into: &buffer)
    }

    /// Whether the answer goes to a request that is HEAD.
    var isForHead: Bool { self.record.isForHead }

    /// Whose rules a buffered answer to this request follows.
    var answerFormat: AnswerFormat {
        self.request?.answerFormat(self.function.event) ?? .functionURL
    }

    // What an attempt tells.

    /// The request's last byte was handed to the socket.
    func requestSent() {
        self.resumeClient()
        guard self.isRequestWhole else { return }
        self.machine.requestSent(at: self.context.loop.now)
        self.setTimer()
    }

    /// The upstream's socket did not take all of the request; `requestSent` follows when it has.
    func requestBlocked() {
        if self.streamsRequest { self.pauseClient() }
        self.machine.requestBlocked()
        self.setTimer()
    }

    /// The call was refused for its signature alone, and is made once more with another one.
    func calledAnew() {
        self.machine.calledAnew()
    }

    /// Payload bytes came in that are held back until they say what they are.
    func receivedHeldBytes() {
        self.machine.receivedBytes(at: self.context.loop.now)
        // The wait for the first byte is over, and the idle time, which runs now, may be the shorter one.
        self.setTimer()
    }

    /// The answer's head is known.
    func receivedHead(_ head: consuming ResponseHead, endsHere: Bool) {
        let status = head.status
        switch self.machine.receivedHead(endsHere: endsHere, at: self.context.loop.now) {
        case .sendHead:
            self.beganWell(status: status)
            self.prepare(&head)
            self.record.answered(status: status, at: self.context.loop.now)
            self.client.sendHead(head, hasBody: true)
            // There is no other call. Only a body that goes on as it comes may still have to be held.
            if self.isRequestWhole { self.forgetRequest() }
            self.setTimer()
        case .sendHeadAndEnd:
            self.ended(status: status)
            self.prepare(&head)
            self.record.answered(status: status, at: self.context.loop.now)
            self.client.sendHead(head, hasBody: false)
            // The function may go on; its stream is read to its end so that the connection can be used again.
            self.attempt?.discardRest()
            self.finish(status: status, end: "complete")
        case .drop:
            break
        }
    }

    /// Fields that every answer of a function gets.
    private func prepare(_ head: inout ResponseHead) {
        if !self.route.leavesAnswersAlone { self.route.route.responseHeaderEdits.apply(to: &head.fields) }
        // A function's own is replaced: the id in the answer is the one in the event and in the log.
        if head.fields.contains("x-request-id") { head.fields.remove("x-request-id") }
        self.record.appendRequestID(to: &head.fields)
    }

    /// Bytes of the answer's body.
    func receivedBody(answer bytes: Span<UInt8>) {
        // The client may be about its next request.
        if self.isOver { return }
        self.machine.receivedBytes(at: self.context.loop.now)
        self.record.bytesOut += bytes.count
        self.record.chunks += 1
        self.context.metrics.countChunk(bytes: bytes.count)
        self.client.sendBody(bytes)
    }

    /// The function has ended its answer well.
    func completed() {
        switch self.machine.completed() {
        case .sendEnd:
            self.ended(status: self.record.status)
            self.client.sendEnd()
            self.finish(status: self.record.status, end: "complete")
        case .drop:
            self.attempt = nil
        }
    }

    /// The end of the function's log has come with the end of its answer, as base64.
    func receivedLog(_ encoded: String) {
        self.context.log(tail: encoded, of: self.record)
    }

    /// The attempt is over without an answer, or with a broken one.
    func failed(_ failure: ExchangeFailure) {
        self.attempt = nil
        self.context.log(failure, of: self.record)
        self.calledBadly(failure)
        let spread = self.context.randomUnit()
        let action = self.machine.failed(
            failure, at: self.context.loop.now, spread: spread, isAffordable: self.function.retryBudget.isLeft,
            fallback: self.function.fallback?.policy)
        switch action {
        case .retry:
            if !failure.costsNothing { self.function.retryBudget.spend() }
            self.context.metrics.countResent(failure.resendName)
            self.setTimer()
        case .fallBack:
            self.fallBack()
        case .respond(let failure):
            self.respond(failure)
        case .truncate(let failure):
            self.truncate(failure)
        case .drop:
            break
        }
    }

    private func respond(_ answer: OwnAnswer) {
        self.record.count(answer)
        self.client.respond(answer)
    }

    private func respond(_ failure: ExchangeFailure) {
        self.respond(self.function.answer(to: failure, requestID: self.record.requestID))
        self.finish(status: failure.status, end: failure.endName)
    }

    private func truncate(_ failure: ExchangeFailure) {
        if case .clientStalled = failure {
            self.client.noteLimit("client_stall")
            self.client.abandon()
        } else {
            self.client.truncate()
        }
        self.finish(status: self.record.status, end: failure.endName)
    }

    // What the client's side tells.

    /// The client has gone: the upstream is let go of at once.
    func clientLeft() {
        switch self.machine.clientLeft() {
        case .release:
            self.releaseAttempt()
            self.finish(status: self.record.status, end: "client_left")
        case .drop:
            break
        }
    }

    /// The client's socket did not take all that was sent.
    func clientBlocked() {
        switch self.machine.clientBlocked(at: self.context.loop.now) {
        case .pauseUpstream:
            self.attempt?.pause()
            self.acknowledgedBefore = self.client.acknowledgedCount
            self.setTimer()
        case .resumeUpstream, .nothing:
            self.machine.clientProgressed(at: self.context.loop.now)
        }
    }

    /// A client that takes bytes slowly makes progress long before its socket has room for more.
    private func lookForProgress() {
        guard self.machine.isClientBlocked else { return }
        let acknowledged = self.client.acknowledgedCount
        if acknowledged > self.acknowledgedBefore { self.machine.clientProgressed(at: self.context.loop.now) }
        self.acknowledgedBefore = acknowledged
    }

    /// Whether there is little room left for what waits: on the client's connection for all of its answers together, or
    /// in the process.
    var hasLittleRoom: Bool {
        !self.isOver && (self.client.hasLittleRoom || self.context.memory.level != .normal)
    }

    /// That has changed.
    func clientHasLittleRoom(_ isLittle: Bool) {
        self.attempt?.readLittle(isLittle)
    }

    /// The client's socket has taken everything.
    func clientDrained() {
        switch self.machine.clientDrained(at: self.context.loop.now) {
        case .resumeUpstream:
            self.attempt?.resume()
            self.setTimer()
        case .pauseUpstream, .nothing:
            break
        }
    }

    /// What the operator is told of it.
    var report: StreamReport {
        let now = self.context.loop.now
        return StreamReport(
            requestID: self.record.requestID.string(), client: self.record.client, method: self.record.method.rawValue,
            host: self.record.host, path: self.record.path, protocolName: "\(self.record.version.name)",
            route: self.record.route, function: self.record.function, status: self.record.status,
            age: now - self.record.startedAt, idle: now - (self.machine.lastByteAt ?? self.record.startedAt),
            bytesIn: self.record.bytesIn, bytesOut: self.record.bytesOut, attempts: self.record.attempts)
    }

    /// The time for draining is over.
    func cut() {
        let failure = ExchangeFailure.shutDown
        self.releaseAttempt()
        self.context.life.exchangeCut()
        switch self.machine.failed(failure, at: self.context.loop.now, spread: 0) {
        case .retry, .fallBack, .respond: self.respond(failure)
        case .truncate: self.truncate(failure)
        case .drop: break
        }
    }

    // The end.

    private func releaseAttempt() {
        self.attempt?.cancel()
        self.attempt = nil
    }

    private func forgetRequest() {
        guard let request = self.request else { return }
        self.context.budget.giveBack(request.body.count)
        self.request = nil
    }

    private func finish(status: Int, end: String) {
        if self.isOver { return }
        self.forgetRequest()
        self.resumeClient()
        self.isOver = true
        self.attempt = nil
        self.context.giveBack(self.timer)
        self.leaveFunction()
        self.record.finished(status: status, end: end, at: self.context.loop.now)
        self.context.exchangeFinished(self.record)
    }

    private func setTimer() {
        // It may be another exchange's by now.
        if self.isOver { return }
        var moment = self.machine.deadline
        // Whether a client makes progress is looked at more often than it may stand still.
        if self.machine.isClientBlocked {
            moment = min(moment, self.context.loop.now + self.function.policy.clientStall / 4)
        }
        self.context.set(self.timer, to: moment)
    }
}

extension Exchange: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        self.lookForProgress()
        switch self.machine.deadlinePassed(at: self.context.loop.now, fallback: self.function.fallback?.policy) {
        case .wait:
            self.setTimer()
        case .invoke:
            self.invokeAfterWait()
        case .fallBack(let failure):
            self.releaseAttempt()
            self.context.log(failure, of: self.record)
            self.calledBadly(failure)
            self.fallBack()
        case .respond(let failure):
            self.releaseAttempt()
            if failure != .busy { self.context.log(failure, of: self.record) }
            self.calledBadly(failure)
            self.respond(failure)
        case .truncate(let failure):
            self.releaseAttempt()
            self.context.log(failure, of: self.record)
            self.calledBadly(failure)
            self.truncate(failure)
        }
    }
}

@available(*, unavailable)
extension Exchange: Sendable {}
