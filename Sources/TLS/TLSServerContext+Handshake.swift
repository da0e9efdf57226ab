private import COpenSSL

/// What the server decided about a client's hello.
struct ServerSelection {
    /// The name that the client asked for, in lower case; `nil` without one.
    var serverName: String?
    /// The certificates that are shown.
    var group: Int
}

/// The library has a client's hello and has not looked at it yet: before resumption, the name decides.
func selectByName(
    _ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<CInt>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let session = unsafe session(of: ssl), let server = session.server else { return SSL_CLIENT_HELLO_ERROR }
    var selection = ServerSelection(serverName: nil, group: server.table.fallback)
    switch unsafe requestedName(ssl) {
    case .none:
        break
    case .unusable(let name):
        if server.rejectsUnknownNames { return unsafe refuseName(name, in: session, alert) }
    case .name(let name):
        selection.serverName = name
        if let group = server.table.group(for: name) {
            selection.group = group
        } else if server.rejectsUnknownNames {
            return unsafe refuseName(name, in: session, alert)
        }
    }
    // RFC 6066 §3, RFC 8446 §4.6.1: a session is resumed for the name that it was begun for, and under the same rules
    // for client certificates, because tickets of other contexts are ignored.
    let scope = server.resumptionScope + Array((selection.serverName ?? "").utf8)
    let digest = TLSServerContext.digest(of: scope)
    let succeeded = unsafe digest.withUnsafeBufferPointer {
        unsafe SSL_set_session_id_context(ssl, $0.baseAddress, CUnsignedInt($0.count))
    }
    guard succeeded == 1 else { return SSL_CLIENT_HELLO_ERROR }
    session.selection = selection
    return SSL_CLIENT_HELLO_SUCCESS
}

private func requestedName(_ ssl: OpaquePointer?) -> ServerName.Request {
    var body: UnsafePointer<UInt8>?
    var count = 0
    guard
        unsafe SSL_client_hello_get0_ext(ssl, CUnsignedInt(TLSEXT_TYPE_server_name), &body, &count) == 1,
        let body = unsafe body
    else { return .none }
    // SAFETY: the library lends the hello for the time of its callback.
    return ServerName.request(inExtension: unsafe Span<UInt8>(_unsafeStart: body, count: count))
}

private func refuseName(
    _ name: String, in session: TLSSession, _ alert: UnsafeMutablePointer<CInt>?
) -> CInt {
    session.keptFailure = .unknownServerName(name)
    unsafe alert?.pointee = CInt(TLSAlert.unrecognizedName.rawValue)
    return SSL_CLIENT_HELLO_ERROR
}

/// The library needs certificates, as no session is resumed: one for each kind of key. It takes the one that the
/// client's signature algorithms allow.
func showCertificates(_ ssl: OpaquePointer?, _ context: UnsafeMutableRawPointer?) -> CInt {
    guard let session = unsafe session(of: ssl), let server = session.server, let selection = session.selection else {
        return 0
    }
    unsafe SSL_certs_clear(ssl)
    var shown: [CertificateSummary.KeyKind] = []
    for index in server.table.groups[selection.group] {
        let key = server.keys[index]
        if shown.contains(key.summary.keyKind) { continue }
        shown.append(key.summary.keyKind)
        guard
            unsafe SSL_use_cert_and_key(ssl, key.certificate.pointer, key.key.pointer, key.chain.pointer, 1) == 1
        else { return 0 }
    }
    return 1
}

/// The client offers application protocols.
func selectProtocol(
    _ ssl: OpaquePointer?, _ selected: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ selectedCount: UnsafeMutablePointer<UInt8>?, _ offer: UnsafePointer<UInt8>?, _ count: CUnsignedInt,
    _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let session = unsafe session(of: ssl), let server = session.server, let offer = unsafe offer else {
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
    // SAFETY: the library lends the offer for longer than it keeps the selection.
    let names = unsafe Span<UInt8>(_unsafeStart: offer, count: Int(count))
    guard let range = ApplicationProtocol.select(from: names, served: server.applicationProtocols) else {
        // RFC 7301 §3.2: ...SHALL send a fatal "no_application_protocol" alert.
        session.keptFailure = .noApplicationProtocol
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
    unsafe selected?.pointee = offer + range.lowerBound
    unsafe selectedCount?.pointee = UInt8(range.count)
    return SSL_TLSEXT_ERR_OK
}
