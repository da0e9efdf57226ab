private import Synchronization

/// A bound on what all request bodies together may hold in memory, shared by the loops.
final class MemoryBudget: Sendable {
    private let taken = Atomic(0)
    private let limit: Atomic<Int>

    init(limit: Int) {
        self.limit = Atomic(limit)
    }

    /// Takes another limit; what is taken stays taken.
    func update(limit: Int) {
        self.limit.store(limit, ordering: .relaxed)
    }

    /// Takes bytes where they are there. What was taken is given back with the exchange's end, refused or not.
    func take(_ count: Int) -> Bool {
        let before = self.taken.wrappingAdd(count, ordering: .relaxed).oldValue
        guard before + count <= self.limit.load(ordering: .relaxed) else {
            self.taken.wrappingSubtract(count, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Gives bytes back.
    func giveBack(_ count: Int) {
        if count > 0 { self.taken.wrappingSubtract(count, ordering: .relaxed) }
    }

    /// Bytes that are taken now.
    var used: Int { self.taken.load(ordering: .relaxed) }
}
