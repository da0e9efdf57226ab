package import Bytes
package import Time
private import COpenSSL

/// One TLS connection, in either role. Wraps an `SSL`, which it alone owns.
///
///     handshaking ── handshakeCompleted ──▶ open ── close_notify ──▶ ended
///          │                                 │                        │
///          └───────────── a failure ─────────┴────────────────────────┴──▶ failed
///
/// The driver hands in what arrived and asks for what it means until nothing is left:
///
///     var offset = 0
///     while true {
///         switch try session.next(ciphertext, at: &offset, plaintext: &scratch, output: &output) {
///         case .handshakeCompleted: …
///         case .plaintext: …          // read `scratch`, and empty it
///         case .ended: …              // the peer sends no more; it may still read
///         case .needsMore: return
///         }
///     }
///
/// Each call may append to `output`, and that has to be sent whatever the call answers or throws: alerts are in it.
/// Between calls a session holds no plaintext that can be had, and no ciphertext but the part of a record.
///
/// A class, because the library's callbacks find it through the `SSL`.
@safe package final class TLSSession {
    // SAFETY: made in `init`, freed in `deinit`, never handed out. The BIO belongs to it.
    private let ssl: OpaquePointer
    private let bio: OpaquePointer
    let server: TLSServerContext?
    let client: Client?
    private var state = State.handshaking
    /// Whether a byte has arrived.
    private var hasInput = false
    /// Whether a byte has been sent.
    private var hasOutput = false
    /// Whether our close_notify has been sent.
    private var hasClosed = false
    /// Bytes that were sent in answer to messages that carry no data, less what the data that came has paid for.
    private var unpaidReplies = 0
    /// The server's choice, once the client's hello has been seen.
    var selection: ServerSelection?
    /// What a callback found wrong, for when the library's function has returned.
    var keptFailure: TLSFailure?
    /// The fatal alert that the library sent.
    var sentAlert: TLSAlert?

    private enum State {
        case handshaking
        case open
        /// The peer's close_notify came behind plaintext that is still to be read.
        case ending
        /// The peer sends no more.
        case ended
        case failed(TLSFailure)
    }

    /// The role of a client.
    struct Client {
        let context: TLSClientContext
        /// The host that is verified, and that sessions are kept for.
        let host: String
    }

    /// Plaintext that one call of `next` hands out at most.
    package static let plaintextLimit = 64 * 1024

    /// Replies to messages without data (key updates, refused renegotiations) that are sent on credit.
    private static let replyLimit = 4 * 1024

    /// The server of a connection that was accepted at this moment.
    package convenience init(_ context: TLSServerContext, at now: MonotonicTime) throws(TLSFailure) {
        context.ticketKeys.rotateIfDue(at: now)
        try self.init(library: context.library, server: context, client: nil)
        unsafe SSL_set_accept_state(self.ssl)
    }

    /// The client of a connection to a host: a name, or an address of either kind, brackets or not. The certificate has
    /// to be for that host. `start` makes the first bytes.
    package convenience init(
        _ context: TLSClientContext, host: String, offering protocols: [ApplicationProtocol] = [.http1]
    ) throws(TLSFailure) {
        let address = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        // Only what is one or the other gets through, so that no name can switch the verification off by being odd.
        let name = ServerName.canonical(address.utf8.span)
        let canonical = name ?? address.lowercased()
        try self.init(library: context.library, server: nil, client: Client(context: context, host: canonical))
        unsafe SSL_set_connect_state(self.ssl)
        LibraryErrors.clear()
        let hasNUL = canonical.utf8.contains(0)
        let isAddress = unsafe !hasNUL && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(self.ssl), canonical) == 1
        if !isAddress {
            guard let name else { throw .certificateRefused(.wrongHost(host)) }
            unsafe SSL_set_hostflags(self.ssl, CUnsignedInt(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            // RFC 6066 §3: Literal IPv4 and IPv6 addresses are not permitted in "HostName".
            guard unsafe SSL_set1_host(self.ssl, name) == 1, unsafe sluice_SSL_set_tlsext_host_name(self.ssl, name) == 1
            else { throw .library(reason: LibraryErrors.drain().text) }
        }
        let offer = ApplicationProtocol.offer(of: protocols)
        let result = unsafe offer.withUnsafeBufferPointer {
            unsafe SSL_set_alpn_protos(self.ssl, $0.baseAddress, CUnsignedInt($0.count))
        }
        guard result == 0 else { throw .library(reason: LibraryErrors.drain().text) }
        if let resumable = context.resumption.take(for: canonical) {
            // Where the session does not fit, the handshake is a whole one.
            unsafe SSL_set_session(self.ssl, resumable.pointer)
        }
        LibraryErrors.clear()
    }

    private init(library: LibraryObject, server: TLSServerContext?, client: Client?) throws(TLSFailure) {
        LibraryErrors.clear()
        guard let ssl = unsafe SSL_new(library.pointer) else {
            throw .library(reason: LibraryErrors.drain().text)
        }
        guard let bio = unsafe Wire.makeBIO() else {
            unsafe SSL_free(ssl)
            throw .library(reason: LibraryErrors.drain().text)
        }
        unsafe SSL_set_bio(ssl, bio, bio)
        unsafe self.ssl = ssl
        unsafe self.bio = bio
        self.server = server
        self.client = client
        // SAFETY: not retained. `self` owns the `SSL`, so it outlives each of its callbacks.
        unsafe SSL_set_ex_data(ssl, LibraryContext.sessionIndex, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        // RFC 8446 §6.1, RFC 5246 §7.2.1: sessions that ended without close_notify may be resumed; the library forbids
        // it unless it is told that there was one.
        if self.isOpen { unsafe SSL_set_shutdown(self.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
        unsafe SSL_free(self.ssl)
    }
}

@available(*, unavailable)
extension TLSSession: Sendable {}

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
                // PERF: without this each call ends with a read that finds nothing (see `SSL_has_pending` for what may
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

    /// Appends a close_notify, once; nothing can be encrypted after it. During the handshake, and after a failure, there
    /// is nothing to say.
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

/// What was agreed on.
extension TLSSession {
    /// Whether the handshake has been completed, and the session has not failed since.
    package var isOpen: Bool {
        switch self.state {
        case .open, .ending, .ended: true
        case .handshaking, .failed: false
        }
    }

    /// What was agreed on; `nil` before. It is put together at each call.
    package var handshake: TLSHandshake? {
        guard self.isOpen else { return nil }
        // SAFETY: names of cipher suites are constants of the library.
        let suite = unsafe SSL_get_current_cipher(self.ssl).flatMap { unsafe SSL_CIPHER_get_name($0) }
            .map { unsafe String(cString: $0) }
        var certificate: ClientCertificate?
        if self.server != nil, let shown = unsafe SSL_get0_peer_certificate(self.ssl) {
            certificate = unsafe ClientCertificate(shown)
        }
        return unsafe TLSHandshake(
            version: SSL_version(self.ssl) == TLS1_3_VERSION ? .tls13 : .tls12, cipherSuite: suite ?? "",
            applicationProtocol: self.applicationProtocol, isResumed: SSL_session_reused(self.ssl) == 1,
            serverName: self.selection?.serverName, clientCertificate: certificate)
    }

    private var applicationProtocol: ApplicationProtocol {
        var name: UnsafePointer<UInt8>?
        var count: CUnsignedInt = 0
        unsafe SSL_get0_alpn_selected(self.ssl, &name, &count)
        guard let name = unsafe name else { return .http1 }
        // SAFETY: the library lends the name for as long as the `SSL` lives.
        return unsafe ApplicationProtocol(name: Span(_unsafeStart: name, count: Int(count))) ?? .http1
    }
}

/// Failing.
extension TLSSession {
    /// Makes a value of what went wrong. The library must not be called for this session any more.
    private func fail(output: inout ByteBuffer) -> TLSFailure {
        let failure = self.keptFailure ?? self.classify(LibraryErrors.drain())
        LibraryErrors.clear()
        if case .refused(_, _) = failure, self.sentAlert == nil, !self.hasOutput, case .handshaking = self.state {
            // The library says nothing to garbage; a peer that speaks TLS should hear why it is left.
            let alert = TLSAlert.protocolVersion
            // RFC 8446 §5.1, §6: type alert, version, length, fatal.
            output.append([21, 3, 3, 0, 2, 2, alert.rawValue])
            self.sentAlert = alert
        }
        var result = failure
        if case .refused(nil, let reason) = failure { result = .refused(alert: self.sentAlert, reason: reason) }
        self.state = .failed(result)
        return result
    }

    private func classify(_ errors: LibraryErrors) -> TLSFailure {
        // RFC 8446 §6.2: the library numbers the alerts of the peer from 1000 on.
        for entry in errors.entries where entry.library == Int(ERR_LIB_SSL) {
            if entry.reason > Int(SSL_AD_REASON_OFFSET), entry.reason <= Int(SSL_AD_REASON_OFFSET) + 255 {
                return .peerAlert(TLSAlert(rawValue: UInt8(entry.reason - Int(SSL_AD_REASON_OFFSET))))
            }
            switch Int32(entry.reason) {
            case SSL_R_CERTIFICATE_VERIFY_FAILED: return .certificateRefused(self.certificateFault)
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .certificateMissing
            default: continue
            }
        }
        let isInternal = self.sentAlert == .internalError || errors.entries.contains { $0.library != Int(ERR_LIB_SSL) }
        if isInternal, self.sentAlert == nil || self.sentAlert == .internalError {
            return .library(reason: errors.text)
        }
        return .refused(alert: self.sentAlert, reason: errors.text)
    }

    private var certificateFault: CertificateFault {
        let code = unsafe SSL_get_verify_result(self.ssl)
        switch CInt(truncatingIfNeeded: code) {
        case X509_V_ERR_CERT_HAS_EXPIRED: return .expired
        case X509_V_ERR_CERT_NOT_YET_VALID: return .notYetValid
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_CERT_UNTRUSTED:
            return .unknownAuthority
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return .selfSigned
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return .wrongHost(self.client?.host ?? "")
        case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_INVALID_CA: return .wrongPurpose
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK: return .tooWeak
        default:
            // SAFETY: the library's texts are constants.
            return .other(unsafe String(cString: X509_verify_cert_error_string(code)))
        }
    }
}
