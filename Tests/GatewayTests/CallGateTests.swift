import Synchronization
import Testing

@testable import Gateway

/// The places of a function and the line for them, from many threads at once.
@Suite struct CallGateTests {
    /// Who was called, and how many were inside.
    private final class Witness: Sendable {
        let called = Mutex<[UInt64]>([])
        let inside = Atomic(0)
        let most = Atomic(0)
    }

    @Test func `there are as many places as the limit, and who waits is called`() {
        let gate = CallGate(limit: 1)
        let witness = Witness()
        let enter = {
            gate.enter(lineSize: 1) { ticket in { witness.called.withLock { $0.append(ticket) } } }
        }
        guard case .admitted = enter(), case .waiting(let ticket) = enter(), case .full = enter() else {
            Issue.record("one place, one in line")
            return
        }
        gate.leave()
        #expect(witness.called.withLock { $0 } == [ticket])
        #expect(!gate.hasPlace)
        gate.leave()
        #expect(gate.hasPlace)
        #expect(gate.waiting == 0)
    }

    @Test func `more places are taken by those who wait`() {
        let gate = CallGate(limit: 1)
        let witness = Witness()
        for _ in 0..<4 { _ = gate.enter(lineSize: 3) { ticket in { witness.called.withLock { $0.append(ticket) } } } }
        gate.change(limit: 3)
        #expect(witness.called.withLock { $0.count } == 2)
        gate.change(limit: nil)
        #expect(witness.called.withLock { $0.count } == 3)
        for _ in 0..<4 { gate.leave() }
        #expect(gate.hasPlace)
    }

    @Test func `nobody is forgotten in the line, and no place is lost`() async {
        let gate = CallGate(limit: 1)
        let witness = Witness()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    for _ in 0..<5000 {
                        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                            switch gate.enter(lineSize: 100, admit: { _ in { continuation.resume() } }) {
                            case .admitted: continuation.resume()
                            case .waiting: break
                            case .full: Issue.record("there is room for all in the line")
                            }
                        }
                        witness.most.max(witness.inside.wrappingAdd(1, ordering: .relaxed).newValue, ordering: .relaxed)
                        witness.inside.wrappingSubtract(1, ordering: .relaxed)
                        gate.leave()
                    }
                }
            }
        }
        #expect(witness.most.load(ordering: .relaxed) == 1)
        #expect(gate.hasPlace)
        #expect(gate.waiting == 0)
    }
}
