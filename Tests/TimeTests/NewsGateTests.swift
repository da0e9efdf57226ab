import Testing
import Time

@Suite struct NewsGateTests {
    private static func moment(_ seconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: seconds * 1_000_000_000)
    }

    @Test func `the first time is news, and the next after a rest`() {
        var gate = NewsGate(rest: .seconds(60))
        let news = [0, 1, 59, 118, 178, 200, 300].map { gate.happened(at: Self.moment($0)) }
        // From the last time on, not from the last news: what goes on all the time is told once.
        #expect(news == [true, false, false, false, true, false, true])
    }
}
