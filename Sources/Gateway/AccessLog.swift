internal import Bytes
internal import Configuration
internal import HTTP
internal import JSON
internal import TLS
internal import Time

/// Writes one line for each request into a buffer of the loop, which is handed to the log's own thread now and then:
/// the loop never waits for a disk or a pipe.
final class AccessLog {
    private let format: AccessLogSettings.Format
    private let writer: LogWriter
    private let redaction: QueryRedaction
    private var lines = ByteBuffer()

    /// Lines are handed on when this many bytes have come together, and at each tick of the loop's own clock.
    private static let batch = 32 * 1024

    init?(format: AccessLogSettings.Format, redacting redaction: QueryRedaction = QueryRedaction([]), writer: LogWriter)
    {
        if case .none = format { return nil }
        self.format = format
        self.redaction = redaction
        self.writer = writer
    }

    /// Adds the line of a request that is over.
    func add(_ record: RequestRecord) {
        switch self.format {
        case .none: return
        case .json: self.appendJSON(record)
        case .text: self.appendText(record)
        }
        if self.lines.count >= Self.batch { self.flush() }
    }

    /// Whether lines wait to be handed on.
    var hasLines: Bool { !self.lines.isEmpty }

    /// Hands the lines on.
    func flush() {
        guard !self.lines.isEmpty else { return }
        var batch = ByteBuffer()
        swap(&batch, &self.lines)
        self.writer.write(batch)
    }

    private func appendJSON(_ record: RequestRecord) {
        self.lines.append("{\"time\":\"")
        self.lines.append(rfc3339: record.wall)
        self.lines.append("\",\"request_id\":\"")
        self.lines.append(record.requestID)
        self.lines.append("\",\"client\":")
        self.lines.append(jsonString: record.client)
        self.appendMember(",\"method\":", record.method.rawValue)
        self.appendMember(",\"host\":", record.host)
        self.appendMember(",\"path\":", record.path)
        if !record.query.isEmpty { self.appendMember(",\"query\":", self.redaction.text(of: record.query)) }
        self.lines.append(",\"protocol\":\"")
        self.lines.append(record.version.name)
        if let version = record.tlsVersion?.name {
            self.lines.append("\",\"tls\":\"")
            self.lines.append(version)
        }
        self.lines.append("\",\"status\":")
        self.lines.append(decimal: record.status)
        self.appendMember(",\"route\":", record.route)
        self.appendMember(",\"function\":", record.function)
        if let traceID = record.traceID { self.appendMember(",\"trace_id\":", traceID) }
        if let id = record.awsRequestID { self.appendMember(",\"aws_request_id\":", id) }
        self.lines.append(",\"duration_ms\":")
        self.append(milliseconds: record.finishedAt - record.startedAt)
        if let firstByteAt = record.firstByteAt {
            self.lines.append(",\"first_byte_ms\":")
            self.append(milliseconds: firstByteAt - record.startedAt)
        }
        self.lines.append(",\"bytes_in\":")
        self.lines.append(decimal: record.bytesIn)
        self.lines.append(",\"bytes\":")
        self.lines.append(decimal: record.bytesOut)
        self.lines.append(",\"chunks\":")
        self.lines.append(decimal: record.chunks)
        self.lines.append(",\"attempts\":")
        self.lines.append(decimal: record.attempts)
        self.lines.append(",\"end\":\"")
        self.lines.append(record.end)
        self.lines.append("\"}\n")
    }

    private func appendMember(_ prefix: StaticString, _ value: borrowing ShortText) {
        self.lines.append(prefix)
        self.lines.append(jsonString: value)
    }

    private func appendMember(_ prefix: StaticString, _ value: String?) {
        self.lines.append(prefix)
        if let value { self.lines.append(jsonString: value) } else { self.lines.append("null") }
    }

    private func appendText(_ record: RequestRecord) {
        self.lines.append(record.client)
        self.lines.append(" [")
        self.lines.append(commonLogTime: record.wall.calendar)
        self.lines.append("] ")
        self.lines.append(record.method.rawValue)
        self.lines.append(ASCII.space)
        self.lines.append(record.host ?? "-")
        self.lines.append(record.path)
        if !record.query.isEmpty {
            self.lines.append("?")
            self.lines.append(self.redaction.text(of: record.query))
        }
        self.lines.append(ASCII.space)
        self.lines.append(record.version.name)
        self.lines.append(ASCII.space)
        self.lines.append(decimal: record.status)
        self.lines.append(ASCII.space)
        self.lines.append(decimal: record.bytesOut)
        self.lines.append(ASCII.space)
        self.append(milliseconds: record.finishedAt - record.startedAt)
        self.lines.append("ms ")
        self.lines.append(record.route ?? "-")
        self.lines.append(ASCII.space)
        self.lines.append(record.function ?? "-")
        self.lines.append(ASCII.space)
        self.lines.append(record.end)
        self.lines.append(ASCII.space)
        self.lines.append(record.requestID)
        self.lines.append(" first_byte=")
        if let firstByteAt = record.firstByteAt {
            self.append(milliseconds: firstByteAt - record.startedAt)
            self.lines.append("ms")
        } else {
            self.lines.append("-")
        }
        self.lines.append(" in=")
        self.lines.append(decimal: record.bytesIn)
        self.lines.append(" chunks=")
        self.lines.append(decimal: record.chunks)
        self.lines.append(" attempts=")
        self.lines.append(decimal: record.attempts)
        self.lines.append(" tls=")
        self.lines.append(record.tlsVersion?.name ?? "-")
        self.lines.append(" trace=")
        self.lines.append(record.traceID ?? "-")
        self.lines.append(" aws=")
        self.lines.append(record.awsRequestID ?? "-")
        self.lines.append(ASCII.lineFeed)
    }

    /// Milliseconds with three digits behind the point.
    private func append(milliseconds duration: Duration) {
        let microseconds = max(0, duration.wholeNanoseconds / 1000)
        self.lines.append(decimal: microseconds / 1000)
        self.lines.append(ASCII.dot)
        let rest = microseconds % 1000
        if rest < 100 { self.lines.append(ASCII.zero) }
        if rest < 10 { self.lines.append(ASCII.zero) }
        self.lines.append(decimal: rest)
    }
}

@available(*, unavailable)
extension AccessLog: Sendable {}
