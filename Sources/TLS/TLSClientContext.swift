private import COpenSSL

/// Everything that sessions to upstreams share: authorities, algorithms, sessions to resume.
///
/// Certificates and names are always verified. There is no switch.
package final class TLSClientContext: Sendable {
    let library: LibraryObject
    let resumption: ResumptionCache

    /// Makes a context that trusts the authorities of the system, and those of a file beside them.
    package init(
        additionalAuthorities: [UInt8]? = nil, authoritiesFile: String = "", cachedHosts: Int = 256,
        sessionsPerHost: Int = 4
    ) throws(TLSLoadFault) {
        do throws(TLSLoadFault.Reason) {
            self.library = try LibraryContext.make(isServer: false, profile: .intermediate, minimumVersion: .tls12)
            self.resumption = ResumptionCache(hosts: max(1, cachedHosts), sessionsPerHost: max(1, sessionsPerHost))
            let context = unsafe self.library.pointer
            unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
            try SystemAuthorities.trust(by: self.library)
            if let additionalAuthorities {
                let store = unsafe SSL_CTX_get_cert_store(context)
                for authority in try PEMFile.certificates(
                    in: additionalAuthorities, atMost: PEMFile.mostAuthorities)
                {
                    guard unsafe X509_STORE_add_cert(store, authority.pointer) == 1 else {
                        throw .refused(detail: LibraryErrors.drain().text)
                    }
                }
            }
            unsafe sluice_SSL_CTX_set_session_cache_mode(
                context, CLong(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE))
            unsafe SSL_CTX_sess_set_new_cb(context, keepSession)
            LibraryErrors.clear()
        } catch {
            throw TLSLoadFault(file: authoritiesFile, reason: error)
        }
    }
}

/// The library has a session that can be resumed later. It hands over its reference where the answer is 1.
private func keepSession(_ ssl: OpaquePointer?, _ resumable: OpaquePointer?) -> CInt {
    guard let session = unsafe session(of: ssl), let client = session.client, let resumable = unsafe resumable else {
        return 0
    }
    client.context.resumption.insert(unsafe LibraryObject(resumable, .session), for: client.host)
    return 1
}
