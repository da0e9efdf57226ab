internal import Bytes
internal import JSON
package import Logging
internal import Reactor
internal import Time

/// Writes log lines for people: the time, the level, what belongs to the event, and what happened.
package struct TextLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.info
    private let label: String
    private let write: @Sendable (String) -> Void

    /// A handler whose lines, each with its end, are handed to a closure.
    package init(label: String, write: @escaping @Sendable (String) -> Void) {
        self.label = label
        self.write = write
    }

    package func log(event: LogEvent) {
        var time = ByteBuffer()
        time.append(rfc3339: LoopClock.system.wall())
        var line = "\(time.string()) \(event.level) \(self.label):"
        for (name, value) in self.details(of: event) { line += " \(name)=\(value)" }
        line += " [\(event.source)] \(event.message)"
        // One event is one line: what a function or a client says must not look like another, nor steer a terminal.
        self.write("\(line.onOneLine)\n")
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }
}

/// Writes log lines for programs: a JSON object each, with `time`, `level`, `message`, and a member for each thing that
/// belongs to the event. For systemd's journal the priority stands before it.
package struct JSONLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.info
    private let isForJournal: Bool
    private let write: @Sendable (String) -> Void

    /// A handler whose lines, each with its end, are handed to a closure.
    package init(isForJournal: Bool = false, write: @escaping @Sendable (String) -> Void) {
        self.isForJournal = isForJournal
        self.write = write
    }

    package func log(event: LogEvent) {
        var line = ByteBuffer()
        if self.isForJournal { line.append("<\(JournalLogHandler.priority(of: event.level))>") }
        line.append("{\"time\":\"")
        line.append(rfc3339: LoopClock.system.wall())
        line.append("\",\"level\":\"\(event.level)\",\"source\":")
        line.append(jsonString: event.source)
        line.append(",\"message\":")
        line.append(jsonString: "\(event.message)")
        for (name, value) in self.details(of: event) where !Self.ownMembers.contains(name) {
            line.append(",")
            line.append(jsonString: name)
            line.append(":")
            line.append(jsonString: value)
        }
        line.append("}\n")
        self.write(line.string())
    }

    private static let ownMembers: Set<String> = ["time", "level", "source", "message"]

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }
}

extension LogHandler {
    /// What belongs to an event, by name.
    func details(of event: LogEvent) -> [(name: String, value: String)] {
        var details = self.metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
        if let error = event.error { details["error"] = "\(error)" }
        return details.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
