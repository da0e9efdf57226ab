private import Synchronization

/// How far the life of the process has come, and what has happened in it: for everybody to read.
package final class Life: Sendable {
    /// What the process is doing.
    package enum Phase: Int, Sendable {
        case starting
        case serving
        /// It will end; load balancers ought to send nothing more, though what comes is still served.
        case leaving
    }

    private let current = Atomic(Phase.starting.rawValue)
    private let taken = Atomic(0)
    private let refused = Atomic(0)
    private let failedUpgrades = Atomic(0)
    private let cut = Atomic(0)

    package init() {}

    /// What the process is doing.
    package internal(set) var phase: Phase {
        get { Phase(rawValue: self.current.load(ordering: .relaxed)) ?? .starting }
        set { self.current.store(newValue.rawValue, ordering: .relaxed) }
    }

    /// Configurations that were taken in place of another.
    package var reloadsTaken: Int { self.taken.load(ordering: .relaxed) }
    /// Configurations that were refused while another was in force.
    package var reloadsRefused: Int { self.refused.load(ordering: .relaxed) }
    /// Upgrades whose new process did not come up.
    package var upgradesFailed: Int { self.failedUpgrades.load(ordering: .relaxed) }
    /// Exchanges that were ended because the time for draining was over.
    package var exchangesCut: Int { self.cut.load(ordering: .relaxed) }

    func reloadTaken() { self.taken.wrappingAdd(1, ordering: .relaxed) }
    func reloadRefused() { self.refused.wrappingAdd(1, ordering: .relaxed) }
    func upgradeFailed() { self.failedUpgrades.wrappingAdd(1, ordering: .relaxed) }
    func exchangeCut() { self.cut.wrappingAdd(1, ordering: .relaxed) }
}
