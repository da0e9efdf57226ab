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
        /// Connections are closed after their answer, and calls that begin bring little at a time.
        case tight
        /// Requests are refused with 503.
        case full
    }

    private let current = Atomic(Level.normal.rawValue)
    private let limits: Mutex<Limits>
    private let growth = Mutex(MemoryGrowth())
    private let logger: Logger

    /// Bytes of resident memory.
    private struct Limits {
        var all: Int
        var tight: Int
        var full: Int

        init(_ settings: LimitSettings) {
            self.all = settings.maxMemory?.bytes ?? UsableMemory.bytes
            self.tight = self.all / 100 * settings.memoryTight
            self.full = self.all / 100 * settings.memoryFull
        }
    }

    init(_ settings: LimitSettings, logger: Logger) {
        self.limits = Mutex(Limits(settings))
        self.logger = logger
    }

    /// Takes other limits.
    func update(_ settings: LimitSettings) {
        self.limits.withLock { $0 = Limits(settings) }
    }

    /// How the loops behave now.
    var level: Level { Level(rawValue: self.current.load(ordering: .relaxed)) ?? .normal }

    /// Looks again, and gives back what is free where it has become much. Each change of the level is logged once.
    func look() {
        guard let resident = self.residentAfterTrimming() else { return }
        let limits = self.limits.withLock { $0 }
        let level: Level = resident >= limits.full ? .full : resident >= limits.tight ? .tight : .normal
        let before = self.current.exchange(level.rawValue, ordering: .relaxed)
        guard before != level.rawValue else { return }
        let metadata: Logger.Metadata = ["resident": "\(resident)", "max_memory": "\(limits.all)"]
        switch level {
        case .normal: self.logger.notice("memory is within its bounds again", metadata: metadata)
        case .tight: self.logger.error("memory is nearly used up: keep-alive is off", metadata: metadata)
        case .full: self.logger.critical("memory is used up: requests are refused", metadata: metadata)
        }
    }

    private func residentAfterTrimming() -> Int? {
        guard let resident = UsableMemory.resident else { return nil }
        guard self.growth.withLock({ $0.isWorthTrimming(at: resident) }) else { return resident }
        UsableMemory.returnFreed()
        guard let left = UsableMemory.resident else { return nil }
        self.growth.withLock { $0.trimmed(to: left) }
        return left
    }
}
