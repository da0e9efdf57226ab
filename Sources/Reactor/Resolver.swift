private import CLinux
private import Glibc
private import Synchronization
package import Time

/// Looks names up off the loops, and remembers what it found.
///
/// An answer serves for `freshness` without a further look-up; after that it still serves at once, while it is looked
/// up again in the background, so that a request never waits for a name that was known. A name that stopped resolving
/// keeps its last addresses: connecting to them will show whether they are of use.
package final class Resolver: Sendable {
    /// Looks a name up, blocking. Addresses carry port 0.
    package typealias Lookup = @Sendable (String) -> Result<[SocketAddress], ResolveError>

    private struct Entry {
        var addresses: [SocketAddress] = []
        var found: MonotonicTime?
        var failed: (error: ResolveError, at: MonotonicTime)?
        var isUnderWay = false
        var waiting: [(mailbox: Mailbox, answer: @Sendable (Loop, Result<[SocketAddress], ResolveError>) -> Void)] = []
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Names for which no thread was free.
        var queue: [String] = []
        var threads = 0
    }

    private let state = Mutex(State())
    private let lookup: Lookup
    private let clock: @Sendable () -> MonotonicTime

    /// How long an answer serves without a new look-up.
    private static let freshness = Duration.seconds(30)
    /// How long a failure is believed.
    private static let disbelief = Duration.seconds(1)
    /// Names that are remembered.
    private static let capacity = 10_000
    /// Names that are looked up at once.
    private static let threads = 32

    /// A resolver of the system's names, or one with a look-up of a test's own.
    package init(
        lookup: @escaping Lookup = Resolver.systemLookup,
        clock: @escaping @Sendable () -> MonotonicTime = { LoopClock.system.monotonic() }
    ) {
        self.lookup = lookup
        self.clock = clock
    }

    /// Finds a name's addresses. Literal addresses and remembered names are answered within the call, others later on
    /// the loop of the mailbox.
    package func resolve(
        _ name: String, port: UInt16, for mailbox: Mailbox,
        _ answer: @escaping @Sendable (Loop, Result<[SocketAddress], ResolveError>) -> Void
    ) -> Result<[SocketAddress], ResolveError>? {
        if let address = SocketAddress(literal: name, port: port) { return .success([address]) }
        let now = self.clock()
        let (known, mustStart) = self.state.withLock { state in
            if state.entries.count >= Self.capacity, state.entries[name] == nil {
                state.entries = state.entries.filter { $0.value.isUnderWay }
            }
            var entry = state.entries[name] ?? Entry()
            var known: Result<[SocketAddress], ResolveError>?
            var isFresh = false
            if let failed = entry.failed, entry.addresses.isEmpty, now - failed.at < Self.disbelief {
                known = .failure(failed.error)
                isFresh = true
            } else if let found = entry.found {
                known = .success(entry.addresses)
                isFresh = now - found < Self.freshness || entry.failed.map { now - $0.at < Self.disbelief } ?? false
            }
            if known == nil {
                entry.waiting.append((mailbox, { loop, result in answer(loop, result.map { $0.with(port: port) }) }))
            }
            let mustStart = !isFresh && !entry.isUnderWay
            if mustStart { entry.isUnderWay = true }
            state.entries[name] = entry
            return (known, mustStart)
        }
        if mustStart { self.start(name) }
        return known?.map { $0.with(port: port) }
    }

    /// One thread for each name under way, up to a limit: getaddrinfo blocks, and a name whose servers are silent must
    /// not hold up others.
    private func start(_ name: String) {
        let mustWait = self.state.withLock { state in
            if state.threads < Self.threads {
                state.threads += 1
                return false
            }
            state.queue.append(name)
            return true
        }
        guard !mustWait else { return }
        do {
            _ = try SystemThread(name: "resolver") { self.work(from: name) }
        } catch {
            self.finish(name, .failure(ResolveError(name: name, reason: error.description)))
            while let next = self.nextName() {
                self.finish(next, .failure(ResolveError(name: next, reason: error.description)))
            }
        }
    }

    /// What a thread does: its name, and then those that wait for a thread.
    private func work(from first: String) {
        var name = first
        while true {
            self.finish(name, self.lookup(name))
            guard let next = self.nextName() else { return }
            name = next
        }
    }

    /// A name that waits for a thread, or `nil`, and then the thread counts as gone.
    private func nextName() -> String? {
        self.state.withLock { state in
            if state.queue.isEmpty {
                state.threads -= 1
                return nil
            }
            return state.queue.removeFirst()
        }
    }

    private func finish(_ name: String, _ result: Result<[SocketAddress], ResolveError>) {
        let now = self.clock()
        let (waiting, answer) = self.state.withLock { state in
            var entry = state.entries[name] ?? Entry()
            entry.isUnderWay = false
            switch result {
            case .success(let addresses):
                entry.addresses = addresses
                entry.found = now
                entry.failed = nil
            case .failure(let error):
                entry.failed = (error, now)
            }
            let waiting = entry.waiting
            entry.waiting = []
            state.entries[name] = entry
            return (waiting, result)
        }
        for (mailbox, deliver) in waiting {
            mailbox.post { loop in deliver(loop, answer) }
        }
    }

    /// What the C library finds, in its order of preference (RFC 6724).
    package static let systemLookup: Lookup = { name in
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = sluice_SOCK_STREAM
        unsafe hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(name, nil, &hints, &list)
        guard code == 0 else {
            // SAFETY: gai_strerror returns a constant text.
            let reason =
                unsafe code == EAI_SYSTEM ? SystemError.text(of: lastErrorCode) : String(cString: gai_strerror(code))
            return .failure(ResolveError(name: name, reason: reason))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let info = unsafe next {
            var storage = sockaddr_storage()
            let length = unsafe min(Int(info.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
            unsafe withUnsafeMutableBytes(of: &storage) { target in
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: info.pointee.ai_addr, count: length))
            }
            if let address = unsafe SocketAddress(&storage, length: socklen_t(length)), !addresses.contains(address) {
                addresses.append(address)
            }
            unsafe next = info.pointee.ai_next
        }
        guard !addresses.isEmpty else { return .failure(ResolveError(name: name, reason: "no address")) }
        return .success(addresses)
    }
}

/// A name that could not be looked up, and what the system says of it.
package struct ResolveError: Error, Equatable, Sendable, CustomStringConvertible {
    package let name: String
    package let reason: String

    package init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }

    /// `cannot resolve lambda.eu-west-1.amazonaws.com: Name or service not known`.
    package var description: String { "cannot resolve \(self.name): \(self.reason)" }
}

extension [SocketAddress] {
    fileprivate func with(port: UInt16) -> [SocketAddress] {
        self.map { SocketAddress(host: $0.host, port: port) }
    }
}
