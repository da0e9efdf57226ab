internal import Bytes
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
    let ssl: OpaquePointer
    let bio: OpaquePointer
    let server: TLSServerContext?
    let client: Client?
    var state = State.handshaking
    /// Whether a byte has arrived.
    var hasInput = false
    /// Whether a byte has been sent.
    var hasOutput = false
    /// Whether our close_notify has been sent.
    var hasClosed = false
    /// Bytes that were sent in answer to messages that carry no data, less what the data that came has paid for.
    var unpaidReplies = 0
    /// The server's choice, once the client's hello has been seen.
    var selection: ServerSelection?
    /// What a callback found wrong, for when the library's function has returned.
    var keptFailure: TLSFailure?
    /// The fatal alert that the library sent.
    var sentAlert: TLSAlert?

    enum State {
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
