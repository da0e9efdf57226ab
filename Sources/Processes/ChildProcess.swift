private import CSpawn
private import Glibc

/// A running child process and the descriptors through which it is watched.
///
/// It leads a process group of its own, has `/dev/null` as standard input, two pipes as output and error, and no other
/// descriptor of ours. Dropping the value closes our ends; it does not end the child, so whoever drops one has killed
/// and reaped it before.
package final class ChildProcess {
    /// The process, and at the same time its group.
    package let processID: Int32
    /// Non-blocking ends of the pipes that are the child's standard output and error.
    private let outputDescriptor: Int32
    private let errorDescriptor: Int32
    /// Becomes readable when the process has ended (a pidfd).
    private let exitDescriptor: Int32
    private var status: ProcessOutcome?

    private init(processID: Int32, output: Int32, error: Int32, exit: Int32) {
        self.processID = processID
        self.outputDescriptor = output
        self.errorDescriptor = error
        self.exitDescriptor = exit
    }

    deinit {
        // Nobody could end or reap it any more.
        if self.status == nil { self.killAndWait() }
        close(self.outputDescriptor)
        close(self.errorDescriptor)
        close(self.exitDescriptor)
    }

    /// Starts a process.
    package static func spawn(_ description: ProcessDescription) throws(SpawnError) -> ChildProcess {
        if let directory = description.directory, unsafe sluice_is_directory(directory) == 0 {
            throw .noSuchDirectory(directory)
        }
        let output = try Pipe.open()
        let error = try Pipe.open()
        let processID = try Self.start(description, output: output.writeEnd, error: error.writeEnd)
        let exit = sluice_open_process(processID)
        guard exit >= 0 else {
            let number = errno
            // Not watched, not kept. The wait is short: the process has just been killed.
            kill(-processID, SIGKILL)
            var status: Int32 = 0
            unsafe waitpid(processID, &status, 0)
            throw .system(call: "pidfd_open", number: number)
        }
        return ChildProcess(
            processID: processID, output: output.takeReadEnd(), error: error.takeReadEnd(), exit: exit)
    }

    /// A signal that ends processes.
    package enum EndingSignal: Sendable {
        /// SIGTERM: the process may clean up.
        case terminate
        /// SIGKILL.
        case kill
    }

    /// Sends a signal to the whole group. After `reap` has answered a status it does nothing, as the number may be
    /// somebody else's by then.
    package func signalGroup(_ signal: EndingSignal) {
        guard self.status == nil else { return }
        let number =
            switch signal {
            case .terminate: SIGTERM
            case .kill: SIGKILL
            }
        // The group may be gone already (ESRCH), which is what was wanted.
        kill(-self.processID, number)
    }

    /// How the process ended, or `nil` while it runs. What it left behind in its group is killed.
    package func reap() -> ProcessOutcome? {
        if let status = self.status { return status }
        guard sluice_has_ended(self.processID) == 1 else { return nil }
        // The process is a zombie still, so its number, and with it the group's, is ours.
        kill(-self.processID, SIGKILL)
        var raw: Int32 = 0
        var answer: Int32
        repeat {
            answer = unsafe waitpid(self.processID, &raw, 0)
        } while answer < 0 && errno == EINTR
        let status = ProcessOutcome(status: raw)
        self.status = status
        return status
    }

    /// Kills the group and waits for the process, which takes a moment only. For children that cannot be watched.
    package func killAndWait() {
        self.signalGroup(.kill)
        while self.reap() == nil { usleep(500) }
    }

    /// Bytes of memory that the process itself occupies, or `nil` where that cannot be told.
    package var residentBytes: Int? {
        let descriptor = unsafe open("/proc/\(self.processID)/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return nil }
        // The second number: resident pages.
        let fields = buffer[..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// What can be waited for.
    package enum Event: Sendable {
        /// The pipe of standard output has something to read.
        case output
        /// The pipe of standard error has something to read.
        case error
        /// The process has ended.
        case exit
    }

    /// A second descriptor, to be polled and closed by the caller, that becomes readable when the event has come.
    package func duplicateDescriptor(_ event: Event) throws(SpawnError) -> Int32 {
        let descriptor =
            switch event {
            case .output: self.outputDescriptor
            case .error: self.errorDescriptor
            case .exit: self.exitDescriptor
            }
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard duplicate >= 0 else { throw .system(call: "fcntl", number: errno) }
        return duplicate
    }

    /// Which of the two pipes.
    package enum Stream: Sendable {
        case output
        case error
    }

    /// What reading a pipe gave.
    package enum ReadOutcome: Equatable, Sendable {
        /// So many bytes were put into the buffer.
        case bytes(Int)
        /// Nothing to read now.
        case wouldBlock
        /// Every process that held the other end has closed it.
        case ended
    }

    /// Reads once from a pipe into `buffer`.
    package func read(_ stream: Stream, into buffer: inout [UInt8]) -> ReadOutcome {
        let descriptor = stream == .output ? self.outputDescriptor : self.errorDescriptor
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            }
            if count > 0 { return .bytes(count) }
            if count == 0 { return .ended }
            if errno == EINTR { continue }
            return errno == EAGAIN ? .wouldBlock : .ended
        }
    }
}

@available(*, unavailable)
extension ChildProcess: Sendable {}

extension ChildProcess {
    /// A pipe whose ends are closed unless they are taken.
    private struct Pipe: ~Copyable {
        private var readEnd: Int32
        let writeEnd: Int32

        private init(ends: [Int32]) {
            self.readEnd = ends[0]
            self.writeEnd = ends[1]
        }

        static func open() throws(SpawnError) -> Pipe {
            var ends: [Int32] = [-1, -1]
            guard unsafe sluice_pipe(&ends) == 0 else { throw .system(call: "pipe2", number: errno) }
            let pipe = Pipe(ends: ends)
            guard sluice_make_nonblocking(ends[0]) >= 0 else { throw .system(call: "fcntl", number: errno) }
            return pipe
        }

        consuming func takeReadEnd() -> Int32 {
            let end = self.readEnd
            self.readEnd = -1
            return end
        }

        deinit {
            if self.readEnd >= 0 { close(self.readEnd) }
            close(self.writeEnd)
        }
    }

    private static func start(
        _ description: ProcessDescription, output: Int32, error: Int32
    ) throws(SpawnError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, error, 2)
        if let directory = description.directory { unsafe sluice_spawn_add_directory(&actions, directory) }
        unsafe sluice_spawn_add_close_from(&actions, 3)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, sluice_SPAWN_FLAGS)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        // What the gateway ignores or blocks, the child must not.
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)

        let arguments = try CStrings([description.executable] + description.arguments)
        let environment = try CStrings(
            description.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        var processID: Int32 = 0
        let number = unsafe posix_spawn(
            &processID, description.executable, &actions, &attributes, arguments.pointers, environment.pointers)
        switch number {
        case 0: return processID
        case ENOENT: throw .noSuchExecutable(description.executable)
        default: throw .system(call: "posix_spawn", number: number)
        }
    }
}
