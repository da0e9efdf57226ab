internal import Logging

/// The log for operators: to standard error, a line each, with the level first.
enum Log {
    static func logger(level: Logger.Level) -> Logger {
        var logger = Logger(label: "sluice") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }
}
