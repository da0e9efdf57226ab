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
    /// Bytes of a request body that may be on their way on one stream.
    package var http2StreamWindow: ByteCount = .kibibytes(64)
    /// The same for all streams of a connection.
    package var http2ConnectionWindow: ByteCount = .mebibytes(1)
    /// Invocations that an HTTP/2 connection may have under way, with those that its client has just reset.
    package var invocationsPerConnection = 100
    /// Answer bytes that may wait for one client.
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

    /// The defaults.
    package init() {}
}
