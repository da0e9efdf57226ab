import Relay
import TestSupport
import Testing
import Time

@Suite struct WaitingLineTests {
    @Test func `first in, first out, and no more than its size`() {
        var line = WaitingLine<String>()
        var joined = [line.join(1, "a", size: 2), line.join(2, "b", size: 2), line.join(3, "c", size: 2)]
        #expect(joined == [true, true, false])
        #expect(line.next() == "a")
        joined = [line.join(4, "d", size: 2)]
        #expect(joined == [true])
        #expect(line.next() == "b")
        #expect(line.next() == "d")
        #expect(line.next() == nil)
        #expect(line.isEmpty)
    }

    @Test func `who leaves is not called, and is told whether it was in time`() {
        var line = WaitingLine<Int>()
        for ticket in 1...3 { _ = line.join(UInt64(ticket), ticket, size: 10) }
        let left = [line.leave(2), line.leave(2), line.leave(9)]
        #expect(left == [true, false, false])
        #expect(line.count == 2)
        #expect(line.next() == 1)
        let called = line.leave(1)
        #expect(!called)
        #expect(line.next() == 3)
        #expect(line.next() == nil)
    }

    @Test(arguments: UInt64(0)..<30)
    func `it is a queue, whatever happens`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var line = WaitingLine<UInt64>()
        var model: [UInt64] = []
        for ticket in 0..<UInt64(2000) {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let joined = line.join(ticket, ticket, size: 50)
                #expect(joined == (model.count < 50))
                if joined { model.append(ticket) }
            case 5..<8:
                let next = line.next()
                #expect(next == model.first)
                if !model.isEmpty { model.removeFirst() }
            default:
                guard let other = model.randomElement(using: &random) else { continue }
                let left = line.leave(other)
                #expect(left)
                model.removeAll { $0 == other }
            }
            #expect(line.count == model.count)
        }
    }
}
