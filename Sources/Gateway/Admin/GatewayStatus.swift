internal import AWS
internal import Lambda
internal import Reactor
private import Synchronization
internal import Time
internal import Tokens

/// What is known of the gateway as a whole, for the admin listener.
final class GatewayStatus: Sendable {
    private struct State {
        var snapshot: Snapshot
        var configuration: String
        var log: LogWriter?
        /// Of log files before.
        var droppedLogBytes = 0
    }

    private let state: Mutex<State>
    private let operatorLog: OperatorLog
    private let certificates: CertificateWatch
    private let life: Life
    private let startedAt = LoopClock.system.wall()

    init(
        snapshot: Snapshot, configuration: String, log: LogWriter?, operatorLog: OperatorLog,
        certificates: CertificateWatch, life: Life
    ) {
        self.operatorLog = operatorLog
        self.certificates = certificates
        self.state = Mutex(State(snapshot: snapshot, configuration: configuration, log: log))
        self.life = life
    }

    /// Another configuration is in force.
    func update(snapshot: Snapshot, configuration: String, log: LogWriter?) {
        self.state.withLock { state in
            if let before = state.log, before !== log { state.droppedLogBytes += before.droppedBytes }
            state.snapshot = snapshot
            state.configuration = configuration
            state.log = log
        }
    }

    /// The configuration in force, as JSON.
    var configuration: [UInt8] { Array(self.state.withLock { $0.configuration }.utf8) }

    /// Why requests are not wanted now, a line each; empty where they are.
    var obstacles: [String] {
        let snapshot = self.state.withLock { $0.snapshot }
        var obstacles = self.life.phase == .leaving ? ["draining: the gateway is about to stop"] : []
        let now = LoopClock.system.wall()
        for function in snapshot.functions where function.signsCalls {
            guard let obstacle = function.credentials.obstacle(at: now) else { continue }
            obstacles.append("function \(function.name): \(obstacle)")
        }
        for issuer in snapshot.issuers {
            guard let obstacle = issuer.store.obstacle else { continue }
            obstacles.append("token issuer \(issuer.name): \(obstacle)")
        }
        return obstacles
    }

    /// What belongs to the process.
    var report: ProcessReport {
        let (snapshot, droppedLogBytes) = self.state.withLock { state in
            (state.snapshot, state.droppedLogBytes + (state.log?.droppedBytes ?? 0))
        }
        var report = ProcessReport(
            version: Release.version, isReady: self.obstacles.isEmpty, startedAt: self.startedAt)
        report.droppedLogBytes = droppedLogBytes + self.operatorLog.droppedBytes
        report.certificateExpiries = self.certificates.expiries
        report.reloadsTaken = self.life.reloadsTaken
        report.reloadsRefused = self.life.reloadsRefused
        report.upgradesFailed = self.life.upgradesFailed
        report.exchangesCut = self.life.exchangesCut
        report.residentBytes = UsableMemory.resident
        report.processorTime = ProcessUsage.processorTime
        report.openDescriptors = ProcessUsage.openDescriptors
        report.descriptorLimit = ProcessUsage.descriptorLimit
        report.tokenKeys = snapshot.issuers.map { ($0.name, $0.store.keys?.count ?? 0, $0.store.fetchedAt) }
        let now = LoopClock.system.monotonic()
        for function in snapshot.functions {
            if let breaker = function.breaker { report.breakers.append((function.name, breaker.number(at: now))) }
            if function.gate.waiting > 0 || function.lineSize > 0 {
                report.waiting.append((function.name, function.gate.waiting))
            }
            if function.responseMode == .auto, function.call != nil {
                for shape in AnswerShape.allCases {
                    report.answerShapes.append((function.name, shape, function.answerShapes[shape]))
                }
            }
            guard function.signsCalls, let expiration = function.credentials.expiration else { continue }
            report.credentialExpiries.append((function.name, expiration))
        }
        return report
    }
}
