/// With what an end of a connection begins.
struct EndpointSettings {
    var role: Role
    /// As the SETTINGS frame has them.
    var entries: [(id: Int32, value: UInt32)] = []
    /// How many streams the peer may open; announced with the others.
    var streams: Int?
    var connectionWindow: Int
    var buffers: HTTP2Buffers

    /// Who opens streams, and who answers on them.
    enum Role {
        case client
        case server
    }
}

/// Bytes of bodies that may wait to go out before streams are told to be blocked.
package struct HTTP2Buffers: Sendable, Equatable {
    /// On one stream.
    package var stream: Int
    /// On all streams together; beyond that none may have any.
    package var connection: Int

    package init(stream: Int = 0, connection: Int = 1 << 20) {
        self.stream = stream
        self.connection = connection
    }
}
