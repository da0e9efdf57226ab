import Bytes
import Logging
import Processes
import Reactor
import Time

/// One child process: its own endpoint of the Runtime API, its deadlines and its end. Bound to the loop.
///
/// Each child has a listener of its own on a loopback port that the kernel chose, because the address is all that a
/// runtime is told (`AWS_LAMBDA_RUNTIME_API` is host and port): the port is what tells children apart.
final class ChildDriver {
    let id: ChildID
    unowned let host: FunctionHost
    let loop: Loop
    private let process: ChildProcess
    private let logs: ChildLogs
    private var machine = ChildStateMachine()
    private var listener: Listener?
    private var connections: [ObjectIdentifier: RuntimeConnection] = [:]
    /// The connection on which the child waits for an invocation.
    private weak var parked: RuntimeConnection?
    private var exitWatch: DescriptorWatch?
    /// How the process ended, once it has.
    private var outcome: ProcessOutcome?
    /// Whether the process was sent the invocation that it has.
    private var hasDelivered = false

    private lazy var startTimer = LoopTimer(handler: self)
    private lazy var deadlineTimer = LoopTimer(handler: self)
    private lazy var brokenTimer = LoopTimer(handler: self)
    private lazy var exitTimer = LoopTimer(handler: self)
    private lazy var killTimer = LoopTimer(handler: self)
    private lazy var memoryTimer = LoopTimer(handler: self)

    private init(_ id: ChildID, of host: FunctionHost, process: ChildProcess) {
        self.id = id
        self.host = host
        self.loop = host.loop
        self.process = process
        self.logs = ChildLogs(process, of: host)
    }

    /// Starts a child. `describe` says what to start, given the endpoint at which the child will find us.
    static func start(
        _ id: ChildID, of host: FunctionHost,
        describe: (_ endpoint: String) throws(SpawnError) -> ProcessDescription
    ) throws(StartError) -> ChildDriver {
        let socket = try StartError.calling { () throws(SystemError) in
            try ListeningSocket(bindingTo: .loopback, backlog: 16)
        }
        let process = try StartError.spawning { () throws(SpawnError) in
            try ChildProcess.spawn(describe("127.0.0.1:\(socket.address.port)"))
        }
        let child = ChildDriver(id, of: host, process: process)
        do throws(StartError) {
            try child.watch(socket)
        } catch {
            process.killAndWait()
            child.close()
            throw error
        }
        return child
    }

    private func watch(_ socket: ListeningSocket) throws(StartError) {
        self.listener = try StartError.calling { () throws(SystemError) in
            try Listener(socket, on: self.loop, handler: self)
        }
        try self.logs.watch()
        let descriptor = try StartError.spawning { () throws(SpawnError) in try self.process.duplicateDescriptor(.exit)
        }
        self.exitWatch = try StartError.calling { () throws(SystemError) in
            try DescriptorWatch(descriptor, on: self.loop, handler: self)
        }
        self.loop.set(self.startTimer, after: ChildLimits.start)
        if self.host.function.hasMemoryLimit { self.loop.set(self.memoryTimer, after: ChildLimits.memoryInterval) }
        self.host.log.debug("started process \(self.process.processID)")
    }
}

@available(*, unavailable)
extension ChildDriver: Sendable {}

/// What the child asks of its Runtime API, told by the connections.
extension ChildDriver {
    /// `GET next` has come.
    func requestedNext(on connection: RuntimeConnection) {
        switch self.machine.requestedNext() {
        case .hold:
            self.hold(connection)
        case .holdAfterCut(let id):
            self.host.finish(id, error: .truncated(id: id))
            self.hold(connection)
        case .holdInstead:
            self.parked = connection
        case .deliverAgain(let id):
            self.hasDelivered = true
            if let invocation = self.host.invocation(id) { connection.deliver(invocation) }
        case .refuse(let refusal):
            connection.refuse(refusal)
        }
    }

    private func hold(_ connection: RuntimeConnection) {
        self.loop.cancel(self.startTimer)
        self.loop.cancel(self.deadlineTimer)
        self.logs.invocation = nil
        self.parked = connection
        self.host.childBecameFree(self.id)
    }

    /// The child gets an invocation. Answers whether it can take it: its process may have ended since it asked.
    func assign(_ invocation: Invocation) -> Bool {
        if self.outcome == nil, let outcome = self.process.reap() { self.processEnded(outcome) }
        guard self.outcome == nil, self.machine.assigned(invocation.id) else { return false }
        self.logs.drain()
        self.logs.invocation = invocation
        self.loop.set(self.deadlineTimer, after: self.host.function.timeout)
        // Without a connection the child lost it, and will ask again on a new one.
        // It may have sent more already, which is read within, and may park it again.
        let parked = self.parked
        self.parked = nil
        self.hasDelivered = parked != nil
        parked?.deliver(invocation)
        return true
    }

    /// The head of an answer has come.
    func responseBegan(for id: InvocationID, on connection: RuntimeConnection) -> ChildStateMachine.PostAction {
        let action = self.machine.responseBegan(for: id)
        if action == .accept { self.host.invocation(id)?.source = connection }
        return action
    }

    /// The answer is complete.
    func responseEnded(for id: InvocationID, error: FunctionError?) {
        if self.machine.responseEnded() { self.host.finish(id, error: error) }
    }

    /// The child reports that the invocation failed.
    func errorReported(for id: InvocationID, error: FunctionError) -> ChildStateMachine.PostAction {
        let action = self.machine.errorReported(for: id)
        if action == .accept { self.host.finish(id, error: error) }
        return action
    }

    /// The child reports that it cannot start up.
    func initErrorReported(_ error: FunctionError) -> ChildStateMachine.PostAction {
        let action = self.machine.initErrorReported()
        if action == .accept { self.host.childFailedToStart(self.id) { _ in error } }
        return action
    }

    /// A connection has ended.
    func connectionEnded(_ connection: RuntimeConnection, duringResponse: Bool) {
        self.connections[ObjectIdentifier(connection)] = nil
        if duringResponse, case .awaitExit = self.machine.responseBroken() {
            self.loop.set(self.brokenTimer, after: ChildLimits.brokenGrace)
        }
        if self.outcome != nil, self.connections.isEmpty { self.finish() }
    }
}

/// The end of the child.
extension ChildDriver {
    /// Whether it waits for an invocation.
    var isIdle: Bool { self.machine.isIdle }

    /// Reads what the child has printed so far.
    func drainLogs() {
        self.logs.drain()
    }

    /// Tells the child to end, and kills it where it does not.
    func stop() {
        if let current = self.machine.stopped() { self.host.finish(current, error: .shutdown(id: current)) }
        self.host.childIsLeaving(self.id)
        self.process.signalGroup(.terminate)
        self.loop.set(self.killTimer, after: ChildLimits.terminationGrace)
    }

    private func deadlinePassed() {
        switch self.machine.deadlinePassed() {
        case .kill(let id):
            self.host.childIsLeaving(self.id)
            self.process.signalGroup(.kill)
            self.host.finish(id, error: .timedOut(after: self.host.function.timeout, id: id))
        case .killIdly:
            self.host.log.warning("the process did not ask for another invocation before the deadline of the last one")
            self.host.childIsLeaving(self.id)
            self.process.signalGroup(.kill)
        case .ignore:
            break
        }
    }

    private func startLimitPassed() {
        switch self.machine.startLimitPassed() {
        case .killAsFailed:
            self.host.log.error("the process did not ask for an invocation within 10 s of its start")
            self.process.signalGroup(.kill)
            self.host.childFailedToStart(self.id) { .startTimedOut(after: ChildLimits.start, id: $0) }
            self.host.childIsLeaving(self.id)
        case .killIdly:
            self.process.signalGroup(.kill)
        case .ignore:
            break
        }
    }

    private func checkMemory() {
        let limit = self.host.function.memory * 1024 * 1024
        if let used = self.process.residentBytes, used > limit {
            self.host.log.error(
                "the process uses \(used / 1024 / 1024) MiB of \(self.host.function.memory), and is killed")
            self.process.signalGroup(.kill)
        } else {
            self.loop.set(self.memoryTimer, after: ChildLimits.memoryInterval)
        }
    }

    private func processEnded(_ outcome: ProcessOutcome) {
        self.outcome = outcome
        self.exitWatch?.close()
        self.exitWatch = nil
        self.listener?.close()
        self.loop.cancel(self.startTimer)
        self.loop.cancel(self.killTimer)
        self.loop.cancel(self.memoryTimer)
        if self.connections.isEmpty || self.machine.isIdle {
            self.finish()
        } else {
            // What the process had sent before it ended is read first.
            self.loop.set(self.exitTimer, after: ChildLimits.exitGrace)
        }
    }

    /// Nothing more will come from the child.
    private func finish() {
        guard let outcome = self.outcome else { return }
        self.logs.close()
        switch self.machine.exited() {
        case .startFailed:
            self.host.log.error("the process ended before it asked for an invocation: \(outcome)")
            self.host.childFailedToStart(self.id) { .exited(outcome, id: $0) }
        case .fail(let id) where !self.hasDelivered:
            // It never saw the call, so another process can have it.
            self.host.giveBack(id, from: self.id)
        case .fail(let id):
            self.host.log.error("the process ended in the middle of an invocation: \(outcome)")
            self.host.finish(id, error: .exited(outcome, id: id))
        case .none:
            self.host.log.debug("process \(self.process.processID) ended: \(outcome)")
        }
        self.close()
        self.host.childEnded(self.id)
    }

    private func close() {
        for timer in [
            self.startTimer, self.deadlineTimer, self.brokenTimer, self.exitTimer, self.killTimer, self.memoryTimer,
        ] {
            self.loop.cancel(timer)
        }
        self.listener?.close()
        self.listener = nil
        self.exitWatch?.close()
        self.exitWatch = nil
        self.logs.close()
        for connection in Array(self.connections.values) { connection.close() }
        self.connections.removeAll()
    }
}

extension ChildDriver: ListenerHandler {
    func accepted(_ connection: Connection) {
        let runtime = RuntimeConnection(connection, of: self)
        self.connections[ObjectIdentifier(runtime)] = runtime
    }

    func acceptPaused(_ error: SystemError, isNews: Bool) {
        guard isNews else { return }
        self.host.log.error("a function's connection could not be accepted: \(error)")
    }
}

extension ChildDriver: DescriptorWatchHandler {
    func readable(_ watch: DescriptorWatch) {
        if let outcome = self.process.reap() { self.processEnded(outcome) }
    }
}

extension ChildDriver: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        if timer === self.deadlineTimer {
            self.deadlinePassed()
        } else if timer === self.startTimer {
            self.startLimitPassed()
        } else if timer === self.brokenTimer {
            if let id = self.machine.gaveUpOnBroken() { self.host.finish(id, error: .truncated(id: id)) }
        } else if timer === self.exitTimer {
            // An answer whose reading is paused for a slow caller is waited for; its deadline still runs. One that
            // nobody waits for any more is not.
            if self.machine.current != nil, self.connections.values.contains(where: \.isPausedInResponse) {
                self.loop.set(self.exitTimer, after: ChildLimits.exitGrace)
            } else {
                self.finish()
            }
        } else if timer === self.killTimer {
            self.process.signalGroup(.kill)
        } else if timer === self.memoryTimer {
            self.checkMemory()
        }
    }
}
