/// What happens on a connection, told to whoever drives it. Called on the loop's thread only.
///
/// After `closed`, or after the handler itself closed the connection, nothing more is called.
package protocol ConnectionHandler: AnyObject {
    /// An outbound connection is up.
    func connected()

    /// Bytes arrived. They are the loop's and die with the call: what is not consumed is copied, or lent to other
    /// connections with `lend`.
    func received(_ bytes: Span<UInt8>)

    /// The peer has sent its last byte.
    func receivedEnd()

    /// The peer has gone, or has finished sending, while reading is paused. Called once more where a reset follows:
    /// then `hasFailed` is set.
    func peerLeft()

    /// The round ends, and the socket can be offered something: the last moment to append to `output`. Called where
    /// `isFilledAtEnd` is set, after a `flush`, and again when a socket that was full takes more.
    func fillOutput()

    /// The round ended with bytes that the peer's socket did not take. Time to slow down whoever produces them. Called
    /// again each time the socket takes some of them and not all.
    func outputBlocked()

    /// After `outputBlocked`: all bytes have gone.
    func outputDrained()

    /// The connection has ended, and not by the handler's doing. Where writing failed, what the peer had sent before
    /// was handed out first.
    func closed(_ cause: CloseCause)
}

extension ConnectionHandler {
    package func connected() {}
    package func peerLeft() {}
    package func fillOutput() {}
    package func outputBlocked() {}
    package func outputDrained() {}
}
