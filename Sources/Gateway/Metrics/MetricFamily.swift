internal import Bytes
internal import Time

/// One metric with all its samples, on its way to the text that Prometheus reads.
struct MetricFamily: Sendable, Equatable {
    /// With the prefix, without a suffix: `sluice_requests`.
    let name: String
    let kind: Kind
    let help: String
    var samples: [Sample] = []

    enum Kind: Sendable {
        case counter
        case gauge
        case histogram
        /// A gauge that is always 1; what it says is in its labels.
        case info
    }

    /// One line.
    struct Sample: Sendable, Equatable {
        /// What the family's name is followed by in this line: `_bucket`, `_sum`, `_count`, or nothing.
        var suffix = ""
        var labels: [Label] = []
        var value: Value
    }

    struct Label: Sendable, Equatable {
        let name: String
        let value: String
    }

    enum Value: Sendable, Equatable {
        case integer(Int)
        /// In seconds.
        case duration(Duration)
    }

    /// Adds a line for each value.
    mutating func add(_ value: Int, _ labels: KeyValuePairs<String, String> = [:]) {
        self.samples.append(Sample(labels: labels.map { Label(name: $0.key, value: $0.value) }, value: .integer(value)))
    }

    /// Adds a line for a time.
    mutating func add(_ value: Duration, _ labels: KeyValuePairs<String, String> = [:]) {
        self.samples.append(
            Sample(labels: labels.map { Label(name: $0.key, value: $0.value) }, value: .duration(value)))
    }

    /// The family with a line for a value, where there is one.
    func with(_ value: Int?, _ labels: KeyValuePairs<String, String> = [:]) -> MetricFamily {
        guard let value else { return self }
        var family = self
        family.add(value, labels)
        return family
    }

    /// The family with a line for a time.
    func with(_ value: Duration) -> MetricFamily {
        var family = self
        family.add(value)
        return family
    }

    /// Adds the lines of a histogram.
    mutating func add(_ histogram: Histogram, _ labels: KeyValuePairs<String, String> = [:]) {
        let labels = labels.map { Label(name: $0.key, value: $0.value) }
        var count = 0
        for (index, inBucket) in histogram.counts.enumerated() {
            count += inBucket
            let bound = index < histogram.bounds.count ? histogram.bounds[index].text : "+Inf"
            self.samples.append(
                Sample(
                    suffix: "_bucket", labels: labels + [Label(name: "le", value: bound)], value: .integer(count)))
        }
        self.samples.append(Sample(suffix: "_sum", labels: labels, value: .duration(histogram.sum)))
        self.samples.append(Sample(suffix: "_count", labels: labels, value: .integer(count)))
    }
}

/// The two texts in which metrics are read.
enum MetricsFormat: Sendable {
    /// The text format of Prometheus, version 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.0.
    case openMetrics

    /// The format for a client that accepts this; Prometheus's own unless OpenMetrics is asked for.
    init(accept: String?) {
        self = accept?.contains("application/openmetrics-text") == true ? .openMetrics : .prometheus
    }

    var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The families as text.
    func text(of families: [MetricFamily]) -> [UInt8] {
        var text = ByteBuffer(capacity: 16 * 1024)
        // Those without samples as well: who looks for a metric is to find that it is there.
        for family in families { self.append(family, to: &text) }
        if self == .openMetrics { text.append("# EOF\n") }
        return text.array()
    }

    private func append(_ family: MetricFamily, to text: inout ByteBuffer) {
        // OpenMetrics names the family without the suffix that its lines have, Prometheus's own format with it.
        let suffix =
            switch family.kind {
            case .counter: "_total"
            case .info: "_info"
            case .gauge, .histogram: ""
            }
        let name = self == .openMetrics ? family.name : family.name + suffix
        text.append("# TYPE \(name) \(self.name(of: family.kind))\n")
        text.append("# HELP \(name) \(family.help)\n")
        for sample in family.samples {
            text.append(family.name)
            text.append(suffix)
            text.append(sample.suffix)
            self.append(sample.labels, to: &text)
            text.append(ASCII.space)
            switch sample.value {
            case .integer(let number): text.append("\(number)")
            case .duration(let duration): Self.append(seconds: duration, to: &text)
            }
            text.append(ASCII.lineFeed)
        }
    }

    private func name(of kind: MetricFamily.Kind) -> String {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .info: self == .openMetrics ? "info" : "gauge"
        }
    }

    private func append(_ labels: [MetricFamily.Label], to text: inout ByteBuffer) {
        guard !labels.isEmpty else { return }
        text.append("{")
        for (index, label) in labels.enumerated() {
            if index > 0 { text.append(",") }
            text.append(label.name)
            text.append("=\"")
            for byte in label.value.utf8 {
                switch byte {
                case UInt8(ascii: "\\"): text.append("\\\\")
                case UInt8(ascii: "\""): text.append("\\\"")
                case ASCII.lineFeed: text.append("\\n")
                default: text.append(byte)
                }
            }
            text.append("\"")
        }
        text.append("}")
    }

    /// Seconds with as many digits behind the point as a duration can have that matters here: six.
    private static func append(seconds duration: Duration, to text: inout ByteBuffer) {
        let nanoseconds = duration.wholeNanoseconds
        if nanoseconds < 0 { text.append("-") }
        let micro = nanoseconds.magnitude / 1000
        text.append("\(micro / 1_000_000).")
        let rest = "\(micro % 1_000_000)"
        for _ in rest.count..<6 { text.append("0") }
        text.append(rest)
    }
}
