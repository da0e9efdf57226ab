package import Time

/// Says when the keys of an issuer are fetched: at once, then now and then, earlier when a token names a key that is
/// not known, and after failures less and less often.
///
///     due ── deadlinePassed ──▶ fetching ── fetched ──▶ resting ── wanted / deadlinePassed ──▶ fetching
///      ▲                            │
///      └───────── failed ───────────┘
///
/// Knows nothing of the keys: those that were fetched last stay in use whatever happens.
package struct KeySetSchedule: Sendable, Equatable {
    private var state: State = .due(MonotonicTime(nanoseconds: 0))
    private var failures = 0

    private enum State: Equatable, Sendable {
        case due(MonotonicTime)
        case fetching
        case resting(until: MonotonicTime, since: MonotonicTime)
    }

    /// How long keys are used without asking for others.
    package static var rest: Duration { .seconds(300) }
    /// How often others may be asked for because of tokens, which anybody can send.
    package static var leastInterval: Duration { .seconds(10) }
    /// The longest wait after a failure.
    package static var longestPause: Duration { .seconds(60) }

    package init() {}

    /// What is to be done.
    package enum Action: Equatable, Sendable {
        case fetch
        case wait
    }

    /// When to look again.
    package var deadline: MonotonicTime {
        switch self.state {
        case .due(let time): time
        case .fetching: .never
        case .resting(let until, _): until
        }
    }

    /// Whether the last fetch brought keys, and no other one is under way.
    package var isSettled: Bool {
        if case .resting = self.state { true } else { false }
    }

    /// The time has come, maybe.
    package mutating func deadlinePassed(at now: MonotonicTime) -> Action {
        guard self.deadline <= now else { return .wait }
        self.state = .fetching
        return .fetch
    }

    /// A token was seen whose key is not known.
    package mutating func wanted(at now: MonotonicTime) -> Action {
        switch self.state {
        case .fetching, .due: return .wait
        case .resting(_, let since):
            guard now - since >= Self.leastInterval else { return .wait }
            self.state = .fetching
            return .fetch
        }
    }

    /// There are keys.
    package mutating func fetched(at now: MonotonicTime) {
        self.failures = 0
        self.state = .resting(until: now + Self.rest, since: now)
    }

    /// There are none: 1 s, then twice as long each time, with up to half of it on top so that many do not ask
    /// together.
    package mutating func failed(at now: MonotonicTime, spread: Double) {
        self.failures += 1
        let pause = min(.seconds(1 << min(self.failures - 1, 6)), Self.longestPause)
        self.state = .due(now + pause + pause * (min(max(spread, 0), 1) / 2))
    }
}
