import Relay
import Testing
import Time

@Suite struct CircuitBreakerTests {
    private func at(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

    private func breaker(failures: Int = 2) -> CircuitBreaker {
        CircuitBreaker(CircuitBreaker.Settings(failures: failures, openTime: .seconds(30)))
    }

    @Test func `failures in a row open it, and one success ends the row`() {
        var breaker = self.breaker()
        breaker.failed(isProbe: false, at: self.at(0))
        #expect(!breaker.isCalm)
        breaker.succeeded(isProbe: false)
        #expect(breaker.isCalm)
        for second in 1...2 { breaker.failed(isProbe: false, at: self.at(Int64(second))) }
        let refused = breaker.permission(at: self.at(12))
        #expect(refused == .refuse(for: .seconds(20)))
        #expect(breaker.number(at: self.at(12)) == 2)
        // Also where no call comes.
        #expect(breaker.number(at: self.at(31)) == 2)
        #expect(breaker.number(at: self.at(32)) == 1)
        // What was under way changes nothing now.
        breaker.succeeded(isProbe: false)
        breaker.failed(isProbe: false, at: self.at(20))
        breaker.abandonedProbe(at: self.at(20))
        let later = breaker.permission(at: self.at(31))
        #expect(later == .refuse(for: .seconds(1)))
    }

    @Test func `one call tries whether it is well again`() {
        var breaker = self.breaker(failures: 1)
        breaker.failed(isProbe: false, at: self.at(0))
        let probe = breaker.permission(at: self.at(30))
        #expect(probe == .probe)
        let other = breaker.permission(at: self.at(31))
        #expect(other == .refuse(for: .seconds(1)))
        #expect(breaker.number(at: self.at(31)) == 1)
        // Calls from before it opened have nothing to say of now.
        breaker.succeeded(isProbe: false)
        breaker.failed(isProbe: false, at: self.at(32))
        #expect(breaker.number(at: self.at(32)) == 1)
        breaker.failed(isProbe: true, at: self.at(40))
        let refused = breaker.permission(at: self.at(60))
        #expect(refused == .refuse(for: .seconds(10)))
        let second = breaker.permission(at: self.at(70))
        #expect(second == .probe)
        breaker.abandonedProbe(at: self.at(71))
        let third = breaker.permission(at: self.at(71))
        #expect(third == .probe)
        breaker.succeeded(isProbe: true)
        #expect(breaker.isCalm)
    }
}
