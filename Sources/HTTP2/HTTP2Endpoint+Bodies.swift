/// Bodies in: their lengths have to add up to what their heads say.
extension HTTP2Endpoint {
    /// Bytes of a body; a range of the input.
    final func receivedBody(on stream: HTTP2Stream, _ range: Range<Int>) {
        guard !stream.isGone else {
            self.consumeConnection(range.count)
            return
        }
        guard range.count <= stream.roomLeft else {
            // The library resets the stream, and hands out what comes until the reset has left. A peer that takes
            // nothing would keep it from leaving.
            self.consumeConnection(range.count)
            stream.isGone = true
            self.dropWaiting(of: stream)
            self.tell(.malformed(stream.id, .windowOverrun))
            return
        }
        stream.roomLeft -= range.count
        if stream.awaitsAnswer {
            self.consumeConnection(range.count)
            self.resetMalformed(stream, .answerWithoutHead)
            return
        }
        if let left = stream.bodyLeft {
            guard range.count <= left else {
                self.consumeConnection(range.count)
                self.resetMalformed(stream, .contentLengthMismatch)
                return
            }
            stream.bodyLeft = left - range.count
        }
        self.tell(.body(stream.id, range))
    }

    /// A DATA frame is whole, of so many bytes without its padding.
    final func endedData(on stream: HTTP2Stream, count: Int, endsStream: Bool) {
        self.countData(count: count, endsStream: endsStream)
        guard endsStream else { return }
        stream.hasEnded = true
        if !stream.isGone { self.bodyEnded(on: stream) }
    }

    /// The peer has ended the stream, and whatever it sent on it.
    final func bodyEnded(on stream: HTTP2Stream) {
        // RFC 9113 §8.1.1: the lengths of the DATA frames must add up to what content-length says.
        if let left = stream.bodyLeft, left > 0 {
            self.resetMalformed(stream, .contentLengthMismatch)
        } else if stream.awaitsAnswer {
            self.resetMalformed(stream, .answerWithoutHead)
        } else {
            self.tell(.end(stream.id))
        }
    }

    /// Resets a stream on which the peer sent what is no message.
    final func resetMalformed(_ stream: HTTP2Stream, _ malformed: MalformedMessage) {
        self.tell(.malformed(stream.id, malformed))
        self.reset(stream, .protocolError)
        self.noteReset()
    }
}
