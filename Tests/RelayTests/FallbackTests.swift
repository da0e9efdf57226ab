import AWS
import Lambda
import Relay
import Testing
import Time

/// What the exchange machine does where a function has a stand-in, or a line.
@Suite struct FallbackTests {
    private func at(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

    private static let throttled = ExchangeFailure.invocation(
        .service(AWSServiceError(status: 429, type: "TooManyRequestsException", message: "")))

    private static let other = ExchangePolicy(firstByte: .seconds(7), retries: 1)

    @Test(
        arguments: [
            .unreachable(""), .connectTimedOut, throttled,
            .invocation(.service(AWSServiceError(status: 400, type: "ThrottlingException", message: ""))), .busy,
            .circuitOpen(retryAfter: .seconds(1)),
            .refusedByUpstream(status: 503), .noCredentials(""),
            .invocation(.service(AWSServiceError(status: 404, type: "ResourceNotFoundException", message: ""))),
            .invocation(.service(AWSServiceError(status: 500, type: "ServiceException", message: ""))),
        ] as [ExchangeFailure])
    func `a refused call goes to the function that stands in`(failure: ExchangeFailure) {
        var machine = ExchangeStateMachine(policy: ExchangePolicy(retries: 0))
        _ = machine.requestCompleted(at: self.at(1))
        let action = machine.failed(failure, at: self.at(2), spread: 0, fallback: Self.other)
        #expect(action == .fallBack(failure))
        // Its own time-outs and tries hold from now on.
        machine.requestSent(at: self.at(3))
        let wait = machine.deadlinePassed(at: self.at(9))
        #expect(wait == .wait)
        let late = machine.deadlinePassed(at: self.at(10))
        #expect(late == .respond(.firstByteTimedOut))
    }

    @Test(
        arguments: [
            .connectionLost(""), .badUpstreamAnswer(""), .totalTimedOut, .eventTooLarge(limit: 1), .shutDown,
            .invocation(.functionError(code: "X", details: "")), .invocation(.truncated),
            .invocation(.service(AWSServiceError(status: 413, type: "RequestTooLargeException", message: ""))),
            .invocation(.service(AWSServiceError(status: 400, type: "InvalidRequestContentException", message: ""))),
        ] as [ExchangeFailure])
    func `a function that may have run, or a request that is wrong, has no stand-in`(failure: ExchangeFailure) {
        var machine = ExchangeStateMachine(policy: ExchangePolicy(retries: 0))
        _ = machine.requestCompleted(at: self.at(1))
        let action = machine.failed(failure, at: self.at(2), spread: 0, fallback: Self.other)
        #expect(action == .respond(failure))
    }

    @Test func `retries come first, and nothing falls back once an answer has begun`() {
        var machine = ExchangeStateMachine(policy: ExchangePolicy(retries: 1))
        _ = machine.requestCompleted(at: self.at(1))
        let first = machine.failed(Self.throttled, at: self.at(1), spread: 0, fallback: Self.other)
        #expect(first == .retry(after: .milliseconds(50)))
        _ = machine.deadlinePassed(at: self.at(2))
        let second = machine.failed(Self.throttled, at: self.at(2), spread: 0, fallback: Self.other)
        #expect(second == .fallBack(Self.throttled))
        _ = machine.receivedHead(endsHere: false, at: self.at(3))
        let third = machine.failed(Self.throttled, at: self.at(4), spread: 0, fallback: Self.other)
        #expect(third == .truncate(Self.throttled))
    }

    @Test func `a first byte that does not come goes to the function that stands in, unless all time is over`() {
        var machine = ExchangeStateMachine(policy: ExchangePolicy(firstByte: .seconds(5), total: .seconds(20)))
        _ = machine.requestCompleted(at: self.at(0))
        machine.requestSent(at: self.at(0))
        let action = machine.deadlinePassed(at: self.at(5), fallback: Self.other)
        #expect(action == .fallBack(.firstByteTimedOut))
        machine.requestSent(at: self.at(15))
        // What is left is the time of the first one.
        let over = machine.deadlinePassed(at: self.at(20), fallback: Self.other)
        #expect(over == .respond(.totalTimedOut))
    }

    @Test func `bytes that came say that the function runs`() {
        var machine = ExchangeStateMachine(policy: ExchangePolicy(idle: .seconds(5)))
        _ = machine.requestCompleted(at: self.at(0))
        machine.requestSent(at: self.at(0))
        machine.receivedBytes(at: self.at(1))
        let action = machine.deadlinePassed(at: self.at(6), fallback: Self.other)
        #expect(action == .respond(.idleTimedOut))
    }

    // The line.

    @Test func `a place is waited for, and then the call is made`() {
        var machine = ExchangeStateMachine(policy: ExchangePolicy())
        _ = machine.requestCompleted(at: self.at(0))
        machine.queued(until: self.at(5))
        #expect(machine.deadline == self.at(5))
        let wait = machine.deadlinePassed(at: self.at(4))
        #expect(wait == .wait)
        let admitted = machine.admitted(at: self.at(4))
        #expect(admitted == .invoke)
        let again = machine.admitted(at: self.at(4))
        #expect(again == .drop)
    }

    @Test func `a place that comes too late is not wanted`() {
        var machine = ExchangeStateMachine(policy: ExchangePolicy())
        _ = machine.requestCompleted(at: self.at(0))
        machine.queued(until: self.at(5))
        let action = machine.deadlinePassed(at: self.at(5))
        #expect(action == .respond(.busy))
        let late = machine.admitted(at: self.at(6))
        #expect(late == .drop)
        #expect(ExchangeFailure.busy.status == 503)
        #expect(ExchangeFailure.busy.retryAfterSeconds == 1)
    }

    @Test func `who waits in vain goes to the function that stands in, and a client may leave the line`() {
        var machine = ExchangeStateMachine(policy: ExchangePolicy())
        _ = machine.requestCompleted(at: self.at(0))
        machine.queued(until: self.at(5))
        let action = machine.deadlinePassed(at: self.at(5), fallback: Self.other)
        #expect(action == .fallBack(.busy))
        machine.queued(until: self.at(9))
        let left = machine.clientLeft()
        #expect(left == .release)
        let late = machine.admitted(at: self.at(9))
        #expect(late == .drop)
    }
}
