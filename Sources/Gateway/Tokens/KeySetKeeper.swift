internal import Digest
internal import Logging
internal import Reactor
internal import Tokens

/// Keeps one store of keys filled, on the loop of the control plane.
///
/// It belongs to its store, and ends when nobody holds that any more: after a reload that has no use for it.
final class KeySetKeeper {
    private weak var store: KeySetStore?
    private let issuer: String
    private let resources: ControlResources
    private let loop: Loop
    private let logger: Logger
    private var running: KeySetFetch?
    private var failures = 0
    private var isStopped = false
    private lazy var timer = LoopTimer(handler: self)

    init(
        _ store: KeySetStore, of issuer: String, resources: ControlResources, on loop: Loop, logger: Logger
    ) {
        self.store = store
        self.issuer = issuer
        self.resources = resources
        self.loop = loop
        self.logger = logger
    }

    /// Begins with the first fetch.
    func start() {
        self.look()
    }

    /// Whether nobody has a use for it any more.
    var isOver: Bool { self.store == nil }

    /// Ends.
    func stop() {
        self.isStopped = true
        self.running?.cancel()
        self.running = nil
        self.store?.attach(nil)
        self.loop.cancel(self.timer)
    }

    /// Fetches the keys, which the store's schedule has asked for.
    func fetch() {
        guard !self.isStopped, let store = self.store, self.running == nil else { return }
        self.loop.cancel(self.timer)
        self.running = KeySetFetch(
            store.source, of: self.issuer, tls: self.resources.trust, resolver: self.resources.resolver, on: self.loop
        ) { [weak self] result in self?.fetched(result) }
    }

    private func look() {
        guard !self.isStopped, let store = self.store else { return }
        if store.deadlinePassed(at: self.loop.now) { self.fetch() } else { self.setTimer() }
    }

    private func setTimer() {
        guard let store = self.store else { return }
        self.loop.set(self.timer, to: store.deadline)
    }

    private func fetched(_ result: Result<KeySet, KeySetFailure>) {
        self.running = nil
        guard let store = self.store else { return }
        switch result {
        case .success(let keys):
            let isNews = self.failures > 0 || store.keys == nil
            self.failures = 0
            store.publish(keys, at: self.loop.now, wall: self.loop.wallNow)
            if isNews {
                self.logger.info(
                    "token keys", metadata: ["issuer": "\(self.issuer)", "keys": "\(keys.count)"])
            }
        case .failure(let failure):
            let spread = RandomBytes.unit()
            store.failed(failure.description, at: self.loop.now, spread: spread)
            self.failures += 1
            // A failure that goes on is told less and less often.
            if self.failures & (self.failures - 1) == 0 {
                self.logger.warning(
                    "token keys can not be fetched",
                    metadata: [
                        "issuer": "\(self.issuer)", "failure": "\(failure)", "failures": "\(self.failures)",
                        "in_use": "\(store.keys.map { "\($0.count) keys that came before" } ?? "none")",
                    ])
            }
        }
        self.setTimer()
    }
}

extension KeySetKeeper: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        self.look()
    }
}

@available(*, unavailable)
extension KeySetKeeper: Sendable {}
