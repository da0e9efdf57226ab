private import Glibc
package import Reactor

/// The signals that mean something to the gateway.
package enum Signals {
    /// Blocks the signals in this thread and in all that it will start, and lets writes to closed pipes fail instead of
    /// killing the process. To be called before any other thread is there.
    package static func block() {
        var set = Self.set
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    private static var set: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2] { unsafe sigaddset(&set, signal) }
        return set
    }

    /// Hands each signal to the queue from now on, also those that have come since they were blocked; on a thread of
    /// its own that ends with the process.
    package static func deliver(to queue: ControlQueue) throws(SystemError) {
        _ = try SystemThread(name: "signals") {
            while true { if let event = Self.wait() { queue.post(event) } }
        }
    }

    private static func wait() -> ControlQueue.Event? {
        var set = Self.set
        var signal: CInt = 0
        guard unsafe sigwait(&set, &signal) == 0 else { return nil }
        switch signal {
        case SIGTERM, SIGINT: return .stop
        case SIGHUP: return .reload
        case SIGUSR1: return .reopenLog
        case SIGUSR2: return .upgrade
        default: return nil
        }
    }
}
