private import CLinux
private import Glibc
private import Synchronization

/// The only object of a loop that other threads may hold: work to be run on the loop's thread, in order.
package final class Mailbox: Sendable {
    /// What is run on the loop.
    package typealias Job = @Sendable (Loop) -> Void

    private let jobs = Mutex<[Job]>([])
    /// An eventfd: readable while jobs wait.
    let descriptor: CInt

    init() throws(SystemError) {
        let descriptor = eventfd(0, sluice_EFD_FLAGS)
        guard descriptor >= 0 else { throw SystemError("eventfd", code: lastErrorCode) }
        self.descriptor = descriptor
    }

    deinit {
        close(self.descriptor)
    }

    /// Leaves work for the loop, and wakes it where it may be asleep.
    package func post(_ job: @escaping Job) {
        let isFirst = self.jobs.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        guard isFirst else { return }
        var one: UInt64 = 1
        // A full counter (EAGAIN) means that the loop is awake already.
        _ = unsafe write(self.descriptor, &one, 8)
    }

    /// Moves all work that waits to an empty array, whose storage takes its place. The counter is reset first, so that
    /// work posted meanwhile wakes the loop again.
    func drain(into jobs: inout [Job]) {
        var counter: UInt64 = 0
        _ = unsafe read(self.descriptor, &counter, 8)
        self.jobs.withLock { waiting in swap(&waiting, &jobs) }
    }
}
