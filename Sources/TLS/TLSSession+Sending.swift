package import Bytes
private import COpenSSL

/// Sending.
extension TLSSession {
    /// Whether data can be sent: the handshake is completed, and neither has the session failed nor was it closed.
    package var canEncrypt: Bool {
        switch self.state {
        case .open, .ending, .ended: !self.hasClosed
        case .handshaking, .failed: false
        }
    }

    /// Appends plaintext as records, as large and as few as possible.
    package func encrypt(_ plaintext: Span<UInt8>, output: inout ByteBuffer) throws(TLSFailure) {
        guard self.canEncrypt else { throw .notOpen }
        if plaintext.isEmpty { return }
        let records = (plaintext.count + Self.recordLimit - 1) / Self.recordLimit
        output.reserve(plaintext.count + records * Self.recordOverhead)
        LibraryErrors.clear()
        var nothing = 0
        let result = unsafe Wire.with(self.bio, input: Span(), at: &nothing, output: &output) { _ in
            unsafe plaintext.withUnsafeBytes { bytes in
                var written = 0
                return unsafe SSL_write_ex(self.ssl, bytes.baseAddress, bytes.count, &written)
            }
        }
        guard result == 1 else { throw self.fail(output: &output) }
    }

    /// Appends a close_notify, once; nothing can be encrypted after it. During the handshake, and after a failure,
    /// there is nothing to say.
    package func close(output: inout ByteBuffer) {
        guard self.canEncrypt else { return }
        self.hasClosed = true
        LibraryErrors.clear()
        var nothing = 0
        _ = unsafe Wire.with(self.bio, input: Span(), at: &nothing, output: &output) { _ in
            unsafe SSL_shutdown(self.ssl)
        }
        _ = LibraryErrors.drain()
    }

    /// Plaintext of one record (RFC 8446 §5.1).
    private static let recordLimit = 16 * 1024
    /// Header, nonce or content type, and tag, rounded up.
    private static let recordOverhead = 40
}
