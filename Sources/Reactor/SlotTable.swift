/// The sources of a loop by slot and generation.
struct SlotTable: ~Copyable {
    /// The token of the loop's own mailbox; no slot has it.
    static let mailboxToken = UInt64.max

    private struct Slot {
        var generation: UInt32 = 0
        var source: EventSource?
    }

    private var slots: [Slot] = []
    private var free: [Int32] = []

    var count: Int { self.slots.count - self.free.count }

    mutating func add(_ source: EventSource) -> (slot: Int32, token: UInt64) {
        let slot: Int32
        if let reused = self.free.popLast() {
            slot = reused
        } else {
            slot = Int32(self.slots.count)
            self.slots.append(Slot())
        }
        self.slots[Int(slot)].source = source
        return (slot, self.token(of: slot))
    }

    mutating func remove(_ slot: Int32) {
        self.slots[Int(slot)].source = nil
        self.slots[Int(slot)].generation &+= 1
        self.free.append(slot)
    }

    func token(of slot: Int32) -> UInt64 {
        UInt64(self.slots[Int(slot)].generation) << 32 | UInt64(UInt32(bitPattern: slot))
    }

    func source(for token: UInt64) -> EventSource? {
        let index = Int(token & 0xffff_ffff)
        guard index < self.slots.count, self.slots[index].generation == UInt32(token >> 32) else { return nil }
        return self.slots[index].source
    }
}
