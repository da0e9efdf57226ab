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

    func wait() {
        // An interrupted wait is one that ended early; all callers look again.
        unsafe sem_wait(self.semaphore)
    }
}
