import TestSupport
import Testing
import Time

@Suite struct MonotonicTimeTests {
    @Test(arguments: UInt64(0)..<200)
    func `a duration in nanoseconds is cut off towards zero`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let shift = Int128(Int.random(in: 0...126, using: &random))
            let attoseconds = Int128(truncatingIfNeeded: Int128.random(in: .min ... .max, using: &random) >> shift)
            let nanoseconds = attoseconds / 1_000_000_000
            let expected = Int64(clamping: nanoseconds)
            #expect(Duration(attoseconds: attoseconds).wholeNanoseconds == expected)
        }
    }

    @Test func `durations at the edges`() {
        #expect(Duration.zero.wholeNanoseconds == 0)
        #expect(Duration.nanoseconds(1).wholeNanoseconds == 1 && Duration.nanoseconds(-1).wholeNanoseconds == -1)
        #expect(Duration(attoseconds: 999_999_999).wholeNanoseconds == 0)
        #expect(Duration.nanoseconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(900).wholeNanoseconds == 900_000_000_000)
        #expect(Duration(attoseconds: .max).wholeNanoseconds == .max)
        for attoseconds in [(Int128(1) << 73) - 1, Int128(1) << 73, (Int128(1) << 73) + 1] {
            #expect(Duration(attoseconds: attoseconds).wholeNanoseconds == Int64(attoseconds / 1_000_000_000))
            #expect(Duration(attoseconds: -attoseconds).wholeNanoseconds == Int64(-attoseconds / 1_000_000_000))
        }
    }

    @Test func `moments are moved by durations, and never comes after all others`() {
        let moment = MonotonicTime(nanoseconds: 5)
        #expect(moment + .seconds(1) == MonotonicTime(nanoseconds: 1_000_000_005))
        #expect((moment + .seconds(1)) - moment == .seconds(1))
        #expect(moment < .never && moment + .nanoseconds(Int64.max) == .never)
        #expect(max(moment, .never) == .never && min(moment, .never) == moment)
    }
}
