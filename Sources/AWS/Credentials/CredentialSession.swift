package import Time

/// The life of the credentials of one plan: when they are fetched, how long they are used, and what those get who want
/// them meanwhile.
///
///     empty ── fetched ──▶ usable ── due ──▶ usable, renewed beside it ── fetched ──▶ usable
///       ▲                    │                         │
///       └── failed           └── expired ──▶ waited for ┘
///
/// Keys are renewed from a quarter of an hour before they expire, or from half of their life, whichever is later. They
/// are used until they have expired; only then those who want keys wait. There is one fetch at a time, and at most one
/// a second.
package struct CredentialSession: ~Copyable {
    /// The last keys that came, which may have expired.
    package private(set) var credentials: Credentials?
    /// Why the last fetch failed; `nil` where it did not.
    package private(set) var lastError: CredentialError?
    private let keepsExpiredKeys: Bool
    private var isFetching = false
    private var lastBegan: MonotonicTime?
    private var failures = 0
    /// When the keys are to be renewed.
    private var renewal: WallTime?
    /// Not before this moment, after a failure.
    private var retry: MonotonicTime?
    /// AWS does not take the keys any more, whatever their time.
    private var isTakenBack = false

    /// Now, by both clocks. The wall clock is AWS's, as far as its difference to ours is known.
    package struct Moment: Sendable {
        package let monotonic: MonotonicTime
        package let wall: WallTime

        package init(monotonic: MonotonicTime, wall: WallTime) {
            self.monotonic = monotonic
            self.wall = wall
        }
    }

    /// - Parameter keepsExpiredKeys: Whether keys that have expired are used on while their source gives no others.
    package init(keepsExpiredKeys: Bool = false) {
        self.keepsExpiredKeys = keepsExpiredKeys
    }

    private static var leastPause: Duration { .seconds(1) }
    private static var longestPause: Duration { .seconds(30) }
    private static var renewalAhead: Duration { .seconds(15 * 60) }
    /// How often the wall clock is looked at, which may be set.
    private static var look: Duration { .seconds(60) }

    /// What somebody who wants keys gets.
    package enum WantAction: Equatable {
        case use(Credentials)
        /// They come with the fetch that runs, or with one that the deadline will begin.
        case wait
        /// The same, and the fetch has to be begun now.
        case fetchAndWait
        case refuse(CredentialError)
    }

    /// Somebody wants keys.
    package mutating func wanted(at now: Moment) -> WantAction {
        if let credentials = self.credentials, self.usableUntil(at: now.wall) != nil { return .use(credentials) }
        if self.isFetching { return .wait }
        if self.mayFetch(at: now.monotonic) {
            self.began(at: now.monotonic)
            return .fetchAndWait
        }
        guard let error = self.lastError, !error.isTransient else {
            self.retry = self.earliestFetch
            return .wait
        }
        return .refuse(error)
    }

    /// Keys have come.
    package mutating func fetched(
        _ credentials: Credentials, at now: Moment, hasWaiting: Bool, spread: Double
    ) -> FetchAction {
        if let expiration = credentials.expiration, expiration <= now.wall, !self.keepsExpiredKeys {
            return self.failed(
                .unanswered(source: "their source", reason: "it gave keys that have expired already"), at: now,
                hasWaiting: hasWaiting, spread: spread)
        }
        self.isFetching = false
        self.failures = 0
        self.retry = nil
        self.lastError = nil
        self.isTakenBack = false
        self.credentials = credentials
        self.renewal = credentials.expiration.map { expiration in
            if expiration <= now.wall { return now.wall + Self.stalePause(spread) }
            let half = now.wall + (expiration - now.wall) / 2
            return max(half, expiration + (.zero - Self.renewalAhead))
        }
        return .use(credentials)
    }

    /// What the end of a fetch leads to.
    package enum FetchAction: Equatable {
        /// Those who wait get these.
        case use(Credentials)
        /// Those who wait go on waiting: another fetch will follow.
        case keepWaiting
        /// Those who wait are refused.
        case refuse(CredentialError)
    }

    /// A fetch failed. `spread` is a random number from 0 to 1.
    package mutating func failed(
        _ error: CredentialError, at now: Moment, hasWaiting: Bool, spread: Double
    ) -> FetchAction {
        self.isFetching = false
        self.lastError = error
        self.failures += 1
        var pause = min(Self.leastPause * (1 << min(self.failures - 1, 5)), Self.longestPause)
        defer { self.retry = now.monotonic + pause }
        if let credentials = self.credentials {
            if !self.isTakenBack, credentials.expiration.map({ $0 > now.wall }) ?? true { return .use(credentials) }
            if self.keepsExpiredKeys, !self.isTakenBack {
                pause = Self.stalePause(spread)
                self.renewal = now.wall + pause
                return .use(credentials)
            }
        }
        guard error.isTransient else { return .refuse(error) }
        if hasWaiting { pause = Self.leastPause }
        return .keepWaiting
    }

    /// AWS said that these keys are over, whatever their source had said of their end.
    package mutating func takenBack(_ keyID: String) {
        if self.credentials?.accessKeyID == keyID { self.isTakenBack = true }
    }

    /// Keys of instances that have expired are tried again in 10 to 25 minutes, each instance at another time.
    private static func stalePause(_ spread: Double) -> Duration {
        .seconds(10 * 60 + Int(15 * 60 * min(max(spread, 0), 1)))
    }
}

/// Time.
extension CredentialSession {
    /// The next moment at which `deadlinePassed` has to be called, or `never`.
    package func deadline(at now: Moment) -> MonotonicTime {
        if self.isFetching { return .never }
        var deadline = MonotonicTime.never
        if let renewal = self.renewal {
            deadline = min(now.monotonic + max(.zero, renewal - now.wall), now.monotonic + Self.look)
        } else if self.credentials == nil {
            deadline = now.monotonic
        }
        if self.isTakenBack { deadline = now.monotonic }
        return max(deadline, self.retry ?? deadline, self.earliestFetch ?? deadline)
    }

    /// What a moment that has come leads to.
    package enum DeadlineAction: Equatable {
        case fetch
        /// Nothing is due; look at `deadline` again.
        case wait
    }

    /// The moment of `deadline` may have come. Also the very first fetch begins with it.
    package mutating func deadlinePassed(at now: Moment) -> DeadlineAction {
        guard !self.isFetching, self.mayFetch(at: now.monotonic), now.monotonic >= self.retry ?? now.monotonic else {
            return .wait
        }
        let isDue = self.credentials == nil || self.isTakenBack || self.renewal.map { $0 <= now.wall } ?? false
        guard isDue else { return .wait }
        self.began(at: now.monotonic)
        return .fetch
    }

    /// Until when the keys may be used without asking again; `nil` where there are none that may be.
    package func usableUntil(at wall: WallTime) -> WallTime? {
        guard let credentials = self.credentials, !self.isTakenBack else { return nil }
        guard let expiration = credentials.expiration else { return WallTime(milliseconds: .max) }
        if expiration > wall { return expiration }
        // Their source was asked for others since, and gave none.
        guard self.keepsExpiredKeys, let renewal = self.renewal, renewal > wall else { return nil }
        return renewal
    }

    private mutating func began(at now: MonotonicTime) {
        self.isFetching = true
        self.lastBegan = now
    }

    private var earliestFetch: MonotonicTime? { self.lastBegan.map { $0 + Self.leastPause } }

    private func mayFetch(at now: MonotonicTime) -> Bool {
        self.earliestFetch.map { now >= $0 } ?? true
    }
}

@available(*, unavailable)
extension CredentialSession: Sendable {}
