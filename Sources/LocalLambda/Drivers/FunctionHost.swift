import Bytes
import Logging
import Processes
import Reactor
import Time

/// One function: its queue, its children, and the invocations that run or wait. Bound to the loop.
final class FunctionHost {
    let function: LocalFunction
    let loop: Loop
    let log: Logger
    private let environment: ChildEnvironment
    private let bootstrap: NodeBootstrapFile?
    private var machine: FunctionStateMachine
    private var children: [ChildID: ChildDriver] = [:]
    private var invocations: [InvocationID: Invocation] = [:]
    private lazy var expiryTimer = LoopTimer(handler: self)
    /// No more calls come: children end when they are free, and this is called when the last has ended.
    private var whenEnded: (() -> Void)?

    init(
        _ function: LocalFunction, loop: Loop, environment: ChildEnvironment, bootstrap: NodeBootstrapFile?, log: Logger
    ) {
        self.function = function
        self.loop = loop
        self.environment = environment
        self.bootstrap = bootstrap
        self.machine = FunctionStateMachine(
            limits: FunctionStateMachine.Limits(concurrency: function.concurrency, wait: function.queueWait))
        var log = log
        log[metadataKey: "function"] = "\(function.name)"
        self.log = log
    }

    // Calls.

    /// A call has come. Answers whether it was taken.
    func invoke(_ invocation: Invocation) -> Bool {
        self.invocations[invocation.id] = invocation
        let isPatient = invocation.request.type == .event
        switch self.machine.arrived(invocation.id, isPatient: isPatient, now: self.loop.now) {
        case .deliver(let child):
            self.deliver(invocation, to: child)
        case .wait:
            self.setExpiryTimer()
        case .waitAndStart(let child):
            self.start(child)
            self.setExpiryTimer()
        case .refuse:
            self.invocations[invocation.id] = nil
            self.log.warning("a call was refused: too many wait already")
            return false
        }
        return true
    }

    /// The caller has gone. A call that waits is forgotten; one that runs goes on to its end, as in Lambda.
    func abandon(_ invocation: Invocation) {
        invocation.caller = nil
        invocation.source?.resume()
        guard self.machine.abandoned(invocation.id) else { return }
        self.invocations[invocation.id] = nil
        self.setExpiryTimer()
    }

    /// The invocation that a child works on.
    func invocation(_ id: InvocationID) -> Invocation? { self.invocations[id] }

    private func deliver(_ invocation: Invocation, to id: ChildID) {
        guard let child = self.children[id] else { return }
        invocation.child = id
        invocation.startedAt = self.loop.now
        invocation.deadline = self.loop.wallNow + self.function.timeout
        guard child.assign(invocation) else {
            self.giveBack(invocation.id, from: id)
            return
        }
        invocation.logTail?.append("START RequestId: \(invocation.id.rawValue) Version: $LATEST")
    }

    /// A child's process had ended before it saw its call: another has it, once.
    func giveBack(_ id: InvocationID, from child: ChildID) {
        guard let invocation = self.invocations[id] else { return }
        guard !invocation.wasGivenBack else {
            self.finish(id, error: .truncated(id: id))
            return
        }
        invocation.wasGivenBack = true
        switch self.machine.givenBack(id, by: child, now: self.loop.now) {
        case .deliver(let other):
            self.deliver(invocation, to: other)
        case .waitAndStart(let other):
            self.start(other)
            self.setExpiryTimer()
        case .wait, .refuse:
            self.setExpiryTimer()
        }
    }

    /// An invocation has ended, with its answer complete or with an error.
    func finish(_ id: InvocationID, error: FunctionError?) {
        guard let invocation = self.invocations.removeValue(forKey: id) else { return }
        if let error {
            self.log.warning(
                "the invocation failed: \(error.code)",
                metadata: ["request_id": "\(id.rawValue)", "details": "\(error.details.prefix(2048))"])
        }
        let tail = self.finishedTail(of: invocation)
        // Its caller may have held it up, and has nothing to do with it any more.
        invocation.source?.resume()
        invocation.caller?.invocationEnded(error: error, logTail: tail)
    }

    private func finishedTail(of invocation: Invocation) -> String? {
        guard invocation.logTail != nil else { return nil }
        // What was printed before the answer was sent lies in the pipes at the latest now.
        if let child = invocation.child { self.children[child]?.drainLogs() }
        let elapsed = invocation.startedAt.map { self.loop.now - $0 } ?? .zero
        let milliseconds = elapsed.wholeMilliseconds
        invocation.logTail?.append("END RequestId: \(invocation.id.rawValue)")
        invocation.logTail?.append(
            "REPORT RequestId: \(invocation.id.rawValue)\tDuration: \(milliseconds) ms\t"
                + "Billed Duration: \(milliseconds + 1) ms\tMemory Size: \(self.function.memory) MB")
        return invocation.logTail?.encoded
    }

    private func setExpiryTimer() {
        let next = self.machine.nextExpiry
        // A timer that is set holds this object.
        if next == .never { self.loop.cancel(self.expiryTimer) } else { self.loop.set(self.expiryTimer, to: next) }
    }

    // Children.

    private func start(_ first: ChildID) {
        var next: ChildID? = first
        while let id = next {
            do throws(StartError) {
                self.children[id] = try ChildDriver.start(id, of: self) { (endpoint) throws(SpawnError) in
                    try self.description(id, endpoint: endpoint)
                }
                next = nil
            } catch {
                self.log.error("the function cannot be started: \(error)")
                if let waiting = self.machine.childFailedToStart(id) {
                    self.finish(waiting, error: .notStarted("\(error)", id: waiting))
                }
                next = self.machine.childEnded(id)
            }
        }
    }

    private func description(_ id: ChildID, endpoint: String) throws(SpawnError) -> ProcessDescription {
        try self.environment.description(
            of: self.function, endpoint: endpoint, child: id, nodeBootstrap: self.bootstrap?.writtenPath())
    }

    /// A child asks for work.
    func childBecameFree(_ id: ChildID) {
        switch self.machine.childBecameFree(id) {
        case .deliver(let waiting):
            if let invocation = self.invocations[waiting] { self.deliver(invocation, to: id) }
            self.setExpiryTimer()
        case .rest:
            if self.whenEnded != nil { self.children[id]?.stop() }
        }
    }

    /// A child has said, or shown, that it cannot start up.
    func childFailedToStart(_ id: ChildID, error: (InvocationID) -> FunctionError) {
        guard let waiting = self.machine.childFailedToStart(id) else { return }
        self.finish(waiting, error: error(waiting))
    }

    /// A child was killed or told to end.
    func childIsLeaving(_ id: ChildID) {
        self.machine.childIsLeaving(id)
    }

    /// A child's process is no more.
    func childEnded(_ id: ChildID) {
        self.children[id] = nil
        if let next = self.machine.childEnded(id) { self.start(next) }
        self.setExpiryTimer()
        self.endIfEmpty()
    }

    // The end.

    /// No more calls come. Those that run or wait are served; then the children end.
    func retire(whenEnded: @escaping () -> Void) {
        self.whenEnded = whenEnded
        for child in self.children.values where child.isIdle { child.stop() }
        self.endIfEmpty()
    }

    /// Everything ends now: waiting calls are refused, running ones fail, children are told to end and soon killed.
    func stop(whenEnded: @escaping () -> Void) {
        self.whenEnded = whenEnded
        self.loop.cancel(self.expiryTimer)
        for id in self.machine.stopped() {
            self.invocations.removeValue(forKey: id)?.caller?.invocationRefused(.shutdown)
        }
        for child in Array(self.children.values) { child.stop() }
        self.endIfEmpty()
    }

    private func endIfEmpty() {
        guard self.children.isEmpty, self.invocations.isEmpty, let whenEnded = self.whenEnded else { return }
        self.whenEnded = nil
        whenEnded()
    }
}

extension FunctionHost: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        for id in self.machine.expire(now: self.loop.now) {
            self.log.warning(
                "a call was refused: no process was free for it in time",
                metadata: ["request_id": "\(id.rawValue)", "concurrency": "\(self.function.concurrency)"])
            self.invocations.removeValue(forKey: id)?.caller?.invocationRefused(.throttled)
        }
        self.setExpiryTimer()
    }
}

@available(*, unavailable)
extension FunctionHost: Sendable {}
