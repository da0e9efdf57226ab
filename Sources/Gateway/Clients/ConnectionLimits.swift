internal import Configuration
internal import HTTP
private import Synchronization

/// Counts the clients' connections over all loops, in all and by address.
final class ConnectionLimits: Sendable {
    private let open = Atomic(0)
    private let byAddress = Mutex<[IPAddress: Int]>([:])
    private let limit: Atomic<Int>
    private let limitByAddress: Atomic<Int>

    init(_ settings: LimitSettings) {
        self.limit = Atomic(settings.connections ?? Self.halfOfDescriptors)
        self.limitByAddress = Atomic(settings.connectionsPerAddress)
    }

    /// Takes other limits; connections that are there stay.
    func update(_ settings: LimitSettings) {
        self.limit.store(settings.connections ?? Self.halfOfDescriptors, ordering: .relaxed)
        self.limitByAddress.store(settings.connectionsPerAddress, ordering: .relaxed)
    }

    /// Connections that are open now.
    var count: Int { self.open.load(ordering: .relaxed) }

    /// Half of the descriptors that the process may open: the other half is for upstreams, files and the listeners.
    private static var halfOfDescriptors: Int { min(ProcessUsage.descriptorLimit ?? 1024, 1 << 24) / 2 }

    /// Takes a place, which is given back with `leave` whatever the answer is: whether there was room for it.
    func enter() -> Bool {
        self.open.wrappingAdd(1, ordering: .relaxed).newValue <= self.limit.load(ordering: .relaxed)
    }

    /// Gives a place back.
    func leave() {
        self.open.wrappingSubtract(1, ordering: .relaxed)
    }

    /// Takes a place of an address, where it has one left.
    func enter(from address: IPAddress) -> Bool {
        let limit = self.limitByAddress.load(ordering: .relaxed)
        return self.byAddress.withLock { counts in
            let count = counts[address, default: 0]
            guard count < limit else { return false }
            counts[address] = count + 1
            return true
        }
    }

    /// Gives a place of an address back.
    func leave(from address: IPAddress) {
        self.byAddress.withLock { counts in
            let count = counts[address, default: 0]
            counts[address] = count > 1 ? count - 1 : nil
        }
    }
}
