internal import Logging
internal import Reactor
private import Synchronization
internal import TLS
internal import Time

/// Looks after the certificates of all listeners on a thread of its own: takes files that have changed, and warns of
/// certificates that are about to end.
final class CertificateWatch: Sendable {
    private let watched: Mutex<[ListenerTLS]>
    private let logger: Logger
    private let wakeUp = ThreadSemaphore()
    private let isStopping = Atomic(false)
    private let thread = Mutex<SystemThread?>(nil)

    /// How often files are looked at. A change is taken at the second look that sees it.
    private static let interval = Duration.seconds(2)
    /// How often ends are warned of.
    private static let warningInterval = Duration.seconds(86_400)

    init(_ listeners: [ListenerTLS], logger: Logger) {
        self.watched = Mutex(listeners)
        self.logger = logger
    }

    private var listeners: [ListenerTLS] { self.watched.withLock { $0 } }

    /// Looks after others from now on.
    func watch(_ listeners: [ListenerTLS]) {
        self.watched.withLock { $0 = listeners }
        self.warn(at: LoopClock.system.wall())
    }

    /// Begins.
    func start() throws {
        self.warn(at: LoopClock.system.wall())
        let thread = try SystemThread(name: "certificates") { [self] in self.run() }
        self.thread.withLock { $0 = thread }
    }

    /// Ends the thread.
    func stop() {
        self.isStopping.store(true, ordering: .relaxed)
        self.wakeUp.signal()
        self.thread.withLock { $0 }?.join()
    }

    private func run() {
        var warnedAt = LoopClock.system.monotonic()
        while true {
            self.wakeUp.wait(atMost: Self.interval)
            if self.isStopping.load(ordering: .relaxed) { return }
            for listener in self.listeners { self.refresh(listener) }
            let now = LoopClock.system.monotonic()
            guard now - warnedAt >= Self.warningInterval else { continue }
            warnedAt = now
            self.warn(at: LoopClock.system.wall())
        }
    }

    private func refresh(_ listener: ListenerTLS) {
        switch listener.refresh() {
        case .none, .unsettled:
            break
        case .reloaded:
            self.logger.notice("certificates reloaded", metadata: ["listener": "\(listener.name)"])
            self.warn(of: listener, at: LoopClock.system.wall())
        case .refused(let faults):
            for fault in faults {
                self.logger.error(
                    "the new certificate files are refused, and the old ones stay in force",
                    metadata: ["listener": "\(listener.name)", "fault": "\(fault.message)"])
            }
        }
    }

    private func warn(at now: WallTime) {
        for listener in self.listeners { self.warn(of: listener, at: now) }
    }

    private func warn(of listener: ListenerTLS, at now: WallTime) {
        for certificate in listener.context.certificates {
            for text in certificate.texts(at: now) {
                self.logger.warning(
                    "\(text)",
                    metadata: [
                        "listener": "\(listener.name)", "certificate": "\(certificate.file)",
                        "names": "\(certificate.names.joined(separator: " "))",
                    ])
            }
        }
    }

    /// When each certificate ends, as clients see it, by its file.
    var expiries: [(name: String, time: WallTime)] {
        var ends: [String: WallTime] = [:]
        for certificate in self.listeners.flatMap(\.context.certificates) {
            let end = certificate.chainNotAfter
            ends[certificate.file] = min(end, ends[certificate.file] ?? end)
        }
        return ends.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
