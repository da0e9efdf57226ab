internal import Configuration
internal import HTTP
internal import Time

/// How fast the body of a request comes: it must make progress (`request_body_stall`), and on the whole not be slower
/// than the rate that is asked for (`request_body_rate`).
struct BodyPace {
    private var startedAt: MonotonicTime
    private var bytes = 0
    /// When the body, if nothing more of it comes, stands still for too long.
    private var stalledAt: MonotonicTime

    /// A body that begins now, or goes on after a time in which it was not the client that was slow.
    init(from now: MonotonicTime) {
        self.startedAt = now
        // What never came does not come too slowly: it is missing.
        self.stalledAt = now
    }

    /// More of it has come.
    mutating func received(_ count: Int) {
        self.bytes += count
    }

    /// By when more has to come, as it has made progress now.
    mutating func deadline(at now: MonotonicTime, _ limits: LimitSettings) -> MonotonicTime {
        let byRate = Duration.seconds(Int64(self.bytes / max(1, limits.requestBodyRate.bytes)))
        self.stalledAt = now + limits.requestBodyStall
        return min(self.stalledAt, self.startedAt + byRate + limits.requestBodyStall)
    }

    /// What was wrong where that moment has passed.
    func fault(at now: MonotonicTime) -> RequestFault {
        RequestFault(self.stalledAt > now ? .bodyTooSlow : .bodyTimedOut)
    }
}
