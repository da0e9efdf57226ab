internal import AWS
internal import Bytes
internal import Digest
internal import Logging
internal import Reactor
internal import Time

/// Where a store finds its keeper, which is made on the loop of the control plane.
final class KeeperSlot {
    weak var keeper: CredentialKeeper?
}

/// Keeps one store filled: runs a `CredentialSession` on the loop of the control plane.
///
/// It belongs to its store, and ends when nobody holds that any more: after a reload that has no use for it.
final class CredentialKeeper {
    private weak var store: CredentialStore?
    private let source: String
    private let means: Means
    private let tokenService: SecurityTokenService
    private let resources: ControlResources
    private let loop: Loop
    private let logger: Logger
    private var session: CredentialSession
    private var run: CredentialRun?
    private var waiting: [(CredentialError?) -> Void] = []
    private var failures = 0
    private var isStopped = false
    private lazy var timer = LoopTimer(handler: self)

    /// How the keys are got.
    enum Means: Sendable {
        case plan(CredentialPlan)
        /// With the keys of another store, whatever they come from.
        case role(RoleAssumption, of: CredentialStore)
    }

    init(
        _ store: CredentialStore, _ means: Means, tokenService: SecurityTokenService, resources: ControlResources,
        on loop: Loop, logger: Logger
    ) {
        self.store = store
        self.source = store.source
        self.means = means
        self.tokenService = tokenService
        self.resources = resources
        self.loop = loop
        self.logger = logger
        let keeps = if case .plan(let plan) = means { plan.keepsExpiredKeys } else { false }
        self.session = CredentialSession(keepsExpiredKeys: keeps)
    }

    private var now: CredentialSession.Moment {
        CredentialSession.Moment(
            monotonic: self.loop.now, wall: self.loop.wallNow + self.resources.clock.offset)
    }

    /// Begins with the first fetch.
    func start() {
        self.look()
    }

    /// Whether nobody has a use for it any more.
    var isOver: Bool { self.store == nil }

    /// Ends; who waits is not told.
    func stop() {
        self.isStopped = true
        self.run?.cancel()
        self.run = nil
        self.waiting = []
        self.store?.attach(nil)
        self.loop.cancel(self.timer)
    }

    /// Somebody wants keys, and is told when the store has some, or that there are none.
    func wanted(_ answer: @escaping (CredentialError?) -> Void) {
        guard !self.isStopped else { return }
        switch self.session.wanted(at: self.now) {
        case .use: answer(nil)
        case .refuse(let error): answer(error)
        case .wait: self.waiting.append(answer)
        case .fetchAndWait:
            self.waiting.append(answer)
            self.fetch()
        }
        self.setTimer()
    }

    /// AWS said that a key is over before its time.
    func takenBack(_ keyID: String) {
        self.session.takenBack(keyID)
        self.look()
    }

    private func look() {
        guard !self.isStopped, self.store != nil else { return }
        if self.session.deadlinePassed(at: self.now) == .fetch { self.fetch() }
        self.setTimer()
    }

    private func setTimer() {
        self.loop.set(self.timer, to: self.session.deadline(at: self.now))
    }

    // Fetching.

    private func fetch() {
        switch self.means {
        case .plan(let plan):
            self.run(plan) { self.fetched($0) }
        case .role(let role, let base):
            let box = LoopBound(self)
            base.want(on: self.loop.mailbox) { loop, error in box.value(on: loop).baseIsThere(role, base, error) }
        }
    }

    private func baseIsThere(_ role: RoleAssumption, _ base: CredentialStore, _ error: CredentialError?) {
        guard !self.isStopped else { return }
        if let error {
            self.fetched(.failure(error))
        } else if let credentials = base.current.lease?.credentials {
            self.run(CredentialPlan(.fixed(credentials), roles: [role])) { result in
                if case .failure(.refused(_, let error)) = result, error.isExpiredKey {
                    _ = base.takenBack(credentials.accessKeyID)
                }
                self.fetched(result)
            }
        } else {
            // Taken back by AWS just now.
            self.fetched(.failure(.unanswered(source: base.source, reason: "it has no keys any more")))
        }
    }

    private func run(_ plan: CredentialPlan, _ completion: @escaping (Result<Credentials, CredentialError>) -> Void) {
        self.run = CredentialRun(
            plan, tokenService: self.tokenService, resources: self.resources, on: self.loop, done: completion)
    }

    private func fetched(_ result: Result<Credentials, CredentialError>) {
        self.run = nil
        let now = self.now
        let spread = RandomBytes.unit()
        let action: CredentialSession.FetchAction
        switch result {
        case .success(let credentials):
            action = self.session.fetched(credentials, at: now, hasWaiting: !self.waiting.isEmpty, spread: spread)
        case .failure(let error):
            action = self.session.failed(error, at: now, hasWaiting: !self.waiting.isEmpty, spread: spread)
        }
        self.log()
        self.store?.note(self.session.lastError)
        if let until = self.session.usableUntil(at: now.wall), let credentials = self.session.credentials {
            self.store?.publish(CredentialLease(credentials, usableUntil: until))
        }
        switch action {
        case .use: self.answer(nil)
        case .keepWaiting: break
        case .refuse(let error): self.answer(error)
        }
        self.setTimer()
    }

    private func answer(_ error: CredentialError?) {
        let waiting = self.waiting
        self.waiting = []
        for answer in waiting { answer(error) }
    }

    private static func text(_ time: WallTime) -> String {
        var buffer = ByteBuffer()
        buffer.append(rfc3339: time)
        return buffer.string()
    }

    /// A failure that goes on is told less and less often.
    private func log() {
        guard let error = self.session.lastError else {
            self.failures = 0
            self.logger.info(
                "AWS credentials",
                metadata: [
                    "source": "\(self.source)", "key": "\(self.session.credentials?.accessKeyID ?? "-")",
                    "expire": "\(self.session.credentials?.expiration.map(Self.text) ?? "never")",
                ])
            return
        }
        self.failures += 1
        guard self.failures & (self.failures - 1) == 0 else { return }
        self.logger.warning(
            "AWS credentials can not be fetched",
            metadata: ["source": "\(self.source)", "failure": "\(error)", "failures": "\(self.failures)"])
    }
}

extension CredentialKeeper: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        self.look()
    }
}

@available(*, unavailable)
extension CredentialKeeper: Sendable {}
