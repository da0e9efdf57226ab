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
    private let limit: Int
    private let limitByAddress: Int

    init(_ settings: LimitSettings) {
        self.limit = settings.connections ?? Self.halfOfDescriptors
        self.limitByAddress = settings.connectionsPerAddress
    }

    /// Half of the descriptors that the process may open: the other half is for upstreams, files and the listeners.
    private static var halfOfDescriptors: Int { min(ProcessUsage.descriptorLimit, 1 << 24) / 2 }

    /// Takes a place, which is given back with `left`, also where the answer is `full`.
    func entered(_ address: SocketAddress) -> Admission {
        if !address.isLoopback {
            let isAdmitted = self.byAddress.withLock { counts in
                let count = counts[address.host, default: 0]
                guard count < self.limitByAddress else { return false }
                counts[address.host] = count + 1
                return true
            }
            guard isAdmitted else { return .tooManyFromAddress }
        }
        return self.open.wrappingAdd(1, ordering: .relaxed).newValue > self.limit ? .full : .admitted
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
