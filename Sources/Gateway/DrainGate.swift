private import Glibc
private import Synchronization

/// Where a drain waits: for all loops, for its time to be over, or for somebody who is in a hurry.
package final class DrainGate: Sendable {
    private struct State {
        var arrivals = 0
        var isHurried = false
    }

    private let state = Mutex(State())
    private let wakeUp = Semaphore()

    package init() {}

    /// One loop has nothing left.
    func arrived() {
        self.state.withLock { $0.arrivals += 1 }
        self.wakeUp.signal()
    }

    /// Ends the wait: a second signal has come.
    package func hurry() {
        self.state.withLock { $0.isHurried = true }
        self.wakeUp.signal()
    }

    /// Waits; answers whether all have arrived. Where there is work that must be done, a hurry does not end the wait.
    @discardableResult
    func wait(atMost duration: Duration, for count: Int, evenInHurry: Bool = false) -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + duration
        while true {
            let (arrivals, isHurried) = self.state.withLock { ($0.arrivals, $0.isHurried) }
            if arrivals >= count { return true }
            let now = clock.now
            if isHurried && !evenInHurry || now >= end { return false }
            self.wakeUp.wait(atMost: end - now)
        }
    }
}
