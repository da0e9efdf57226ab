internal import Bytes
internal import Configuration
private import Glibc
internal import Reactor
private import Synchronization

/// Writes log lines to a descriptor on a thread of its own, so that no loop waits for a disk or a pipe.
///
/// What would have to wait beyond a bound is dropped and counted, and so is what the system does not take, as where a
/// disk is full. That is told when it begins, and when lines have been taken again for a while.
final class LogWriter: Sendable {
    private struct State {
        var batches: [[UInt8]] = []
        var waiting = 0
        var isClosed = false
        var droppedBytes = 0
        /// Lines are being dropped, or were not long ago.
        var loss: Loss?
        /// The thread has written everything.
        var isDone = false
    }

    private struct Loss {
        var bytes = 0
        var last: ContinuousClock.Instant
    }

    /// What is to be said of lines that are dropped.
    enum Notice: Sendable, Equatable {
        case begins(reason: String)
        case isOver(bytes: Int)
    }

    private let state = Mutex(State())
    private let descriptor: CInt
    private let ownsDescriptor: Bool
    /// Bytes that may wait to be written, those with the thread among them.
    private let limit: Int
    /// How long lines have to be taken until it is said that none are dropped any more.
    private let calm: Duration
    private let told: @Sendable (Notice) -> Void
    private let wakeUp: ThreadSemaphore
    private let done = ThreadSemaphore()
    private let thread = Mutex<SystemThread?>(nil)

    /// How long closing waits for somebody to take what waits.
    private static let patience = Duration.seconds(2)

    /// A writer to a descriptor that is open. `told` is called on whatever thread notices.
    init(
        descriptor: CInt, ownsDescriptor: Bool = false, limit: Int = 8 * 1024 * 1024, calm: Duration = .seconds(10),
        told: @escaping @Sendable (Notice) -> Void = { _ in }
    ) throws(SystemError) {
        self.calm = calm
        self.told = told
        self.descriptor = descriptor
        self.limit = limit
        self.ownsDescriptor = ownsDescriptor
        self.wakeUp = ThreadSemaphore()
        let thread = try SystemThread(name: "log") { [self] in self.run() }
        self.thread.withLock { $0 = thread }
    }

    /// A writer to the end of a file, which is made where it is not there.
    convenience init(
        appendingTo path: String, calm: Duration = .seconds(10), told: @escaping @Sendable (Notice) -> Void = { _ in }
    ) throws(SystemError) {
        let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw SystemError("open \(path)", code: errno) }
        try self.init(descriptor: descriptor, ownsDescriptor: true, calm: calm, told: told)
    }

    /// The writer that the configuration asks for, or `nil` where it wants no lines.
    convenience init?(
        _ settings: AccessLogSettings, told: @escaping @Sendable (Notice) -> Void = { _ in }
    ) throws(SystemError) {
        if case .none = settings.format { return nil }
        switch settings.output {
        case .standardOutput: try self.init(descriptor: STDOUT_FILENO, told: told)
        case .standardError: try self.init(descriptor: STDERR_FILENO, told: told)
        case .file(let path): try self.init(appendingTo: path, told: told)
        }
    }

    /// Takes lines over. Drops them, counted, where too much waits already.
    func write(_ lines: borrowing ByteBuffer) {
        let bytes = lines.array()
        let isFirst = self.state.withLock { state -> Bool? in
            guard !state.isClosed, state.waiting + bytes.count <= self.limit else { return nil }
            state.batches.append(bytes)
            state.waiting += bytes.count
            return state.batches.count == 1
        }
        guard let isFirst else {
            self.dropped(bytes.count, because: "they are not taken as fast as they come")
            return
        }
        if isFirst { self.wakeUp.signal() }
    }

    private func dropped(_ count: Int, because reason: String) {
        let begins = self.state.withLock { state in
            state.droppedBytes += count
            let begins = state.loss == nil && !state.isClosed
            state.loss = Loss(bytes: (state.loss?.bytes ?? 0) + count, last: .now)
            return begins
        }
        if begins { self.told(.begins(reason: reason)) }
    }

    /// Something was written whole.
    private func taken() {
        let lost = self.state.withLock { state -> Int? in
            guard let loss = state.loss, .now - loss.last >= self.calm else { return nil }
            state.loss = nil
            return loss.bytes
        }
        if let lost { self.told(.isOver(bytes: lost)) }
    }

    /// Bytes that were dropped so far.
    var droppedBytes: Int { self.state.withLock { $0.droppedBytes } }

    /// Writes what waits and ends the thread. Where nobody takes it, as at the end of a full pipe, the thread is left
    /// to itself: a gateway that is to end must not hang on its log.
    func close() {
        self.state.withLock { $0.isClosed = true }
        self.wakeUp.signal()
        self.done.wait(atMost: Self.patience)
        guard self.state.withLock({ $0.isDone }) else { return }
        self.thread.withLock { $0 }?.join()
        if self.ownsDescriptor { Glibc.close(self.descriptor) }
    }

    private func run() {
        /// What was written last ends inside a line.
        var isInsideLine = false
        while true {
            let (batches, isClosed) = self.state.withLock { state in
                let batches = state.batches
                state.batches = []
                return (batches, state.isClosed)
            }
            for batch in batches {
                self.writeOut(batch, endingLine: &isInsideLine)
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

    /// Writes lines, behind the end of a line that was cut.
    private func writeOut(_ lines: [UInt8], endingLine isInsideLine: inout Bool) {
        if isInsideLine, let error = self.write([ASCII.lineFeed]).error {
            self.dropped(lines.count, because: error)
            return
        }
        let (count, error) = self.write(lines)
        if count > 0 { isInsideLine = lines[count - 1] != ASCII.lineFeed }
        if let error { self.dropped(lines.count - count, because: error) } else { self.taken() }
    }

    /// Writes, and waits where that takes time. Answers how much the system took, and why not all.
    private func write(_ bytes: [UInt8]) -> (count: Int, error: String?) {
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
                return (offset, SystemError.text(of: errno))
            }
        }
        return (offset, nil)
    }
}
