internal import Logging
internal import Reactor
internal import Time

/// Gathers what the admin listener's sessions ask for. Bound to the loop of the listener.
final class AdminDesk {
    let sources: AdminSources
    /// What clients have to show, beside those who ask for health.
    var token: String?
    let loop: Loop
    private let logger: Logger
    private var listeners: [Listener] = []
    private var sessions: [ObjectIdentifier: AdminSession] = [:]
    private var gatherings: [ObjectIdentifier: Gathering] = [:]
    /// The last report of each loop: counters of one that is stuck must not seem to go down.
    private var lastReports: [Int: LoopReport] = [:]
    /// When the loops that owe an answer were asked for the first one that they owe.
    private var silentSince: [Int: MonotonicTime] = [:]

    /// Connections that may be open.
    private static let sessionLimit = 64
    /// How long a loop may take to answer.
    private static let patience = Duration.seconds(1)

    init(sources: AdminSources, loop: Loop, logger: Logger) {
        self.sources = sources
        self.loop = loop
        self.logger = logger
    }

    /// Accepts on these sockets, and no longer on others.
    func listen(on sockets: [ListeningSocket]) throws(SystemError) {
        let before = self.listeners
        self.listeners = before.filter { listener in sockets.contains { $0 === listener.socket } }
        for listener in before where !self.listeners.contains(where: { $0 === listener }) { listener.close() }
        for socket in sockets where !before.contains(where: { $0.socket === socket }) {
            self.listeners.append(try Listener(socket, on: self.loop, handler: self))
        }
    }

    /// Accepts no longer, and leaves what waits in the queues to who accepts from them as well.
    func handOver() {
        for listener in self.listeners { listener.close(leavingQueue: true) }
        self.listeners = []
        for session in Array(self.sessions.values) { session.close() }
    }

    /// Closes everything.
    func close() {
        for listener in self.listeners { listener.close() }
        self.listeners = []
        for session in Array(self.sessions.values) { session.close() }
    }

    func sessionEnded(_ session: AdminSession) {
        self.sessions[ObjectIdentifier(session)] = nil
    }

    /// What a round of questions has brought.
    struct Answer {
        /// Of each loop that has ever answered, in order.
        let reports: [LoopReport]
        /// Loops that did not answer in time.
        let silent: [Int]
    }

    /// Asks all loops, and hands on what they say, or what is known when the time is over.
    func ask(_ question: LoopQuestion, then: @escaping (Answer) -> Void) {
        let asked = self.loop.now
        let gathering = Gathering(expecting: self.sources.loops.count, asked: asked, desk: self, then: then)
        self.gatherings[ObjectIdentifier(gathering)] = gathering
        let mailbox = self.loop.mailbox
        let bound = LoopBound(gathering)
        for (index, source) in self.sources.loops.enumerated() {
            source(question) { report in
                mailbox.post { loop in
                    var report = report
                    report.lag = loop.now - asked
                    bound.value(on: loop).answered(report, by: index)
                }
            }
        }
        self.loop.set(gathering.timer, after: Self.patience)
        gathering.endIfComplete()
    }

    fileprivate func gathered(_ gathering: Gathering) {
        self.gatherings[ObjectIdentifier(gathering)] = nil
        self.loop.cancel(gathering.timer)
        for (index, report) in gathering.reports {
            self.lastReports[index] = report
            self.silentSince[index] = nil
        }
        let silent = self.sources.loops.indices.filter { gathering.reports[$0] == nil }
        for index in silent { self.noteSilence(of: index, asked: gathering.asked) }
        gathering.then(Answer(reports: self.lastReports.values.sorted { $0.index < $1.index }, silent: silent))
    }

    /// What is known of a loop that does not answer is what it said last, but for its lag: that grows until it answers.
    private func noteSilence(of index: Int, asked: MonotonicTime) {
        let since = self.silentSince[index] ?? asked
        self.silentSince[index] = since
        self.lastReports[index, default: LoopReport(index: index)].lag = self.loop.now - since
    }
}

extension AdminDesk: ListenerHandler {
    func accepted(_ connection: Connection) {
        if self.sessions.count >= Self.sessionLimit {
            // Whoever has been silent for longest gives way, so that silent connections shut nobody out.
            guard let idle = self.sessions.values.filter({ !$0.isAnswering }).min(by: { $0.idleSince < $1.idleSince })
            else {
                connection.close()
                return
            }
            idle.close()
        }
        let session = AdminSession(connection, desk: self)
        self.sessions[ObjectIdentifier(session)] = session
    }

    func acceptPaused(_ error: SystemError, isNews: Bool) {
        guard isNews else { return }
        self.logger.error("the admin listener rests for a moment: no resources left", metadata: ["error": "\(error)"])
    }
}

@available(*, unavailable)
extension AdminDesk: Sendable {}

/// One round of questions.
private final class Gathering: LoopTimerHandler {
    private(set) var reports: [Int: LoopReport] = [:]
    let asked: MonotonicTime
    let then: (AdminDesk.Answer) -> Void
    lazy var timer = LoopTimer(handler: self)
    private let expected: Int
    private weak var desk: AdminDesk?

    init(
        expecting expected: Int, asked: MonotonicTime, desk: AdminDesk, then: @escaping (AdminDesk.Answer) -> Void
    ) {
        self.expected = expected
        self.asked = asked
        self.desk = desk
        self.then = then
    }

    func answered(_ report: LoopReport, by index: Int) {
        self.reports[index] = report
        self.endIfComplete()
    }

    func endIfComplete() {
        if self.reports.count == self.expected { self.end() }
    }

    func timerFired(_ timer: LoopTimer) {
        self.end()
    }

    private func end() {
        let desk = self.desk
        // What comes later is late.
        self.desk = nil
        desk?.gathered(self)
    }
}
