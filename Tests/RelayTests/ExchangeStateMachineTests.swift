import AWS
import Lambda
import Relay
import Testing
import Time

@Suite struct ExchangeStateMachineTests {
    private let policy = ExchangePolicy(
        firstByte: .seconds(60), idle: .seconds(300), total: .seconds(900), clientStall: .seconds(60), retries: 2)

    private func at(_ seconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: seconds * 1_000_000_000)
    }

    private func throttled(after: Duration? = nil) -> ExchangeFailure {
        .invocation(
            .service(
                AWSServiceError(
                    status: 429, type: "TooManyRequestsException", message: "Rate Exceeded.",
                    reason: "ReservedFunctionConcurrentInvocationLimitExceeded", retryAfter: after)))
    }

    @Test func `an answer is relayed and ended once`() {
        var machine = ExchangeStateMachine(policy: self.policy)
        #expect(machine.deadline == .never)
        #expect(machine.requestCompleted(at: self.at(1)) == .invoke)
        #expect(machine.requestCompleted(at: self.at(1)) == .drop)
        machine.requestSent(at: self.at(2))
        #expect(machine.deadline == self.at(62))
        #expect(machine.receivedHead(endsHere: false, at: self.at(3)) == .sendHead)
        #expect(machine.deadline == self.at(303))
        machine.receivedBytes(at: self.at(100))
        #expect(machine.deadline == self.at(400))
        #expect(machine.completed() == .sendEnd)
        #expect(machine.completed() == .drop)
        #expect(machine.isFinished == true)
        #expect(machine.clientLeft() == .drop)
        #expect(machine.deadline == .never)
    }

    @Test func `an answer without body is over with its head`() {
        var machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        machine.requestSent(at: self.at(1))
        #expect(machine.receivedHead(endsHere: true, at: self.at(2)) == .sendHeadAndEnd)
        #expect(machine.completed() == .drop)
        #expect(machine.failed(.connectionLost("late"), at: self.at(3), spread: 0) == .drop)
    }

    @Test func `a throttled call is made again twice, then told`() {
        var machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        machine.requestSent(at: self.at(1))
        #expect(
            machine.failed(self.throttled(after: .seconds(2)), at: self.at(1), spread: 1) == .retry(after: .seconds(2)))
        #expect(machine.deadlinePassed(at: self.at(2)) == .wait)
        #expect(machine.deadlinePassed(at: self.at(3)) == .invoke)
        #expect(machine.attempt == 2)
        #expect(
            machine.failed(self.throttled(after: .seconds(1)), at: self.at(4), spread: 0) == .retry(after: .seconds(1)))
        #expect(machine.deadlinePassed(at: self.at(5)) == .invoke)
        #expect(machine.failed(self.throttled(), at: self.at(6), spread: 0) == .respond(self.throttled()))
        #expect(machine.isFinished == true)
    }

    @Test func `without a time that Lambda asked for, the next call comes after a random part of a short while`() {
        var machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        #expect(machine.failed(self.throttled(), at: self.at(1), spread: 1) == .retry(after: .milliseconds(150)))
        _ = machine.deadlinePassed(at: self.at(2))
        #expect(machine.failed(self.throttled(), at: self.at(2), spread: 0.5) == .retry(after: .milliseconds(250)))
    }

    @Test func `the wait for the first byte begins when the whole request has gone`() {
        var machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        machine.requestSent(at: self.at(1))
        machine.requestBlocked()
        #expect(machine.deadline == self.at(901))
        machine.requestSent(at: self.at(50))
        #expect(machine.deadline == self.at(110))
    }

    @Test func `only what can not have run is called again`() {
        for failure in [
            ExchangeFailure.connectionLost("reset"), .noCredentials("none"),
            .badUpstreamAnswer("nonsense"), .invocation(.functionError(code: "Unhandled", details: "")),
            .invocation(.truncated), .invocation(.endedWithoutComplete),
            .invocation(.service(AWSServiceError(status: 500, type: "ServiceException", message: ""))),
            .invocation(.service(AWSServiceError(status: 503, type: "", message: ""))),
        ] {
            var machine = ExchangeStateMachine(policy: self.policy)
            _ = machine.requestCompleted(at: self.at(1))
            #expect(machine.failed(failure, at: self.at(1), spread: 0) == .respond(failure), "\(failure)")
        }
        for failure in [
            ExchangeFailure.unreachable("refused"), .connectTimedOut, .staleConnection, .unprocessed(.goingAway),
            .unprocessed(.refused), self.throttled(),
        ] {
            var machine = ExchangeStateMachine(policy: self.policy)
            _ = machine.requestCompleted(at: self.at(1))
            guard case .retry = machine.failed(failure, at: self.at(1), spread: 0) else {
                Issue.record("\(failure) was not tried again")
                continue
            }
        }
    }

    @Test func `after the head a failure truncates and is never tried again`() {
        var machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        _ = machine.receivedHead(endsHere: false, at: self.at(1))
        #expect(machine.failed(.staleConnection, at: self.at(2), spread: 0) == .truncate(.staleConnection))
        #expect(machine.completed() == .drop)
    }

    @Test func `a try that would pass the total time is not made`() {
        var machine = ExchangeStateMachine(policy: ExchangePolicy(total: .seconds(3), retries: 5))
        _ = machine.requestCompleted(at: self.at(1))
        let failure = self.throttled(after: .seconds(10))
        #expect(machine.failed(failure, at: self.at(2), spread: 0) == .respond(failure))
    }

    @Test func `each time-out is told as what it is`() {
        var machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        machine.requestSent(at: self.at(1))
        #expect(machine.deadlinePassed(at: self.at(60)) == .wait)
        #expect(machine.deadlinePassed(at: self.at(61)) == .respond(.firstByteTimedOut))

        machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        machine.requestSent(at: self.at(1))
        // Held bytes are bytes: from now on the idle time counts.
        machine.receivedBytes(at: self.at(50))
        #expect(machine.deadlinePassed(at: self.at(200)) == .wait)
        #expect(machine.deadlinePassed(at: self.at(350)) == .respond(.idleTimedOut))

        machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        _ = machine.receivedHead(endsHere: false, at: self.at(2))
        #expect(machine.deadlinePassed(at: self.at(302)) == .truncate(.idleTimedOut))

        machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        _ = machine.receivedHead(endsHere: false, at: self.at(2))
        machine.receivedBytes(at: self.at(900))
        #expect(machine.deadlinePassed(at: self.at(901)) == .truncate(.totalTimedOut))
    }

    @Test func `a slow client pauses the upstream and its own limit runs`() {
        var machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        _ = machine.receivedHead(endsHere: false, at: self.at(2))
        #expect(machine.clientBlocked(at: self.at(3)) == .pauseUpstream)
        #expect(machine.clientBlocked(at: self.at(4)) == .nothing)
        #expect(machine.deadline == self.at(63))
        machine.clientProgressed(at: self.at(50))
        #expect(machine.deadlinePassed(at: self.at(63)) == .wait)
        #expect(machine.clientDrained(at: self.at(70)) == .resumeUpstream)
        #expect(machine.clientDrained(at: self.at(70)) == .nothing)
        // The idle time did not run while the upstream was paused.
        #expect(machine.deadline == self.at(370))
        _ = machine.clientBlocked(at: self.at(100))
        #expect(machine.deadlinePassed(at: self.at(160)) == .truncate(.clientStalled))
    }

    @Test func `a client that leaves releases its upstream in every state`() {
        for step in 0..<4 {
            var machine = ExchangeStateMachine(policy: self.policy)
            if step > 0 { _ = machine.requestCompleted(at: self.at(1)) }
            if step == 2 { _ = machine.failed(.staleConnection, at: self.at(1), spread: 0) }
            if step == 3 { _ = machine.receivedHead(endsHere: false, at: self.at(1)) }
            #expect(machine.clientLeft() == .release)
            #expect(machine.requestCompleted(at: self.at(2)) == .drop)
            #expect(machine.receivedHead(endsHere: false, at: self.at(2)) == .drop)
            #expect(machine.deadlinePassed(at: self.at(2)) == .wait)
        }
    }

    /// The waits before further calls, with the same random number each time.
    private func pauses(after failure: ExchangeFailure, spread: Double, _ policy: ExchangePolicy) -> [Duration] {
        var machine = ExchangeStateMachine(policy: policy)
        _ = machine.requestCompleted(at: self.at(1))
        var now = self.at(1)
        var pauses: [Duration] = []
        while case .retry(let pause) = machine.failed(failure, at: now, spread: spread) {
            pauses.append(pause)
            now = now + pause
            guard machine.deadlinePassed(at: now) == .invoke else { break }
        }
        return pauses
    }

    @Test func `jitter lies between the shortest wait and three times the last one`() {
        let policy = ExchangePolicy(retries: 6)
        func milliseconds(_ spread: Double) -> [Duration] {
            self.pauses(after: .unreachable(""), spread: spread, policy)
        }
        #expect(milliseconds(0) == Array(repeating: .milliseconds(50), count: 6))
        #expect(milliseconds(1) == [150, 450, 1350, 2000, 2000, 2000].map { Duration.milliseconds($0) })
        #expect(milliseconds(0.5) == [100, 175, 287, 455, 707, 1085].map { Duration.milliseconds($0) })
        // Whatever the random source says.
        #expect(milliseconds(7) == milliseconds(1))
        #expect(milliseconds(-7) == milliseconds(0))
    }

    @Test(arguments: [(409, "SnapStartNotReadyException"), (502, "ResourceNotReadyException")])
    func `a function that starts up is given seconds, but no more than for a first byte`(status: Int, type: String) {
        let failure = ExchangeFailure.invocation(.service(AWSServiceError(status: status, type: type, message: "")))
        let policy = ExchangePolicy(firstByte: .seconds(15), retries: 10)
        #expect(self.pauses(after: failure, spread: 1, policy) == [.seconds(3), .seconds(9)])
        #expect(self.pauses(after: failure, spread: 0, policy) == Array(repeating: .seconds(1), count: 10))
        // No more calls than there may be.
        #expect(self.pauses(after: failure, spread: 0, ExchangePolicy(retries: 2)) == [.seconds(1), .seconds(1)])
        #expect(self.pauses(after: failure, spread: 0, ExchangePolicy(retries: 0)).isEmpty)
    }

    @Test func `a call that is signed anew has a first byte to wait for again`() {
        var machine = ExchangeStateMachine(policy: self.policy)
        _ = machine.requestCompleted(at: self.at(1))
        machine.requestSent(at: self.at(1))
        machine.receivedBytes(at: self.at(2))
        machine.calledAnew()
        #expect(machine.deadline == self.at(901))
        machine.requestSent(at: self.at(5))
        #expect(machine.deadlinePassed(at: self.at(65), fallback: self.policy) == .fallBack(.firstByteTimedOut))
        // Once there is an answer there is nothing to make anew.
        _ = machine.receivedHead(endsHere: false, at: self.at(66))
        machine.calledAnew()
        #expect(machine.deadline == self.at(366))
    }

    @Test func `connecting takes no longer than a first byte, over all tries`() {
        var machine = ExchangeStateMachine(policy: ExchangePolicy(firstByte: .seconds(7), retries: 10))
        _ = machine.requestCompleted(at: self.at(1))
        for second in [4, 7] {
            #expect(
                machine.failed(.connectTimedOut, at: self.at(Int64(second)), spread: 0)
                    == .retry(after: .milliseconds(50)))
            _ = machine.deadlinePassed(at: self.at(Int64(second + 1)))
        }
        #expect(machine.failed(.connectTimedOut, at: self.at(10), spread: 0) == .respond(.connectTimedOut))
        #expect(ExchangeFailure.connectTimedOut.status == 504)
    }

    @Test func `the time in the line is none of the time that a function has to start up`() {
        var machine = ExchangeStateMachine(policy: ExchangePolicy(firstByte: .seconds(3)))
        _ = machine.requestCompleted(at: self.at(1))
        machine.queued(until: self.at(10))
        _ = machine.admitted(at: self.at(5))
        #expect(machine.failed(self.throttled(), at: self.at(6), spread: 0) == .retry(after: .milliseconds(50)))
        _ = machine.deadlinePassed(at: self.at(7))
        #expect(machine.failed(self.throttled(), at: self.at(8), spread: 0) == .respond(self.throttled()))
    }

    @Test func `a request that went nowhere is sent again once, even where there are no retries`() {
        let policy = ExchangePolicy(retries: 0)
        #expect(self.pauses(after: .staleConnection, spread: 0, policy) == [.zero])
        // An endpoint that is replaced may end several connections one after the other (RFC 9113 §6.8).
        #expect(self.pauses(after: .unprocessed(.goingAway), spread: 0, policy) == [.zero, .zero, .zero])
        #expect(self.pauses(after: .unprocessed(.needsHTTP1), spread: 0, policy) == [.zero, .zero, .zero])
        #expect(self.pauses(after: .unprocessed(.refused), spread: 0, policy).isEmpty)
        // And counts for nothing where there are.
        #expect(self.pauses(after: .staleConnection, spread: 0, ExchangePolicy(retries: 2)).count == 3)
    }

    @Test func `without a budget only what costs nothing is tried again`() {
        for (failure, isTried) in [
            (self.throttled(), false), (ExchangeFailure.unreachable("refused"), false), (.staleConnection, true),
            (.unprocessed(.goingAway), true), (.unprocessed(.refused), false),
        ] {
            var machine = ExchangeStateMachine(policy: self.policy)
            _ = machine.requestCompleted(at: self.at(1))
            let action = machine.failed(failure, at: self.at(1), spread: 0, isAffordable: false)
            #expect(action == (isTried ? .retry(after: .zero) : .respond(failure)))
        }
    }
}
