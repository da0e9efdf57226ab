import CLinux
import Glibc

/// Times in nanoseconds, of which a report wants the quantiles.
struct Samples {
    private var values: [Int] = []

    init() {
        self.values.reserveCapacity(1 << 20)
    }

    mutating func append(_ value: Int) {
        self.values.append(value)
    }

    /// Median and tails, in microseconds.
    func quantiles(_ name: String) -> [(String, Double)] {
        let sorted = self.values.sorted()
        guard !sorted.isEmpty else { return [] }
        return [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)].map { label, quantile in
            ("\(name)_us_\(label)", Double(sorted[Int(Double(sorted.count - 1) * quantile)]) / 1000)
        }
    }
}

/// Prints one JSON object with numbers.
func report(_ values: [(String, Double)]) {
    print("{\(values.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", "))}")
}
