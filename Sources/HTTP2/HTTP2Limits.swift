package import HTTP

/// What a client may do to one connection. The defaults are those of the gateway.
package struct HTTP2Limits: Sendable, Equatable {
    /// What bounds a request's head, as with HTTP/1.1; the request line stands for method and path.
    package var head = HeadLimits()
    /// Streams that may be open at the same time.
    package var streams = 100
    /// Bytes of a body that may be on their way to us on one stream (RFC 9113 §6.9.2).
    package var streamWindow = 65_536
    /// The same for all streams together; 65,535 at least.
    package var connectionWindow = 1 << 20
    /// The largest payload of a frame; 16,384 at least (RFC 9113 §4.2).
    package var frameSize = 16_384
    /// CONTINUATION frames behind one HEADERS frame.
    package var continuations = 8
    /// Streams that are reset, by whichever side, when what the client did was the cause.
    package var resets = RateLimit(burst: 100, perSecond: 33)
    package var pings = RateLimit(burst: 100, perSecond: 10)
    package var settings = RateLimit(burst: 32, perSecond: 10)
    /// Frames of types that nobody knows, and GOAWAY.
    package var unknownFrames = RateLimit(burst: 100, perSecond: 10)
    /// HEADERS, CONTINUATION and DATA frames in a row that hold nothing.
    package var emptyFrames = 10
    /// PRIORITY and PRIORITY_UPDATE frames for each stream that was opened, and as many more.
    package var prioritiesPerStream = 100
    /// WINDOW_UPDATE frames: 5, twice the streams that were opened, and twice so many for each DATA frame that went
    /// out.
    package var windowUpdatesPerData = 10
    /// Frames that wait to go out besides DATA.
    package var waitingFrames = 1000

    package init() {}
}

/// So many at once, and so many a second in the long run.
package struct RateLimit: Sendable, Equatable {
    package var burst: Int
    package var perSecond: Int

    package init(burst: Int, perSecond: Int) {
        self.burst = burst
        self.perSecond = perSecond
    }
}
