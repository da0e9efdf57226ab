import Testing
import TestSupport
import Time

@testable import Reactor

@Suite struct TimerTests {
    /// Writes down which timers fired, by name.
    final class Log: LoopTimerHandler {
        private(set) var fired: [String] = []
        private var names: [ObjectIdentifier: String] = [:]
        private var timers: [LoopTimer] = []
        var on: ((String) -> Void)?

        func timer(_ name: String) -> LoopTimer {
            let timer = LoopTimer(handler: self)
            self.names[ObjectIdentifier(timer)] = name
            self.timers.append(timer)
            return timer
        }

        func forget() { self.fired = [] }

        func timerFired(_ timer: LoopTimer) {
            let name = self.names[ObjectIdentifier(timer)] ?? "?"
            self.fired.append(name)
            self.on?(name)
        }
    }

    @Test func `timers fire in the order of their moments, whatever the order in which they were set`() throws {
        let rig = try Rig()
        let log = Log()
        for name in ["3", "1", "4", "2", "5"] {
            rig.loop.set(log.timer(name), after: .milliseconds(Int(name) ?? 0))
        }
        rig.turn()
        #expect(log.fired == [])
        rig.advance(by: .milliseconds(3))
        #expect(log.fired == ["1", "2", "3"])
        rig.advance(by: .milliseconds(2))
        #expect(log.fired == ["1", "2", "3", "4", "5"])
    }

    @Test func `a timer fires at its moment and not a nanosecond earlier`() throws {
        let rig = try Rig()
        let log = Log()
        rig.loop.set(log.timer("a"), after: .nanoseconds(1000))
        rig.advance(by: .nanoseconds(999))
        #expect(log.fired == [])
        rig.advance(by: .nanoseconds(1))
        #expect(log.fired == ["a"])
        rig.advance(by: .seconds(10))
        #expect(log.fired == ["a"])
    }

    @Test func `a timer that was moved to never does not fire, and can be set again`() throws {
        let rig = try Rig()
        let log = Log()
        let timer = log.timer("a")
        rig.loop.set(timer, after: .seconds(1))
        rig.loop.set(timer, to: .never)
        rig.advance(by: .seconds(2))
        #expect(log.fired == [])
        // Once before and once after its old moment has come.
        for _ in 0..<2 {
            rig.loop.set(timer, after: .seconds(3))
            rig.loop.set(timer, to: .never)
            rig.loop.set(timer, after: .seconds(1))
            rig.advance(by: .milliseconds(999))
            #expect(log.fired == [])
            rig.advance(by: .milliseconds(1))
            #expect(log.fired == ["a"])
            rig.advance(by: .seconds(5))
            #expect(log.fired == ["a"])
            log.forget()
        }
    }

    @Test func `a timer that was moved later fires once, at the later moment`() throws {
        let rig = try Rig()
        let log = Log()
        let timer = log.timer("a")
        rig.loop.set(timer, after: .seconds(1))
        rig.loop.set(timer, after: .seconds(3))
        rig.advance(by: .seconds(2))
        #expect(log.fired == [])
        rig.loop.set(timer, after: .seconds(3))
        rig.advance(by: .seconds(2))
        #expect(log.fired == [])
        rig.advance(by: .seconds(1))
        #expect(log.fired == ["a"])
    }

    @Test func `a timer that was moved earlier overtakes others`() throws {
        let rig = try Rig()
        let log = Log()
        let late = log.timer("late")
        rig.loop.set(late, after: .seconds(9))
        rig.loop.set(log.timer("other"), after: .seconds(2))
        rig.loop.set(late, after: .seconds(1))
        rig.advance(by: .seconds(1))
        #expect(log.fired == ["late"])
    }

    @Test func `a cancelled timer is silent, and may be set again`() throws {
        let rig = try Rig()
        let log = Log()
        let timer = log.timer("a")
        rig.loop.set(timer, after: .seconds(1))
        rig.loop.cancel(timer)
        rig.advance(by: .seconds(2))
        #expect(log.fired == [])
        #expect(timer.deadline == .never)
        rig.loop.cancel(timer)
        rig.loop.set(timer, after: .seconds(1))
        rig.advance(by: .seconds(1))
        #expect(log.fired == ["a"])
    }

    @Test func `a timer cancelled by one that fires in the same round is silent`() throws {
        let rig = try Rig()
        let log = Log()
        let second = log.timer("second")
        rig.loop.set(log.timer("first"), after: .seconds(1))
        rig.loop.set(second, after: .seconds(2))
        log.on = { [unowned rig] in if $0 == "first" { rig.loop.cancel(second) } }
        rig.advance(by: .seconds(5))
        rig.advance(by: .seconds(5))
        #expect(log.fired == ["first"])
    }

    @Test func `a due timer that another one moves fires at its new moment only`() throws {
        let rig = try Rig()
        let log = Log()
        let second = log.timer("second")
        rig.loop.set(log.timer("first"), after: .seconds(1))
        rig.loop.set(second, after: .seconds(2))
        log.on = { [unowned rig] in if $0 == "first" { rig.loop.set(second, after: .seconds(7)) } }
        rig.advance(by: .seconds(5))
        #expect(log.fired == ["first"])
        rig.advance(by: .seconds(7))
        #expect(log.fired == ["first", "second"])
        rig.advance(by: .seconds(70))
        #expect(log.fired == ["first", "second"])
    }

    @Test func `a timer that sets itself for now fires once a round, and the round ends`() throws {
        let rig = try Rig()
        let log = Log()
        let timer = log.timer("again")
        log.on = { [unowned log, unowned rig] _ in if log.fired.count < 100 { rig.loop.set(timer, to: rig.loop.now) } }
        rig.loop.set(timer, to: rig.loop.now)
        rig.turn()
        #expect(log.fired.count == 1)
        rig.turn()
        #expect(log.fired.count == 2)
        log.on = nil
    }

    @Test func `timers that set each other for now do not hold up the round`() throws {
        let rig = try Rig()
        let log = Log()
        let one = log.timer("1")
        let two = log.timer("2")
        log.on = { [unowned log, unowned rig] name in
            if log.fired.count < 100 { rig.loop.set(name == "1" ? two : one, to: rig.loop.now) }
        }
        rig.loop.set(one, to: rig.loop.now)
        rig.turn()
        #expect(log.fired == ["1"])
        rig.turn()
        #expect(log.fired == ["1", "2"])
        log.on = nil
    }

    @Test func `a timer keeps its handler while it is set, and no longer`() throws {
        let rig = try Rig()
        for isCancelled in [false, true] {
            var log: Log? = Log()
            weak let remains = log
            let timer = try #require(log).timer("a")
            rig.loop.set(timer, after: .seconds(1))
            rig.loop.set(timer, after: .seconds(2))
            log = nil
            #expect(remains != nil)
            if isCancelled { rig.loop.cancel(timer) } else { rig.advance(by: .seconds(2)) }
            #expect(remains == nil)
            #expect(timer.deadline == .never)
            rig.advance(by: .seconds(5))
        }
    }

    @Test func `a timer that was given back fires for the next who takes it, and for nobody else`() throws {
        let rig = try Rig()
        let first = Log()
        let second = Log()
        let timer = rig.loop.takeTimer()
        timer.tell(first)
        rig.loop.set(timer, after: .milliseconds(5))
        rig.loop.giveBack(timer)
        rig.advance(by: .milliseconds(2))
        #expect(rig.loop.takeTimer() === timer)
        timer.tell(second)
        // Both before and after the moment that it was set to at first.
        for delay in [1, 10] {
            rig.loop.set(timer, after: .milliseconds(delay))
            rig.advance(by: .milliseconds(delay))
        }
        #expect(first.fired == [])
        #expect(second.fired == ["?", "?"])
        rig.loop.set(timer, after: .milliseconds(1))
        rig.loop.giveBack(timer)
        rig.advance(by: .seconds(1))
        #expect(second.fired.count == 2)
    }

    @Test func `a timer lets go of its handler when it is given back`() throws {
        let rig = try Rig()
        var log: Log? = Log()
        weak let left = log
        let timer = rig.loop.takeTimer()
        if let log { timer.tell(log) }
        rig.loop.set(timer, after: .milliseconds(5))
        log = nil
        #expect(left != nil)
        rig.loop.giveBack(timer)
        #expect(left == nil)
    }

    @Test func `few timers are kept for others`() throws {
        let rig = try Rig()
        let log = Log()
        let timers = (0..<1000).map { _ in rig.loop.takeTimer() }
        for timer in timers {
            timer.tell(log)
            rig.loop.set(timer, after: .milliseconds(5))
        }
        for timer in timers { rig.loop.giveBack(timer) }
        #expect(rig.loop.timers.count <= 256)
        rig.advance(by: .seconds(1))
        #expect(log.fired == [])
    }

    @Test func `a handler that goes with its timer may stop others in its end`() throws {
        final class Owner: LoopTimerHandler {
            let loop: Loop
            let other: LoopTimer
            init(_ loop: Loop, other: LoopTimer) {
                self.loop = loop
                self.other = other
            }
            deinit { self.loop.cancel(self.other) }
            func timerFired(_ timer: LoopTimer) {}
        }
        let rig = try Rig()
        let log = Log()
        let other = log.timer("other")
        rig.loop.set(other, after: .seconds(2))
        var owner: Owner? = Owner(rig.loop, other: other)
        let timer = LoopTimer(handler: try #require(owner))
        rig.loop.set(timer, after: .seconds(1))
        owner = nil
        rig.loop.cancel(timer)
        rig.advance(by: .seconds(3))
        #expect(log.fired == [])
    }

    @Test func `timers that are still set when the loop goes let go of their handlers`() throws {
        var rig: Rig? = try Rig()
        var log: Log? = Log()
        weak let remains = log
        try #require(rig).loop.set(try #require(log).timer("a"), after: .seconds(1))
        log = nil
        #expect(remains != nil)
        rig = nil
        #expect(remains == nil)
    }

    @Test func `the loop wakes for a timer by the system's clock`() throws {
        let loop = try Loop()
        let log = Log()
        log.on = { _ in loop.stop() }
        loop.set(log.timer("a"), after: .milliseconds(5))
        let start = LoopClock.system.monotonic()
        loop.run()
        let taken = LoopClock.system.monotonic() - start
        #expect(log.fired == ["a"])
        #expect(taken >= .milliseconds(5))
        #expect(taken < .seconds(1))
    }

    @Test(arguments: UInt64(0)..<32)
    func `any mix of setting, moving and cancelling fires what a sorted list would`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let rig = try Rig()
        let log = Log()
        let timers = (0..<20).map { log.timer(String($0)) }
        var expected: [Int: MonotonicTime] = [:]
        for _ in 0..<300 {
            let index = Int.random(in: 0..<timers.count, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let deadline = rig.loop.now + .milliseconds(Int.random(in: 1...50, using: &random))
                rig.loop.set(timers[index], to: deadline)
                expected[index] = deadline
            case 6..<8:
                rig.loop.cancel(timers[index])
                expected[index] = nil
            default:
                let before = log.fired.count
                rig.advance(by: .milliseconds(Int.random(in: 0...20, using: &random)))
                let due = expected.filter { $0.value <= rig.loop.now }
                for name in due.keys { expected[name] = nil }
                let fired = log.fired[before...].compactMap { Int($0) }
                #expect(Set(fired) == Set(due.keys))
                #expect(fired.count == due.count)
                #expect(fired.map { due[$0] ?? .never } == fired.map { due[$0] ?? .never }.sorted())
            }
        }
    }
}
