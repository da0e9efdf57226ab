import Logging
import Synchronization
import Testing
import Time

@testable import Gateway
@testable import Reactor

/// What the admin listener says of a loop that does not answer.
@Suite struct SilentLoopTests {
    /// A desk that asks one loop, in the test's thread.
    private final class Asking {
        let clock = ManualClock()
        let loop: Loop
        let desk: AdminDesk
        /// Whether the loop answers.
        let answers: LockedFlag

        init() throws {
            let answers = LockedFlag()
            self.answers = answers
            self.loop = try Loop(clock: .manual(self.clock))
            self.desk = AdminDesk(
                sources: AdminSources(
                    loops: [{ _, answer in if answers.isSet { answer(LoopReport(index: 0)) } }],
                    process: { ProcessReport(version: "", isReady: true, startedAt: WallTime(seconds: 0)) },
                    obstacles: { [] }, configuration: { [] }),
                loop: self.loop, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        /// Asks, and lets the second pass in which a loop may answer.
        func ask() throws -> AdminDesk.Answer {
            // It takes note of the time.
            self.loop.turn(waitingAtMost: .zero)
            var answer: AdminDesk.Answer?
            self.desk.ask(LoopQuestion()) { answer = $0 }
            for _ in 0..<3 { self.loop.turn(waitingAtMost: .zero) }
            if answer == nil {
                self.clock.advance(by: .seconds(1))
                for _ in 0..<3 { self.loop.turn(waitingAtMost: .zero) }
            }
            return try #require(answer)
        }
    }

    private final class LockedFlag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool {
            get { self.value.load(ordering: .relaxed) }
            set { self.value.store(newValue, ordering: .relaxed) }
        }
    }

    @Test func `its lag grows from the first question that it owes an answer, until it answers`() throws {
        let asking = try Asking()
        asking.answers.isSet = true
        let well = try asking.ask()
        #expect(well.silent.isEmpty)
        #expect(well.reports.map(\.lag) == [.zero])
        asking.answers.isSet = false
        let first = try asking.ask()
        #expect(first.silent == [0])
        #expect(first.reports.map(\.lag) == [.seconds(1)])
        asking.clock.advance(by: .seconds(14))
        #expect(try asking.ask().reports.map(\.lag) == [.seconds(16)])
        asking.answers.isSet = true
        #expect(try asking.ask().reports.map(\.lag) == [.zero])
        asking.answers.isSet = false
        #expect(try asking.ask().reports.map(\.lag) == [.seconds(1)])
    }

    @Test func `one that has never answered has a lag as well`() throws {
        let answer = try Asking().ask()
        #expect(answer.silent == [0])
        #expect(answer.reports.map(\.lag) == [.seconds(1)])
    }
}
