/// Those who wait for a place of a function that has as many calls as it may: first in, first out, and no more than
/// `size`.
///
/// Decides only who is next; places are counted elsewhere.
package struct WaitingLine<Waiter> {
    private var waiting: [(ticket: UInt64, waiter: Waiter)?] = []
    /// Where the first one stands; those before it have gone.
    private var head = 0
    /// How many wait.
    package private(set) var count = 0

    package init() {}

    /// Whether nobody waits.
    package var isEmpty: Bool { self.count == 0 }

    /// Takes a place at the end of a line that may be of `size`; answers whether there was one.
    package mutating func join(_ ticket: UInt64, _ waiter: Waiter, size: Int) -> Bool {
        guard self.count < size else { return false }
        self.waiting.append((ticket, waiter))
        self.count += 1
        return true
    }

    /// The one who has waited longest, who leaves the line with it.
    package mutating func next() -> Waiter? {
        while self.head < self.waiting.count {
            let entry = self.waiting[self.head]
            self.waiting[self.head] = nil
            self.head += 1
            self.compact()
            if let entry {
                self.count -= 1
                return entry.waiter
            }
        }
        return nil
    }

    /// Leaves the line; answers whether the ticket was still in it, so that nobody calls it any more.
    package mutating func leave(_ ticket: UInt64) -> Bool {
        guard let index = self.waiting[self.head...].firstIndex(where: { $0?.ticket == ticket }) else { return false }
        self.waiting[index] = nil
        self.count -= 1
        self.compact()
        return true
    }

    /// Forgets those who have gone, once they are the greater part.
    private mutating func compact() {
        if self.count == 0 {
            self.waiting.removeAll(keepingCapacity: true)
            self.head = 0
        } else if self.waiting.count > 2 * self.count + 16 {
            self.waiting = self.waiting[self.head...].filter { $0 != nil }
            self.head = 0
        }
    }
}

extension WaitingLine: Sendable where Waiter: Sendable {}
