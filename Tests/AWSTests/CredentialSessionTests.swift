import AWS
import Testing
import Time

/// When keys are fetched, and what those get who want some.
@Suite struct CredentialSessionTests {
    private typealias Moment = CredentialSession.Moment

    /// Seconds since the beginning, by both clocks.
    private static func at(_ seconds: Double) -> CredentialSession.Moment {
        Moment(
            monotonic: MonotonicTime(nanoseconds: 1_000_000_000_000 + Int64(seconds * 1e9)),
            wall: WallTime(milliseconds: 1_767_323_045_000 + Int64(seconds * 1000)))
    }

    private static func keys(_ name: String, until seconds: Double?) -> Credentials {
        Credentials(
            accessKeyID: name, secretAccessKey: "s", expiration: seconds.map { Self.at($0).wall })
    }

    private static let down = CredentialError.unanswered(source: "x", reason: "refused")
    private static let denied = CredentialError.refused(
        source: "x", AWSServiceError(status: 403, type: "AccessDenied", message: ""))

    /// The seconds at which something is due.
    private static func seconds(_ moment: MonotonicTime) -> Double? {
        moment == .never ? nil : Double(moment.nanoseconds - 1_000_000_000_000) / 1e9
    }

    /// A session with keys that came at 0.
    private static func session(_ keys: Credentials, keepsExpiredKeys: Bool = false) -> CredentialSession {
        var session = CredentialSession(keepsExpiredKeys: keepsExpiredKeys)
        #expect(session.deadlinePassed(at: Self.at(0)) == .fetch)
        #expect(session.fetched(keys, at: Self.at(0), hasWaiting: false, spread: 0) == .use(keys))
        return session
    }

    @Test func `those who come during the first fetch wait for it`() {
        var session = CredentialSession()
        #expect(Self.seconds(session.deadline(at: Self.at(0))) == 0)
        #expect(session.deadlinePassed(at: Self.at(0)) == .fetch)
        #expect(session.deadline(at: Self.at(0)) == .never)
        #expect(session.wanted(at: Self.at(0.1)) == .wait)
        #expect(session.deadlinePassed(at: Self.at(0.2)) == .wait)
        let keys = Self.keys("A", until: 3600)
        #expect(session.fetched(keys, at: Self.at(0.5), hasWaiting: true, spread: 0) == .use(keys))
        #expect(session.wanted(at: Self.at(0.6)) == .use(keys))
    }

    @Test func `keys are renewed a quarter of an hour before their end, or from half of their life`() {
        // An hour: the quarter of an hour is later than the half.
        var long = Self.session(Self.keys("A", until: 3600))
        #expect(long.deadlinePassed(at: Self.at(2699)) == .wait)
        #expect(long.deadlinePassed(at: Self.at(2700)) == .fetch)
        // Twenty minutes: the half is later.
        var short = Self.session(Self.keys("A", until: 1200))
        #expect(short.deadlinePassed(at: Self.at(599)) == .wait)
        #expect(short.deadlinePassed(at: Self.at(600)) == .fetch)
        // Four seconds.
        var blink = Self.session(Self.keys("A", until: 4))
        #expect(Self.seconds(blink.deadline(at: Self.at(0))) == 2)
        #expect(blink.deadlinePassed(at: Self.at(2)) == .fetch)
    }

    @Test func `keys without an end are not renewed`() {
        var session = Self.session(Self.keys("A", until: nil))
        #expect(session.deadline(at: Self.at(1)) == .never)
        #expect(session.deadlinePassed(at: Self.at(1e6)) == .wait)
        #expect(session.usableUntil(at: Self.at(1e6).wall) != nil)
        // AWS may know better.
        session.takenBack("A")
        #expect(session.usableUntil(at: Self.at(1e6).wall) == nil)
        #expect(session.deadlinePassed(at: Self.at(1e6)) == .fetch)
    }

    @Test func `the old keys are used while new ones are fetched, until they have expired`() {
        let old = Self.keys("A", until: 1200)
        var session = Self.session(old)
        #expect(session.deadlinePassed(at: Self.at(600)) == .fetch)
        #expect(session.wanted(at: Self.at(601)) == .use(old))
        #expect(session.wanted(at: Self.at(1199)) == .use(old))
        #expect(session.wanted(at: Self.at(1200)) == .wait)
        let new = Self.keys("B", until: 5000)
        #expect(session.fetched(new, at: Self.at(1201), hasWaiting: true, spread: 0) == .use(new))
        #expect(session.wanted(at: Self.at(1201)) == .use(new))
    }

    @Test func `a source that is down is asked less and less often, and the keys are used on`() {
        let old = Self.keys("A", until: 1200)
        var session = Self.session(old)
        var now = 600.0
        var pauses: [Double] = []
        for _ in 0..<8 {
            #expect(session.deadlinePassed(at: Self.at(now)) == .fetch)
            #expect(session.failed(Self.down, at: Self.at(now), hasWaiting: false, spread: 0) == .use(old))
            let next = Self.seconds(session.deadline(at: Self.at(now))) ?? 0
            pauses.append(next - now)
            now = next
        }
        #expect(pauses == [1, 2, 4, 8, 16, 30, 30, 30])
    }

    @Test func `once the keys have expired those who wait are served at most once a second`() {
        var session = Self.session(Self.keys("A", until: 4))
        #expect(session.deadlinePassed(at: Self.at(2)) == .fetch)
        _ = session.failed(Self.down, at: Self.at(3.5), hasWaiting: false, spread: 0)
        // The pause of a second runs, but somebody wants keys, and the last fetch began long ago.
        #expect(session.wanted(at: Self.at(4)) == .fetchAndWait)
        #expect(session.wanted(at: Self.at(4.1)) == .wait)
        #expect(session.failed(Self.down, at: Self.at(4.2), hasWaiting: true, spread: 0) == .keepWaiting)
        #expect(Self.seconds(session.deadline(at: Self.at(4.2))) == 5.2)
        #expect(session.wanted(at: Self.at(4.3)) == .wait)
        #expect(Self.seconds(session.deadline(at: Self.at(4.3))) == 5)
        #expect(session.deadlinePassed(at: Self.at(4.9)) == .wait)
        #expect(session.deadlinePassed(at: Self.at(5)) == .fetch)
        let new = Self.keys("B", until: 100)
        #expect(session.fetched(new, at: Self.at(5.1), hasWaiting: true, spread: 0) == .use(new))
    }

    @Test func `a refusal that will not change is told at once, and asked again with the next who comes`() {
        var session = CredentialSession()
        #expect(session.wanted(at: Self.at(0)) == .fetchAndWait)
        #expect(session.failed(Self.denied, at: Self.at(0.2), hasWaiting: true, spread: 0) == .refuse(Self.denied))
        #expect(session.wanted(at: Self.at(0.5)) == .refuse(Self.denied))
        #expect(session.wanted(at: Self.at(1)) == .fetchAndWait)
        let keys = Self.keys("A", until: nil)
        #expect(session.fetched(keys, at: Self.at(1.1), hasWaiting: true, spread: 0) == .use(keys))
        #expect(session.lastError == nil)
    }

    @Test func `keys that come expired are none`() {
        var session = CredentialSession()
        #expect(session.wanted(at: Self.at(0)) == .fetchAndWait)
        #expect(
            session.fetched(Self.keys("A", until: -1), at: Self.at(0.1), hasWaiting: true, spread: 0) == .keepWaiting)
        #expect(session.usableUntil(at: Self.at(0.1).wall) == nil)
    }

    @Test func `expired keys of an instance are used on, and asked for again later`() {
        let stale = Self.keys("A", until: -60)
        var session = Self.session(stale, keepsExpiredKeys: true)
        #expect(session.wanted(at: Self.at(1)) == .use(stale))
        #expect(session.deadlinePassed(at: Self.at(599)) == .wait)
        #expect(session.deadlinePassed(at: Self.at(600)) == .fetch)
        #expect(session.failed(Self.down, at: Self.at(601), hasWaiting: false, spread: 1) == .use(stale))
        #expect(session.wanted(at: Self.at(602)) == .use(stale))
        #expect(session.deadlinePassed(at: Self.at(601 + 1499)) == .wait)
        #expect(session.deadlinePassed(at: Self.at(601 + 1500)) == .fetch)
    }

    @Test func `keys of an instance that expire while it is down are used on`() {
        let keys = Self.keys("A", until: 1200)
        var session = Self.session(keys, keepsExpiredKeys: true)
        #expect(session.wanted(at: Self.at(1200)) == .fetchAndWait)
        #expect(session.failed(Self.down, at: Self.at(1201), hasWaiting: true, spread: 0) == .use(keys))
        #expect(session.wanted(at: Self.at(1202)) == .use(keys))
    }

    @Test func `keys that AWS has taken back are replaced, and only they`() {
        let keys = Self.keys("A", until: 3600)
        var session = Self.session(keys)
        session.takenBack("ANOTHER")
        #expect(session.wanted(at: Self.at(10)) == .use(keys))
        session.takenBack("A")
        #expect(session.usableUntil(at: Self.at(10).wall) == nil)
        #expect(session.wanted(at: Self.at(10)) == .fetchAndWait)
        let new = Self.keys("B", until: 3600)
        #expect(session.fetched(new, at: Self.at(11), hasWaiting: true, spread: 0) == .use(new))
        #expect(session.wanted(at: Self.at(11)) == .use(new))
    }

    @Test func `a wall clock that is set is noticed within a minute`() {
        var session = Self.session(Self.keys("A", until: 36_000))
        #expect(Self.seconds(session.deadline(at: Self.at(0))) == 60)
        let later = Moment(monotonic: Self.at(60).monotonic, wall: Self.at(35_500).wall)
        #expect(session.deadlinePassed(at: later) == .fetch)
    }
}
