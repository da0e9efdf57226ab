internal import Bytes
internal import HTTP

/// What serves an attempt: all of an HTTP/1.1 connection, or one stream of an HTTP/2 connection.
///
/// A class with subclasses, as `UpstreamAttempt` is: what an attempt asks for costs one indirect call.
class UpstreamConnection {
    /// Whether the protocol itself says where bodies end, so that no chunked coding is put around them.
    let framesBodies: Bool

    init(framesBodies: Bool) {
        self.framesBodies = framesBodies
    }

    /// Sends a request as HTTP/1.1 has it, or its beginning. Its answer is told to the attempt.
    func send(
        _ request: consuming ByteBuffer, for attempt: UpstreamAttempt, method: Method = .post, isWhole: Bool = true
    ) {}

    /// Sends more of a request that was not whole.
    func sendMore(_ append: (inout ByteBuffer) -> Void) {}

    /// Sends the end of a request that was not whole.
    func finishRequest(_ append: (inout ByteBuffer) -> Void) {}

    /// Stops handing out bytes of the answer.
    func pause() {}

    /// Hands out bytes again, as soon as the handlers that run now have returned.
    func resume() {}

    /// Whether little is to be read at a time, because the client has little room for it.
    func readLittle(_ isLittle: Bool) {}

    /// Nothing was sent: somebody else may have it.
    func giveBack() {}

    /// Reads the rest of the answer, within limits, so that the connection can be used again.
    func readOut() {}

    /// Nobody wants the rest.
    func letGo() {}
}

@available(*, unavailable)
extension UpstreamConnection: Sendable {}
