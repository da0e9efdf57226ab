internal import AWS
internal import Logging
internal import Reactor
private import Synchronization
internal import TLS
internal import Tokens

/// The loop beside those of the requests, on a thread of its own: there credentials, and keys of issuers of tokens, are
/// fetched and renewed. It begins with the first store that has to be filled, and lives as long as the process.
final class ControlPlane: Sendable {
    private let resources: ControlResources
    private let logger: Logger
    private let running = Mutex<Running?>(nil)

    private struct Running: Sendable {
        let mailbox: Mailbox
        let thread: SystemThread
        let keepers = LoopBound(Keepers())
    }

    private final class Keepers {
        var all: [CredentialKeeper] = []
        var ofKeySets: [KeySetKeeper] = []
    }

    /// A store to keep filled, and how.
    struct Task: Sendable {
        let store: CredentialStore
        let means: CredentialKeeper.Means
        let tokenService: SecurityTokenService
    }

    init(resolver: Resolver, clock: ClockOffset, logger: Logger) {
        self.resources = ControlResources(resolver: resolver, clock: clock, logger: logger)
        self.logger = logger
    }

    /// Fills these stores from now on, and verifies what is reached over TLS with `trust`.
    func start(_ tasks: [Task], keysOf issuers: [TokenIssuerRuntime] = [], trust: TLSClientContext?) {
        self.resources.trust = trust
        let issuers = issuers.filter { $0.store.isFetched }
        guard !tasks.isEmpty || !issuers.isEmpty else { return }
        self.running.withLock { running in
            do {
                if running == nil { running = try Self.begin() }
            } catch {
                self.logger.critical("neither credentials nor keys can be fetched", metadata: ["error": "\(error)"])
            }
            guard let (mailbox, keepers) = running.map({ ($0.mailbox, $0.keepers) }) else { return }
            for issuer in issuers { self.start(issuer, mailbox, keepers) }
            for task in tasks {
                let slot = LoopBound(KeeperSlot())
                // Those who want keys meanwhile come behind the job that makes the keeper, in the order of the mailbox.
                let (resources, logger) = (self.resources, self.logger)
                mailbox.post { loop in
                    let keeper = CredentialKeeper(
                        task.store, task.means, tokenService: task.tokenService, resources: resources, on: loop,
                        logger: logger)
                    slot.value(on: loop).keeper = keeper
                    let keepers = keepers.value(on: loop)
                    keepers.all.removeAll { $0.isOver }
                    keepers.all.append(keeper)
                    keeper.start()
                }
                task.store.attach((mailbox, slot))
            }
        }
    }

    private func start(_ issuer: TokenIssuerRuntime, _ mailbox: Mailbox, _ keepers: LoopBound<Keepers>) {
        let slot = LoopBound(KeySetSlot())
        let (resources, logger, store, name) = (self.resources, self.logger, issuer.store, issuer.rules.issuer)
        mailbox.post { loop in
            let keeper = KeySetKeeper(store, of: name, resources: resources, on: loop, logger: logger)
            slot.value(on: loop).keeper = keeper
            let keepers = keepers.value(on: loop)
            keepers.ofKeySets.removeAll { $0.isOver }
            keepers.ofKeySets.append(keeper)
            keeper.start()
        }
        store.attach((mailbox, slot))
    }

    private static func begin() throws -> Running {
        let loop = try Loop()
        let runner = LoopBound(loop)
        let mailbox = loop.mailbox
        return Running(mailbox: mailbox, thread: try SystemThread(name: "control") { runner.run() })
    }

    /// Its loop, for the watchdog; `nil` before there is one. It reads the files of credentials, which may lie on a
    /// disk that hangs, and no request that has keys waits for it.
    var turning: Watchdog.Member? {
        self.running.withLock { $0?.mailbox }.map { Watchdog.Member(name: "control", isVital: false, $0) }
    }

    /// Ends everything and the thread.
    func stop() {
        let running = self.running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let running else { return }
        running.mailbox.post { loop in
            for keeper in running.keepers.value(on: loop).all { keeper.stop() }
            for keeper in running.keepers.value(on: loop).ofKeySets { keeper.stop() }
            loop.stop()
        }
        running.thread.join()
    }

    deinit {
        self.stop()
    }
}
