package import Configuration
internal import HTTP
internal import Lambda
internal import LocalLambda
package import Logging
internal import Reactor
internal import Relay
private import Synchronization

/// The gateway: loops, listeners, the local Lambda, logs. Made from a configuration, run until it is drained.
package final class Server: Sendable {
    private let logger: Logger
    private let drainTimeout: Duration
    private let drainDelay: Duration
    private let localLambda: LocalLambda?
    private let accessLogWriter: LogWriter?
    private let workers: [Worker]
    private let status: GatewayStatus
    private let admin: AdminServer?
    private let adminSockets: Mutex<[ListeningSocket]>
    /// Held until the gateway drains: a socket is closed when the last of those that hold it lets go.
    private let sockets: Mutex<[(socket: ListeningSocket, listener: ListenerRuntime)]>

    /// Binds everything and starts what stands beside the loops. Throws one error that says what is wrong and where.
    package init(
        _ configuration: GatewayConfiguration, environment: [String: String], readFile: (String) -> String?,
        logger: Logger
    ) throws {
        self.logger = logger
        self.drainTimeout = configuration.drainTimeout
        self.drainDelay = configuration.drainDelay
        let assembly = try Assembly(configuration, environment: environment, readFile: readFile, logger: logger)
        self.localLambda = assembly.localLambda
        self.sockets = Mutex(try ListenerBinding.bind(configuration.listeners, environment: environment))
        self.adminSockets = Mutex(
            try configuration.admin.map {
                try ListenerBinding.sockets(for: $0.address, environment: environment)
            } ?? [])
        self.accessLogWriter = try LogWriter(configuration.accessLog)
        var workers: [Worker] = []
        for index in 0..<(configuration.workers ?? UsableProcessors.count) {
            workers.append(
                try Worker(
                    index: index, snapshot: assembly.snapshot, shared: assembly.sharedResources,
                    accessLogWriter: self.accessLogWriter))
        }
        self.workers = workers
        let status = GatewayStatus(snapshot: assembly.snapshot, configuration: configuration.effective)
        self.status = status
        let writer = self.accessLogWriter
        self.admin = configuration.admin.map { settings in
            AdminServer(
                sources: AdminSources(
                    loops: workers.map { worker in { worker.report($0, answer: $1) } },
                    process: { status.report(droppedLogBytes: writer?.droppedBytes ?? 0) },
                    obstacles: { status.obstacles }, configuration: { status.configuration }),
                token: settings.token, logger: logger)
        }
    }

    /// Starts the loops and accepts.
    package func start() throws {
        let sockets = self.sockets.withLock { $0 }
        for worker in self.workers { try worker.start(listeningOn: sockets) }
        for (socket, _) in sockets {
            self.logger.notice("listening", metadata: ["address": "\(socket.address)"])
        }
        let adminSockets = self.adminSockets.withLock { $0 }
        try self.admin?.start(on: adminSockets)
        for socket in adminSockets {
            self.logger.notice("the admin listener is open", metadata: ["address": "\(socket.address)"])
        }
    }

    /// Stops accepting, lets running streams finish for as long as `drain_timeout` says, cuts the rest, and ends the
    /// loops. `hurry` ends the wait early.
    package func drain(hurry: DrainGate) {
        // Before anything is closed: whoever asks whether requests are wanted is to hear that they are not.
        self.status.isDraining = true
        if self.drainDelay > .zero {
            self.logger.notice("draining after a delay", metadata: ["delay": "\(self.drainDelay)"])
            hurry.wait(atMost: self.drainDelay, for: 1)
        }
        self.logger.notice("draining", metadata: ["timeout": "\(self.drainTimeout)"])
        // With the loops' own, so that connecting is refused from now on and nobody waits in a queue that is not read.
        self.sockets.withLock { $0 = [] }
        for worker in self.workers { worker.drain { hurry.arrived() } }
        if !hurry.wait(atMost: self.drainTimeout, for: self.workers.count) {
            self.logger.warning("the time for draining is over: what still runs is cut")
            for worker in self.workers { worker.cut() }
            // So that clients see how their answers end.
            hurry.wait(atMost: .seconds(2), for: self.workers.count, evenInHurry: true)
        }
        for worker in self.workers { worker.stop() }
        self.admin?.stop()
        self.adminSockets.withLock { $0 = [] }
        self.localLambda?.stop()
        self.accessLogWriter?.close()
        self.logger.notice("stopped")
    }
}

/// One loop on its thread.
private final class Worker: Sendable {
    private let mailbox: Mailbox
    private let loop: LoopBound<Loop>
    private let context: LoopBound<LoopContext>
    private let thread = Mutex<SystemThread?>(nil)
    private let index: Int

    init(
        index: Int, snapshot: Snapshot, shared: SharedResources, accessLogWriter: LogWriter?
    ) throws {
        let loop = try Loop()
        let accessLog = accessLogWriter.flatMap { AccessLog(format: snapshot.accessLogFormat, writer: $0) }
        let context = LoopContext(loop: loop, snapshot: snapshot, shared: shared, accessLog: accessLog)
        // One loop looks after what belongs to all.
        if index == 0 { context.watchMemory() }
        self.index = index
        self.mailbox = loop.mailbox
        self.loop = LoopBound(loop)
        self.context = LoopBound(context)
    }

    func start(listeningOn sockets: [(socket: ListeningSocket, listener: ListenerRuntime)]) throws {
        self.perform { context in
            for (socket, listener) in sockets {
                do {
                    try context.listen(on: socket, as: listener)
                } catch {
                    context.logger.critical(
                        "cannot accept", metadata: ["listener": "\(listener.name)", "error": "\(error)"])
                }
            }
        }
        let loop = self.loop
        let thread = try SystemThread(name: "loop-\(self.index)") { loop.run() }
        self.thread.withLock { $0 = thread }
    }

    func drain(_ drained: @escaping @Sendable () -> Void) {
        self.perform { $0.drain(drained) }
    }

    func cut() {
        self.perform { $0.cut() }
    }

    /// Asks the loop about itself. The answer comes on its thread.
    func report(_ question: LoopQuestion, answer: @escaping @Sendable (LoopReport) -> Void) {
        let index = self.index
        self.perform { answer($0.report(question, index: index)) }
    }

    func stop() {
        self.mailbox.post { $0.stop() }
        self.thread.withLock { $0 }?.join()
    }

    private func perform(_ work: @escaping @Sendable (LoopContext) -> Void) {
        let context = self.context
        self.mailbox.post { loop in work(context.value(on: loop)) }
    }
}
