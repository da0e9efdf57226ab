private import Glibc

/// A counting semaphore of the C library, for threads that are no loops.
@safe
final class Semaphore: @unchecked Sendable {
    // SAFETY: sem_t may be used from all threads; the memory is ours from `init` to `deinit`.
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe self.semaphore = .allocate(capacity: 1)
        unsafe sem_init(self.semaphore, 0, 0)
    }

    deinit {
        unsafe sem_destroy(self.semaphore)
        unsafe self.semaphore.deallocate()
    }

    func signal() {
        unsafe sem_post(self.semaphore)
    }

    /// Waits for a signal, at most this long.
    func wait(atMost duration: Duration) {
        var until = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &until)
        let (seconds, attoseconds) = min(duration, .seconds(86_400)).components
        let nanoseconds = Int(until.tv_nsec) + Int(attoseconds / 1_000_000_000)
        until.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        until.tv_nsec = nanoseconds % 1_000_000_000
        unsafe sem_timedwait(self.semaphore, &until)
    }

    func wait() {
        // An interrupted wait is one that ended early; all callers look again.
        unsafe sem_wait(self.semaphore)
    }
}
