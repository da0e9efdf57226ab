private import CLinux
private import Glibc

/// A counting semaphore of the C library, for threads that are no loops.
@safe
package final class ThreadSemaphore: @unchecked Sendable {
    // SAFETY: sem_t may be used from all threads; the memory is ours from `init` to `deinit`.
    private let semaphore: UnsafeMutablePointer<sem_t>

    /// One that has not been signalled.
    package init() {
        unsafe self.semaphore = .allocate(capacity: 1)
        unsafe sem_init(self.semaphore, 0, 0)
    }

    deinit {
        unsafe sem_destroy(self.semaphore)
        unsafe self.semaphore.deallocate()
    }

    /// Ends one wait: one that is under way, or the next.
    package func signal() {
        unsafe sem_post(self.semaphore)
    }

    /// Waits for a signal, at most this long.
    package func wait(atMost duration: Duration) {
        // On the clock that nobody sets: who feeds a watchdog must not oversleep because the time of day was put back.
        var until = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &until)
        let (seconds, attoseconds) = max(.zero, min(duration, .seconds(86_400))).components
        let nanoseconds = Int(until.tv_nsec) + Int(attoseconds / 1_000_000_000)
        until.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        until.tv_nsec = nanoseconds % 1_000_000_000
        unsafe sluice_semaphore_wait(self.semaphore, &until)
    }

    /// Waits for a signal.
    package func wait() {
        // An interrupted wait is one that ended early; all callers look again.
        unsafe sem_wait(self.semaphore)
    }
}
