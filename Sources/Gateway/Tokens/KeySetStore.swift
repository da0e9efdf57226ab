internal import Configuration
internal import Reactor
private import Synchronization
internal import Time
internal import Tokens

/// Where a store finds its keeper, which is made on the loop of the control plane.
final class KeySetSlot {
    weak var keeper: KeySetKeeper?
}

/// The keys of an issuer. Loops read them; a keeper on another thread fetches others, where they come from a URL.
///
/// The lock is taken once for each request with a token, whose signature costs a thousand times as much.
final class KeySetStore: Sendable {
    let source: KeySetSource
    private let state: Mutex<State>

    private struct State {
        var keys: KeySet?
        var fetchedAt: WallTime?
        var schedule = KeySetSchedule()
        var keeper: (mailbox: Mailbox, slot: LoopBound<KeySetSlot>)?
        var fault: String?
    }

    /// A store of keys that stay.
    init(_ source: KeySetSource, _ keys: KeySet) {
        self.source = source
        self.state = Mutex(State(keys: keys))
    }

    /// A store that a keeper fills.
    init(_ source: KeySetSource) {
        self.source = source
        self.state = Mutex(State())
    }

    /// Whether its keys are fetched, and not read from a file.
    var isFetched: Bool {
        if case .file = self.source { false } else { true }
    }

    /// The keys that were fetched last; `nil` before there are any.
    var keys: KeySet? { self.state.withLock { $0.keys } }

    /// When they were fetched; `nil` for those of a file.
    var fetchedAt: WallTime? { self.state.withLock { $0.fetchedAt } }

    /// Why there are no keys; `nil` where there are.
    var obstacle: String? {
        self.state.withLock { state in
            state.keys == nil ? state.fault ?? "no keys have come from \(self.source) yet" : nil
        }
    }

    /// Whether its first keys have come, or have been asked for in vain.
    fileprivate var isDecided: Bool {
        self.state.withLock { $0.keys != nil || $0.fault != nil }
    }

    /// A token names a key that is not known: asks for others, if that was not done just now. Answers whether there may
    /// be others soon, so that nobody can say yet what the token is worth.
    func wantOthers(at now: MonotonicTime) -> Bool {
        let (door, isSettled) = self.state.withLock { state in
            guard let keeper = state.keeper else { return (nil as (Mailbox, LoopBound<KeySetSlot>)?, true) }
            if state.schedule.wanted(at: now) == .fetch { return ((keeper.mailbox, keeper.slot), false) }
            return (nil, state.schedule.isSettled)
        }
        if let (mailbox, slot) = door {
            mailbox.post { loop in slot.value(on: loop).keeper?.fetch() }
        }
        return !isSettled
    }

    // For the keeper.

    /// Who keeps the store filled; `nil` to let go of it.
    func attach(_ keeper: (mailbox: Mailbox, slot: LoopBound<KeySetSlot>)?) {
        self.state.withLock { $0.keeper = keeper }
    }

    /// When the keeper has to look again.
    var deadline: MonotonicTime { self.state.withLock { $0.schedule.deadline } }

    /// Whether keys have to be fetched now.
    func deadlinePassed(at now: MonotonicTime) -> Bool {
        self.state.withLock { $0.schedule.deadlinePassed(at: now) == .fetch }
    }

    /// There are keys.
    func publish(_ keys: KeySet, at now: MonotonicTime, wall: WallTime) {
        self.state.withLock { state in
            state.keys = keys
            state.fetchedAt = wall
            state.fault = nil
            state.schedule.fetched(at: now)
        }
    }

    /// There are none, or no new ones: those that were there stay.
    func failed(_ fault: String, at now: MonotonicTime, spread: Double) {
        self.state.withLock { state in
            state.fault = fault
            state.schedule.failed(at: now, spread: spread)
        }
    }
}

extension Sequence<KeySetStore> {
    /// Waits until all have their first keys, or have asked for them in vain; for threads that are no loops. Requests
    /// that come right after a start, an upgrade or a reload find keys so, as a rule.
    func awaitFirstKeys(atMost patience: Duration) {
        let until = ContinuousClock.now + patience
        let pause = ThreadSemaphore()
        while ContinuousClock.now < until, self.contains(where: { !$0.isDecided }) {
            pause.wait(atMost: .milliseconds(5))
        }
    }
}
