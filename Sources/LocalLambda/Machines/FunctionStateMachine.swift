package import Time

/// Brings the invocations of one function to its children: who waits, who is free, when one more process is started,
/// and when a call has waited too long.
///
///     arrived ──▶ a child is free ──────────────────────────▶ deliver
///        │
///        ├─────▶ fewer children than allowed ──▶ start ──┐
///        │                                               ├──▶ waits ── childBecameFree ──▶ deliver
///        ├─────▶ all are busy ───────────────────────────┘      │ expired, childFailedToStart, abandoned
///        │                                                      ▼
///        └─────▶ too many wait ──▶ refuse                    refuse, fail, forget
///
/// A child is started only where nobody who is starting up would take the call. While a child is starting, the call
/// that it will take does not expire: starting up has a limit of its own.
package struct FunctionStateMachine: ~Copyable {
    private let limits: Limits
    private var children: [ChildID: Condition] = [:]
    /// Free children; the one that was busy last is taken first, as its memory is warm.
    private var free: [ChildID] = []
    private var waiting: [Waiting] = []
    private var startedCount = 0

    /// What bounds a function.
    package struct Limits: Sendable, Equatable {
        /// Processes at the same time.
        package var concurrency: Int
        /// Calls that may wait.
        package var waiting: Int
        /// How long a call may wait.
        package var wait: Duration

        package init(concurrency: Int, waiting: Int = 1000, wait: Duration) {
            self.concurrency = concurrency
            self.waiting = waiting
            self.wait = wait
        }
    }

    private enum Condition {
        case starting
        case free
        case busy
        /// Will take nothing any more, but takes up its place until it has ended.
        case leaving
    }

    private struct Waiting {
        let id: InvocationID
        let deadline: MonotonicTime
    }

    package init(limits: Limits) {
        self.limits = limits
    }

    /// Processes that have not ended.
    package var childCount: Int { self.children.count }

    /// Calls that wait.
    package var waitingCount: Int { self.waiting.count }

    private var startingCount: Int { self.children.values.count { $0 == .starting } }

    /// What to do with a call.
    package enum ArrivalAction: Equatable {
        case deliver(to: ChildID)
        case wait
        case waitAndStart(ChildID)
        /// Too many wait already.
        case refuse
    }

    /// A call has come. One that nobody waits for (`isPatient`) never expires.
    package mutating func arrived(_ id: InvocationID, isPatient: Bool = false, now: MonotonicTime) -> ArrivalAction {
        if let child = self.free.popLast() {
            self.children[child] = .busy
            return .deliver(to: child)
        }
        guard self.waiting.count < self.limits.waiting else { return .refuse }
        self.waiting.append(Waiting(id: id, deadline: isPatient ? .never : now + self.limits.wait))
        guard let child = self.startedChild() else { return .wait }
        return .waitAndStart(child)
    }

    /// The child that was to run a call had ended before it saw it: another takes it, or it is the first to wait. Its
    /// time to wait begins anew.
    package mutating func givenBack(_ id: InvocationID, by child: ChildID, now: MonotonicTime) -> ArrivalAction {
        self.childIsLeaving(child)
        if let other = self.free.popLast() {
            self.children[other] = .busy
            return .deliver(to: other)
        }
        self.waiting.insert(Waiting(id: id, deadline: now + self.limits.wait), at: 0)
        guard let other = self.startedChild() else { return .wait }
        return .waitAndStart(other)
    }

    /// What a child that is free does.
    package enum FreeAction: Equatable {
        case deliver(InvocationID)
        case rest
    }

    /// A child has asked for an invocation.
    package mutating func childBecameFree(_ child: ChildID) -> FreeAction {
        switch self.children[child] {
        case .starting, .busy, .free:
            guard !self.waiting.isEmpty else {
                if self.children[child] != .free { self.free.append(child) }
                self.children[child] = .free
                return .rest
            }
            self.free.removeAll { $0 == child }
            self.children[child] = .busy
            return .deliver(self.waiting.removeFirst().id)
        case .leaving, nil:
            return .rest
        }
    }

    /// A child will take nothing any more: it was killed, told to end, or has said that it cannot go on. Answers the
    /// call that fails with it, where it was starting up for one.
    package mutating func childFailedToStart(_ child: ChildID) -> InvocationID? {
        guard self.children[child] == .starting else { return nil }
        self.children[child] = .leaving
        return self.waiting.isEmpty ? nil : self.waiting.removeFirst().id
    }

    /// A child is on its way out and will ask for nothing any more.
    package mutating func childIsLeaving(_ child: ChildID) {
        guard self.children[child] != nil else { return }
        self.free.removeAll { $0 == child }
        self.children[child] = .leaving
    }

    /// A child has ended. Answers the child to start in its place, where calls wait that nobody else would take.
    package mutating func childEnded(_ child: ChildID) -> ChildID? {
        self.free.removeAll { $0 == child }
        self.children[child] = nil
        return self.startedChild()
    }

    /// The caller has gone. Answers whether the call was still waiting.
    package mutating func abandoned(_ id: InvocationID) -> Bool {
        guard let index = self.waiting.firstIndex(where: { $0.id == id }) else { return false }
        self.waiting.remove(at: index)
        return true
    }

    /// When `expire` has to be called next, or `never`.
    package var nextExpiry: MonotonicTime {
        self.waiting.dropFirst(self.startingCount).reduce(.never) { min($0, $1.deadline) }
    }

    /// Takes out the calls that have waited too long.
    package mutating func expire(now: MonotonicTime) -> [InvocationID] {
        let exempt = self.startingCount
        var expired: [InvocationID] = []
        var kept: [Waiting] = []
        for (index, entry) in self.waiting.enumerated() {
            if index >= exempt, entry.deadline <= now { expired.append(entry.id) } else { kept.append(entry) }
        }
        self.waiting = kept
        return expired
    }

    /// The function is no more. Answers the calls that waited.
    package mutating func stopped() -> [InvocationID] {
        defer { self.waiting = [] }
        return self.waiting.map(\.id)
    }

    /// One more child where a call waits that no starting child would take, and where there is room for one.
    private mutating func startedChild() -> ChildID? {
        guard self.waiting.count > self.startingCount, self.children.count < self.limits.concurrency else { return nil }
        self.startedCount += 1
        let child = ChildID(self.startedCount)
        self.children[child] = .starting
        return child
    }
}

@available(*, unavailable)
extension FunctionStateMachine: Sendable {}
