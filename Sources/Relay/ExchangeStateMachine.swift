internal import AWS
internal import Lambda
package import Time

/// Decides, for one exchange with a function, what to do with each thing that happens to it.
///
///     gathering ── requestCompleted ──▶ invoking ── receivedHead ──▶ relaying ── completed ──▶ finished
///                                       ▲ ▲ ▲  │                        │
///                     admitted ┌────────┘ │ │  │ failed (retryable)     │ failed
///                           queued        │ │  ▼                        ▼
///                          deadlinePassed │ └ failed (fallback) ───▶ finished
///                                       waiting
///
/// `queued` is entered from `invoking`, where the function has as many calls as it may.
///
/// Every state ends in `finished` when the client leaves. The machine never reads, writes, waits, logs or asks the
/// time: it is told what happened and answers what should be done.
package struct ExchangeStateMachine: ~Copyable {
    private var state: State
    /// Of the function that is called now.
    private var policy: ExchangePolicy

    /// A machine for a request whose head has been routed.
    package init(policy: ExchangePolicy) {
        self.policy = policy
        self.state = .gathering
    }

    // The request.

    /// What a complete request leads to.
    package enum RequestAction: Equatable {
        /// Call the function.
        case invoke
        /// The exchange is over already.
        case drop
    }

    /// The request has come whole.
    package mutating func requestCompleted(at now: MonotonicTime) -> RequestAction {
        switch self.state {
        case .gathering:
            self.state = .invoking(Invoking(over: now + self.policy.total, firstCallAt: now))
            return .invoke
        case .invoking, .queued, .waiting, .relaying, .finished:
            return .drop
        }
    }

    /// The function has as many calls as it may: a place is waited for until `until`.
    package mutating func queued(until: MonotonicTime) {
        switch self.state {
        case .invoking(let invoking): self.state = .queued(Queued(from: invoking, until: until))
        case .gathering, .queued, .waiting, .relaying, .finished: break
        }
    }

    /// A place has become free for this exchange.
    package mutating func admitted(at now: MonotonicTime) -> RequestAction {
        switch self.state {
        case .queued(let queued):
            self.state = .invoking(Invoking(from: queued, at: now))
            return .invoke
        case .gathering, .invoking, .waiting, .relaying, .finished:
            // It came too late.
            return .drop
        }
    }

    /// The request's last byte was handed to the upstream socket: the wait for the first byte begins.
    package mutating func requestSent(at now: MonotonicTime) {
        switch self.state {
        case .invoking(var invoking):
            invoking.sentAt = now
            self.state = .invoking(invoking)
        case .gathering, .queued, .waiting:
            break
        case .relaying:
            // The function answered before it had the whole request.
            break
        case .finished:
            break
        }
    }

    /// The upstream socket did not take the whole request: the wait for the first byte has not begun yet.
    package mutating func requestBlocked() {
        switch self.state {
        case .invoking(var invoking):
            invoking.sentAt = nil
            self.state = .invoking(invoking)
        case .gathering, .queued, .waiting, .relaying, .finished:
            break
        }
    }

    /// The call is made anew, because what it was signed with did not do: the wait for its first byte will begin anew.
    package mutating func calledAnew() {
        switch self.state {
        case .invoking(var invoking):
            invoking.sentAt = nil
            invoking.lastByteAt = nil
            self.state = .invoking(invoking)
        case .gathering, .queued, .waiting, .relaying, .finished:
            break
        }
    }

    // The answer.

    /// What the answer's head leads to.
    package enum HeadAction: Equatable {
        case sendHead
        /// The answer is over with its head: send it, end it, and let the upstream run out.
        case sendHeadAndEnd
        /// The client has left, or was answered.
        case drop
    }

    /// The function's answer has begun.
    package mutating func receivedHead(endsHere: Bool, at now: MonotonicTime) -> HeadAction {
        switch self.state {
        case .invoking(let invoking):
            if endsHere {
                self.state = .finished
                return .sendHeadAndEnd
            }
            self.state = .relaying(Relaying(from: invoking, at: now))
            return .sendHead
        case .gathering, .queued, .waiting, .relaying, .finished:
            return .drop
        }
    }

    /// Payload bytes came in, whether or not they can go on at once: the stream is alive.
    package mutating func receivedBytes(at now: MonotonicTime) {
        switch self.state {
        case .relaying(var relaying):
            relaying.lastByteAt = now
            self.state = .relaying(relaying)
        case .invoking(var invoking):
            // Bytes that are held back, because they do not yet say what they are.
            invoking.lastByteAt = now
            self.state = .invoking(invoking)
        case .gathering, .queued, .waiting, .finished:
            break
        }
    }

    /// What the clean end of an invocation leads to.
    package enum EndAction: Equatable {
        case sendEnd
        /// The client has left, or was answered.
        case drop
    }

    /// The function has ended its answer well.
    package mutating func completed() -> EndAction {
        switch self.state {
        case .relaying:
            self.state = .finished
            return .sendEnd
        case .invoking:
            // A head comes before a clean end, always; the invocation machine sees to it.
            self.state = .finished
            return .drop
        case .gathering, .queued, .waiting:
            self.state = .finished
            return .drop
        case .finished:
            return .drop
        }
    }

    // Failure.

    /// What a failure leads to.
    package enum FailureAction: Equatable {
        /// Call again after this long, at the earliest.
        case retry(after: Duration)
        /// Nothing has been sent, and there is another function: call that one in its place.
        case fallBack(ExchangeFailure)
        /// Nothing has been sent: answer with a status of our own.
        case respond(ExchangeFailure)
        /// The head has gone: break the answer so that nobody takes it for a whole one.
        case truncate(ExchangeFailure)
        /// The client has left, or was answered.
        case drop
    }

    /// A call failed, or cannot be made. `spread` is a random number from 0 to 1, for the time until the next call;
    /// `isAffordable` says whether the function's budget has another call; `fallback` is the policy of the function
    /// that may be called in place of this one.
    package mutating func failed(
        _ failure: ExchangeFailure, at now: MonotonicTime, spread: Double, isAffordable: Bool = true,
        fallback: ExchangePolicy? = nil
    ) -> FailureAction {
        switch self.state {
        case .invoking(let invoking):
            let jitter = Self.jitter(after: invoking.jitter, spread: spread, failure)
            let pause = Self.pause(jitter, failure)
            // A function that starts up, has no room or is not reached is waited for no longer than for a first byte,
            // counted from the first call on.
            let isForWaiting =
                failure.isStartingUp || failure.throttleReason != nil || failure == .connectTimedOut
            let limit =
                isForWaiting ? min(invoking.over, invoking.firstCallAt + self.policy.firstByte) : invoking.over
            // What never left, or was certainly not begun with, is no call: it does not count among the tries.
            let isFree = invoking.freeTries < failure.mostFreeTries
            guard failure.isRetryable, isAffordable || failure.costsNothing,
                isFree || invoking.attempt <= self.policy.retries, now + pause < limit
            else {
                if self.fallBack(failure, to: fallback, over: invoking.over, at: now) { return .fallBack(failure) }
                self.state = .finished
                return .respond(failure)
            }
            self.state = .waiting(Waiting(from: invoking, until: now + pause, jitter: jitter, isFree: isFree))
            return .retry(after: pause)
        case .relaying:
            self.state = .finished
            return .truncate(failure)
        case .gathering, .queued, .waiting:
            self.state = .finished
            return .respond(failure)
        case .finished:
            return .drop
        }
    }

    /// A random time between a shortest one and three times the last (decorrelated jitter), so that callers who failed
    /// together do not come back together. From 50 ms to 2 s; from 1 s to 10 s for a function that starts up.
    private static func jitter(after last: Int, spread: Double, _ failure: ExchangeFailure) -> Int {
        let (shortest, longest) = failure.isStartingUp ? (1000, 10_000) : (50, 2000)
        let bound = 3 * max(shortest, last)
        return min(longest, shortest + Int(Double(bound - shortest) * min(max(spread, 0), 1)))
    }

    /// A stale connection costs no wait, a wait that Lambda asked for is kept to.
    private static func pause(_ jitter: Int, _ failure: ExchangeFailure) -> Duration {
        if failure.costsNothing { return .zero }
        let pause = Duration.milliseconds(jitter)
        guard case .invocation(.service(let error)) = failure, let asked = error.retryAfter else { return pause }
        return max(pause, asked)
    }

    /// Goes over to another function, where there is one and the failure is one that it may stand in for. Its time is
    /// what is left of the first one's `total`, and its tries are its own.
    private mutating func fallBack(
        _ failure: ExchangeFailure, to policy: ExchangePolicy?, over: MonotonicTime, at now: MonotonicTime
    ) -> Bool {
        guard let policy, failure.allowsFallback, now < over else { return false }
        self.policy = policy
        self.state = .invoking(Invoking(over: over, firstCallAt: now))
        return true
    }

    /// What the client's leaving leads to.
    package enum LeaveAction: Equatable {
        /// Let go of the upstream at once.
        case release
        /// The exchange was over.
        case drop
    }

    /// The client has gone.
    package mutating func clientLeft() -> LeaveAction {
        switch self.state {
        case .gathering, .invoking, .queued, .waiting, .relaying:
            self.state = .finished
            return .release
        case .finished:
            return .drop
        }
    }

    // Back-pressure.

    /// What a change of the client's readiness leads to.
    package enum PressureAction: Equatable {
        case pauseUpstream
        case resumeUpstream
        case nothing
    }

    /// The client's socket took less than it was offered.
    package mutating func clientBlocked(at now: MonotonicTime) -> PressureAction {
        switch self.state {
        case .relaying(var relaying):
            let wasBlocked = relaying.blockedAt != nil
            relaying.blockedAt = relaying.blockedAt ?? now
            self.state = .relaying(relaying)
            return wasBlocked ? .nothing : .pauseUpstream
        case .gathering, .invoking, .queued, .waiting, .finished:
            return .nothing
        }
    }

    /// Whether bytes wait for the client.
    package var isClientBlocked: Bool {
        if case .relaying(let relaying) = self.state { relaying.blockedAt != nil } else { false }
    }

    /// The client took some of what waited: its stall begins anew.
    package mutating func clientProgressed(at now: MonotonicTime) {
        switch self.state {
        case .relaying(var relaying):
            if relaying.blockedAt != nil { relaying.blockedAt = now }
            self.state = .relaying(relaying)
        case .gathering, .invoking, .queued, .waiting, .finished:
            break
        }
    }

    /// The client has taken everything that waited.
    package mutating func clientDrained(at now: MonotonicTime) -> PressureAction {
        switch self.state {
        case .relaying(var relaying):
            guard relaying.blockedAt != nil else {
                return .nothing
            }
            relaying.blockedAt = nil
            // The upstream could not speak while it was paused.
            relaying.lastByteAt = now
            self.state = .relaying(relaying)
            return .resumeUpstream
        case .gathering, .invoking, .queued, .waiting, .finished:
            return .nothing
        }
    }

    // Time.

    /// When bytes of the answer came in last; `nil` before the first ones.
    package var lastByteAt: MonotonicTime? {
        switch self.state {
        case .invoking(let invoking): invoking.lastByteAt
        case .relaying(let relaying): relaying.lastByteAt
        default: nil
        }
    }

    /// The next moment at which `deadlinePassed` has to be called, or `never`.
    ///
    /// PERF: as if it changed something, so that it is asked where it lies: what looks at a machine in an object
    /// otherwise, moves it out first, 17 words.
    package var deadline: MonotonicTime {
        mutating get {
            switch self.state {
            case .gathering, .finished:
                return .never
            case .invoking(let invoking):
                return min(invoking.over, self.firstByteDeadline(invoking.sentAt, invoking.lastByteAt))
            case .queued(let queued):
                return min(queued.until, queued.over)
            case .waiting(let waiting):
                return min(waiting.until, waiting.over)
            case .relaying(let relaying):
                return min(relaying.over, self.quietDeadline(relaying.blockedAt, relaying.lastByteAt))
            }
        }
    }

    /// A payload byte ends the wait for the first one, also where it is still held back; from then on `idle` counts.
    private func firstByteDeadline(_ sentAt: MonotonicTime?, _ lastByteAt: MonotonicTime?) -> MonotonicTime {
        if let lastByteAt { return lastByteAt + self.policy.idle }
        return sentAt.map { $0 + self.policy.firstByte } ?? .never
    }

    private func quietDeadline(_ blockedAt: MonotonicTime?, _ lastByteAt: MonotonicTime) -> MonotonicTime {
        if let blockedAt { return blockedAt + self.policy.clientStall }
        return lastByteAt + self.policy.idle
    }

    /// What a moment that has come leads to.
    package enum DeadlineAction: Equatable {
        /// Nothing is over; look at `deadline` again.
        case wait
        case invoke
        /// Call the other function in place of this one.
        case fallBack(ExchangeFailure)
        case respond(ExchangeFailure)
        case truncate(ExchangeFailure)
    }

    /// The moment of `deadline` may have come. `fallback` is as for `failed`.
    package mutating func deadlinePassed(at now: MonotonicTime, fallback: ExchangePolicy? = nil) -> DeadlineAction {
        switch self.state {
        case .gathering:
            return .wait
        case .invoking(let invoking):
            let over = invoking.over
            let hasBytes = invoking.lastByteAt != nil
            guard now >= min(over, self.firstByteDeadline(invoking.sentAt, invoking.lastByteAt)) else {
                return .wait
            }
            let failure: ExchangeFailure = now >= over ? .totalTimedOut : hasBytes ? .idleTimedOut : .firstByteTimedOut
            if self.fallBack(failure, to: fallback, over: over, at: now) { return .fallBack(failure) }
            self.state = .finished
            return .respond(failure)
        case .queued(let queued):
            guard now >= min(queued.over, queued.until) else {
                return .wait
            }
            if self.fallBack(.busy, to: fallback, over: queued.over, at: now) { return .fallBack(.busy) }
            self.state = .finished
            return .respond(now >= queued.over ? .totalTimedOut : .busy)
        case .waiting(let waiting):
            if now >= waiting.over {
                self.state = .finished
                return .respond(.totalTimedOut)
            }
            guard now >= waiting.until else {
                return .wait
            }
            self.state = .invoking(Invoking(from: waiting))
            return .invoke
        case .relaying(let relaying):
            let over = relaying.over
            let isBlocked = relaying.blockedAt != nil
            guard now >= min(over, self.quietDeadline(relaying.blockedAt, relaying.lastByteAt)) else {
                return .wait
            }
            self.state = .finished
            return .truncate(now >= over ? .totalTimedOut : isBlocked ? .clientStalled : .idleTimedOut)
        case .finished:
            return .wait
        }
    }

    /// Whether the exchange is over.
    package var isFinished: Bool {
        if case .finished = self.state { true } else { false }
    }

    /// The number of the call that runs or ran last; 0 before the first.
    package var attempt: Int {
        switch self.state {
        case .gathering: 0
        case .finished: 0
        case .invoking(let invoking): invoking.attempt
        case .queued(let queued): queued.attempt
        case .waiting(let waiting): waiting.attempt
        case .relaying(let relaying): relaying.attempt
        }
    }
}

extension ExchangeStateMachine {
    private enum State {
        /// The request's body is coming in.
        case gathering
        case invoking(Invoking)
        case queued(Queued)
        case waiting(Waiting)
        case relaying(Relaying)
        case finished
    }

    /// The function was called; no answer has begun.
    private struct Invoking {
        let attempt: Int
        /// When `total` is over.
        let over: MonotonicTime
        /// When the function was called first.
        let firstCallAt: MonotonicTime
        /// The random part of the wait before this call, in milliseconds; 0 for the first call.
        let jitter: Int
        /// How many tries were not counted.
        let freeTries: Int
        var sentAt: MonotonicTime?
        var lastByteAt: MonotonicTime?

        /// The first call.
        init(over: MonotonicTime, firstCallAt: MonotonicTime) {
            self.attempt = 1
            self.over = over
            self.firstCallAt = firstCallAt
            self.jitter = 0
            self.freeTries = 0
        }

        init(from queued: Queued, at now: MonotonicTime) {
            self.attempt = queued.attempt
            self.over = queued.over
            self.firstCallAt = now
            self.jitter = 0
            self.freeTries = 0
        }

        init(from waiting: Waiting) {
            self.attempt = waiting.attempt + 1
            self.over = waiting.over
            self.firstCallAt = waiting.firstCallAt
            self.jitter = waiting.jitter
            self.freeTries = waiting.freeTries
        }
    }

    /// The function has as many calls as it may; a place is waited for.
    private struct Queued {
        let attempt: Int
        let over: MonotonicTime
        let until: MonotonicTime

        init(from invoking: Invoking, until: MonotonicTime) {
            self.attempt = invoking.attempt
            self.over = invoking.over
            self.until = until
        }
    }

    /// A call failed; the next one is to come.
    private struct Waiting {
        /// The number of the call that failed; one less where that was none.
        let attempt: Int
        let freeTries: Int
        let over: MonotonicTime
        let firstCallAt: MonotonicTime
        let until: MonotonicTime
        /// The random part of the wait, in milliseconds.
        let jitter: Int

        init(from invoking: Invoking, until: MonotonicTime, jitter: Int, isFree: Bool) {
            self.attempt = isFree ? invoking.attempt - 1 : invoking.attempt
            self.freeTries = invoking.freeTries + (isFree ? 1 : 0)
            self.over = invoking.over
            self.firstCallAt = invoking.firstCallAt
            self.until = until
            self.jitter = jitter
        }
    }

    /// The answer's head has gone to the client.
    private struct Relaying {
        let attempt: Int
        let over: MonotonicTime
        var lastByteAt: MonotonicTime
        /// Since when the client has taken no byte of what waits; `nil` where nothing waits.
        var blockedAt: MonotonicTime?

        init(from invoking: Invoking, at now: MonotonicTime) {
            self.attempt = invoking.attempt
            self.over = invoking.over
            self.lastByteAt = now
        }
    }
}

@available(*, unavailable)
extension ExchangeStateMachine: Sendable {}
