private import COpenSSL
private import Synchronization
package import Time

/// The keys that session tickets are sealed with, shared by all loops and kept over reloads.
///
/// The newest key seals. It is replaced after each interval, and opens tickets for one interval more, which is how long
/// a ticket lives: so no key lives longer than two intervals, and none opens what was recorded before that.
package final class TicketKeys: Sendable {
    /// How long a ticket is good for; the same as the interval.
    package let lifetime: Duration
    private let state: Mutex<State>
    /// When the newest key is due to be replaced: what each new session looks at.
    private let due: Atomic<Int64>

    private struct State {
        /// The newest first; each with the moment from which on it opens nothing more.
        var keys: [(key: TicketKey, end: MonotonicTime)]
    }

    /// Makes the first key.
    package init(interval: Duration = .seconds(8 * 3600), at now: MonotonicTime) {
        self.lifetime = interval
        self.state = Mutex(State(keys: [(TicketKey(), now + interval + interval)]))
        self.due = Atomic((now + interval).nanoseconds)
    }

    /// Replaces the newest key where it is due.
    package func rotateIfDue(at now: MonotonicTime) {
        if now.nanoseconds >= self.due.load(ordering: .relaxed) { self.rotate(at: now, isForced: false) }
    }

    /// Replaces the newest key now.
    package func rotate(at now: MonotonicTime) {
        self.rotate(at: now, isForced: true)
    }

    private func rotate(at now: MonotonicTime, isForced: Bool) {
        self.state.withLock { state in
            // Another loop may have been first.
            guard isForced || now.nanoseconds >= self.due.load(ordering: .relaxed) else { return }
            state.keys.removeAll { $0.end <= now }
            // However often it is forced, the number of keys stays bounded.
            if state.keys.count > 7 { state.keys.removeLast(state.keys.count - 7) }
            state.keys.insert((TicketKey(), now + self.lifetime + self.lifetime), at: 0)
            self.due.store((now + self.lifetime).nanoseconds, ordering: .relaxed)
        }
    }

    /// The key that seals.
    var current: TicketKey {
        self.state.withLock { $0.keys[0].key }
    }

    /// The key of a name, and whether it is the one that seals.
    func key(named name: Span<UInt8>) -> (key: TicketKey, isCurrent: Bool)? {
        self.state.withLock { state in
            for index in state.keys.indices where state.keys[index].key.hasName(name) {
                return (state.keys[index].key, index == 0)
            }
            return nil
        }
    }
}

/// One key: the name that stands in tickets, and the secrets for AES-256-CBC and HMAC-SHA-256 (RFC 5077 §4).
struct TicketKey: Sendable {
    private(set) var name = InlineArray<16, UInt8>(repeating: 0)
    private(set) var cipherKey = InlineArray<32, UInt8>(repeating: 0)
    private(set) var authenticationKey = InlineArray<32, UInt8>(repeating: 0)

    /// A random key.
    init() {
        var succeeded = true
        var bytes = self.name.mutableSpan
        succeeded = unsafe bytes.withUnsafeMutableBufferPointer { unsafe RAND_bytes($0.baseAddress, 16) == 1 }
        bytes = self.cipherKey.mutableSpan
        succeeded =
            unsafe bytes.withUnsafeMutableBufferPointer { unsafe RAND_priv_bytes($0.baseAddress, 32) == 1 } && succeeded
        bytes = self.authenticationKey.mutableSpan
        succeeded =
            unsafe bytes.withUnsafeMutableBufferPointer { unsafe RAND_priv_bytes($0.baseAddress, 32) == 1 } && succeeded
        // INVARIANT: the generator is seeded by the kernel, and only a libcrypto that cannot work at all fails.
        precondition(succeeded, "libcrypto has no random bytes")
    }

    /// Whether a ticket with this name was sealed with this key. Names are no secret.
    func hasName(_ other: Span<UInt8>) -> Bool {
        guard other.count == 16 else { return false }
        for index in 0..<16 where self.name[index] != other[index] { return false }
        return true
    }
}
