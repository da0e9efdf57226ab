private import CLinux
private import Glibc

/// Who is told of a watched descriptor.
package protocol DescriptorWatchHandler: AnyObject {
    /// The descriptor can be read, or its other end is gone. Called again each round until it was read or the watch ended.
    func readable(_ watch: DescriptorWatch)
}

/// A descriptor that is no socket: a pipe of a child process, a pidfd, a signalfd.
package final class DescriptorWatch: EventSource {
    /// The descriptor, which the watch owns.
    package private(set) var descriptor: CInt
    private var handler: (any DescriptorWatchHandler)?

    /// Takes over a descriptor and watches it. Where that fails the descriptor is closed.
    package init(_ descriptor: CInt, on loop: Loop, handler: any DescriptorWatchHandler) throws(SystemError) {
        self.descriptor = descriptor
        self.handler = handler
        super.init(loop: loop)
        try loop.register(self, descriptor: descriptor, for: [.readable])
    }

    deinit {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
    }

    /// Reads once and lends what came; `nil` is the end, an empty span means that nothing waits.
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
        guard self.descriptor >= 0 else { return }
        self.handler = nil
        self.loop.unregister(self, descriptor: self.descriptor)
        Glibc.close(self.descriptor)
        self.descriptor = -1
    }

    override func ready(_ events: Readiness) {
        self.handler?.readable(self)
    }
}
