package import Time

/// Which addresses could not be connected to lately, so that dials try others first.
///
/// An address that failed is never left out: where all have failed, all are tried.
package struct AddressHistory {
    private var failures: [SocketAddress: MonotonicTime] = [:]

    /// For how long a failure counts.
    static let memory = Duration.seconds(30)
    /// Failures that are remembered at most.
    static let limit = 256

    package init() {}

    /// Connecting failed, or took so long that another address was faster.
    package mutating func failed(_ address: SocketAddress, at now: MonotonicTime) {
        if self.failures.count >= Self.limit { self.failures = self.failures.filter { now - $0.value < Self.memory } }
        guard self.failures.count < Self.limit else { return }
        self.failures[address] = now
    }

    /// The address is up.
    package mutating func connected(_ address: SocketAddress) {
        if !self.failures.isEmpty { self.failures[address] = nil }
    }

    /// The addresses in the same order, but for those that failed lately, which come last.
    package func ordered(_ addresses: [SocketAddress], at now: MonotonicTime) -> [SocketAddress] {
        if self.failures.isEmpty { return addresses }
        let isDoubtful = { (address: SocketAddress) in
            self.failures[address].map { now - $0 < Self.memory } ?? false
        }
        return addresses.filter { !isDoubtful($0) } + addresses.filter(isDoubtful)
    }
}
