package import Configuration
internal import LocalLambda
package import Logging
internal import Processes
internal import Reactor
internal import Routing
internal import TLS

/// The gateway: loops, listeners, the local Lambda, logs. Made from a configuration, which others may follow, and run
/// until it is drained. It belongs to the thread that conducts the process.
package final class Server {
    /// How far its life has come.
    package let life: Life
    /// How many clients are connected.
    package var connectionCount: Int { self.current.assembly.sharedResources.connectionLimits.count }
    /// The gateway whose place this one takes.
    let predecessor: PredecessorProcess?

    private let logger: Logger
    private let environment: [String: String]
    private let readFile: (String) -> String?
    private let workers: [Worker]
    private let status: GatewayStatus
    private let admin: AdminServer
    /// Its sockets are held until the gateway drains.
    private let inherited: InheritedSockets
    /// Outlive reloads, so that clients resume across them. One for all listeners: what is resumed is bound to its name
    /// and to the rules for client certificates anyway.
    private let ticketKeys: TicketKeys
    private let certificates: CertificateWatch
    private var current: Current
    /// How often the loops were given something to take.
    private var round = 0

    /// A configuration that is in force, and what was made of it.
    private struct Current {
        let configuration: GatewayConfiguration
        var assembly: Assembly
        /// The TLS of the listeners that have some.
        let tls: [ListenerTLS]
        /// Held until the gateway drains: a socket is closed when the last of those that hold it lets go.
        var listeners: [BoundListener]
        /// Of the admin listener; none where there is none.
        var adminSockets: [ListeningSocket]
        var accessLog: AccessLogTarget

        /// Binds and opens everything, or says everything that is wrong.
        init(
            _ configuration: GatewayConfiguration, after previous: Current? = nil, inherited: InheritedSockets,
            ticketKeys: TicketKeys, environment: [String: String], readFile: (String) -> String?, life: Life,
            logger: Logger
        ) throws(AssemblyFaults) {
            var faults = AssemblyFaults()
            let sockets = SocketSource(
                leaving: previous?.sockets(leavingFor: configuration) ?? [], inherited: inherited)
            let assembly = faults.gather {
                try Assembly(
                    configuration, environment: environment, readFile: readFile, sockets: sockets,
                    after: previous?.assembly, life: life, logger: logger)
            }
            let tls = faults.gather { try CertificateFile.listeners(of: configuration, ticketKeys: ticketKeys) }
            let listeners = faults.gather {
                try ListenerBinding.bind(
                    configuration.listeners, tls: tls ?? configuration.listeners.map { _ in nil },
                    keeping: previous?.listeners ?? [], from: sockets)
            }
            let adminSockets = faults.gather {
                try Self.adminSockets(configuration, after: previous, from: sockets)
            }
            let accessLog = faults.gather {
                do throws(SystemError) {
                    return try AccessLogTarget(
                        configuration.accessLog, after: previous?.accessLog, logger: logger)
                } catch {
                    throw AssemblyError.noAccessLog(error.description)
                }
            }
            // Last of all: who waits in the queue of a socket is reset where that is dropped.
            if faults.lines.isEmpty, let listeners, let adminSockets {
                let named =
                    listeners.flatMap { listener in
                        listener.sockets.map { (name: "listener \(listener.address)", socket: $0.socket) }
                    }
                    + adminSockets.map { (name: "admin.address \(configuration.admin?.address.description ?? "")", $0) }
                for (name, socket) in named {
                    faults.gather {
                        do throws(SystemError) {
                            try socket.listen()
                        } catch {
                            throw AssemblyError.noSocket(for: name, error.description)
                        }
                    }
                }
            }
            guard let assembly, let tls, let listeners, let adminSockets, let accessLog, faults.lines.isEmpty else {
                accessLog?.close(whereNot: previous?.accessLog)
                throw faults
            }
            self.configuration = configuration
            self.assembly = assembly
            self.tls = tls.compactMap(\.self)
            self.listeners = listeners
            self.adminSockets = adminSockets
            self.accessLog = accessLog
        }

        /// Those of addresses that the other configuration does not name any more, for what they are for here.
        private func sockets(leavingFor next: GatewayConfiguration) -> [ListeningSocket] {
            var kept = next.listeners.map(\.address)
            var leaving: [ListeningSocket] = []
            for listener in self.listeners {
                if let position = kept.firstIndex(of: listener.address) {
                    kept.remove(at: position)
                } else {
                    leaving += listener.sockets.map(\.socket)
                }
            }
            if self.configuration.admin?.address != next.admin?.address { leaving += self.adminSockets }
            if let socket = self.assembly.localLambdaSocket,
                self.configuration.localLambdaAddress != next.localLambdaAddress
            {
                leaving.append(socket)
            }
            return leaving
        }

        private static func adminSockets(
            _ configuration: GatewayConfiguration, after previous: Current?, from sockets: SocketSource
        ) throws -> [ListeningSocket] {
            guard let settings = configuration.admin else { return [] }
            if let previous, previous.configuration.admin?.address == settings.address {
                try settings.checkReach(of: previous.adminSockets)
                return previous.adminSockets
            }
            let bound = try ListenerBinding.sockets(
                for: settings.address, name: "admin.address \(settings.address)", from: sockets)
            try settings.checkReach(of: bound)
            return bound
        }

        var forLoops: LoopConfiguration {
            LoopConfiguration(
                snapshot: self.assembly.snapshot, accessLog: self.accessLog, listeners: self.listeners)
        }
    }

    /// Binds everything and starts what stands beside the loops. Throws all that is wrong.
    package init(
        _ configuration: GatewayConfiguration, environment: [String: String], readFile: @escaping (String) -> String?,
        log: OperatorLog, logger: Logger
    ) throws {
        self.logger = logger
        self.environment = environment
        self.readFile = readFile
        self.life = Life()
        self.inherited = try InheritedSockets(environment: environment)
        self.predecessor = self.inherited.predecessor
        self.ticketKeys = TicketKeys(at: LoopClock.system.monotonic())
        let current = try Current(
            configuration, inherited: self.inherited, ticketKeys: self.ticketKeys, environment: environment,
            readFile: readFile, life: self.life, logger: logger)
        let certificates = CertificateWatch(current.tls, logger: logger)
        self.certificates = certificates
        self.current = current
        let workers = try (0..<(configuration.workers ?? UsableProcessors.count)).map { index in
            try Worker(index: index, current.forLoops, shared: current.assembly.sharedResources)
        }
        self.workers = workers
        let status = GatewayStatus(
            snapshot: current.assembly.snapshot, configuration: configuration.effective,
            log: current.accessLog.writer, operatorLog: log, certificates: certificates, life: self.life)
        self.status = status
        self.admin = AdminServer(
            sources: AdminSources(
                loops: workers.map { worker in { worker.report($0, answer: $1) } }, process: { status.report },
                obstacles: { status.obstacles }, configuration: { status.configuration }),
            logger: logger)
        self.inherited.releaseBound()
    }

    /// Starts the loops. Returns when all of them accept.
    package func start() throws {
        self.current.assembly.awaitTokenKeys()
        for worker in self.workers { try worker.start() }
        let queue = ControlQueue()
        var accepts = true
        let haveTaken = self.giveLoops(self.current.forLoops, hearing: queue) { accepts = accepts && $0 }
        guard haveTaken, accepts else { throw AssemblyError.loopsDoNotAccept }
        try self.certificates.start()
        for socket in self.current.listeners.flatMap(\.sockets).map(\.socket) { self.logListening(on: socket) }
        try self.admin.listen(on: self.current.adminSockets, token: self.current.configuration.admin?.token)
        self.logAdmin(before: [])
        self.warn()
        self.life.phase = .serving
    }

    private func logAdmin(before: [ListeningSocket]) {
        for socket in self.current.adminSockets where !before.contains(where: { $0 === socket }) {
            self.logger.notice("the admin listener is open", metadata: ["address": "\(socket.address)"])
        }
    }

    /// Of what lets the gateway run and then fails those who rely on it.
    private func warn() {
        let configuration = self.current.configuration
        let addresses = configuration.listeners.map(\.address) + [configuration.admin?.address].compactMap(\.self)
        for (name, socket) in self.inherited.named where !addresses.contains(.descriptor(name: name)) {
            self.logger.warning(
                "no listener takes this socket of the service manager: who connects to it waits in vain",
                metadata: ["name": "fd:\(name)", "address": "\(socket.address)"])
        }
        let unsigned = self.current.assembly.snapshot.functions.filter { $0.signsCalls && !$0.credentials.hasSource }
        if let first = unsigned.first, let reason = first.credentials.obstacle(at: LoopClock.system.wall()) {
            self.logger.warning(
                "there are no credentials to call functions with",
                metadata: ["functions": "\(unsigned.map(\.name).joined(separator: ", "))", "error": "\(reason)"])
        }
    }

    private func logListening(on socket: ListeningSocket) {
        self.logger.notice("listening", metadata: ["address": "\(socket.address)"])
    }

    /// What it does, in a line.
    package var summary: String {
        let configuration = self.current.configuration
        let addresses = self.current.listeners.map(\.address.description).joined(separator: ", ")
        return "listening on \(addresses); \(configuration.functions.count) functions, "
            + "\(configuration.routes.routes.count) routes"
    }

    /// All loops: those of the requests, and those of credentials, of the admin listener and of the Lambda on this
    /// machine, as far as there are such.
    var turning: [Watchdog.Member] {
        let local = self.current.assembly.localLambda.map { lambda in
            Watchdog.Member(name: "local-lambda") { lambda.atNextRound($0) }
        }
        return self.workers.map { worker in
            Watchdog.Member(name: "loop-\(worker.index)") { worker.atNextRound($0) }
        } + [local, self.current.assembly.sharedResources.control.turning, self.admin.turning].compactMap { $0 }
    }
}

/// Another configuration.
extension Server {
    /// How long the loops may take to go over to it.
    private static let patience = Duration.seconds(10)

    /// Goes over to another configuration: at once in all loops, or not at all, and then says everything that is wrong.
    /// Returns when the loops have gone over.
    package func reload(_ configuration: GatewayConfiguration, hearing queue: ControlQueue) throws(AssemblyFaults) {
        let previous = self.current
        let next = try Current(
            configuration, after: previous, inherited: self.inherited, ticketKeys: self.ticketKeys,
            environment: self.environment, readFile: self.readFile, life: self.life, logger: self.logger)
        // Nothing fails from here on.
        next.assembly.takeEffect(after: previous.assembly)
        next.assembly.awaitTokenKeys()
        self.current = next
        self.certificates.watch(next.tls)
        self.goOver(from: previous, hearing: queue)
        do throws(SystemError) {
            try self.admin.listen(on: next.adminSockets, token: configuration.admin?.token)
        } catch {
            self.logger.error("there is no admin listener", metadata: ["error": "\(error)"])
        }
        self.logAdmin(before: previous.adminSockets)
        self.logListeners(before: previous.listeners)
        self.warn()
        if let workers = configuration.workers, workers != self.workers.count {
            self.logger.warning(
                "the number of workers stays until the gateway is started again",
                metadata: ["workers": "\(self.workers.count)", "configured": "\(workers)"])
        }
    }

    /// Opens the file of the access log anew, where it has one, because the one before may have been moved away.
    func reopenAccessLog(hearing queue: ControlQueue) {
        let previous = self.current
        do throws(SystemError) {
            self.current.accessLog = try AccessLogTarget(
                previous.configuration.accessLog, after: previous.accessLog, logger: self.logger)
        } catch {
            self.logger.error("the file of the access log stays as it is", metadata: ["error": "\(error)"])
            return
        }
        guard self.current.accessLog.writer !== previous.accessLog.writer else { return }
        self.goOver(from: previous, hearing: queue)
        self.logger.notice("the file of the access log was opened again")
    }

    /// Gives the loops what is in force now, and closes the log that was in force before.
    private func goOver(from previous: Current, hearing queue: ControlQueue) {
        let now = self.current
        if !self.giveLoops(now.forLoops, hearing: queue) {
            self.logger.error("not all loops have gone over to the configuration yet")
        }
        previous.accessLog.close(whereNot: now.accessLog)
        // Afterwards, so that what the log before has dropped is counted to the last.
        self.status.update(
            snapshot: now.assembly.snapshot, configuration: now.configuration.effective, log: now.accessLog.writer)
    }

    /// Hands something to all loops, and waits until they have taken it; answers whether they have.
    private func giveLoops(
        _ configuration: LoopConfiguration, hearing queue: ControlQueue, accepts: (Bool) -> Void = { _ in }
    ) -> Bool {
        self.round += 1
        let round = self.round
        for worker in self.workers { worker.take(configuration) { queue.post(.taken(round: round, accepts: $0)) } }
        return queue.wait(self.workers.count, until: .now + Self.patience) { event in
            guard case .taken(round, let isAccepting) = event else { return false }
            accepts(isAccepting)
            return true
        }
    }

    private func logListeners(before previous: [BoundListener]) {
        let before = previous.flatMap(\.sockets).map(\.socket)
        let now = self.current.listeners.flatMap(\.sockets).map(\.socket)
        for socket in now where !before.contains(where: { $0 === socket }) { self.logListening(on: socket) }
        for socket in before where !now.contains(where: { $0 === socket }) {
            self.logger.notice("listening no more", metadata: ["address": "\(socket.address)"])
        }
    }
}

/// Another process.
extension Server {
    /// The sockets that a process that takes the place of this one has to be given.
    var handedSockets: [HandedSocket] {
        self.inherited.handed
            + self.ownSockets.map { address, socket in
                HandedSocket(
                    descriptor: socket.descriptor,
                    kind: address?.leavesPortToKernel ?? false ? .boundToChosenPort : .bound, name: "")
            }
    }

    /// The files of unix sockets go with this process from now on.
    func adoptSocketFiles() {
        for (_, socket) in self.ownSockets { socket.adoptFile() }
    }

    /// The files of unix sockets stay, because another process listens there.
    func leaveSocketFiles() {
        for (_, socket) in self.ownSockets { socket.leaveFile() }
    }

    /// Those that this process, or one before it, has bound; with what the configuration says of their addresses.
    private var ownSockets: [(address: ListenerAddress?, socket: ListeningSocket)] {
        let listeners = self.current.listeners.flatMap { listener in
            listener.sockets.map { (address: Optional(listener.address), socket: $0.socket) }
        }
        let admin = self.current.adminSockets.map { (address: self.current.configuration.admin?.address, socket: $0) }
        let local = self.current.assembly.localLambdaSocket.map { (address: ListenerAddress?.none, socket: $0) }
        return (listeners + admin + [local].compactMap { $0 }).filter { !($0.address?.isInherited ?? false) }
    }
}

/// The end.
extension Server {
    /// How long draining may take, with some time for the end.
    var drainPatience: Duration {
        self.current.configuration.drainDelay + self.current.configuration.drainTimeout + .seconds(10)
    }

    /// Lets go of the sockets, lets running streams finish for as long as `drain_timeout` says, cuts the rest, and ends
    /// the loops. A `stop` in the queue ends the wait early; answers whether one came.
    ///
    /// - Parameter successor: a process that accepts from the same sockets, so that nobody has to be told.
    func drain(supersededBy successor: SuccessorProcess?, hearing queue: ControlQueue) -> Bool {
        let settings = self.current.configuration
        let isSuperseded = successor != nil
        var isHurried = false
        if isSuperseded {
            self.admin.handOver()
            self.current.adminSockets = []
        } else {
            // Before anything is closed: whoever asks whether requests are wanted is to hear that they are not.
            self.life.phase = .leaving
            if settings.drainDelay > .zero {
                self.logger.notice("draining after a delay", metadata: ["delay": "\(settings.drainDelay)"])
                isHurried = queue.wait(for: .stop, 1, until: .now + settings.drainDelay)
            }
        }
        self.logger.notice("draining", metadata: ["timeout": "\(settings.drainTimeout)"])
        // With the loops' own, so that connecting is refused from now on and nobody waits in a queue that is not read.
        self.current.listeners = []
        self.current.assembly.releaseLocalLambdaSocket()
        self.inherited.releaseAll()
        // Nobody waits for a process that was replaced, so its last clients have all the time that clients have.
        let grace = isSuperseded ? settings.limits.requestHead : LoopContext.drainGrace
        for worker in self.workers { worker.drain(grace: grace) { queue.post(.drained) } }
        var left = self.workers.count
        if let lambda = self.current.assembly.localLambda {
            left += 1
            lambda.drainOthers(leavingQueue: isSuperseded) { queue.post(.drained) }
        }
        let deadline = ContinuousClock.now + settings.drainTimeout
        while left > 0, !isHurried, let event = queue.next(until: deadline) {
            switch event {
            case .drained: left -= 1
            case .stop: isHurried = true
            case .successorEnded(let outcome) where isSuperseded:
                self.logger.critical("the process that took the place of this one has ended: \(outcome)")
            case .reload:
                // Whoever sent it may not have known yet that the service is another process.
                successor?.reload()
                self.reopenAccessLog(hearing: queue)
            case .reopenLog:
                successor?.reopenLog()
                self.reopenAccessLog(hearing: queue)
            case .successorEnded, .upgrade, .taken, .successorReady: break
            }
        }
        if left > 0 { self.cut(left, isHurried: isHurried, hearing: queue) }
        self.stop()
        return isHurried
    }

    private func cut(_ left: Int, isHurried: Bool, hearing queue: ControlQueue) {
        if isHurried {
            self.logger.notice("told to end at once: what still runs is cut")
        } else {
            self.logger.warning("the time for draining is over: what still runs is cut")
        }
        for worker in self.workers { worker.cut() }
        self.current.assembly.localLambda?.cutOthers { [life = self.life] calls in
            for _ in 0..<calls { life.exchangeCut() }
        }
        // So that clients see how their answers end.
        _ = queue.wait(for: .drained, left, until: .now + .seconds(2))
        let count = self.life.exchangesCut
        if count > 0 { self.logger.warning("exchanges were cut", metadata: ["exchanges": "\(count)"]) }
    }

    private func stop() {
        for worker in self.workers { worker.stop() }
        self.certificates.stop()
        self.admin.stop()
        self.current.adminSockets = []
        self.current.assembly.sharedResources.control.stop()
        self.current.assembly.localLambda?.stop()
        self.current.accessLog.close()
        self.logger.notice("stopped")
    }
}

extension AdminSettings {
    /// Without a token only this machine may reach the admin listener. Of a socket that the service manager has bound
    /// that is known only here.
    fileprivate func checkReach(of sockets: [ListeningSocket]) throws(AssemblyError) {
        guard self.token == nil, let socket = sockets.first(where: { !$0.address.isLoopback }) else { return }
        throw .openAdminListener(self.address.description, bound: socket.address.description)
    }
}

extension ListenerAddress {
    /// Whether the service manager makes the socket.
    fileprivate var isInherited: Bool {
        if case .descriptor = self { true } else { false }
    }

    /// Whether the kernel chooses the port.
    fileprivate var leavesPortToKernel: Bool {
        if case .network(let network) = self { network.port == 0 } else { false }
    }
}
