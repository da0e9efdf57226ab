internal import AWS
internal import Reactor
private import Synchronization
internal import Time

/// Keys, and until when they may be used without asking for others.
final class CredentialLease: Sendable {
    let credentials: Credentials
    let usableUntil: WallTime

    init(_ credentials: Credentials, usableUntil: WallTime = WallTime(milliseconds: .max)) {
        self.credentials = credentials
        self.usableUntil = usableUntil
    }
}

/// Where functions get the keys from with which their calls are signed. Loops read it; a keeper on another thread
/// renews what it holds, where the keys come from a source that renews them.
final class CredentialStore: Sendable {
    /// Never used again in this process, so that a loop can file things under it.
    let id: Int
    /// Where the keys come from, in words.
    let source: String
    /// Whether there is somewhere that they could come from.
    let hasSource: Bool
    /// Keys that nobody renews.
    let fixed: CredentialLease?
    /// Rises with each change, so that loops need not take the lock to see that nothing changed.
    private let changes = Atomic(0)
    private let state: Mutex<State>

    private struct State {
        var lease: CredentialLease?
        var keeper: (mailbox: Mailbox, slot: LoopBound<KeeperSlot>)?
        var observer: (@Sendable (Credentials) -> Void)?
        /// Why there are none, or no new ones, and what to do.
        var fault: CredentialError?
    }

    private static let nextID = Atomic(0)

    /// A store of keys that stay.
    init(_ credentials: Credentials) {
        self.id = Self.nextID.wrappingAdd(1, ordering: .relaxed).newValue
        self.source = "keys \(credentials.accessKeyID)"
        self.hasSource = true
        self.fixed = CredentialLease(credentials)
        self.state = Mutex(State(lease: self.fixed))
    }

    /// A store that stays empty.
    init(_ fault: CredentialError) {
        self.id = Self.nextID.wrappingAdd(1, ordering: .relaxed).newValue
        self.source = "nowhere"
        self.hasSource = false
        self.fixed = nil
        self.state = Mutex(State(fault: fault))
    }

    /// A store that a keeper fills.
    init(source: String) {
        self.id = Self.nextID.wrappingAdd(1, ordering: .relaxed).newValue
        self.source = source
        self.hasSource = true
        self.fixed = nil
        self.state = Mutex(State())
    }

    /// The number of the last change.
    var version: Int { self.changes.load(ordering: .acquiring) }

    /// What it holds now, usable or not, with the number of the change that brought it.
    var current: (lease: CredentialLease?, version: Int) {
        self.state.withLock { ($0.lease, self.version) }
    }

    /// Why there are no keys to use at this moment; `nil` where there are.
    func obstacle(at now: WallTime) -> String? {
        self.state.withLock { state in
            if let lease = state.lease, lease.usableUntil > now { return nil }
            return state.fault?.description ?? "no keys have come from \(self.source) yet"
        }
    }

    /// When the keys expire, for metrics; `nil` where they do not, or there are none.
    var expiration: WallTime? { self.state.withLock { $0.lease?.credentials.expiration } }

    /// Asks for keys on behalf of a loop. `answer` is called on that loop later, with `nil` where there are keys now,
    /// else with what is wrong.
    func want(on mailbox: Mailbox, _ answer: @escaping @Sendable (Loop, CredentialError?) -> Void) {
        let (door, fault) = self.state.withLock { ($0.keeper, $0.fault) }
        guard let door else {
            let fault = self.fixed == nil ? fault ?? .unanswered(source: self.source, reason: "it is not asked") : nil
            mailbox.post { loop in answer(loop, fault) }
            return
        }
        door.mailbox.post { loop in
            guard let keeper = door.slot.value(on: loop).keeper else { return }
            keeper.wanted { error in mailbox.post { loop in answer(loop, error) } }
        }
    }

    /// AWS said that a key is over before its time. Answers whether others can be had.
    func takenBack(_ keyID: String) -> Bool {
        guard let door = self.state.withLock({ $0.keeper }) else { return false }
        self.change { state in
            if state.lease?.credentials.accessKeyID == keyID { state.lease = nil }
        }
        door.mailbox.post { loop in door.slot.value(on: loop).keeper?.takenBack(keyID) }
        return true
    }

    /// Has the keys told that there are now, and each new set of them, from the keeper's thread. There is one observer.
    func observe(_ observer: (@Sendable (Credentials) -> Void)?) {
        let credentials = self.state.withLock { state in
            state.observer = observer
            return state.lease?.credentials
        }
        if let observer, let credentials { observer(credentials) }
    }

    // For the keeper.

    /// Who keeps the store filled; `nil` to let go of it.
    func attach(_ keeper: (mailbox: Mailbox, slot: LoopBound<KeeperSlot>)?) {
        self.state.withLock { $0.keeper = keeper }
    }

    /// New keys, or the same for longer.
    func publish(_ lease: CredentialLease) {
        var observer: (@Sendable (Credentials) -> Void)?
        self.change { state in
            state.lease = lease
            observer = state.observer
        }
        observer?(lease.credentials)
    }

    /// Why the last fetch gave no keys; `nil` where it did.
    func note(_ fault: CredentialError?) {
        self.state.withLock { $0.fault = fault }
    }

    private func change(_ body: (inout State) -> Void) {
        self.state.withLock { state in
            body(&state)
            self.changes.wrappingAdd(1, ordering: .releasing)
        }
    }
}

/// The leases of one loop, so that a request asks no lock.
struct LoopLeases {
    private var known: [Int: (lease: CredentialLease?, version: Int)] = [:]

    /// The keys of a store that renews them, which may be used at this moment. `nil` where there are none, and `want`
    /// has to be asked.
    mutating func lease(of store: CredentialStore, at now: () -> WallTime) -> CredentialLease? {
        var entry = self.known[store.id] ?? (nil, -1)
        if entry.version != store.version {
            entry = store.current
            self.known[store.id] = entry
        }
        guard let lease = entry.lease, lease.usableUntil > now() else { return nil }
        return lease
    }
}
