private import Glibc

/// Descriptors 0, 1 and 2.
package enum StandardStreams {
    /// Puts `/dev/null` wherever one of them is closed, before anything else is opened. Else a socket or a file of the
    /// process would get the number, and with it what is written to standard output or standard error: a client would
    /// read the log.
    ///
    /// - Returns: whether all three are open now. Where they are not, no other descriptor may be opened.
    package static func occupy() -> Bool {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free, which is this one. Programs that are started are to have it as well.
            guard unsafe open("/dev/null", O_RDWR) == descriptor else { return false }
        }
        return true
    }
}
