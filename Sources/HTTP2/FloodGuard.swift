internal import Time

/// Counts the frames of a client, each kind against its limit (docs/threat-model.md has the list).
struct FloodGuard {
    private let limits: HTTP2Limits
    private var resets: RateMeter
    private var pings: RateMeter
    private var settings: RateMeter
    private var unknownFrames: RateMeter
    private var emptyFrames = 0
    private var opened = 0
    private var priorities = 0
    private var windowUpdates = 0

    init(_ limits: HTTP2Limits) {
        self.limits = limits
        self.resets = RateMeter(limits.resets)
        self.pings = RateMeter(limits.pings)
        self.settings = RateMeter(limits.settings)
        self.unknownFrames = RateMeter(limits.unknownFrames)
    }

    /// A stream was opened.
    mutating func noteOpened() {
        self.opened += 1
    }

    /// A stream was reset because of what the client did. Answers whether that is within the limit.
    mutating func reset(at now: MonotonicTime) -> Bool {
        self.resets.take(at: now)
    }

    /// The header of a frame has come. Answers what there is too much of.
    mutating func received(
        _ header: FrameHeader, dataFramesSent: Int, at now: MonotonicTime
    ) -> HTTP2Failure.Excess? {
        switch header.kind {
        case .data:
            // Those that hold something are counted when their padding is known.
            return nil
        case .headers, .continuation:
            let isEmpty = header.length == 0 && !header.flags.contains(.endHeaders)
            return self.noteFrame(isEmpty: isEmpty) ? nil : .emptyFrames
        case .priority, .priorityUpdate:
            self.priorities += 1
            return self.priorities <= self.limits.prioritiesPerStream * (1 + self.opened) ? nil : .priorities
        case .reset:
            return self.resets.take(at: now) ? nil : .resets
        case .settings:
            // Ours are acknowledged once; what is an acknowledgement beyond that the library refuses.
            if header.flags.contains(.acknowledgement) { return nil }
            return header.length <= 32 * 6 && self.settings.take(at: now) ? nil : .settings
        case .ping:
            return self.pings.take(at: now) ? nil : .pings
        case .windowUpdate:
            self.windowUpdates += 1
            return self.windowUpdates <= 5 + 2 * (self.opened + self.limits.windowUpdatesPerData * dataFramesSent)
                ? nil : .windowUpdates
        case .goAway, .unknown:
            return self.unknownFrames.take(at: now) ? nil : .unknownFrames
        case .pushPromise:
            return nil
        }
    }

    /// A DATA frame is whole. Answers whether there were not too many without content in a row.
    mutating func endedData(count: Int, endsStream: Bool) -> Bool {
        self.noteFrame(isEmpty: count == 0 && !endsStream)
    }

    private mutating func noteFrame(isEmpty: Bool) -> Bool {
        self.emptyFrames = isEmpty ? self.emptyFrames + 1 : 0
        return self.emptyFrames <= self.limits.emptyFrames
    }
}
