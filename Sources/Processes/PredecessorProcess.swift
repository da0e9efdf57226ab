private import CSpawn
private import Glibc

/// The process whose place this one takes, as `SuccessorProcess` describes it from the other side.
package final class PredecessorProcess: Sendable {
    /// Refers to the process and to no other that may get its number later (a pidfd).
    private let descriptor: Int32

    /// The process with this number, where it is the parent of this one.
    package init?(parent processID: Int32) {
        guard processID == getppid() else { return nil }
        self.descriptor = sluice_open_process(processID)
        // It may have ended before, and the number be another's: then our parent is another too.
        guard self.descriptor >= 0, processID == getppid() else { return nil }
    }

    deinit {
        if self.descriptor >= 0 { close(self.descriptor) }
    }

    /// Tells it that this process is ready, which can be said once, and waits for so many milliseconds until it has
    /// taken note of that.
    package func announceReadiness(waitingMilliseconds limit: Int32) {
        let descriptor = SuccessorProcess.readinessDescriptor
        defer { close(descriptor) }
        var byte: UInt8 = 1
        // Where it has gone nobody waits.
        guard unsafe send(descriptor, &byte, 1, CInt(MSG_NOSIGNAL)) == 1 else { return }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&request, 1, limit)
    }

    /// Waits for its end; answers whether it has come.
    package func hasEnded(withinMilliseconds limit: Int32) -> Bool {
        var request = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&request, 1, limit) == 1
    }

    /// Asks it to end: TERM.
    package func terminate() {
        // It may be gone already, which is what was wanted.
        _ = sluice_signal_process(self.descriptor, SIGTERM)
    }
}
