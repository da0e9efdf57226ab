internal import JSON

/// What `sluice status` shows: a screen made of the metrics and the streams of a running gateway.
package struct StatusView {
    private let metrics: [MetricLine]
    private let streams: [JSONValue]

    /// Reads what `/metrics` and `/streams` answered. Lines that are no metrics are left out.
    package init(metrics: [UInt8], streams: [UInt8]) {
        self.metrics = String(decoding: metrics, as: UTF8.self).split(separator: "\n").compactMap(MetricLine.init)
        self.streams = (try? JSONValue(parsing: streams.span))?["streams"]?.array ?? []
    }

    /// The screen, a line each; `streamLimit` streams at most, the oldest first.
    package func lines(streamLimit: Int = 30) -> [String] {
        let state = self.sum("sluice_ready") == 1 ? "ready" : "not ready"
        var lines = [
            "sluice \(self.label("version", of: "sluice_build_info")) \(state)",
            "requests \(self.sum("sluice_requests_total"))   open streams \(self.sum("sluice_open_streams"))   "
                + "answered \(Self.bytes(self.sum("sluice_response_bytes_total"))) in \(self.sum("sluice_chunks_total")) chunks",
            "connections " + self.list("sluice_connections", by: "protocol"),
            "upstreams   " + self.list("sluice_upstream_connections", by: "state"),
            "memory \(Self.bytes(self.sum("process_resident_memory_bytes")))   descriptors "
                + "\(self.sum("process_open_fds")) of \(self.sum("process_max_fds"))",
            "", "requests by how they ended",
        ]
        for (name, count) in self.sums("sluice_requests_total", by: "end") {
            lines.append("  \(Self.pad(name, 24)) \(count)")
        }
        lines += ["", "streams under way: \(self.streams.count)"]
        guard !self.streams.isEmpty else { return lines }
        lines.append("       age     idle  status      bytes  function          request")
        for stream in self.streams.prefix(streamLimit) { lines.append(Self.line(of: stream)) }
        if self.streams.count > streamLimit { lines.append("  … and \(self.streams.count - streamLimit) more") }
        return lines
    }

    private static func line(of stream: JSONValue) -> String {
        let number = { (key: String) in stream[key]?.integer ?? 0 }
        let text = { (key: String) in stream[key]?.string ?? "-" }
        return Self.pad("\(number("age_ms") / 1000) s", -10) + Self.pad("\(number("idle_ms") / 1000) s", -9)
            + Self.pad("\(number("status"))", -8) + Self.pad(Self.bytes(number("bytes")), -11) + "  "
            + Self.pad(text("function"), 16) + "  \(text("method")) \(text("host"))\(text("path")) \(text("client"))"
    }

    /// Fills up with spaces behind the text, or before it where the width is negative.
    private static func pad(_ text: String, _ width: Int) -> String {
        let space = String(repeating: " ", count: max(0, abs(width) - text.count))
        return width < 0 ? space + text : text + space
    }

    private static func bytes(_ count: Int) -> String {
        var rest = Double(count)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while rest >= 1024, unit < units.count - 1 {
            rest /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\((rest * 10).rounded() / 10) \(units[unit])"
    }

    private func sum(_ name: String) -> Int {
        self.metrics.reduce(0) { $1.name == name ? $0 + $1.value : $0 }
    }

    private func label(_ label: String, of name: String) -> String {
        self.metrics.first { $0.name == name }?.labels[label] ?? ""
    }

    private func sums(_ name: String, by label: String) -> [(String, Int)] {
        var sums: [String: Int] = [:]
        for line in self.metrics where line.name == name { sums[line.labels[label] ?? "", default: 0] += line.value }
        return sums.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    }

    private func list(_ name: String, by label: String) -> String {
        let sums = self.sums(name, by: label)
        return sums.isEmpty ? "none" : sums.map { "\($0) \($1)" }.joined(separator: "   ")
    }
}

/// One line of the text format.
private struct MetricLine {
    let name: String
    let labels: [String: String]
    /// Whole numbers; what stands behind a point is cut off.
    let value: Int

    init?(_ line: Substring) {
        guard !line.hasPrefix("#"), let space = line.lastIndex(of: " "),
            let value = Int(line[line.index(after: space)...].prefix { $0 != "." })
        else { return nil }
        self.value = value
        let head = line[..<space]
        guard let brace = head.firstIndex(of: "{"), head.last == "}" else {
            self.name = String(head)
            self.labels = [:]
            return
        }
        self.name = String(head[..<brace])
        self.labels = Self.labels(head[head.index(after: brace)...].dropLast())
    }

    private static func labels(_ text: Substring) -> [String: String] {
        var labels: [String: String] = [:]
        var rest = text
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals]
            var value = ""
            var index = rest.index(equals, offsetBy: 2, limitedBy: rest.endIndex) ?? rest.endIndex
            while index < rest.endIndex, rest[index] != "\"" {
                if rest[index] == "\\" { index = rest.index(after: index) }
                guard index < rest.endIndex else { break }
                value.append(rest[index])
                index = rest.index(after: index)
            }
            labels[String(name)] = value
            rest = rest[index...].dropFirst()
            if rest.first == "," { rest = rest.dropFirst() }
        }
        return labels
    }
}
