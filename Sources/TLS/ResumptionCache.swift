private import COpenSSL
private import Synchronization

/// The sessions that a client may resume, by the host that they were verified for. Bounded in hosts, and per host.
final class ResumptionCache: Sendable {
    private let state: Mutex<State>
    private let hosts: Int
    private let sessionsPerHost: Int

    private struct State {
        var entries: [String: Entry] = [:]
        /// Counts uses, so that the entry that was not used for the longest time can be found.
        var clock: UInt64 = 0
    }

    private struct Entry {
        var sessions: [LibraryObject]
        var lastUse: UInt64
    }

    init(hosts: Int, sessionsPerHost: Int) {
        self.hosts = hosts
        self.sessionsPerHost = sessionsPerHost
        self.state = Mutex(State())
    }

    /// Keeps a session.
    func insert(_ session: LibraryObject, for host: String) {
        self.state.withLock { state in
            state.clock += 1
            var entry = state.entries.removeValue(forKey: host) ?? Entry(sessions: [], lastUse: 0)
            entry.lastUse = state.clock
            if entry.sessions.count >= self.sessionsPerHost { entry.sessions.removeFirst() }
            entry.sessions.append(session)
            if state.entries.count >= self.hosts,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
            {
                state.entries[oldest] = nil
            }
            state.entries[host] = entry
        }
    }

    /// The newest session for a host that is still good. One of TLS 1.3 is taken out (RFC 8446 §C.4: Clients SHOULD
    /// NOT reuse a ticket for multiple connections).
    func take(for host: String) -> LibraryObject? {
        self.state.withLock { state in
            state.clock += 1
            guard var entry = state.entries.removeValue(forKey: host) else { return nil }
            entry.lastUse = state.clock
            while let session = entry.sessions.popLast() {
                guard Self.isGood(session) else { continue }
                if unsafe SSL_SESSION_get_protocol_version(session.pointer) != TLS1_3_VERSION {
                    entry.sessions.append(session)
                }
                if !entry.sessions.isEmpty { state.entries[host] = entry }
                return session
            }
            return nil
        }
    }

    /// The number of hosts, for tests.
    var count: Int { self.state.withLock { $0.entries.count } }

    /// Whether the session may be resumed, and the certificate that it was begun with would still be believed.
    private static func isGood(_ session: LibraryObject) -> Bool {
        guard unsafe SSL_SESSION_is_resumable(session.pointer) == 1 else { return false }
        guard let certificate = unsafe SSL_SESSION_get0_peer(session.pointer) else { return false }
        return unsafe CertificateReading.isCurrent(certificate)
    }
}
