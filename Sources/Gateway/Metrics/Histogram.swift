/// How often durations fell below each of a few bounds, as Prometheus counts them.
struct Histogram: Sendable, Equatable {
    /// The upper bounds, ascending, in seconds, as they are written.
    let bounds: [StaticBound]
    /// How many durations fell into each bucket and no lower one; the last is for those beyond all bounds.
    private(set) var counts: [Int]
    /// All durations together.
    private(set) var sum = Duration.zero

    /// An upper bound of a bucket, with its text, so that every scrape names it alike.
    struct StaticBound: Sendable, Equatable {
        let limit: Duration
        let text: String
    }

    init(_ bounds: [StaticBound]) {
        self.bounds = bounds
        self.counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// Until the first byte: from what a warm function answers in, to the default of `timeouts.first_byte`.
    static let firstByteBounds: [StaticBound] = [
        .init(limit: .milliseconds(5), text: "0.005"), .init(limit: .milliseconds(10), text: "0.01"),
        .init(limit: .milliseconds(25), text: "0.025"), .init(limit: .milliseconds(50), text: "0.05"),
        .init(limit: .milliseconds(100), text: "0.1"), .init(limit: .milliseconds(250), text: "0.25"),
        .init(limit: .milliseconds(500), text: "0.5"), .init(limit: .seconds(1), text: "1.0"),
        .init(limit: .milliseconds(2500), text: "2.5"), .init(limit: .seconds(5), text: "5.0"),
        .init(limit: .seconds(10), text: "10.0"), .init(limit: .seconds(30), text: "30.0"),
        .init(limit: .seconds(60), text: "60.0"),
    ]

    /// Of whole exchanges: streams last up to fifteen minutes.
    static let durationBounds: [StaticBound] = [
        .init(limit: .milliseconds(10), text: "0.01"), .init(limit: .milliseconds(50), text: "0.05"),
        .init(limit: .milliseconds(100), text: "0.1"), .init(limit: .milliseconds(500), text: "0.5"),
        .init(limit: .seconds(1), text: "1.0"), .init(limit: .seconds(5), text: "5.0"),
        .init(limit: .seconds(10), text: "10.0"), .init(limit: .seconds(30), text: "30.0"),
        .init(limit: .seconds(60), text: "60.0"), .init(limit: .seconds(300), text: "300.0"),
        .init(limit: .seconds(900), text: "900.0"),
    ]

    /// Counts a duration.
    mutating func add(_ duration: Duration) {
        self.counts[self.bounds.firstIndex { duration <= $0.limit } ?? self.bounds.count] += 1
        self.sum += duration
    }

    /// Adds what another one with the same bounds has counted.
    mutating func add(_ other: Histogram) {
        for index in self.counts.indices { self.counts[index] += other.counts[index] }
        self.sum += other.sum
    }
}
