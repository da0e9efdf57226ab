internal import ArgumentParser
internal import Gateway
internal import Logging
internal import Processes

/// The log of commands that are over soon.
enum Log {
    static func logger(level: Logger.Level) -> Logger {
        OperatorLog(format: .text, isJournal: StandardError.isJournal).logger(level: level)
    }
}

/// Lines for people, about what went wrong.
enum StandardError {
    /// Whether the lines go to systemd's journal.
    static let isJournal = JournalLogHandler.isStandardErrorOfJournal(environment: ProcessEnvironment.current)

    static func print(_ line: String, level: Logger.Level = .error) {
        let prefix = self.isJournal ? "<\(JournalLogHandler.priority(of: level))>" : ""
        OperatorLog.write("\(prefix)\(line)\n")
    }
}

extension OperatorLog.Format: ExpressibleByArgument {}
