internal import Relay
private import Synchronization
internal import Time

/// A function's circuit breaker, shared by the loops.
final class BreakerGate: Sendable {
    private let breaker: Mutex<CircuitBreaker>
    /// Whether nothing has failed lately, so that nobody needs the lock.
    private let isCalm = Atomic(true)
    let settings: CircuitBreaker.Settings

    init(_ settings: CircuitBreaker.Settings) {
        self.settings = settings
        self.breaker = Mutex(CircuitBreaker(settings))
    }

    /// 0 closed, 1 half-open, 2 open.
    func number(at now: MonotonicTime) -> Int { self.breaker.withLock { $0.number(at: now) } }

    /// Changes the breaker, and remembers whether it is calm.
    func update<Result: Sendable>(_ change: (inout CircuitBreaker) -> Result) -> Result {
        self.breaker.withLock { breaker in
            let result = change(&breaker)
            self.isCalm.store(breaker.isCalm, ordering: .relaxed)
            return result
        }
    }

    /// Whether calls may be made and their success told without asking.
    var needsNoAsking: Bool { self.isCalm.load(ordering: .relaxed) }
}
