internal import AWS
internal import Logging
internal import Reactor
private import Synchronization
internal import TLS

/// What fetches need to reach the world.
final class ControlResources: Sendable {
    let resolver: Resolver
    let clock: ClockOffset
    private let currentTrust = Mutex<TLSClientContext?>(nil)
    private let keptSignOnTokens = Mutex<[String: KeptSignOnToken]>([:])
    private let unwritableFiles = Mutex<Set<String>>([])
    private let logger: Logger

    init(resolver: Resolver, clock: ClockOffset, logger: Logger) {
        self.resolver = resolver
        self.clock = clock
        self.logger = logger
    }

    /// What is reached over TLS is verified with this; `nil` where no plan reaches anything so.
    var trust: TLSClientContext? {
        get { self.currentTrust.withLock { $0 } }
        set { self.currentTrust.withLock { $0 = newValue } }
    }

    /// The token of a sign-on that could not be written to this file.
    func keptSignOnToken(of file: String) -> KeptSignOnToken? { self.keptSignOnTokens.withLock { $0[file] } }

    /// The renewed token of a sign-on could not be written to its file. That is told once, until it can be.
    func couldNotWrite(_ file: String, _ reason: String) {
        guard self.unwritableFiles.withLock({ $0.insert(file).inserted }) else { return }
        self.logger.warning(
            """
            the renewed token of the sign-on can not be written to its file: it is kept in memory alone, and after a restart \
            somebody has to sign on again. Let the gateway write the file and its folder (systemd: ReadWritePaths=, and \
            ProtectHome= off); docs/credentials.md has more
            """,
            metadata: ["file": "\(file)", "reason": "\(reason)"])
    }

    /// It could be.
    func wrote(_ file: String) { self.unwritableFiles.withLock { _ = $0.remove(file) } }

    /// There is another one, or none any more.
    func keep(_ token: KeptSignOnToken?, of file: String) { self.keptSignOnTokens.withLock { $0[file] = token } }
}
