private import Glibc
internal import Reactor

/// The signals that mean something to the gateway, taken one by one by the thread that asks for them.
package struct Signals: Sendable {
    /// What a signal asks for.
    package enum Request: Sendable {
        /// TERM or INT.
        case stop
        /// HUP.
        case reload
        /// USR2.
        case upgrade
    }

    /// Blocks the signals in this thread and in all that it will start, and lets writes to closed pipes fail instead of
    /// killing the process.
    package init() {
        var set = Self.set
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    private static var set: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR2] { unsafe sigaddset(&set, signal) }
        return set
    }

    /// Waits for the next one.
    package func wait() -> Request {
        var set = Self.set
        while true {
            var signal: CInt = 0
            guard unsafe sigwait(&set, &signal) == 0 else { continue }
            switch signal {
            case SIGTERM, SIGINT: return .stop
            case SIGHUP: return .reload
            case SIGUSR2: return .upgrade
            default: continue
            }
        }
    }

    /// Hands all further signals to the closure, on a thread of its own that ends with the process.
    package func afterwards(_ body: @escaping @Sendable (Request) -> Void) throws {
        let signals = self
        _ = try SystemThread(name: "signals") { while true { body(signals.wait()) } }
    }
}
