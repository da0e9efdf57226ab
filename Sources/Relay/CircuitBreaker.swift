package import Time

/// Keeps calls away from a function that fails again and again, and tries now and then whether it has recovered.
///
///     closed ── failures in a row ──▶ open ── time over ──▶ half-open ── success ──▶ closed
///                                      ▲                        │
///                                      └──────── failure ───────┘
///
/// Half-open, one call is let through as a probe; the others are held back until it has succeeded or failed. Each call
/// says how it went once, when it is over; a probe that has begun to answer lets the others in already.
package struct CircuitBreaker: Sendable, Equatable {
    package let settings: Settings
    private var state = State.closed(failures: 0)

    /// When it opens, and for how long.
    package struct Settings: Sendable, Hashable {
        /// Failures in a row.
        package var failures: Int
        package var openTime: Duration

        package init(failures: Int = 5, openTime: Duration = .seconds(30)) {
            self.failures = failures
            self.openTime = openTime
        }
    }

    private enum State: Sendable, Equatable {
        case closed(failures: Int)
        case open(until: MonotonicTime)
        case halfOpen
    }

    package init(_ settings: Settings) {
        self.settings = settings
    }

    /// What a call that is to be made may do.
    package enum Permission: Equatable, Sendable {
        case call
        /// Call, and tell how it went: others wait for it.
        case probe
        /// Come again after this long.
        case refuse(for: Duration)
    }

    /// A call is to be made.
    package mutating func permission(at now: MonotonicTime) -> Permission {
        switch self.state {
        case .closed:
            return .call
        case .open(let until):
            if now < until { return .refuse(for: until - now) }
            self.state = .halfOpen
            return .probe
        case .halfOpen:
            // How long the probe takes nobody knows.
            return .refuse(for: .seconds(1))
        }
    }

    /// A call has been answered well; where it is a probe, its answer may have begun only.
    package mutating func succeeded(isProbe: Bool) {
        switch self.state {
        case .closed: self.state = .closed(failures: 0)
        case .halfOpen: if isProbe { self.state = .closed(failures: 0) }
        // One that was under way when others failed says nothing of now.
        case .open: break
        }
    }

    /// A call has failed.
    package mutating func failed(isProbe: Bool, at now: MonotonicTime) {
        switch self.state {
        case .closed(let failures):
            self.state =
                failures + 1 >= self.settings.failures
                ? .open(until: now + self.settings.openTime) : .closed(failures: failures + 1)
        case .halfOpen:
            // The others began long ago: what the probe finds counts.
            if isProbe { self.state = .open(until: now + self.settings.openTime) }
        case .open:
            break
        }
    }

    /// A probe has ended without saying anything of the function: its client has left, for one.
    package mutating func abandonedProbe(at now: MonotonicTime) {
        if case .halfOpen = self.state { self.state = .open(until: now) }
    }

    /// Whether it is closed and nothing has failed: then a success changes nothing.
    package var isCalm: Bool { self.state == .closed(failures: 0) }

    /// As metrics have it: 0 closed, 1 half-open, 2 open. Half-open from the moment in which the next call is let
    /// through, whether or not one comes.
    package func number(at now: MonotonicTime) -> Int {
        switch self.state {
        case .closed: 0
        case .halfOpen: 1
        case .open(let until): now < until ? 2 : 1
        }
    }
}
