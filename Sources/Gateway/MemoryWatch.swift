internal import Configuration
private import Glibc
internal import Logging
internal import Reactor
private import Synchronization

/// Holds the process's resident memory against `max_memory`, once a second, and says how the loops are to behave.
final class MemoryWatch: Sendable {
    /// What the loops do.
    enum Level: Int {
        case normal
        /// From 95 %: connections are closed after their answer.
        case tight
        /// From 98 %: requests are refused with 503.
        case full
    }

    private let current = Atomic(Level.normal.rawValue)
    private let limit: Atomic<Int>
    private let logger: Logger

    init(_ settings: LimitSettings, logger: Logger) {
        self.limit = Atomic(Self.limit(of: settings))
        self.logger = logger
    }

    private static func limit(of settings: LimitSettings) -> Int {
        settings.maxMemory?.bytes ?? UsableMemory.bytes
    }

    /// Takes another limit.
    func update(_ settings: LimitSettings) {
        self.limit.store(Self.limit(of: settings), ordering: .relaxed)
    }

    /// How the loops behave now.
    var level: Level { Level(rawValue: self.current.load(ordering: .relaxed)) ?? .normal }

    /// Looks again. Each change of the level is logged once.
    func look() {
        guard let resident = UsableMemory.resident else { return }
        let limit = self.limit.load(ordering: .relaxed)
        let level: Level = resident >= limit / 100 * 98 ? .full : resident >= limit / 100 * 95 ? .tight : .normal
        let before = self.current.exchange(level.rawValue, ordering: .relaxed)
        guard before != level.rawValue else { return }
        let metadata: Logger.Metadata = ["resident": "\(resident)", "max_memory": "\(limit)"]
        switch level {
        case .normal: self.logger.notice("memory is within its bounds again", metadata: metadata)
        case .tight: self.logger.error("memory is nearly used up: keep-alive is off", metadata: metadata)
        case .full: self.logger.critical("memory is used up: requests are refused", metadata: metadata)
        }
    }
}
