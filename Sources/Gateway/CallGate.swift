internal import Relay
private import Synchronization

/// How many calls of a function are under way, over all loops, and who waits for a place.
///
/// Calls count themselves without a lock; only where a line is configured and all places are taken is there one. Lives
/// on across reloads, under the function's name, so that calls of all configurations share the places of the newest.
final class CallGate: Sendable {
    private let count = Atomic(0)
    /// How many may be under way at the same time; `Int.max` for no limit.
    private let limit: Atomic<Int>
    /// How many wait, for those who look without the lock.
    private let waitingCount = Atomic(0)
    private let line = Mutex(WaitingLine<Waiter>())
    private let nextTicket = Atomic<UInt64>(0)

    /// Somebody who waits.
    private struct Waiter: Sendable {
        /// Tells that the place is taken for the one who waited.
        let admit: @Sendable () -> Void
    }

    /// What asking for a place leads to.
    enum Entry {
        case admitted
        /// In the line. The ticket is given back, or called.
        case waiting(ticket: UInt64)
        case full
    }

    /// A gate with places for `limit` calls at the same time; `nil` for no limit.
    init(limit: Int? = nil) {
        self.limit = Atomic(limit ?? .max)
    }

    /// Whether a place is free.
    var hasPlace: Bool { self.count.load(ordering: .relaxed) < self.limit.load(ordering: .relaxed) }

    /// Those that wait.
    var waiting: Int { self.waitingCount.load(ordering: .relaxed) }

    /// Another number of places. Where there are more, those who wait take them.
    func change(limit: Int?) {
        self.limit.store(limit ?? .max, ordering: .sequentiallyConsistent)
        self.admitWaiting()
    }

    /// Takes a place where one is free, before a line of `size`.
    func enterAtOnce(lineSize size: Int) -> Bool {
        // Nobody overtakes those who wait.
        (size == 0 || self.waitingCount.load(ordering: .sequentiallyConsistent) == 0) && self.take()
    }

    /// Takes a place, or one in a line of `size`. `admit` is called with the ticket, on any thread, when a place has
    /// been taken for the one who waits.
    func enter(lineSize size: Int, admit: (UInt64) -> @Sendable () -> Void) -> Entry {
        if self.enterAtOnce(lineSize: size) { return .admitted }
        if size == 0 { return .full }
        let ticket = self.nextTicket.wrappingAdd(1, ordering: .relaxed).newValue
        let waiter = Waiter(admit: admit(ticket))
        return self.line.withLock { line in
            // Said before the places are looked at once more: who leaves one meanwhile sees that somebody waits.
            self.waitingCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
            if line.isEmpty, self.take() {
                self.waitingCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
                return .admitted
            }
            guard line.join(ticket, waiter, size: size) else {
                self.waitingCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
                return .full
            }
            return .waiting(ticket: ticket)
        }
    }

    /// Gives a place back, to those who wait for one first.
    func leave() {
        self.count.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        self.admitWaiting()
    }

    /// Calls those who wait, as far as there are places.
    private func admitWaiting() {
        guard self.waitingCount.load(ordering: .sequentiallyConsistent) > 0 else { return }
        self.line.withLock { line in
            while !line.isEmpty, self.take() {
                guard let waiter = line.next() else {
                    self.count.wrappingSubtract(1, ordering: .sequentiallyConsistent)
                    return
                }
                self.waitingCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
                waiter.admit()
            }
        }
    }

    /// Leaves the line. Where the ticket has been called already, its place has to be left instead, by the one called.
    func cancel(_ ticket: UInt64) {
        self.line.withLock { line in
            if line.leave(ticket) { self.waitingCount.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
        }
    }

    private func take() -> Bool {
        // Never counted and taken back: a place that seemed taken for a moment would be one that nobody is called for.
        var count = self.count.load(ordering: .sequentiallyConsistent)
        while count < self.limit.load(ordering: .sequentiallyConsistent) {
            let (isTaken, seen) = self.count.compareExchange(
                expected: count, desired: count + 1, ordering: .sequentiallyConsistent)
            if isTaken { return true }
            count = seen
        }
        return false
    }
}
