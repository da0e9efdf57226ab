internal import Bytes
internal import HTTP

/// One stream of a connection: what has come on it, and what waits to go out.
package final class HTTP2Stream {
    package let id: StreamID
    /// That of the request that has come, until it is fetched. In a place of its own, as it is half of a stream's size.
    var head: Arrived?
    /// That of the answer that has come, until it is fetched.
    var answer: ResponseHead?
    var answerLength = BodyLength.none
    /// An answer is to come whose head has not; nothing else may before.
    package internal(set) var awaitsAnswer = false
    /// Whether the answer is to a HEAD request, so that no body follows whatever it says.
    var answersHead = false
    /// The head of our answer has been handed over, or that of our request put together.
    package internal(set) var hasBegun = false
    /// The peer has ended its side.
    package internal(set) var hasEnded = false
    /// We have ended ours, or the end is on its way past the bytes of others.
    package internal(set) var hasSentEnd = false
    /// The peer has reset it.
    var wasResetByPeer = false
    /// A frame on it was refused, which was counted.
    var wasRefused = false
    /// The client waits for leave to send the body.
    package internal(set) var expectsContinue = false
    /// The stream is refused or reset, by us, or closed; what still comes is thrown away.
    var isGone = false
    /// The library asked for bytes when there were none, and has to be told when there are.
    var isDeferred = false
    /// `blocked` was told, and `drained` not yet.
    package internal(set) var isBlocked = false
    /// The stream is in the list of those whose waiting bytes are to be looked at after frames were put together.
    var isTouched = false
    /// Bytes went out since it was last told.
    var hasProgressed = false
    /// What follows the bytes that wait.
    var outcome = Outcome.open
    /// Bytes of the body that wait to go out.
    var waiting = ByteBuffer()
    /// Bytes of the body that were announced and have not come; `nil` where the length is not known.
    var bodyLeft: Int?
    /// How many bytes of the body the peer may send at most: what is left of the window that it was given.
    var roomLeft: Int
    /// Interim answers that have come.
    var interimAnswers = 0

    /// The head of a request.
    final class Arrived {
        let head: RequestHead

        init(_ head: consuming RequestHead) {
            self.head = head
        }
    }

    /// How a body goes on.
    enum Outcome {
        case open
        /// It ends here.
        case end
        /// It breaks off here.
        case truncated
    }

    init(id: StreamID, room: Int) {
        self.id = id
        self.roomLeft = room
    }

    /// Takes in bytes of the body. Storage grows in two steps: whoever feeds us is stopped as soon as something has to
    /// wait, and may bring one receive buffer until then. Doubling would take twice as much for nothing.
    func wait(_ bytes: Span<UInt8>) {
        let needed = self.waiting.count + bytes.count
        if needed > 16_384, needed <= 65_536, self.waiting.capacity < 65_536 {
            var storage = ByteBuffer(capacity: 65_536)
            storage.append(self.waiting.bytes)
            self.waiting = storage
        }
        self.waiting.append(bytes)
    }

    /// Nothing more is added to the body.
    var isEnding: Bool {
        if case .open = self.outcome { false } else { true }
    }

    /// The body has been sent, and what follows it has not.
    var hasOnlyItsEndToSend: Bool { self.isEnding && self.waiting.isEmpty && !self.hasSentEnd && !self.isGone }

    /// Bytes of the body that wait to go out.
    package var waitingCount: Int { self.waiting.count }
}

@available(*, unavailable)
extension HTTP2Stream: Sendable {}
