internal import Configuration
internal import HTTP2
internal import Reactor

extension LimitSettings {
    /// What a client may do to an HTTP/2 connection, as the machine takes it.
    var http2: HTTP2Limits {
        var limits = HTTP2Limits()
        limits.head = self.head
        limits.streams = self.http2Streams
        limits.streamWindow = self.http2StreamWindow.bytes
        limits.connectionWindow = self.http2ConnectionWindow.bytes
        limits.frameSize = self.http2FrameSize.bytes
        limits.continuations = self.http2Continuations
        limits.resets = RateLimit(burst: self.http2Resets, perSecond: self.http2ResetRate)
        limits.pings = RateLimit(burst: self.http2Pings, perSecond: self.http2PingRate)
        limits.settings = RateLimit(burst: self.http2Settings, perSecond: self.http2SettingsRate)
        limits.unknownFrames = RateLimit(burst: self.http2UnknownFrames, perSecond: self.http2UnknownFrameRate)
        limits.emptyFrames = self.http2EmptyFrames
        limits.prioritiesPerStream = self.http2Priorities
        limits.windowUpdatesPerData = self.http2WindowUpdates
        limits.waitingFrames = self.http2WaitingFrames
        return limits
    }

    /// Bytes of frames that are put together before the socket is asked to take them.
    var http2Portion: Int { min(256 * 1024, self.connectionBuffer.bytes / 4) }

    /// What may wait before an upstream is paused. It may bring one receive buffer more before it notices, and a
    /// portion of frames may be on its way to the socket.
    var http2Buffers: HTTP2Buffers {
        HTTP2Buffers(
            stream: max(0, self.responseBuffer.bytes - Loop.receiveSize),
            connection: max(0, self.connectionBuffer.bytes - Loop.receiveSize - self.http2Portion))
    }
}
