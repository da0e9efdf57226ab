private import CSpawn
private import Glibc
private import Synchronization

/// A process that takes over descriptors of this one and says when it is ready to work with them.
///
/// It has our standard streams, our process group and our working directory. Its descriptor 3 is one end of a socket,
/// to which it writes a byte when it is ready, and from which it reads one when its readiness has been taken note of.
/// Those that are handed over follow from 4 on.
package final class SuccessorProcess: Sendable {
    package let processID: Int32
    /// Our end of the socket.
    private let readiness: Int32
    /// Refers to the process and to no other that may get its number later (a pidfd).
    private let descriptor: Int32
    private let hasSaidReady = Atomic(false)

    /// The descriptor on which the process says that it is ready.
    package static let readinessDescriptor: Int32 = 3
    /// The first of the descriptors that are handed over.
    package static let firstDescriptor: Int32 = 4

    /// Starts a program that takes over these descriptors. They stay open here as well.
    package init(
        executable: String, arguments: [String], environment: [String: String], descriptors: [Int32]
    ) throws(SpawnError) {
        var ends: [Int32] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw .system(call: "socketpair", number: errno)
        }
        let (own, other) = (ends[0], ends[1])
        defer { close(other) }
        // Copies above all numbers that are assigned, so that none is overwritten before it was assigned itself.
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        let least = Self.firstDescriptor + Int32(descriptors.count)
        for descriptor in [other] + descriptors {
            let copy = sluice_duplicate(descriptor, least)
            guard copy >= 0 else {
                let number = errno
                close(own)
                throw .system(call: "fcntl", number: number)
            }
            copies.append(copy)
        }
        do throws(SpawnError) {
            self.processID = try Self.start(executable, arguments, environment, descriptors: copies)
        } catch {
            close(own)
            throw error
        }
        self.readiness = own
        self.descriptor = sluice_open_process(self.processID)
        guard self.descriptor >= 0 else {
            let number = errno
            // Nobody has reaped it, so the number is its own.
            Glibc.kill(self.processID, SIGKILL)
            _ = self.outcome()
            throw .system(call: "pidfd_open", number: number)
        }
    }

    deinit {
        close(self.readiness)
        if self.descriptor >= 0 { close(self.descriptor) }
    }

    /// The descriptors become those from 3 on; there are no others.
    private static func start(
        _ executable: String, _ arguments: [String], _ environment: [String: String], descriptors: [Int32]
    ) throws(SpawnError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (index, descriptor) in descriptors.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(
                &actions, descriptor, Self.readinessDescriptor + Int32(index))
        }
        unsafe sluice_spawn_add_close_from(&actions, Self.readinessDescriptor + Int32(descriptors.count))

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, sluice_SPAWN_IN_GROUP_FLAGS)
        // It is to find the signals as we found them.
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)

        let words = try CStrings([executable] + arguments)
        let variables = try CStrings(environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        var processID: Int32 = 0
        let number = unsafe posix_spawn(
            &processID, executable, &actions, &attributes, words.pointers, variables.pointers)
        switch number {
        case 0: return processID
        case ENOENT: throw .noSuchExecutable(executable)
        default: throw .system(call: "posix_spawn", number: number)
        }
    }

    /// Waits until the process says that it is ready, or has closed its end, or for so many milliseconds.
    package func becomesReady(withinMilliseconds limit: Int32) -> Bool {
        var request = pollfd(fd: self.readiness, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&request, 1, limit) == 1 else { return false }
        var byte: UInt8 = 0
        guard unsafe recv(self.readiness, &byte, 1, CInt(MSG_DONTWAIT)) == 1 else { return false }
        self.hasSaidReady.store(true, ordering: .releasing)
        return true
    }

    /// Whether the process has said that it is ready, heard or not.
    package var isReady: Bool {
        if self.hasSaidReady.load(ordering: .acquiring) { return true }
        var byte: UInt8 = 0
        let flags = CInt(MSG_DONTWAIT) | CInt(MSG_PEEK)
        if unsafe recv(self.readiness, &byte, 1, flags) == 1 { return true }
        // It may have been heard between the two looks.
        return self.hasSaidReady.load(ordering: .acquiring)
    }

    /// Tells the process that its readiness has been taken note of.
    package func confirm() {
        var byte: UInt8 = 1
        _ = unsafe send(self.readiness, &byte, 1, CInt(MSG_NOSIGNAL))
    }

    /// Ends the process at once.
    package func kill() {
        // It may be gone already, which is what was wanted.
        _ = sluice_signal_process(self.descriptor, SIGKILL)
    }

    /// Asks the process to end: TERM.
    package func terminate() {
        _ = sluice_signal_process(self.descriptor, SIGTERM)
    }

    /// Asks the process to read its configuration again: HUP.
    package func reload() {
        _ = sluice_signal_process(self.descriptor, SIGHUP)
    }

    /// Asks the process to open the file of its log anew: USR1.
    package func reopenLog() {
        _ = sluice_signal_process(self.descriptor, SIGUSR1)
    }

    /// Waits for the end of the process, and tells how it ended. Called once.
    package func outcome() -> ProcessOutcome {
        var status: Int32 = 0
        while unsafe waitpid(self.processID, &status, 0) < 0 {
            guard errno == EINTR else { return .exited(code: -1) }
        }
        return ProcessOutcome(status: status)
    }
}

extension ProcessOutcome {
    /// From what `waitpid` tells.
    init(status: Int32) {
        self =
            sluice_has_exited(status) != 0
            ? .exited(code: sluice_exit_code(status)) : .signalled(sluice_ending_signal(status))
    }
}
