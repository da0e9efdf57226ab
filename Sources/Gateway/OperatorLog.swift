internal import Bytes
private import Glibc
package import Logging
package import Reactor
private import Synchronization

/// The log for operators, on standard error.
///
/// Its lines are written at once for as long as the gateway starts, so that none is lost in a start that fails, and on
/// a thread of their own from then on: a loop never waits for whoever reads them. What nobody takes is dropped and
/// counted.
package final class OperatorLog: Sendable {
    /// What a line looks like.
    package enum Format: String, Sendable, CaseIterable {
        case text
        case json
    }

    private let format: Format
    private let isJournal: Bool
    private let descriptor: CInt
    private let state = Mutex(State())

    private struct State {
        var writer: LogWriter?
        /// Bytes that were dropped before there was a writer.
        var dropped = 0
        /// Nobody took the last line, so that the next waits for nobody.
        var isStuck = false
    }

    /// Bytes that may wait to be written.
    private static let limit = 1024 * 1024
    /// How long a line at the start waits for somebody to take it.
    private static let patienceMilliseconds: CInt = 1000

    /// - Parameter isJournal: whether the lines go to systemd's journal, which knows the time and wants a priority.
    package init(format: Format, isJournal: Bool, descriptor: CInt = STDERR_FILENO) {
        self.format = format
        self.isJournal = isJournal
        self.descriptor = descriptor
    }

    /// What writes to it.
    package func logger(level: Logger.Level) -> Logger {
        let write: @Sendable (String) -> Void = { self.write($0) }
        let (format, isJournal) = (self.format, self.isJournal)
        var logger = Logger(label: "sluice") { label -> any LogHandler in
            switch (format, isJournal) {
            case (.json, _): JSONLogHandler(isForJournal: isJournal, write: write)
            case (.text, true): JournalLogHandler(write: write)
            case (.text, false): TextLogHandler(label: label, write: write)
            }
        }
        logger.logLevel = level
        return logger
    }

    /// Writes on a thread of its own from now on.
    package func leaveToThread() throws(SystemError) {
        let writer = try LogWriter(descriptor: self.descriptor, limit: Self.limit) { [weak self] notice in
            // That it begins can be said to nobody here.
            guard case .isOver(let bytes) = notice else { return }
            self?.logger(level: .notice).notice("lines of this log were dropped", metadata: ["bytes": "\(bytes)"])
        }
        self.state.withLock { $0.writer = writer }
    }

    /// Writes out what waits, unless nobody takes it within two seconds. What comes later is dropped.
    package func close() {
        self.state.withLock { $0.writer }?.close()
    }

    /// Bytes that nobody took.
    package var droppedBytes: Int {
        self.state.withLock { $0.dropped + ($0.writer?.droppedBytes ?? 0) }
    }

    private func write(_ text: String) {
        let writer = self.state.withLock { state in
            if state.writer == nil { self.writeAtOnce(text, &state) }
            return state.writer
        }
        guard let writer else { return }
        var line = ByteBuffer()
        line.append(text)
        writer.write(line)
    }

    private func writeAtOnce(_ text: String, _ state: inout State) {
        // A pipe that is ready has room for a line of any sensible length.
        var request = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&request, 1, state.isStuck ? 0 : Self.patienceMilliseconds) == 1 else {
            state.isStuck = true
            state.dropped += text.utf8.count
            return
        }
        state.isStuck = false
        Self.write(text, to: self.descriptor)
    }

    /// Writes a text in one call where the system takes it so.
    package static func write(_ text: String, to descriptor: CInt = STDERR_FILENO) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // There is nobody to tell that nobody reads.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
