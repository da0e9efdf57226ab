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
    private let logger: Logger
    private let running = Mutex<Running?>(nil)

    private struct Running: Sendable {
        let mailbox: Mailbox
        let thread: SystemThread
        let desk: LoopBound<AdminDesk>
    }

    init(sources: AdminSources, logger: Logger) {
        self.sources = sources
        self.logger = logger
    }

    /// Answers on these sockets, which are bound, and no longer on others. `token` is what clients have to show.
    func listen(on sockets: [ListeningSocket], token: String?) throws(SystemError) {
        if self.running.withLock({ $0 == nil }) {
            if sockets.isEmpty { return }
            try self.start()
        }
        let logger = self.logger
        self.perform { desk in
            desk.token = token
            do throws(SystemError) {
                try desk.listen(on: sockets)
            } catch {
                logger.error("the admin listener cannot accept", metadata: ["error": "\(error)"])
            }
        }
    }

    private func start() throws(SystemError) {
        let loop = try Loop()
        let desk = AdminDesk(sources: self.sources, loop: loop, logger: self.logger)
        let runner = LoopBound(loop)
        let thread = try SystemThread(name: "admin") { runner.run() }
        self.running.withLock { $0 = Running(mailbox: loop.mailbox, thread: thread, desk: LoopBound(desk)) }
    }

    /// Its loop, for the watchdog; `nil` before there is one.
    var turning: Watchdog.Member? {
        self.running.withLock { $0?.mailbox }.map { Watchdog.Member(name: "admin", $0) }
    }

    /// Another process answers from now on, on the same sockets.
    func handOver() {
        self.perform { $0.handOver() }
    }

    private func perform(_ work: @escaping @Sendable (AdminDesk) -> Void) {
        guard let running = self.running.withLock({ $0 }) else { return }
        running.mailbox.post { loop in work(running.desk.value(on: loop)) }
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
