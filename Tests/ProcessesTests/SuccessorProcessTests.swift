import Foundation
import Processes
import Testing

/// A process that takes over, seen from the one that lets it.
@Suite struct SuccessorProcessTests {
    private func successor(_ script: String) throws -> SuccessorProcess {
        try SuccessorProcess(
            executable: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"], descriptors: [])
    }

    private func wait(until isTrue: () -> Bool) async throws {
        for _ in 0..<2000 where !isTrue() { try await Task.sleep(for: .milliseconds(5)) }
        #expect(isTrue())
    }

    @Test(arguments: [true, false])
    func `it is known to be ready from the moment in which it says so`(isHeard: Bool) async throws {
        let successor = try self.successor("head -c 1 <&3; printf r >&3; exec sleep 1000")
        #expect(!successor.isReady)
        successor.confirm()
        if isHeard {
            #expect(successor.becomesReady(withinMilliseconds: 20_000))
        } else {
            try await self.wait { successor.isReady }
        }
        #expect(successor.isReady)
        successor.terminate()
        #expect(successor.outcome() == .signalled(SIGTERM))
    }

    @Test func `one that ends without a word is not ready, and signals for it reach nobody`() async throws {
        let successor = try self.successor("exit 7")
        #expect(!successor.becomesReady(withinMilliseconds: 20_000))
        #expect(!successor.isReady)
        #expect(successor.outcome() == .exited(code: 7))
        successor.terminate()
        successor.reload()
        successor.kill()
    }

    @Test func `it hears that its configuration is to be read again`() throws {
        let successor = try self.successor("trap 'exit 5' HUP; printf r >&3; while :; do sleep 0.01; done")
        #expect(successor.becomesReady(withinMilliseconds: 20_000))
        successor.reload()
        #expect(successor.outcome() == .exited(code: 5))
    }

    @Test func `it hears that the file of its log is to be opened anew`() throws {
        let successor = try self.successor("trap 'exit 6' USR1; printf r >&3; while :; do sleep 0.01; done")
        #expect(successor.becomesReady(withinMilliseconds: 20_000))
        successor.reopenLog()
        #expect(successor.outcome() == .exited(code: 6))
    }
}
