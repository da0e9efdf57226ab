internal import Configuration
internal import HTTP
internal import Logging
internal import Reactor
private import Synchronization

/// The admin listener: health, readiness, metrics and what is under way, for the operator's eyes.
///
/// It runs on a loop and a thread of its own, so that it answers however busy the others are, and costs them a message
/// for each question.
final class AdminServer: Sendable {
    private let sources: AdminSources
    private let token: String?
    private let logger: Logger
    private let running = Mutex<Running?>(nil)

    private struct Running: Sendable {
        let mailbox: Mailbox
        let thread: SystemThread
        let desk: LoopBound<AdminDesk>
    }

    init(sources: AdminSources, token: String?, logger: Logger) {
        self.sources = sources
        self.token = token
        self.logger = logger
    }

    /// Begins to answer on sockets that are bound.
    func start(on sockets: [ListeningSocket]) throws {
        let loop = try Loop()
        let desk = AdminDesk(sources: self.sources, token: self.token, loop: loop, logger: self.logger)
        for socket in sockets { try desk.listen(on: socket) }
        let runner = LoopBound(loop)
        let thread = try SystemThread(name: "admin") { runner.run() }
        self.running.withLock { $0 = Running(mailbox: loop.mailbox, thread: thread, desk: LoopBound(desk)) }
    }

    /// Closes everything and ends the thread.
    func stop() {
        guard
            let running = self.running.withLock({ running in
                defer { running = nil }
                return running
            })
        else { return }
        running.mailbox.post { loop in
            running.desk.value(on: loop).close()
            loop.stop()
        }
        running.thread.join()
    }
}

/// What the admin listener asks, and whom.
struct AdminSources: Sendable {
    /// One for each loop. A question is answered on that loop's thread.
    let loops: [@Sendable (_ question: LoopQuestion, _ answer: @escaping @Sendable (LoopReport) -> Void) -> Void]
    /// What belongs to the process.
    let process: @Sendable () -> ProcessReport
    /// Why requests are not wanted now; empty where they are.
    let obstacles: @Sendable () -> [String]
    /// The configuration in force as JSON, without secrets.
    let configuration: @Sendable () -> [UInt8]
}

/// What a loop is asked.
struct LoopQuestion: Sendable {
    /// Whether each exchange is to be described.
    var withStreams = false
}
