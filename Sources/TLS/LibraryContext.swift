private import COpenSSL

/// What contexts of both roles have in common: versions, algorithms, and what is switched off.
enum LibraryContext {
    /// The index at which a session's address lies in its `SSL`: that of `SSL_set_app_data`.
    static let sessionIndex: CInt = 0

    /// A context for a role, set up. Throws what the library says where it makes none.
    static func make(
        isServer: Bool, profile: TLSProfile, minimumVersion: TLSVersion
    ) throws(TLSLoadFault.Reason) -> LibraryObject {
        LibraryErrors.clear()
        guard let pointer = unsafe SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
            throw .refused(detail: LibraryErrors.drain().text)
        }
        let context = unsafe LibraryObject(pointer, .context)
        let isModern = minimumVersion == .tls13 || profile.minimumVersion == .tls13
        // Level 2: nothing below 112 bits, so RSA from 2048 bits on and no SHA-1.
        unsafe SSL_CTX_set_security_level(pointer, 2)
        // RFC 9325 §3.4: renegotiation opens attacks and is used by nobody; §3.3: so does compression.
        unsafe SSL_CTX_set_options(pointer, sluice_SSL_OP_NO_RENEGOTIATION | sluice_SSL_OP_NO_COMPRESSION)
        // PERF: an idle session takes 14 KiB with released buffers, 23 KiB without, and up to 48 KiB once large
        // records have gone both ways. A small record costs a tenth more.
        unsafe sluice_SSL_CTX_set_mode(
            pointer, CLong(SSL_MODE_RELEASE_BUFFERS) | CLong(SSL_MODE_NO_AUTO_CHAIN) | CLong(SSL_MODE_AUTO_RETRY))
        let succeeded =
            unsafe sluice_SSL_CTX_set_min_proto_version(pointer, isModern ? TLS1_3_VERSION : TLS1_2_VERSION) == 1
            && SSL_CTX_set_cipher_list(pointer, TLSProfile.suites12) == 1
            && SSL_CTX_set_ciphersuites(pointer, TLSProfile.suites13) == 1
            && (sluice_SSL_CTX_set1_groups_list(pointer, TLSProfile.groupsWithHybrid) == 1
                || sluice_SSL_CTX_set1_groups_list(pointer, TLSProfile.groups) == 1)
        guard succeeded else { throw .refused(detail: LibraryErrors.drain().text) }
        unsafe SSL_CTX_set_info_callback(pointer, noteAlert)
        LibraryErrors.clear()
        return context
    }
}

/// The session that an `SSL` belongs to.
@unsafe func session(of ssl: OpaquePointer?) -> TLSSession? {
    guard let ssl = unsafe ssl, let data = unsafe SSL_get_ex_data(ssl, LibraryContext.sessionIndex) else { return nil }
    // SAFETY: set by the session, which owns the `SSL` and so outlives each of its callbacks.
    return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
}

/// The library sent or received an alert, among other things that do not matter here.
private func noteAlert(_ ssl: OpaquePointer?, _ event: CInt, _ value: CInt) {
    guard event & SSL_CB_ALERT != 0, value >> 8 == SSL3_AL_FATAL else { return }
    let alert = TLSAlert(rawValue: UInt8(truncatingIfNeeded: value))
    if event & SSL_CB_WRITE != 0 { unsafe session(of: ssl)?.sentAlert = alert }
}
