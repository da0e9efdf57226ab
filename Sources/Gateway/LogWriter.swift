internal import Bytes
internal import Configuration
private import Glibc
internal import Reactor
private import Synchronization

/// Writes log lines to a descriptor on a thread of its own, so that no loop waits for a disk or a pipe.
///
/// What would have to wait beyond a bound is dropped and counted.
final class LogWriter: Sendable {
    private struct State {
        var batches: [[UInt8]] = []
        var waiting = 0
        var isClosed = false
        var droppedBytes = 0
        /// The thread has written everything.
        var isDone = false
    }

    private let state = Mutex(State())
    private let descriptor: CInt
    private let ownsDescriptor: Bool
    /// Bytes that may wait to be written, those with the thread among them.
    private let limit: Int
    private let wakeUp: ThreadSemaphore
    private let done = ThreadSemaphore()
    private let thread = Mutex<SystemThread?>(nil)

    /// How long closing waits for somebody to take what waits.
    private static let patience = Duration.seconds(2)

    /// A writer to a descriptor that is open.
    init(descriptor: CInt, ownsDescriptor: Bool = false, limit: Int = 8 * 1024 * 1024) throws(SystemError) {
        self.descriptor = descriptor
        self.limit = limit
        self.ownsDescriptor = ownsDescriptor
        self.wakeUp = ThreadSemaphore()
        let thread = try SystemThread(name: "log") { [self] in self.run() }
        self.thread.withLock { $0 = thread }
    }

    /// A writer to the end of a file, which is made where it is not there.
    convenience init(appendingTo path: String) throws(SystemError) {
        let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw SystemError("open \(path)", code: errno) }
        try self.init(descriptor: descriptor, ownsDescriptor: true)
    }

    /// The writer that the configuration asks for, or `nil` where it wants no lines.
    convenience init?(_ settings: AccessLogSettings) throws(SystemError) {
        if case .none = settings.format { return nil }
        switch settings.output {
        case .standardOutput: try self.init(descriptor: STDOUT_FILENO)
        case .standardError: try self.init(descriptor: STDERR_FILENO)
        case .file(let path): try self.init(appendingTo: path)
        }
    }

    /// Takes lines over. Drops them, counted, where too much waits already.
    func write(_ lines: borrowing ByteBuffer) {
        let bytes = lines.array()
        let isFirst = self.state.withLock { state in
            guard !state.isClosed, state.waiting + bytes.count <= self.limit else {
                state.droppedBytes += bytes.count
                return false
            }
            state.batches.append(bytes)
            state.waiting += bytes.count
            return state.batches.count == 1
        }
        if isFirst { self.wakeUp.signal() }
    }

    /// Bytes that were dropped so far.
    var droppedBytes: Int { self.state.withLock { $0.droppedBytes } }

    /// Writes what waits and ends the thread. Where nobody takes it, as at the end of a full pipe, the thread is left to
    /// itself: a gateway that is to end must not hang on its log.
    func close() {
        self.state.withLock { $0.isClosed = true }
        self.wakeUp.signal()
        self.done.wait(atMost: Self.patience)
        guard self.state.withLock({ $0.isDone }) else { return }
        self.thread.withLock { $0 }?.join()
        if self.ownsDescriptor { Glibc.close(self.descriptor) }
    }

    private func run() {
        while true {
            let (batches, isClosed) = self.state.withLock { state in
                let batches = state.batches
                state.batches = []
                return (batches, state.isClosed)
            }
            for batch in batches {
                self.writeOut(batch)
                self.state.withLock { $0.waiting -= batch.count }
            }
            if batches.isEmpty {
                if isClosed {
                    self.state.withLock { $0.isDone = true }
                    self.done.signal()
                    return
                }
                self.wakeUp.wait()
            }
        }
    }

    private func writeOut(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(self.descriptor, buffer.baseAddress.unsafelyUnwrapped + offset, bytes.count - offset)
            }
            if count > 0 {
                offset += count
            } else if errno == EAGAIN {
                // Standard output may be shared with somebody who made it non-blocking.
                var request = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&request, 1, 1000)
            } else if errno != EINTR {
                let lost = bytes.count - offset
                self.state.withLock { $0.droppedBytes += lost }
                return
            }
        }
    }
}
