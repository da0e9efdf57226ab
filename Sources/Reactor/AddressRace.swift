package import Time

/// Decides which of a name's addresses is tried when, as RFC 8305 ("Happy Eyeballs") has it: IPv6 and IPv4 in turn, the
/// next one 250 ms after the last or at once when one failed, and the first that connects wins.
///
/// The machine never connects or waits; it is told what happened and answers what should be done.
package struct AddressRace: ~Copyable {
    /// What the driver does next.
    package enum Action: Equatable {
        /// Begins to connect to the address at this position of `addresses`.
        case connect(Int)
        /// This attempt has won: take it, drop the others.
        case win(Int)
        /// All addresses failed.
        case lose
        /// Wait for an attempt to end, or for the delay where one is set.
        case wait
    }

    /// The addresses in the order in which they are tried.
    package let addresses: [SocketAddress]
    /// When the next address is tried although the last is still under way; `never` where none is left.
    package private(set) var nextAttempt = MonotonicTime.never

    private var started = 0
    private var failed = 0
    private var isOver = false
    private let delay: Duration

    /// Addresses that are tried at most.
    static let limit = 32

    /// A race between addresses in the resolver's order of preference; those that failed lately come last.
    package init(
        _ addresses: [SocketAddress], after history: AddressHistory = AddressHistory(),
        at now: MonotonicTime = MonotonicTime(nanoseconds: 0), delay: Duration = .milliseconds(250)
    ) {
        self.addresses = Array(history.ordered(Self.interleaved(addresses), at: now).prefix(Self.limit))
        self.delay = delay
    }

    /// RFC 8305 §4: one address of each family in turn, beginning with the family of the first.
    static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
        guard let first = addresses.first else { return [] }
        var same = addresses.filter { $0.family == first.family }[...]
        var other = addresses.filter { $0.family != first.family }[...]
        var result: [SocketAddress] = []
        while let address = same.popFirst() {
            result.append(address)
            if let address = other.popFirst() { result.append(address) }
        }
        return result + other
    }

    /// The race begins.
    package mutating func started(at now: MonotonicTime) -> Action {
        self.startNext(at: now)
    }

    /// The delay has passed.
    package mutating func delayPassed(at now: MonotonicTime) -> Action {
        guard !self.isOver, now >= self.nextAttempt else { return .wait }
        return self.startNext(at: now)
    }

    /// An attempt is up.
    package mutating func attemptConnected(_ position: Int) -> Action {
        // A second winner in the same round lost by a hair.
        guard !self.isOver else { return .wait }
        self.isOver = true
        self.nextAttempt = .never
        return .win(position)
    }

    /// An attempt failed.
    package mutating func attemptFailed(at now: MonotonicTime) -> Action {
        guard !self.isOver else { return .wait }
        self.failed += 1
        if self.started < self.addresses.count { return self.startNext(at: now) }
        guard self.failed == self.addresses.count else { return .wait }
        self.isOver = true
        return .lose
    }

    private mutating func startNext(at now: MonotonicTime) -> Action {
        guard self.started < self.addresses.count else {
            self.nextAttempt = .never
            return self.addresses.isEmpty ? .lose : .wait
        }
        let position = self.started
        self.started += 1
        self.nextAttempt = self.started < self.addresses.count ? now + self.delay : .never
        return .connect(position)
    }
}
