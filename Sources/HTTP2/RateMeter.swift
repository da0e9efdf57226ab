internal import Time

/// Holds events against a `RateLimit`: a bucket that fills with time and that each event takes one from.
struct RateMeter {
    private let limit: RateLimit
    /// In billionths of an event.
    private var level: Int64
    private var filledAt: MonotonicTime?

    private static let unit: Int64 = 1_000_000_000

    init(_ limit: RateLimit) {
        self.limit = limit
        self.level = Int64(limit.burst) * Self.unit
    }

    /// Takes note of one event. Answers whether it stays within the limit.
    mutating func take(at now: MonotonicTime) -> Bool {
        if let filledAt = self.filledAt, self.limit.perSecond > 0 {
            let full = Int64(self.limit.burst) * Self.unit
            // Within a time that fills it, which also bounds the product.
            let longest = full / Int64(self.limit.perSecond) + 1
            let passed = min(max(0, now.nanoseconds - filledAt.nanoseconds), longest)
            self.level = min(full, self.level + passed * Int64(self.limit.perSecond))
        }
        self.filledAt = now
        guard self.level >= Self.unit else { return false }
        self.level -= Self.unit
        return true
    }
}
