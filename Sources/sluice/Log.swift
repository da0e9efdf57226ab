internal import Gateway
internal import Logging
internal import Processes

/// The log for operators: to standard error, a line each, with the time and the level first, or as the journal likes it.
enum Log {
    static func logger(level: Logger.Level) -> Logger {
        var logger = Logger(label: "sluice") { label -> any LogHandler in
            if StandardError.isJournal { return JournalLogHandler() }
            return StreamLogHandler.standardError(label: label)
        }
        logger.logLevel = level
        return logger
    }
}

/// Lines for people, about what went wrong.
enum StandardError {
    /// Whether the lines go to systemd's journal.
    static let isJournal = JournalLogHandler.isStandardErrorOfJournal(environment: ProcessEnvironment.current)

    static func print(_ line: String) {
        let prefix = self.isJournal ? "<\(JournalLogHandler.priority(of: .error))>" : ""
        JournalLogHandler.toStandardError("\(prefix)\(line)\n")
    }
}
