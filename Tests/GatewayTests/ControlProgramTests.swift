import AWS
import Testing

@testable import Gateway
@testable import Reactor

/// Programs that are run for keys: what they print is bounded, and nobody waits for it.
@Suite struct ControlProgramTests {
    private final class Alarm: LoopTimerHandler {
        var hasRung = false
        lazy var timer = LoopTimer(handler: self)
        func timerFired(_ timer: LoopTimer) { self.hasRung = true }
    }

    /// What comes of a script of the shell, if anything does before the time is over.
    private func run(_ script: String, for duration: Duration = .seconds(30)) throws -> CredentialFetch.Event? {
        let loop = try Loop()
        let alarm = Alarm()
        var told: CredentialFetch.Event?
        let program = ControlProgram(["sh", "-c", script], on: loop) { told = $0 }
        loop.set(alarm.timer, after: duration)
        while told == nil, !alarm.hasRung { loop.turn() }
        loop.cancel(alarm.timer)
        program.cancel()
        return told
    }

    @Test func `one that prints without end does not hold its loop`() throws {
        // Many writers keep the pipe full however fast it is read; they end by themselves where nobody ends them.
        let flood = "for n in 1 2 3 4 5 6 7 8; do head -c 1000000000 /dev/zero & done; wait"
        #expect(try self.run(flood, for: .milliseconds(300)) == nil)
        #expect(try self.run("(\(flood)) >&2", for: .milliseconds(300)) == nil)
    }

    @Test func `the last line that it complained of is told, however much it complained of before`() throws {
        let script = "yes complaint | head -n 100000 >&2; echo 'no such user' >&2; exit 3"
        guard case .programFailed(let reason) = try self.run(script) else {
            Issue.record("it did not fail")
            return
        }
        #expect(reason.hasSuffix(": no such user"), "\(reason)")
    }

    @Test func `more than keys can have is no keys`() throws {
        guard case .programFailed(let reason) = try self.run("yes | head -c 100000") else {
            Issue.record("it did not fail")
            return
        }
        #expect(reason == "it printed more than 65536 bytes")
        guard case .printed(let output) = try self.run("yes | head -c 65536") else {
            Issue.record("it failed")
            return
        }
        #expect(output.count == 65536)
    }
}
