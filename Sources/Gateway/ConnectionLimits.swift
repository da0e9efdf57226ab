internal import Configuration
internal import Reactor
private import Synchronization

/// Counts the clients' connections over all loops, in all and by address.
///
/// Loopback is exempt from the limit by address: it is where load balancers of the same machine and health checks are.
final class ConnectionLimits: Sendable {
    /// Whether a connection may stay.
    enum Admission: Equatable {
        case admitted
        /// The address has as many as one may have.
        case tooManyFromAddress
        /// There is room only where an idle connection is closed.
        case full
    }

    private let open = Atomic(0)
    private let byAddress = Mutex<[SocketAddress.Host: Int]>([:])
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
    private static var halfOfDescriptors: Int { min(ProcessUsage.descriptorLimit, 1 << 24) / 2 }

    /// Takes a place, which is given back with `left`, also where the answer is `full`.
    func entered(_ address: SocketAddress) -> Admission {
        if !address.isLoopback {
            let limitByAddress = self.limitByAddress.load(ordering: .relaxed)
            let isAdmitted = self.byAddress.withLock { counts in
                let count = counts[address.host, default: 0]
                guard count < limitByAddress else { return false }
                counts[address.host] = count + 1
                return true
            }
            guard isAdmitted else { return .tooManyFromAddress }
        }
        return self.open.wrappingAdd(1, ordering: .relaxed).newValue > self.limit.load(ordering: .relaxed)
            ? .full : .admitted
    }

    /// Gives a place back.
    func left(_ address: SocketAddress) {
        self.open.wrappingSubtract(1, ordering: .relaxed)
        guard !address.isLoopback else { return }
        self.byAddress.withLock { counts in
            let count = counts[address.host, default: 0]
            counts[address.host] = count > 1 ? count - 1 : nil
        }
    }
}
