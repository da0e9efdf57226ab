import Foundation
import Glibc
import Synchronization

/// A child process whose output goes to files, so that nothing ever waits for a reader.
final class Child: Sendable {
    let pid: pid_t
    let output: String
    let errors: String
    /// What `waitpid` has told, once it has.
    private let status = Mutex<Int32?>(nil)

    /// How a child ended.
    enum End: Equatable {
        case exited(Int32)
        case killed(by: Int32)
    }

    /// Starts a program by its path. Output goes to `NAME.out` and `NAME.err` in the folder.
    init(
        _ program: String, _ arguments: [String], environment: [String: String], folder: TestFolder, name: String,
        input: Int32? = nil
    ) throws {
        self.output = folder.path("\(name).out")
        self.errors = folder.path("\(name).err")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, self.output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, self.errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        // What the tests have open, and whoever started them, is none of its business. Closing what is closed is no
        // error.
        for descriptor in Int32(3)..<512 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let argumentList = ([program] + arguments).map { strdup($0) } + [nil]
        let environmentList = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in argumentList + environmentList { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, program, &actions, &attributes, argumentList, environmentList)
        guard result == 0 else { throw HarnessError("cannot start \(program): \(String(cString: strerror(result)))") }
        self.pid = pid
    }

    deinit {
        guard self.poll() == nil else { return }
        kill(self.pid, SIGKILL)
        var status: Int32 = 0
        waitpid(self.pid, &status, 0)
    }

    func signal(_ number: Int32) {
        if self.poll() == nil { kill(self.pid, number) }
    }

    /// How it ended; `nil` while it runs.
    var end: End? {
        guard let status = self.poll() else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(by: signal)
    }

    private func poll() -> Int32? {
        self.status.withLock { known in
            var status: Int32 = 0
            if known == nil, waitpid(self.pid, &status, WNOHANG) == self.pid { known = status }
            return known
        }
    }

    /// Waits for its end.
    func ended(within limit: Duration = .seconds(30)) async throws -> End {
        try await eventually("process \(self.pid) ends", within: limit) { self.end }
    }

    var outputText: String { Self.text(self.output) }
    var errorText: String { Self.text(self.errors) }

    /// Resident memory in bytes.
    var residentMemory: Int {
        let fields = Self.text("/proc/\(self.pid)/statm").split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    /// How many sockets it has open.
    var socketCount: Int { self.descriptorTargets.count { $0.hasPrefix("socket:") } }

    /// What it has open, in order. Without pipes: it opens none for itself, and what a sanitizer asks for the names of
    /// functions sits behind two.
    var openDescriptors: [String] { self.descriptorTargets.filter { !$0.hasPrefix("pipe:") }.sorted() }

    private var descriptorTargets: [String] {
        let folder = "/proc/\(self.pid)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
    }

    /// How many threads it has.
    var threadCount: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(self.pid)/task"))?.count ?? 0
    }

    private static func text(_ path: String) -> String {
        guard let data = FileManager.default.contents(atPath: path) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}

/// Something that the tests rely on did not work.
struct HarnessError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Asks again and again until there is an answer.
func eventually<Answer>(
    _ what: String, within limit: Duration = .seconds(20), _ ask: () async throws -> Answer?
) async throws -> Answer {
    let clock = ContinuousClock()
    let until = clock.now + limit
    var pause = Duration.milliseconds(2)
    while true {
        if let answer = try await ask() { return answer }
        guard clock.now < until else { throw HarnessError("not within \(limit): \(what)") }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(20))
    }
}

/// Runs blocking work on a thread of its own, because the threads of the tests are few.
func offload<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try work() }) }
    }
}

/// A folder that goes with its owner.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/sluice-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HarnessError("no folder in /tmp") }
        self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        if ProcessInfo.processInfo.environment["SLUICE_KEEP"] == nil {
            try? FileManager.default.removeItem(atPath: self.path)
        }
    }

    func path(_ name: String) -> String { "\(self.path)/\(name)" }

    /// Writes a file and answers its path.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let path = self.path(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}
