private import CLinux
private import Glibc
private import Synchronization

/// A thread of the operating system, which runs one function to its end.
package final class SystemThread: Sendable {
    private let handle: pthread_t
    private let isJoined = Atomic(false)

    /// Starts a thread. Names longer than 15 bytes are cut by the kernel's rules. Signals that the process handles are
    /// blocked in it, so that they reach the thread that waits for them.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        final class Start {
            let name: String
            let body: @Sendable () -> Void
            init(_ name: String, _ body: @escaping @Sendable () -> Void) {
                self.name = name
                self.body = body
            }
        }
        var handle = pthread_t()
        // SAFETY: the thread takes the retained object over, exactly once; where it was not started, we do.
        let start = unsafe Unmanaged.passRetained(Start(String(name.prefix(15)), body))
        let result = unsafe pthread_create(
            &handle, nil,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
                var all = sigset_t()
                unsafe sigfillset(&all)
                unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
                unsafe sluice_name_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            unsafe start.release()
            throw SystemError("pthread_create", code: result)
        }
        self.handle = handle
    }

    /// Waits until the thread has ended.
    package func join() {
        guard !self.isJoined.exchange(true, ordering: .relaxed) else { return }
        pthread_join(self.handle, nil)
    }

    deinit {
        if !self.isJoined.load(ordering: .relaxed) { pthread_detach(self.handle) }
    }
}
