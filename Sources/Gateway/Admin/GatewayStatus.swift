internal import AWS
private import Glibc
internal import Lambda
internal import Reactor
private import Synchronization
internal import Time

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
    private let certificates: CertificateWatch
    private let life: Life
    private let startedAt = LoopClock.system.wall()

    init(
        snapshot: Snapshot, configuration: String, log: LogWriter?, certificates: CertificateWatch, life: Life
    ) {
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
        return obstacles
    }

    /// What belongs to the process.
    var report: ProcessReport {
        let (snapshot, droppedLogBytes) = self.state.withLock { state in
            (state.snapshot, state.droppedLogBytes + (state.log?.droppedBytes ?? 0))
        }
        var report = ProcessReport(
            version: Release.version, isReady: self.obstacles.isEmpty, startedAt: self.startedAt)
        report.droppedLogBytes = droppedLogBytes
        report.certificateExpiries = self.certificates.expiries
        report.reloadsTaken = self.life.reloadsTaken
        report.reloadsRefused = self.life.reloadsRefused
        report.residentBytes = UsableMemory.resident
        report.processorTime = ProcessUsage.processorTime
        report.openDescriptors = ProcessUsage.openDescriptors
        report.descriptorLimit = ProcessUsage.descriptorLimit
        for function in snapshot.functions {
            if let breaker = function.breaker { report.breakers.append((function.name, breaker.number)) }
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

/// What the process uses of the system.
enum ProcessUsage {
    /// Time of processors, in and out of the kernel.
    static var processorTime: Duration {
        var usage = rusage()
        // SAFETY: getrusage fills the structure; with these arguments it can not fail.
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return .seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + .microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }

    /// Descriptors that are open; `nil` where the system does not tell.
    static var openDescriptors: Int? {
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        // Itself, `.` and `..` do not count.
        var count = -3
        while unsafe readdir(folder) != nil { count += 1 }
        return count
    }

    /// Descriptors that may be open.
    static var descriptorLimit: Int {
        var limit = rlimit()
        // SAFETY: getrlimit fills the structure or fails.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }
}
