private import CLinux
private import Glibc
private import Synchronization

/// A thread of the operating system, which runs one function to its end.
package final class SystemThread: Sendable {
    private let handle: pthread_t
    private let isJoined = Atomic(false)

    /// Starts a thread. Names longer than 15 bytes are cut by the kernel's rules. Signals sent to the process are
    /// blocked in it, so that they reach the thread that waits for them; those of its own faults are not.
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
        // The thread inherits the mask, so that no signal comes before it could block them.
        var mask = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&mask)
        for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] { unsafe sigdelset(&mask, fault) }
        unsafe pthread_sigmask(SIG_SETMASK, &mask, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        let result = unsafe pthread_create(
            &handle, nil,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
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
