/// A moment on the monotonic clock: nanoseconds since a point that is the same for the whole process.
///
/// PERF: all of it inlinable: a timer compares moments dozens of times a request, and each comparison was a call
/// through the conformance, 1,100 instructions a request.
@frozen
@usableFromInline
package struct MonotonicTime: Sendable, Hashable, Comparable {
    @usableFromInline package let nanoseconds: Int64

    @inlinable
    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// A moment that never comes.
    @inlinable
    package static var never: MonotonicTime { MonotonicTime(nanoseconds: .max) }

    @inlinable
    package static func == (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds == right.nanoseconds
    }

    @inlinable
    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The moment `duration` later; `never` where that passes the end of time.
    @inlinable
    package static func + (moment: MonotonicTime, duration: Duration) -> MonotonicTime {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return overflow ? .never : MonotonicTime(nanoseconds: sum)
    }

    /// The time from one moment to another; negative where `end` comes first.
    @inlinable
    package static func - (end: MonotonicTime, start: MonotonicTime) -> Duration {
        .nanoseconds(end.nanoseconds - start.nanoseconds)
    }
}

extension Duration {
    /// The duration in nanoseconds, cut off; durations beyond 292 years count as 292 years.
    @inlinable
    package var wholeNanoseconds: Int64 {
        let attoseconds = self.attoseconds
        let magnitude = attoseconds.magnitude
        let high = UInt64(truncatingIfNeeded: magnitude >> 64)
        guard high < 500_000_000 else { return attoseconds < 0 ? .min : .max }
        let low = UInt64(truncatingIfNeeded: magnitude)
        if high < 512 {
            // PERF: up to two hours and a half; 10^9 is 512 times 1,953,125, so that one division of a word is all.
            let nanoseconds = Int64((high &<< 55 | low &>> 9) / 1_953_125)
            return attoseconds < 0 ? -nanoseconds : nanoseconds
        }
        // PERF: 2^64 is 18,446,744,073 times 10^9 and 709,551,616, so that no division is wider than a word.
        // `components` takes 250 instructions, and each request sets half a dozen deadlines.
        let billion: UInt64 = 1_000_000_000
        let (part, rest) = low.quotientAndRemainder(dividingBy: billion)
        let quotient = high &* 18_446_744_073 &+ part &+ (high &* 709_551_616 &+ rest) / billion
        let clamped = Int64(clamping: quotient)
        return attoseconds < 0 ? -clamped : clamped
    }

    /// The duration in milliseconds, cut off.
    @inlinable
    package var wholeMilliseconds: Int64 { self.wholeNanoseconds / 1_000_000 }
}
