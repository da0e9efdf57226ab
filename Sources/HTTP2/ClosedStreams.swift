/// What has to be remembered of streams that are no more, to answer frames on them as RFC 9113 §5.1 wants: little, and
/// bounded.
struct ClosedStreams {
    /// Streams that we reset while the client could still be sending on them, the latest ones: a ring.
    private var reset: [Int32] = []
    private var next = 0
    /// Odd numbers that the client left out, the latest ranges: they are closed without ever having been open.
    private var skipped: [ClosedRange<Int32>] = []

    private static let resetLimit = 1024
    private static let skippedLimit = 16

    /// We have reset a stream, so that frames may be on their way.
    mutating func noteReset(_ stream: Int32) {
        if self.reset.count < Self.resetLimit {
            self.reset.append(stream)
        } else {
            self.reset[self.next] = stream
            self.next = (self.next + 1) % Self.resetLimit
        }
    }

    /// The client has opened `stream` after `last`.
    mutating func noteOpened(_ stream: Int32, after last: Int32) {
        let first = last == 0 ? 1 : last + 2
        guard first < stream else { return }
        if self.skipped.count == Self.skippedLimit { self.skipped.removeFirst() }
        self.skipped.append(first...stream - 2)
    }

    func wasReset(_ stream: Int32) -> Bool { self.reset.contains(stream) }

    func wasSkipped(_ stream: Int32) -> Bool { self.skipped.contains { $0.contains(stream) } }
}
