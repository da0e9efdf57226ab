internal import HTTP

/// The client's side of an exchange, whichever protocol carries it: what an exchange may do to its client.
///
/// The bytes leave at the end of the round, in as few calls as possible.
protocol ClientStream: AnyObject {
    /// Begins an answer whose body follows through `sendBody`. A content-length among the fields is kept to.
    func sendHead(_ head: borrowing ResponseHead, hasBody: Bool)

    /// Sends bytes of the body. Called from within the reading of an upstream, with bytes of its receive buffer.
    func sendBody(_ bytes: Span<UInt8>)

    /// Ends the answer well.
    func sendEnd()

    /// Breaks an answer that has begun, so that nobody takes it for a whole one.
    func truncate()

    /// Breaks an answer that the client has ceased to take: what waits for it is not kept any longer.
    func abandon()

    /// Stops taking more of the request's body from the client, but for what has come already.
    func pauseRequest()

    /// Goes on taking it.
    func resumeRequest()

    /// Whether the connection has little room left for what waits on all of its streams together.
    var hasLittleRoom: Bool { get }

    /// Bytes that the client is known to have taken, and that count for this stream: more of them than before are
    /// progress while the socket has no room for more. 0 where bytes wait for something else. Asks the kernel.
    var acknowledgedCount: Int { get }

    /// The client has hit a limit.
    func noteLimit(_ name: String)

    /// Answers with a head and a whole body of the gateway's own.
    func respond(_ answer: OwnAnswer)
}

extension ClientStream {
    /// A stream that has a connection of its own has all the room.
    var hasLittleRoom: Bool { false }
}
