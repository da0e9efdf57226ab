internal import Logging
internal import Reactor
private import Synchronization

/// One loop on its thread.
final class Worker: Sendable {
    let index: Int
    private let mailbox: Mailbox
    private let loop: LoopBound<Loop>
    private let context: LoopBound<LoopContext>
    private let thread = Mutex<SystemThread?>(nil)
    private let roomSearch: RoomSearch

    init(index: Int, _ configuration: LoopConfiguration, shared: SharedResources) throws {
        let loop = try Loop()
        // One loop looks after what belongs to all.
        let context = LoopContext(
            loop: loop, snapshot: configuration.snapshot, shared: shared,
            accessLog: configuration.accessLog.accessLog(), watchesMemory: index == 0)
        context.tidy()
        self.index = index
        self.mailbox = loop.mailbox
        self.loop = LoopBound(loop)
        self.context = LoopBound(context)
        self.roomSearch = shared.roomSearch
    }

    /// Begins to turn.
    func start() throws {
        let loop = self.loop
        self.roomSearch.join(self.context, with: self.mailbox)
        let thread = try SystemThread(name: "loop-\(self.index)") { loop.run() }
        self.thread.withLock { $0 = thread }
    }

    /// Goes over to another configuration, and then tells whether it accepts from all listeners.
    func take(_ configuration: LoopConfiguration, _ taken: @escaping @Sendable (_ accepts: Bool) -> Void) {
        self.perform { taken($0.take(configuration)) }
    }

    /// Stops accepting, lets end what runs, and tells when nothing is left.
    func drain(grace: Duration, _ drained: @escaping @Sendable () -> Void) {
        self.perform { $0.drain(grace: grace, drained) }
    }

    /// Ends what still runs.
    func cut() {
        self.perform { $0.cut() }
    }

    /// Asks the loop about itself. The answer comes on its thread.
    func report(_ question: LoopQuestion, answer: @escaping @Sendable (LoopReport) -> Void) {
        let index = self.index
        self.perform { answer($0.report(question, index: index)) }
    }

    /// Runs something in the next round, so that who asks can tell whether the loop still turns.
    func atNextRound(_ work: @escaping @Sendable () -> Void) {
        self.mailbox.post { _ in work() }
    }

    /// Ends the loop and its thread.
    func stop() {
        self.roomSearch.leave(self.mailbox)
        self.mailbox.post { $0.stop() }
        self.thread.withLock { $0 }?.join()
    }

    private func perform(_ work: @escaping @Sendable (LoopContext) -> Void) {
        let context = self.context
        self.mailbox.post { loop in work(context.value(on: loop)) }
    }
}
