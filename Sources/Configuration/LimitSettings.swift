/// `limits:`, one property for each key. What stands here bounds what clients can cost.
package struct LimitSettings: Sendable, Hashable {
    /// All header lines of a request together.
    package var headerBytes: ByteCount = .kibibytes(32)
    package var headerCount = 100
    package var requestLine: ByteCount = .kibibytes(8)
    /// How long a TLS handshake may take.
    package var tlsHandshake: Duration = .seconds(10)
    /// TLS handshakes that may be under way at once.
    package var tlsHandshakes = 1000
    /// The whole head must be there by then.
    package var requestHead: Duration = .seconds(10)
    /// How long a request body may make no progress.
    package var requestBodyStall: Duration = .seconds(30)
    /// How many bytes of a request body must come each second.
    package var requestBodyRate = ByteCount(500)
    /// How long a client may take no byte of an answer.
    package var clientStall: Duration = .seconds(60)
    /// How long an HTTP/1.1 connection may wait for its next request.
    package var idleHTTP1: Duration = .seconds(60)
    /// How long an HTTP/2 connection may have no stream.
    package var idleHTTP2: Duration = .seconds(300)
    package var requestsPerConnection = 10_000
    /// Streams that an HTTP/2 connection may have open.
    package var http2Streams = 100
    /// The largest frame that an HTTP/2 client may send.
    package var http2FrameSize: ByteCount = .kibibytes(16)
    /// CONTINUATION frames behind one HEADERS frame.
    package var http2Continuations = 8
    /// Streams that the client resets, or makes us reset: so many at once, and so many a second in the long run.
    package var http2Resets = 100
    package var http2ResetRate = 33
    package var http2Pings = 100
    package var http2PingRate = 10
    package var http2Settings = 32
    package var http2SettingsRate = 10
    /// Frames of types that nobody knows, and GOAWAY.
    package var http2UnknownFrames = 100
    package var http2UnknownFrameRate = 10
    /// Frames without content in a row.
    package var http2EmptyFrames = 10
    /// PRIORITY and PRIORITY_UPDATE frames for each stream.
    package var http2Priorities = 100
    /// WINDOW_UPDATE frames for each DATA frame that was sent, twice over.
    package var http2WindowUpdates = 10
    /// Frames that wait to go out besides DATA.
    package var http2WaitingFrames = 1000
    /// Bytes of a request body that may be on their way on one stream.
    package var http2StreamWindow: ByteCount = .kibibytes(64)
    /// The same for all streams of a connection.
    package var http2ConnectionWindow: ByteCount = .mebibytes(1)
    /// Invocations that an HTTP/2 connection may have under way, with those that its client has just reset.
    package var invocationsPerConnection = 100
    /// How long an invocation that its client has reset counts on.
    package var resetInvocation: Duration = .seconds(10)
    /// Answer bytes that may wait on one HTTP/2 stream.
    package var responseBuffer: ByteCount = .kibibytes(64)
    /// Answer bytes that may wait on one connection.
    package var connectionBuffer: ByteCount = .mebibytes(1)
    /// `nil` for half of the descriptors that the process may open.
    package var connections: Int?
    package var connectionsPerAddress = 1000
    /// Request bodies in memory, all together.
    package var requestBodies: ByteCount = .mebibytes(256)
    /// What resident memory is held against; `nil` for what the machine or the control group allows.
    package var maxMemory: ByteCount?
    /// From how many percent of it on connections are closed after their answers, and requests refused.
    package var memoryTight = 95
    package var memoryFull = 98

    /// The defaults.
    package init() {}
}
