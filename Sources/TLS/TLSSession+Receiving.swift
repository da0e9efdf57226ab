package import Bytes
private import COpenSSL

/// Receiving.
extension TLSSession {
    /// What the bytes that arrived mean.
    package enum Event: Equatable {
        /// The session is open. `handshake` says what was agreed on.
        case handshakeCompleted
        /// Plaintext was appended.
        case plaintext
        /// The peer has said, with a close_notify, that it sends no more.
        case ended
        /// Everything has been taken in.
        case needsMore
    }

    /// Client role: appends the first bytes of the handshake.
    package func start(output: inout ByteBuffer) throws(TLSFailure) {
        var nothing = 0
        var plaintext = ByteBuffer()
        _ = try self.next(Span(), at: &nothing, plaintext: &plaintext, output: &output)
    }

    /// Takes in ciphertext from `offset` on, and moves `offset` past what was read. To be called until it answers
    /// `needsMore` or throws. At most `plaintextLimit` bytes of plaintext wait at a time; whoever leaves as many in the
    /// buffer gets no more.
    package func next(
        _ ciphertext: Span<UInt8>, at offset: inout Int, plaintext: inout ByteBuffer, output: inout ByteBuffer
    ) throws(TLSFailure) -> Event {
        switch self.state {
        case .open:
            return try self.read(ciphertext, at: &offset, plaintext: &plaintext, output: &output)
        case .handshaking:
            return try self.shakeHands(ciphertext, at: &offset, output: &output)
        case .ending:
            self.state = .ended
            return .ended
        case .ended:
            // RFC 8446 §6.1: Any data received after a closure alert has been received MUST be ignored.
            offset = ciphertext.count
            return .needsMore
        case .failed(let failure):
            offset = ciphertext.count
            throw failure
        }
    }

    /// The peer's bytes have ended. Throws where it had not said that they would.
    package func receivedEnd() throws(TLSFailure) {
        switch self.state {
        case .ending, .ended: return
        case .failed(let failure): throw failure
        case .handshaking:
            self.state = .failed(.truncated(duringHandshake: true))
            throw .truncated(duringHandshake: true)
        case .open:
            self.state = .failed(.truncated(duringHandshake: false))
            throw .truncated(duringHandshake: false)
        }
    }

    /// Replies to messages without data (key updates, refused renegotiations) that are sent on credit.
    private static let replyLimit = 4 * 1024

    private func shakeHands(
        _ ciphertext: Span<UInt8>, at offset: inout Int, output: inout ByteBuffer
    ) throws(TLSFailure) -> Event {
        if !self.hasInput, offset < ciphertext.count {
            self.hasInput = true
            // A handshake begins with 22; what begins with a capital letter is HTTP.
            if ciphertext[offset] &- UInt8(ascii: "A") < 26 {
                offset = ciphertext.count
                self.state = .failed(.plainHTTP)
                throw .plainHTTP
            }
        }
        LibraryErrors.clear()
        let sent = output.count
        let result = unsafe Wire.with(self.bio, input: ciphertext, at: &offset, output: &output) { _ in
            unsafe SSL_do_handshake(self.ssl)
        }
        if output.count > sent { self.hasOutput = true }
        if result == 1 {
            self.state = .open
            // The library keeps its buffer until the first data, which may be a long time.
            unsafe SSL_free_buffers(self.ssl)
            return .handshakeCompleted
        }
        if unsafe SSL_get_error(self.ssl, result) == SSL_ERROR_WANT_READ { return .needsMore }
        let failure = self.fail(output: &output)
        offset = ciphertext.count
        throw failure
    }

    private func read(
        _ ciphertext: Span<UInt8>, at offset: inout Int, plaintext: inout ByteBuffer, output: inout ByteBuffer
    ) throws(TLSFailure) -> Event {
        // PERF: whoever was given plaintext asks once more. A read that finds nothing takes a buffer for a whole record
        // from the heap, and gives it back.
        if offset == ciphertext.count, unsafe SSL_pending(self.ssl) == 0 { return .needsMore }
        if plaintext.isEmpty { plaintext.reserve(Self.plaintextLimit) }
        let had = plaintext.count
        let sent = output.count
        LibraryErrors.clear()
        let error = unsafe Wire.with(self.bio, input: ciphertext, at: &offset, output: &output) { wire in
            while true {
                let room = Self.plaintextLimit - plaintext.count
                if room <= 0 { return SSL_ERROR_NONE }
                var result: CInt = 0
                unsafe plaintext.appendUnsafely(reserving: room) { spare in
                    var count = 0
                    result = unsafe SSL_read_ex(self.ssl, spare.baseAddress, room, &count)
                    return count
                }
                guard result == 1 else { return unsafe SSL_get_error(self.ssl, result) }
                // PERF: without this too there would be a read that finds nothing (see `SSL_has_pending` for what may
                // be left: with read-ahead off, only what the wire still has).
                if unsafe wire.pointee.isDrained && SSL_pending(self.ssl) == 0 { return SSL_ERROR_WANT_READ }
            }
        }
        let received = plaintext.count - had
        self.unpaidReplies = max(0, self.unpaidReplies + (output.count - sent) - received / 64)
        switch error {
        case SSL_ERROR_NONE:
            return .plaintext
        case SSL_ERROR_WANT_READ:
            if self.unpaidReplies > Self.replyLimit {
                self.state = .failed(.refused(alert: nil, reason: "too many messages without data"))
            }
            if received > 0 { return .plaintext }
            if case .failed(let failure) = self.state { throw failure }
            return .needsMore
        case SSL_ERROR_ZERO_RETURN:
            offset = ciphertext.count
            self.state = received > 0 ? .ending : .ended
            return received > 0 ? .plaintext : .ended
        default:
            let failure = self.fail(output: &output)
            offset = ciphertext.count
            if received > 0 { return .plaintext }
            throw failure
        }
    }
}
