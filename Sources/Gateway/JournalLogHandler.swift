private import Glibc
package import Logging

/// Writes log lines for systemd's journal: each line begins with its priority, as sd-daemon(3) has it. The journal itself
/// knows the time and the process.
package struct JournalLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.info
    private let write: @Sendable (String) -> Void

    /// A handler whose lines go to standard error, unless they are to go elsewhere.
    package init(write: @escaping @Sendable (String) -> Void = JournalLogHandler.toStandardError) {
        self.write = write
    }

    /// Whether standard error is a stream of the journal, as JOURNAL_STREAM says: systemd.exec(5). A service may have been
    /// given the variable and another standard error since.
    package static func isStandardErrorOfJournal(environment: [String: String]) -> Bool {
        guard let parts = environment["JOURNAL_STREAM"]?.split(separator: ":"), parts.count == 2 else { return false }
        var status = stat()
        guard unsafe fstat(STDERR_FILENO, &status) == 0 else { return false }
        return UInt64(parts[0]) == UInt64(status.st_dev) && UInt64(parts[1]) == UInt64(status.st_ino)
    }

    package func log(event: LogEvent) {
        let prefix = "<\(Self.priority(of: event.level))>"
        let metadata = self.metadata.merging(event.metadata ?? [:]) { $1 }
        var text = "\(event.message)"
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { text += " \(name)=\(value)" }
        if let error = event.error { text += " error=\(error)" }
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        self.write(lines.map { "\(prefix)\($0)\n" }.joined())
    }

    /// syslog(3): 0 is the most urgent. `emerg` and `alert` are not for services.
    package static func priority(of level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// Writes a text in one call where the system takes it so.
    package static func toStandardError(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // There is nobody to tell that nobody reads.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
