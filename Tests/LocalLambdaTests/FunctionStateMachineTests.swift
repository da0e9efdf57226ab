import LocalLambda
import TestSupport
import Testing
import Time

/// Who waits, who is served, and when one more child is started.
@Suite struct FunctionStateMachineTests {
    private static func machine(concurrency: Int = 2, waiting: Int = 10) -> FunctionStateMachine {
        FunctionStateMachine(
            limits: FunctionStateMachine.Limits(concurrency: concurrency, waiting: waiting, wait: .seconds(5)))
    }

    private static func at(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

    private static let (a, b, c, d) = (InvocationID("a"), InvocationID("b"), InvocationID("c"), InvocationID("d"))
    private static let (one, two, three) = (ChildID(1), ChildID(2), ChildID(3))

    @Test func `the first call starts a child and is delivered when it is free`() {
        var machine = Self.machine()
        #expect(machine.arrived(Self.a, now: Self.at(0)) == .waitAndStart(Self.one))
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.a))
        #expect(machine.childBecameFree(Self.one) == .rest)
        #expect(machine.arrived(Self.b, now: Self.at(1)) == .deliver(to: Self.one))
    }

    @Test func `a second child is started only for a call that nobody starting would take`() {
        var machine = Self.machine(concurrency: 3)
        #expect(machine.arrived(Self.a, now: Self.at(0)) == .waitAndStart(Self.one))
        #expect(machine.arrived(Self.b, now: Self.at(0)) == .waitAndStart(Self.two))
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.a))
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.b))
        // The second is still starting, and takes the next call.
        #expect(machine.arrived(Self.c, now: Self.at(1)) == .wait)
        #expect(machine.childBecameFree(Self.two) == .deliver(Self.c))
        #expect(machine.childCount == 2)
    }

    @Test func `calls above the limit wait in the order in which they came`() {
        var machine = Self.machine(concurrency: 1)
        #expect(machine.arrived(Self.a, now: Self.at(0)) == .waitAndStart(Self.one))
        #expect(machine.arrived(Self.b, now: Self.at(1)) == .wait)
        #expect(machine.arrived(Self.c, now: Self.at(2)) == .wait)
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.a))
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.b))
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.c))
        #expect(machine.childBecameFree(Self.one) == .rest)
    }

    @Test func `a call whose child had ended is the next one's, or the first to wait`() {
        var machine = Self.machine(concurrency: 2)
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.arrived(Self.b, now: Self.at(0))
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.a))
        #expect(machine.childBecameFree(Self.two) == .deliver(Self.b))
        #expect(machine.childBecameFree(Self.two) == .rest)
        #expect(machine.givenBack(Self.a, by: Self.one, now: Self.at(1)) == .deliver(to: Self.two))
        #expect(machine.arrived(Self.c, now: Self.at(1)) == .wait)
        #expect(machine.givenBack(Self.a, by: Self.two, now: Self.at(2)) == .wait)
        // The places of both are free when they have ended.
        #expect(machine.childEnded(Self.one) == Self.three)
        #expect(machine.childBecameFree(Self.three) == .deliver(Self.a))
    }

    @Test func `a call that has waited too long is taken out`() {
        var machine = Self.machine(concurrency: 1)
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.childBecameFree(Self.one)
        _ = machine.arrived(Self.b, now: Self.at(1))
        _ = machine.arrived(Self.c, now: Self.at(3))
        #expect(machine.nextExpiry == Self.at(6))
        #expect(machine.expire(now: Self.at(5)) == [])
        #expect(machine.expire(now: Self.at(6)) == [Self.b])
        #expect(machine.nextExpiry == Self.at(8))
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.c))
        #expect(machine.nextExpiry == .never)
    }

    @Test func `a call for which a child is starting does not expire`() {
        var machine = Self.machine(concurrency: 1)
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.arrived(Self.b, now: Self.at(0))
        #expect(machine.nextExpiry == Self.at(5))
        #expect(machine.expire(now: Self.at(9)) == [Self.b])
        #expect(machine.nextExpiry == .never)
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.a))
    }

    @Test func `a call that nobody awaits never expires`() {
        var machine = Self.machine(concurrency: 1)
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.childBecameFree(Self.one)
        #expect(machine.arrived(Self.b, isPatient: true, now: Self.at(0)) == .wait)
        #expect(machine.nextExpiry == .never)
        #expect(machine.expire(now: Self.at(1_000_000)) == [])
        #expect(machine.childBecameFree(Self.one) == .deliver(Self.b))
    }

    @Test func `too many waiting calls are refused`() {
        var machine = Self.machine(concurrency: 1, waiting: 2)
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.arrived(Self.b, now: Self.at(0))
        #expect(machine.arrived(Self.c, now: Self.at(0)) == .refuse)
        _ = machine.childBecameFree(Self.one)
        #expect(machine.arrived(Self.d, now: Self.at(0)) == .wait)
    }

    @Test func `a child that fails to start fails the call in front, and its place is taken for the next`() {
        var machine = Self.machine(concurrency: 1)
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.arrived(Self.b, now: Self.at(0))
        #expect(machine.childFailedToStart(Self.one) == Self.a)
        // Said twice: by its report, and by its end.
        #expect(machine.childFailedToStart(Self.one) == nil)
        #expect(machine.childCount == 1)
        #expect(machine.childEnded(Self.one) == Self.two)
        #expect(machine.childBecameFree(Self.two) == .deliver(Self.b))
    }

    @Test func `a crash with calls waiting starts another child`() {
        var machine = Self.machine(concurrency: 1)
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.childBecameFree(Self.one)
        _ = machine.arrived(Self.b, now: Self.at(0))
        #expect(machine.childEnded(Self.one) == Self.two)
        #expect(machine.childEnded(Self.two) == Self.three)
    }

    @Test func `a child that ends while it is free is not used again`() {
        var machine = Self.machine()
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.childBecameFree(Self.one)
        _ = machine.childBecameFree(Self.one)
        #expect(machine.childEnded(Self.one) == nil)
        #expect(machine.arrived(Self.b, now: Self.at(1)) == .waitAndStart(Self.two))
    }

    @Test func `a child on its way out takes up its place and nothing else`() {
        var machine = Self.machine(concurrency: 1)
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.childBecameFree(Self.one)
        machine.childIsLeaving(Self.one)
        #expect(machine.arrived(Self.b, now: Self.at(1)) == .wait)
        #expect(machine.childBecameFree(Self.one) == .rest)
        #expect(machine.childEnded(Self.one) == Self.two)
    }

    @Test func `a caller that leaves is forgotten while it waits`() {
        var machine = Self.machine(concurrency: 1)
        _ = machine.arrived(Self.a, now: Self.at(0))
        #expect(machine.abandoned(Self.a) == true)
        #expect(machine.abandoned(Self.a) == false)
        #expect(machine.childBecameFree(Self.one) == .rest)
    }

    @Test func `the end answers every call that waits`() {
        var machine = Self.machine(concurrency: 1)
        _ = machine.arrived(Self.a, now: Self.at(0))
        _ = machine.arrived(Self.b, now: Self.at(0))
        #expect(machine.stopped() == [Self.a, Self.b])
        #expect(machine.childEnded(Self.one) == nil)
    }

    /// Whatever happens: each call is delivered, failed, expired or abandoned once, no child has two, and there are
    /// never more children than allowed.
    @Test(arguments: 0..<40 as Range<UInt64>) func `every call ends once`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var machine = Self.machine(concurrency: 3, waiting: 5)
        var now = Self.at(0)
        var open: Set<InvocationID> = []
        var starting: [ChildID] = []
        var busy: [ChildID: InvocationID] = [:]
        var idle: [ChildID] = []
        var count = 0
        func close(_ id: InvocationID) { #expect(open.remove(id) != nil) }
        func free(_ child: ChildID) {
            switch machine.childBecameFree(child) {
            case .deliver(let id):
                close(id)
                busy[child] = id
                idle.removeAll { $0 == child }
            case .rest:
                if !idle.contains(child) { idle.append(child) }
            }
        }
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                count += 1
                let id = InvocationID("\(count)")
                open.insert(id)
                switch machine.arrived(id, now: now) {
                case .deliver(let child):
                    #expect(idle.contains(child) && busy[child] == nil)
                    close(id)
                    idle.removeAll { $0 == child }
                    busy[child] = id
                case .wait: break
                case .waitAndStart(let child): starting.append(child)
                case .refuse: close(id)
                }
            case 4:
                guard let child = starting.popLast() else { break }
                free(child)
            case 5..<7:
                guard let child = busy.keys.min(by: { $0.rawValue < $1.rawValue }) else { break }
                busy[child] = nil
                free(child)
            case 7:
                let child = starting.popLast() ?? busy.keys.first ?? idle.last
                guard let child else { break }
                if let failed = machine.childFailedToStart(child) { close(failed) }
                busy[child] = nil
                idle.removeAll { $0 == child }
                if let next = machine.childEnded(child) { starting.append(next) }
            case 8:
                now = now + .seconds(Int.random(in: 0..<4, using: &random))
                for id in machine.expire(now: now) { close(id) }
                #expect(machine.nextExpiry > now)
            default:
                guard let id = open.min(by: { $0.rawValue < $1.rawValue }) else { break }
                #expect(machine.abandoned(id) == true)
                close(id)
            }
            #expect(machine.childCount == starting.count + busy.count + idle.count)
            #expect(machine.childCount <= 3)
            #expect(machine.waitingCount == open.count)
            // Nobody waits beside a free child.
            #expect(idle.isEmpty || open.isEmpty)
        }
    }
}
