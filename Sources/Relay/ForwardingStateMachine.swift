package import HTTP

/// Follows the answer of an HTTP upstream: a function URL, or any other server.
///
///     awaitingHead ── receivedHead ──▶ relaying ── receivedEnd ──▶ ended
///           │                            │                           ▲
///           └──────── lost ──────────────┴──── lost, cut ────────────┘
///
/// What comes is the answer itself, so there is nothing to decode and nothing to hold back; its parser knows where it
/// ends. The machine sees to it that an answer has one head and one end, and that what is cut never ends well.
package struct ForwardingStateMachine: ~Copyable {
    private var state = State.awaitingHead
    private let isForHead: Bool

    private enum State {
        case awaitingHead
        case relaying
        case ended
    }

    /// A machine for the answer to one request. `isForHead`: the client's request is HEAD.
    package init(isForHead: Bool) {
        self.isForHead = isForHead
    }

    /// What the head of the answer leads to.
    package enum HeadAction: Equatable, Sendable {
        /// Send the head. `endsHere`: the answer has no body.
        case head(ResponseHead, endsHere: Bool)
        case failed(ExchangeFailure)
        /// The answer is over already.
        case drop
    }

    /// The head came (1xx aside), with the length of the body as its parser found it.
    package mutating func receivedHead(_ head: consuming ResponseHead, bodyLength: BodyLength) -> HeadAction {
        guard case .awaitingHead = self.state else { return .drop }
        // RFC 9110 §7.6.1: these are of the connection to the upstream.
        head.fields.removeHopByHop()
        let canHaveBody = canHaveBody(status: head.status, toHead: self.isForHead)
        // The body's length as its parser goes by it is the one that is told. The upstream may not have told it (a head
        // with END_STREAM), or told that it is of the connection alone; then the client of an HTTP/1.1 connection could
        // not know where the answer ends.
        let length: Int? = if case .known(let count) = bodyLength { count } else { bodyLength == .none ? 0 : nil }
        if canHaveBody, let length, head.fields.contentLength != length {
            head.fields.set("content-length", "\(length)")
            guard head.fields.contentLength == length else {
                self.state = .ended
                return .failed(.badUpstreamAnswer("a content-length of \(length)"))
            }
        }
        self.state = .relaying
        return .head(head, endsHere: !canHaveBody || bodyLength == .none)
    }

    /// Whether bytes of the body are to be sent.
    package var isRelaying: Bool {
        if case .relaying = self.state { true } else { false }
    }

    /// What the end of the answer, or of its connection, leads to.
    package enum EndAction: Equatable, Sendable {
        case completed
        case failed(ExchangeFailure)
        case drop
    }

    /// The answer has ended as its framing promised.
    package mutating func receivedEnd() -> EndAction {
        switch self.state {
        case .relaying:
            self.state = .ended
            return .completed
        case .awaitingHead:
            // Unreachable with a parser that gives a head before the end.
            self.state = .ended
            return .failed(.badUpstreamAnswer("an end without a head"))
        case .ended:
            return .drop
        }
    }

    /// The connection was lost, or what came on it is no HTTP.
    package mutating func lost(_ failure: ExchangeFailure) -> EndAction {
        switch self.state {
        case .awaitingHead, .relaying:
            self.state = .ended
            return .failed(failure)
        case .ended:
            return .drop
        }
    }
}

@available(*, unavailable)
extension ForwardingStateMachine: Sendable {}
