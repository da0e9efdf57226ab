/// A moment on the monotonic clock: nanoseconds since a point that is the same for the whole process.
package struct MonotonicTime: Sendable, Hashable, Comparable {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// A moment that never comes.
    package static let never = MonotonicTime(nanoseconds: .max)

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The moment `duration` later; `never` where that passes the end of time.
    package static func + (moment: MonotonicTime, duration: Duration) -> MonotonicTime {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return overflow ? .never : MonotonicTime(nanoseconds: sum)
    }

    /// The time from one moment to another; negative where `end` comes first.
    package static func - (end: MonotonicTime, start: MonotonicTime) -> Duration {
        .nanoseconds(end.nanoseconds - start.nanoseconds)
    }
}

extension Duration {
    /// The duration in nanoseconds, cut off; durations beyond 292 years count as 292 years.
    package var wholeNanoseconds: Int64 {
        // PERF: one division. `components` takes three multiplications of 128 bits and more, 250 instructions, and each
        // request sets half a dozen deadlines.
        let attoseconds = self.attoseconds
        let magnitude = attoseconds.magnitude
        let high = UInt64(truncatingIfNeeded: magnitude >> 64)
        guard high < 500_000_000 else { return attoseconds < 0 ? .min : .max }
        let (quotient, _) = UInt64(1_000_000_000).dividingFullWidth((high, UInt64(truncatingIfNeeded: magnitude)))
        let clamped = Int64(clamping: quotient)
        return attoseconds < 0 ? -clamped : clamped
    }

    /// The duration in milliseconds, cut off.
    package var wholeMilliseconds: Int64 { self.wholeNanoseconds / 1_000_000 }
}
