import Reactor
import Testing

/// Threads that are no loops wait.
@Suite struct ThreadSemaphoreTests {
    @Test func `a signal ends the wait, also one that came before`() throws {
        let (first, second) = (ThreadSemaphore(), ThreadSemaphore())
        let start = ContinuousClock.now
        first.signal()
        first.wait(atMost: .seconds(60))
        let thread = try SystemThread(name: "waits") { second.wait(atMost: .seconds(60)) }
        second.signal()
        thread.join()
        // A signal that was lost would have cost a minute.
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test(arguments: [Duration.zero, .seconds(-5), .nanoseconds(1), .milliseconds(30)])
    func `without one it ends when the time is over`(_ duration: Duration) {
        let semaphore = ThreadSemaphore()
        let start = ContinuousClock.now
        semaphore.wait(atMost: duration)
        #expect(ContinuousClock.now - start >= duration)
    }

    /// The parts of a second carry over.
    @Test func `it does not end before its time at any moment of a second`() {
        let semaphore = ThreadSemaphore()
        let start = ContinuousClock.now
        for _ in 0..<4 { semaphore.wait(atMost: .milliseconds(270)) }
        #expect(ContinuousClock.now - start >= .milliseconds(1080))
    }
}
