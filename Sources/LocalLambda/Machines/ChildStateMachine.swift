/// What one child process is doing, as far as the Runtime API tells.
///
///     starting ── requestedNext ──▶ idle ── assigned ──▶ running ── responseBegan ──▶ answering
///        │                           ▲                     │ errorReported     responseEnded │
///        │ initErrorReported         │                     ▼                                 │
///        ▼                           └── requestedNext ── answered ◀─────────────────────────┘
///     failed                                               ▲
///        │                     answering ── responseBroken ▶ broken ── gaveUpOnBroken
///        │
///        └── startLimitPassed, deadlinePassed, stopped (any state) ──▶ ending ── exited (any state) ──▶ ended
///
/// The machine knows no socket and no process: it is told what the child asked for and what became of it, and answers
/// what to say to the child and what to do with the invocation.
package struct ChildStateMachine: ~Copyable {
    private var state: State = .starting

    private enum State {
        /// The process has been started and has not asked for work.
        case starting
        /// The process has said that it cannot start; it is about to end.
        case failed
        /// The process waits for an invocation.
        case idle
        /// The invocation was handed over; nothing came back.
        case running(InvocationID)
        /// The answer is coming in.
        case answering(InvocationID)
        /// The answer broke off. Whether the process has crashed as well will be known in a moment.
        case broken(InvocationID)
        /// The answer is complete; the process has not asked for the next invocation.
        case answered
        /// The process has been told to end, or was killed.
        case ending
        /// The process is no more.
        case ended
    }

    package init() {}

    /// Whether an invocation was handed over and its answer has not ended.
    package var current: InvocationID? {
        switch self.state {
        case .running(let id), .answering(let id), .broken(let id): id
        case .starting, .failed, .idle, .answered, .ending, .ended: nil
        }
    }

    /// Whether the process waits for an invocation.
    package var isIdle: Bool {
        switch self.state {
        case .idle: true
        case .starting, .failed, .running, .answering, .broken, .answered, .ending, .ended: false
        }
    }

    // What the child asks for.

    /// What to do with `GET next`.
    package enum NextAction: Equatable {
        /// The process is free: hold the request until there is an invocation.
        case hold
        /// It asked before, on a connection that it has given up: hold this request instead.
        case holdInstead
        /// The process is free, and the answer that broke off will not go on.
        case holdAfterCut(InvocationID)
        /// It has the invocation already: say it again.
        case deliverAgain(InvocationID)
        case refuse(RuntimeRefusal)
    }

    package mutating func requestedNext() -> NextAction {
        switch self.state {
        case .starting, .answered:
            self.state = .idle
            return .hold
        case .idle:
            return .holdInstead
        case .running(let id):
            return .deliverAgain(id)
        case .broken(let id):
            self.state = .idle
            return .holdAfterCut(id)
        case .answering, .failed, .ending, .ended:
            return .refuse(.invalidStateTransition)
        }
    }

    /// An invocation was given to the child. Answers whether it could take it.
    package mutating func assigned(_ id: InvocationID) -> Bool {
        switch self.state {
        case .idle:
            self.state = .running(id)
            return true
        case .starting, .failed, .running, .answering, .broken, .answered, .ending, .ended:
            // The queue hands over to idle children only.
            return false
        }
    }

    /// What to do with the head of a `POST response`, or with a report.
    package enum PostAction: Equatable {
        case accept
        case refuse(RuntimeRefusal)
    }

    package mutating func responseBegan(for id: InvocationID) -> PostAction {
        switch self.state {
        case .running(id):
            self.state = .answering(id)
            return .accept
        case .running, .answered, .idle, .broken:
            return .refuse(.invalidRequestID)
        case .answering(let current):
            return .refuse(current == id ? .invalidStateTransition : .invalidRequestID)
        case .starting, .failed, .ending, .ended:
            return .refuse(.invalidStateTransition)
        }
    }

    /// The answer is complete. Answers whether anybody was waiting for it still.
    package mutating func responseEnded() -> Bool {
        switch self.state {
        case .answering:
            self.state = .answered
            return true
        case .starting, .failed, .idle, .running, .broken, .answered, .ending, .ended:
            // The deadline came first.
            return false
        }
    }

    /// What to do when the connection was lost in the middle of an answer.
    package enum BrokenAction: Equatable {
        /// Wait a moment for the process to end: a crash is told as such.
        case awaitExit(InvocationID)
        /// The deadline or the end of the process came first.
        case ignore
    }

    package mutating func responseBroken() -> BrokenAction {
        switch self.state {
        case .answering(let id):
            self.state = .broken(id)
            return .awaitExit(id)
        case .starting, .failed, .idle, .running, .broken, .answered, .ending, .ended:
            return .ignore
        }
    }

    /// The process did not end after its answer broke off: answers the invocation whose answer was cut.
    package mutating func gaveUpOnBroken() -> InvocationID? {
        switch self.state {
        case .broken(let id):
            self.state = .answered
            return id
        case .starting, .failed, .idle, .running, .answering, .answered, .ending, .ended:
            return nil
        }
    }

    package mutating func errorReported(for id: InvocationID) -> PostAction {
        switch self.state {
        case .running(id):
            self.state = .answered
            return .accept
        case .running, .answered, .idle, .broken:
            return .refuse(.invalidRequestID)
        case .answering(let current):
            return .refuse(current == id ? .invalidStateTransition : .invalidRequestID)
        case .starting, .failed, .ending, .ended:
            return .refuse(.invalidStateTransition)
        }
    }

    package mutating func initErrorReported() -> PostAction {
        switch self.state {
        case .starting:
            self.state = .failed
            return .accept
        case .failed, .idle, .running, .answering, .broken, .answered, .ending, .ended:
            return .refuse(.invalidStateTransition)
        }
    }

    // What happens to the child.

    /// What to do when an invocation's time is over.
    package enum DeadlineAction: Equatable {
        case kill(failing: InvocationID)
        /// The answer is complete, but the process is busy still, and nobody can use it.
        case killIdly
        /// The invocation ended at the same moment.
        case ignore
    }

    package mutating func deadlinePassed() -> DeadlineAction {
        switch self.state {
        case .running(let id), .answering(let id), .broken(let id):
            self.state = .ending
            return .kill(failing: id)
        case .answered:
            self.state = .ending
            return .killIdly
        case .starting, .failed, .idle, .ending, .ended:
            return .ignore
        }
    }

    /// What to do when the time for starting up is over.
    package enum StartLimitAction: Equatable {
        case killAsFailed
        /// It had reported its failure, and should have ended by itself.
        case killIdly
        case ignore
    }

    package mutating func startLimitPassed() -> StartLimitAction {
        switch self.state {
        case .starting:
            self.state = .ending
            return .killAsFailed
        case .failed:
            self.state = .ending
            return .killIdly
        case .idle, .running, .answering, .broken, .answered, .ending, .ended:
            return .ignore
        }
    }

    /// The child is to end. Answers the invocation that ends with it.
    package mutating func stopped() -> InvocationID? {
        let current = self.current
        switch self.state {
        case .starting, .failed, .idle, .running, .answering, .broken, .answered, .ending:
            self.state = .ending
        case .ended:
            break
        }
        return current
    }

    /// What the end of the process means.
    package enum ExitAction: Equatable {
        /// It never asked for work.
        case startFailed
        /// It crashed, and this with it.
        case fail(InvocationID)
        /// Nobody was waiting for it.
        case none
    }

    package mutating func exited() -> ExitAction {
        defer { self.state = .ended }
        switch self.state {
        case .starting: return .startFailed
        case .running(let id), .answering(let id), .broken(let id): return .fail(id)
        case .failed, .idle, .answered, .ending, .ended: return .none
        }
    }
}

extension ChildStateMachine {
    /// The state's name, for logs and tests.
    package var description: String {
        switch self.state {
        case .starting: "starting"
        case .failed: "failed"
        case .idle: "idle"
        case .running: "running"
        case .answering: "answering"
        case .broken: "broken"
        case .answered: "answered"
        case .ending: "ending"
        case .ended: "ended"
        }
    }
}

@available(*, unavailable)
extension ChildStateMachine: Sendable {}
