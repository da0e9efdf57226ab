internal import Bytes
private import Glibc
package import Logging

/// Writes log lines for systemd's journal: each line begins with its priority, as sd-daemon(3) has it. The journal
/// itself knows the time and the process.
package struct JournalLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.info
    private let write: @Sendable (String) -> Void

    /// A handler whose lines, each with its end, are handed to a closure.
    package init(write: @escaping @Sendable (String) -> Void) {
        self.write = write
    }

    /// Whether standard error is a stream of the journal, as JOURNAL_STREAM says: systemd.exec(5). A service may have
    /// been given the variable and another standard error since.
    package static func isStandardErrorOfJournal(environment: [String: String]) -> Bool {
        guard let parts = environment["JOURNAL_STREAM"]?.split(separator: ":"), parts.count == 2 else { return false }
        var status = stat()
        guard unsafe fstat(STDERR_FILENO, &status) == 0 else { return false }
        return UInt64(parts[0]) == UInt64(status.st_dev) && UInt64(parts[1]) == UInt64(status.st_ino)
    }

    package func log(event: LogEvent) {
        var text = "\(event.message)"
        for (name, value) in self.details(of: event) { text += " \(name)=\(value)" }
        // One event is one line: behind a newline what a function says could be an entry with a priority of its own.
        self.write("<\(Self.priority(of: event.level))>\(text.onOneLine)\n")
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
}
