private import CLinux
private import Glibc

/// Who is told of a watched descriptor.
package protocol DescriptorWatchHandler: AnyObject {
    /// The descriptor can be read, or its other end is gone. Called again each round until it was read or the watch
    /// ended.
    func readable(_ watch: DescriptorWatch)
}

/// A descriptor that is no socket: a pipe of a child process, a pidfd, a signalfd.
package final class DescriptorWatch: EventSource {
    /// The descriptor, which the watch owns.
    package private(set) var descriptor: CInt
    private var handler: (any DescriptorWatchHandler)?

    /// Takes over a descriptor, which does not block from then on, and watches it. Where that fails it is closed.
    package init(_ descriptor: CInt, on loop: Loop, handler: any DescriptorWatchHandler) throws(SystemError) {
        self.descriptor = descriptor
        self.handler = handler
        super.init(loop: loop)
        guard sluice_set_nonblocking(descriptor) == 0 else { throw SystemError("fcntl", code: lastErrorCode) }
        try loop.register(self, descriptor: descriptor, for: [.readable])
    }

    deinit {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
    }

    /// Reads once and lends what came; `nil` is the end, an empty span means that nothing waits. Not to be called from
    /// within `received` of a connection, whose bytes it would overwrite.
    package func read<Result>(_ body: (Span<UInt8>?) -> Result) -> Result {
        let buffer = unsafe self.loop.receiveBuffer
        let count = unsafe Glibc.read(self.descriptor, buffer.baseAddress, buffer.count)
        if count > 0 {
            // SAFETY: the kernel initialised `count` bytes, which nobody overwrites while `body` runs.
            let bytes = unsafe Span<UInt8>(
                _unsafeStart: UnsafePointer(buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)),
                count: count)
            return body(bytes)
        }
        if count < 0, lastErrorCode == EAGAIN || lastErrorCode == EINTR { return body(Span()) }
        return body(nil)
    }

    /// Ends the watch and closes the descriptor.
    package func close() {
        let descriptor = self.descriptor
        guard descriptor >= 0 else { return }
        self.descriptor = -1
        // Taken out by name: a child process that is just being started may hold a copy, for which the kernel would go
        // on reporting events.
        self.loop.unregister(self, descriptor: descriptor, keepingOpen: true)
        Glibc.close(descriptor)
        // Out of the property first: the handler's end may come back here.
        let handler = self.handler
        self.handler = nil
        withExtendedLifetime(handler) {}
    }

    override func ready(_ events: Readiness) {
        self.handler?.readable(self)
    }
}
