import Foundation
import Processes
import TestSupport
import Testing

/// Real processes, all of them `/bin/sh`.
@Suite(.serialized) struct ChildProcessTests {
    @Test func `arguments, environment and directory arrive as given`() async throws {
        let directory = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        let child = try ChildProcess.spawn(
            ProcessDescription(
                executable: "/bin/sh", arguments: ["-c", "echo \"$1|$GREETING|$HOME|$(pwd)\"", "sh", "a b\"c"],
                environment: ["GREETING": "good day"], directory: directory))
        let (output, _, status) = try await Self.outcome(of: child)
        #expect(output == "a b\"c|good day||\(directory)\n")
        #expect(status == .exited(code: 0))
        #expect(status.isSuccess)
    }

    @Test func `output and error come through pipes of their own`() async throws {
        let child = try Self.shell("echo out; echo err >&2; exit 7")
        let (output, error, status) = try await Self.outcome(of: child)
        #expect(output == "out\n")
        #expect(error == "err\n")
        #expect(status == .exited(code: 7))
        #expect(status.description == "exit status 7")
    }

    @Test func `the child reads an empty standard input`() async throws {
        let (output, _, status) = try await Self.outcome(of: Self.shell("cat; echo done"))
        #expect(output == "done\n")
        #expect(status.isSuccess)
    }

    @Test func `no descriptor of ours is open in the child`() async throws {
        let stray = open("/dev/null", O_RDONLY)
        defer { close(stray) }
        let (output, _, _) = try await Self.outcome(of: Self.shell("ls /proc/self/fd | tr '\\n' ' '"))
        // `ls` itself opens the directory as descriptor 3.
        #expect(output == "0 1 2 3 ")
    }

    @Test func `the child leads a group of its own and has default signal actions`() async throws {
        signal(SIGPIPE, SIG_IGN)
        let child = try Self.shell("cut -d' ' -f5 /proc/$$/stat; grep -E 'Sig(Blk|Ign)' /proc/$$/status | cut -f2")
        let lines = try await Self.outcome(of: child).0.split(separator: "\n")
        try #require(lines.count == 3)
        #expect(lines[0] == "\(child.processID)")
        #expect(lines[1] == "0000000000000000")
        // glibc has two signals of its own, 32 and 33, ignored in a spawned process.
        let ignored = try #require(UInt64(lines[2], radix: 16))
        #expect(ignored & ~(0b11 << 31) == 0)
    }

    @Test func `a signal reaches the whole group`() async throws {
        let child = try Self.shell("sleep 100 & echo started; wait")
        #expect(try await Self.firstLine(of: child) == "started\n")
        #expect(child.reap() == nil)
        child.signalGroup(.kill)
        let (_, _, status) = try await Self.outcome(of: child)
        #expect(status == .signalled(SIGKILL))
        #expect(status.description == "signal: killed")
    }

    @Test func `what a process leaves behind in its group is killed with it`() async throws {
        // The pipe ends only because the background process is killed: it would hold it open for 100 s.
        let child = try Self.shell("sleep 100 & exit 3")
        let (_, _, status) = try await Self.outcome(of: child)
        #expect(status == .exited(code: 3))
    }

    @Test func `a process may end itself on the terminating signal`() async throws {
        let child = try Self.shell("trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.02; done")
        #expect(try await Self.firstLine(of: child) == "ready\n")
        child.signalGroup(.terminate)
        let (output, _, status) = try await Self.outcome(of: child)
        #expect(output == "bye\n")
        #expect(status == .exited(code: 5))
    }

    @Test func `signals after the end do nothing`() async throws {
        let child = try Self.shell("exit 0")
        _ = try await Self.outcome(of: child)
        child.signalGroup(.kill)
        #expect(child.reap() == .exited(code: 0))
    }

    @Test func `the exit descriptor becomes readable at the end`() async throws {
        let child = try Self.shell("sleep 0.1")
        let descriptor = try child.duplicateDescriptor(.exit)
        defer { close(descriptor) }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 0) == 0)
        #expect(poll(&entry, 1, 5000) == 1)
        #expect(child.reap() == .exited(code: 0))
    }

    @Test func `what cannot be started is said clearly`() {
        func failure(_ description: ProcessDescription) -> SpawnError? {
            do {
                _ = try ChildProcess.spawn(description)
                return nil
            } catch { return error }
        }
        #expect(failure(ProcessDescription(executable: "/no/such")) == .noSuchExecutable("/no/such"))
        #expect(
            failure(ProcessDescription(executable: "/bin/sh", directory: "/no/such")) == .noSuchDirectory("/no/such"))
        #expect(failure(ProcessDescription(executable: "/bin/sh", arguments: ["a\0b"])) == .embeddedNUL)
        #expect(failure(ProcessDescription(executable: "/etc/passwd"))?.description == "posix_spawn: Permission denied")
        #expect(SpawnError.noSuchExecutable("node").description == "no executable file node")
    }

    @Test func `a relative program counts from the working directory`() async throws {
        let (_, _, status) = try await Self.outcome(
            of: ChildProcess.spawn(
                ProcessDescription(executable: "./sh", arguments: ["-c", "exit 4"], directory: "/bin")))
        #expect(status == .exited(code: 4))
    }

    private static func shell(_ script: String) throws -> ChildProcess {
        try ChildProcess.spawn(
            ProcessDescription(
                executable: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"]))
    }

    private static func firstLine(of child: ChildProcess) async throws -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            if case .bytes(let count) = child.read(.output, into: &buffer) {
                return String(decoding: buffer[..<count], as: UTF8.self)
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Reads both pipes to their end, then the status.
    private static func outcome(of child: ChildProcess) async throws -> (String, String, ProcessOutcome) {
        var texts: [[UInt8]] = [[], []]
        var open: [ChildProcess.Stream?] = [.output, .error]
        var buffer = [UInt8](repeating: 0, count: 4096)
        // Other tests may hold the few threads that tasks run on.
        let deadline = ContinuousClock.now + .seconds(90)
        var status: ProcessOutcome?
        while ContinuousClock.now < deadline {
            for index in 0..<2 {
                guard let stream = open[index] else { continue }
                switch child.read(stream, into: &buffer) {
                case .bytes(let count): texts[index] += buffer[..<count]
                case .wouldBlock: break
                case .ended: open[index] = nil
                }
            }
            status = status ?? child.reap()
            if let status, open.allSatisfy({ $0 == nil }) {
                return (String(decoding: texts[0], as: UTF8.self), String(decoding: texts[1], as: UTF8.self), status)
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        // A child that nobody reaps would keep the tests that exit from ever being told of their own.
        child.killAndWait()
        throw CancellationError()
    }
}
