package import Configuration
package import Logging
internal import Processes
internal import Reactor

/// Conducts the process from its start to its end: hears signals, tells the service manager, goes over to other
/// configurations, hands over to another process.
package final class Supervisor {
    private let server: Server
    private let queue: ControlQueue
    private let manager: ServiceManager
    private let command: OwnCommand
    private let environment: [String: String]
    private let load: () -> Result<GatewayConfiguration, ConfigurationRefusal>
    private let logger: Logger
    private var watchdog: Watchdog?
    /// A process that has been started to take the place of this one, and has not said yet that it is ready.
    private var successor: SuccessorProcess?
    /// Whether a reload was asked for since then: it may have read its file before that.
    private var owesReload = false
    /// Whether the log was to be opened anew since then: it may have opened the file that was moved away.
    private var owesReopening = false

    /// How long a process that is to take over may take to be ready.
    private static let successorPatience = Duration.seconds(60)

    /// - Parameters:
    ///   - command: what to start for an upgrade.
    ///   - load: reads the configuration file again.
    package init(
        _ server: Server, hearing queue: ControlQueue, command: OwnCommand, environment: [String: String],
        load: @escaping () -> Result<GatewayConfiguration, ConfigurationRefusal>, logger: Logger
    ) {
        self.server = server
        self.queue = queue
        self.manager = ServiceManager(environment: environment)
        self.command = command
        self.environment = environment
        self.load = load
        self.logger = logger
    }

    /// Says that the gateway, which has been started, is ready, and conducts it to its end.
    package func run() {
        self.server.adoptSocketFiles()
        // The service manager believes us nothing before the gateway whose place we take has told it who we are.
        self.server.predecessor?.announceReadiness(waitingMilliseconds: 5000)
        self.manager.ready(status: self.summary)
        self.startWatchdog()
        while true {
            switch self.nextEvent() {
            case .stop:
                self.leave()
                return
            case .reload where self.successor != nil:
                self.postponeReload()
            case .reload:
                self.reload()
            case .reopenLog:
                self.owesReopening = self.successor != nil
                self.server.reopenAccessLog(hearing: self.queue)
            case .upgrade:
                self.startSuccessor()
            case .successorReady:
                guard let successor = self.successor else { continue }
                self.handOver(to: successor, thenEnding: false)
                return
            case .successorEnded(let outcome):
                self.successorFailed(outcome)
            case .taken, .drained, nil:
                break
            }
        }
    }

    /// Waits for an event. A process that drains beside this one is of the service too, so its end is looked for.
    private func nextEvent() -> ControlQueue.Event? {
        guard let predecessor = self.server.predecessor, self.waitsForPredecessor else { return self.queue.next() }
        while true {
            if let event = self.queue.next(until: .now + .seconds(1)) { return event }
            guard predecessor.hasEnded(withinMilliseconds: 0) else { continue }
            self.manager.status(self.summary)
            return nil
        }
    }

    /// What the service does, in a line.
    private var summary: String {
        self.server.summary + (self.waitsForPredecessor ? "; the process before this one still drains" : "")
    }

    private func startWatchdog() {
        guard let interval = self.manager.watchdogInterval else { return }
        let manager = self.manager
        do throws(SystemError) {
            self.watchdog = try Watchdog(self.server.turning, interval: interval, logger: self.logger) {
                manager.feedWatchdog()
            }
        } catch {
            self.logger.critical("the watchdog is not fed", metadata: ["error": "\(error)"])
        }
    }

    // Another configuration.

    private func reload() {
        self.manager.reloading()
        switch self.load() {
        case .failure(let refusal):
            self.refuse(refusal.faults)
        case .success(let configuration):
            for warning in configuration.warnings { self.logger.warning("\(warning)") }
            do throws(AssemblyFaults) {
                try self.server.reload(configuration, hearing: self.queue)
                self.watchdog?.watch(self.server.turning)
                self.server.life.reloadTaken()
                self.logger.notice(
                    "the configuration was taken", metadata: ["reloads": "\(self.server.life.reloadsTaken)"])
                self.manager.ready(status: self.summary)
            } catch {
                self.refuse(error.lines)
            }
        }
    }

    /// Sockets that are bound while another process starts would not be handed over to it, and it may have read the
    /// file already: whichever of the two goes on reads it when that is known.
    private func postponeReload() {
        self.owesReload = true
        self.logger.notice("the configuration will be read again when the upgrade that is under way has ended")
        self.server.reopenAccessLog(hearing: self.queue)
    }

    private func refuse(_ faults: [String]) {
        // Whoever moved its file away does not ask what else became of the reload.
        self.server.reopenAccessLog(hearing: self.queue)
        self.server.life.reloadRefused()
        for fault in faults { self.logger.error("\(fault)") }
        self.logger.error(
            "the configuration was refused, and the one before stays in force",
            metadata: ["faults": "\(faults.count)", "refused": "\(self.server.life.reloadsRefused)"])
        self.manager.ready(status: "\(self.summary); the last reload was refused: \(faults.first ?? "")")
    }

    // Another process.

    private func startSuccessor() {
        guard self.successor == nil else {
            self.logger.warning("an upgrade is under way already")
            return
        }
        self.logger.notice("upgrading", metadata: ["program": "\(self.command.path)"])
        let sockets = self.server.handedSockets
        do {
            let successor = try SuccessorProcess(
                executable: self.command.path, arguments: self.command.arguments,
                environment: Handover.environment(
                    self.environment, from: OwnCommand.processID, sockets: sockets),
                descriptors: sockets.map(\.descriptor))
            self.successor = successor
            do throws(SystemError) {
                try self.watch(successor)
            } catch {
                // Nobody would hear of it when it is ready, and two would serve side by side.
                successor.kill()
                _ = successor.outcome()
                throw error
            }
        } catch {
            self.successorFailed("\(error)")
        }
    }

    /// Waits beside this thread for the process to be ready, and then for its end.
    private func watch(_ successor: SuccessorProcess) throws(SystemError) {
        let queue = self.queue
        _ = try SystemThread(name: "successor") {
            let patience = Int32(Self.successorPatience.components.seconds * 1000)
            if successor.becomesReady(withinMilliseconds: patience) {
                queue.post(.successorReady)
            } else {
                // It has ended already, or is late.
                successor.kill()
            }
            queue.post(.successorEnded("\(successor.outcome())"))
        }
    }

    private func successorFailed(_ reason: String) {
        self.successor = nil
        self.owesReopening = false
        self.server.life.upgradeFailed()
        self.logger.critical(
            "the upgrade failed: the new process did not come up, and this one goes on",
            metadata: ["reason": "\(reason)", "failed": "\(self.server.life.upgradesFailed)"])
        self.manager.status("\(self.summary); the last upgrade failed: \(reason)")
        guard self.owesReload else { return }
        self.owesReload = false
        self.reload()
    }

    /// Lets the other process be the service, and drains.
    ///
    /// - Parameter thenEnding: whether this one has been told to end, so that the other is told as well.
    private func handOver(to successor: SuccessorProcess, thenEnding: Bool) {
        self.logger.notice(
            "the new process is ready, and takes over", metadata: ["process": "\(successor.processID)"])
        self.manager.mainProcess(is: successor.processID)
        successor.confirm()
        if thenEnding {
            successor.terminate()
        } else if self.owesReload {
            successor.reload()
        } else if self.owesReopening {
            successor.reopenLog()
        }
        // From here on the new process is the one to feed it.
        self.watchdog?.stop()
        self.server.leaveSocketFiles()
        let isHurried = self.server.drain(supersededBy: successor, hearing: self.queue)
        self.awaitPredecessor(isHurried: isHurried)
    }

    // The end.

    private func leave() {
        if let successor = self.successor {
            if successor.isReady {
                // It accepts already, and drains what it has taken.
                self.handOver(to: successor, thenEnding: true)
                return
            }
            // Nobody relies on it.
            successor.kill()
        }
        self.manager.stopping(
            within: self.server.drainPatience, status: "draining \(self.server.connectionCount) connections")
        let isHurried = self.server.drain(supersededBy: nil, hearing: self.queue)
        // No loop turns any more, and none has to.
        self.watchdog?.watch([])
        if self.waitsForPredecessor {
            self.manager.stopping(
                within: self.server.drainPatience,
                status: "waiting for the process before this one, which still drains")
        }
        self.awaitPredecessor(isHurried: isHurried)
        self.watchdog?.stop()
    }

    /// A service manager ends what is left of a service when its main process has ended, so a gateway that was replaced
    /// by this one and has streams still is waited for. It keeps to its own `drain_timeout`.
    private func awaitPredecessor(isHurried: Bool) {
        guard let predecessor = self.server.predecessor, self.waitsForPredecessor else { return }
        self.logger.notice("waiting for the process before this one, which still drains")
        if isHurried { predecessor.terminate() }
        while !predecessor.hasEnded(withinMilliseconds: 200) {
            if self.queue.next(until: .now) == .stop { predecessor.terminate() }
        }
    }

    private var waitsForPredecessor: Bool {
        self.server.predecessor.map { !$0.hasEnded(withinMilliseconds: 0) } ?? false
    }
}

/// A configuration file that can not be used: every fault, one line for each.
package struct ConfigurationRefusal: Error, Sendable {
    package let faults: [String]

    package init(faults: [String]) {
        self.faults = faults
    }
}
