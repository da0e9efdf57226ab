package import HTTP

/// What was found in the bytes of a peer, or happened while frames were put together.
package enum HTTP2Event: Equatable, Sendable {
    /// A request has begun, or an answer; its head is fetched with `takeHead` or `takeAnswer`. Where the body does not
    /// follow, `end` does.
    case head(StreamID)
    /// A request that is understood and not taken: to be answered with the fault's status.
    case refused(StreamID, RequestFault)
    /// Bytes of a body: a range of the input that was given to `receive`. Given back with `consume` or `discard`.
    case body(StreamID, Range<Int>)
    /// The body is whole.
    case end(StreamID)
    /// The answer has gone whole, and the request has not come whole. What still comes of it is looked at and thrown
    /// away.
    case answered(StreamID)
    /// The message breaks the rules of RFC 9113 §8.1.1. The stream is being reset; `closed` follows.
    case malformed(StreamID, MalformedMessage)
    /// A request was refused, because as many streams are open as may be.
    case tooManyStreams
    /// Nothing more comes or goes on the stream: both sides have ended it, or one has reset it.
    case closed(StreamID, HTTP2ErrorCode)
    /// The peer has not begun to work on a request, and will not: it may be sent again elsewhere. `closed` follows.
    case unprocessed(StreamID, Unprocessed)
    /// The peer has told its settings, or changed them: how many streams may be open among them.
    case settings
    /// More bytes wait than may go out now. Time to slow down whoever produces them.
    case blocked(StreamID)
    /// Some bytes of a stream that is blocked have gone, and some have not.
    case progressed(StreamID)
    /// As much waits on all streams together as may, or there is room again: what produces them is to bring little at
    /// once.
    case full(Bool)
    /// All bytes of a stream that was blocked have gone.
    case drained(StreamID)
    /// The peer has answered the ping of a drain.
    case drainAcknowledged
    /// The peer will open no more streams, or take none.
    case goAway
    /// The connection is over: a GOAWAY frame waits to go out, and nothing more is read.
    case failed(HTTP2Failure)

    /// Why a request was not begun with.
    package enum Unprocessed: Equatable, Sendable {
        /// The connection ends, and takes no streams behind the last one that was named (RFC 9113 §6.8).
        case goingAway
        /// The stream was refused (RFC 9113 §8.7).
        case refused
        /// The request is wanted as HTTP/1.1 has it (HTTP_1_1_REQUIRED, RFC 9113 §7).
        case needsHTTP1
    }
}
