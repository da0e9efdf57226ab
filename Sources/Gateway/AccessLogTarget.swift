internal import Configuration
internal import Logging
internal import Reactor

/// Where the lines of the access log go.
struct AccessLogTarget: Sendable {
    private let settings: AccessLogSettings
    /// `nil` where no lines are wanted.
    let writer: LogWriter?

    /// Opens what the settings ask for. A file is opened anew, because the one before may have been moved away; the
    /// standard streams are kept.
    init(
        _ settings: AccessLogSettings, after previous: AccessLogTarget? = nil, logger: Logger
    ) throws(SystemError) {
        self.settings = settings
        if case .none = settings.format {
            self.writer = nil
        } else if let previous, let writer = previous.writer, settings.output == previous.settings.output,
            !settings.output.isFile
        {
            self.writer = writer
        } else {
            self.writer = try LogWriter(settings) { notice in
                switch notice {
                case .begins(let reason):
                    logger.warning("lines of the access log are dropped", metadata: ["reason": "\(reason)"])
                case .isOver(let bytes):
                    logger.notice("lines of the access log are dropped no more", metadata: ["bytes": "\(bytes)"])
                }
            }
        }
    }

    /// What a loop writes its lines with.
    func accessLog() -> AccessLog? {
        self.writer.flatMap {
            AccessLog(format: self.settings.format, redacting: QueryRedaction(self.settings.redact), writer: $0)
        }
    }

    /// Writes out what waits, where the other target does not go on writing.
    func close(whereNot other: AccessLogTarget? = nil) {
        if let writer = self.writer, writer !== other?.writer { writer.close() }
    }
}

extension AccessLogSettings.Output {
    fileprivate var isFile: Bool {
        if case .file = self { true } else { false }
    }
}
