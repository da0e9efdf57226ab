private import COpenSSL

/// Everything that a listener's sessions share: certificates, algorithms, ticket keys. Never changes; a reload makes
/// another, with the same `TicketKeys`, so that clients resume across it.
package final class TLSServerContext: Sendable {
    /// The certificates that are served, in the order of the settings.
    package let certificates: [CertificateSummary]
    /// The keys of session tickets.
    package let ticketKeys: TicketKeys
    let library: LibraryObject
    let keys: [CertifiedKey]
    let table: CertificateTable
    let rejectsUnknownNames: Bool
    let applicationProtocols: [ApplicationProtocol]
    /// What a resumed session must have in common with this context beside the name: who may show certificates.
    let resumptionScope: [UInt8]

    /// Makes a context, or says everything that keeps it from being made.
    package init(_ settings: TLSServerSettings, ticketKeys: TicketKeys) throws(TLSLoadFaults) {
        var faults: [TLSLoadFault] = []
        var keys: [CertifiedKey] = []
        for source in settings.certificates {
            do throws(TLSLoadFaults) {
                let key = try CertifiedKey(source)
                if let detail = Self.refusal(of: key) {
                    faults.append(TLSLoadFault(file: source.certificateFile, reason: .refused(detail: detail)))
                } else {
                    keys.append(key)
                }
            } catch {
                faults += error.faults
            }
        }
        if settings.certificates.isEmpty { faults.append(TLSLoadFault(file: "certificates", reason: .noCertificate)) }
        var authorities: [LibraryObject] = []
        if let policy = settings.clientCertificates {
            do throws(TLSLoadFault.Reason) {
                authorities = try PEMFile.certificates(in: policy.authorities, atMost: PEMFile.mostAuthorities)
            } catch {
                faults.append(TLSLoadFault(file: policy.authoritiesFile, reason: error))
            }
        }
        guard faults.isEmpty else { throw TLSLoadFaults(faults) }
        do throws(TLSLoadFault.Reason) {
            self.library = try LibraryContext.make(
                isServer: true, profile: settings.profile, minimumVersion: settings.minimumVersion)
        } catch {
            throw TLSLoadFaults([TLSLoadFault(file: settings.certificates[0].certificateFile, reason: error)])
        }
        self.keys = keys
        self.certificates = keys.map(\.summary)
        self.table = CertificateTable(names: keys.map(\.summary.names))
        self.ticketKeys = ticketKeys
        self.rejectsUnknownNames = settings.unknownServerName == .reject
        self.applicationProtocols = settings.applicationProtocols
        self.resumptionScope = Self.resumptionScope(of: settings.clientCertificates)
        self.setUp()
        if let policy = settings.clientCertificates {
            do throws(TLSLoadFault.Reason) {
                try self.trust(authorities, isRequired: policy.isRequired)
            } catch {
                throw TLSLoadFaults([TLSLoadFault(file: policy.authoritiesFile, reason: error)])
            }
        }
    }

    private func setUp() {
        let context = unsafe self.library.pointer
        unsafe SSL_CTX_set_client_hello_cb(context, selectByName, nil)
        unsafe SSL_CTX_set_cert_cb(context, showCertificates, nil)
        unsafe SSL_CTX_set_alpn_select_cb(context, selectProtocol, nil)
        unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(context, sealTicket)
        unsafe SSL_CTX_set_session_ticket_cb(context, nil, judgeTicket, nil)
        // All state of resumption is in the tickets.
        unsafe sluice_SSL_CTX_set_session_cache_mode(context, CLong(SSL_SESS_CACHE_OFF))
        unsafe SSL_CTX_set_timeout(context, CLong(max(1, self.ticketKeys.lifetime.components.seconds)))
    }

    private func trust(_ authorities: [LibraryObject], isRequired: Bool) throws(TLSLoadFault.Reason) {
        let context = unsafe self.library.pointer
        LibraryErrors.clear()
        let store = unsafe SSL_CTX_get_cert_store(context)
        for authority in authorities {
            // An authority that stands twice in the file is no fault, and the library takes it for none.
            guard
                unsafe X509_STORE_add_cert(store, authority.pointer) == 1
                    && SSL_CTX_add_client_CA(context, authority.pointer) == 1
            else { throw .refused(detail: LibraryErrors.drain().text) }
        }
        let mode = isRequired ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER
        unsafe SSL_CTX_set_verify(context, mode, nil)
        LibraryErrors.clear()
    }

    /// What the library has against a certificate or its key, found with a context that is thrown away.
    private static func refusal(of key: CertifiedKey) -> String? {
        do throws(TLSLoadFault.Reason) {
            let trial = try LibraryContext.make(isServer: true, profile: .intermediate, minimumVersion: .tls12)
            let succeeded = unsafe SSL_CTX_use_cert_and_key(
                trial.pointer, key.certificate.pointer, key.key.pointer, key.chain.pointer, 1)
            return succeeded == 1 ? nil : LibraryErrors.drain().text
        } catch {
            return "\(error)"
        }
    }

    /// A digest of the policy, so that a session that was begun under another is not resumed.
    private static func resumptionScope(of policy: ClientCertificatePolicy?) -> [UInt8] {
        guard let policy else { return [] }
        return digest(of: policy.authorities + [policy.isRequired ? 1 : 0])
    }

    /// SHA-256, as short as the library's limit for session id contexts.
    static func digest(of bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let succeeded = unsafe digest.withUnsafeMutableBufferPointer { digest in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe EVP_Digest(bytes.baseAddress, bytes.count, digest.baseAddress, nil, EVP_sha256(), nil)
            }
        }
        // INVARIANT: every libcrypto that the product runs with has SHA-256.
        precondition(succeeded == 1, "SHA-256 failed")
        return digest
    }
}

extension TLSServerContext {
    /// Whether a request for `host` came on a connection that was opened for another certificate although one for the
    /// host is there: the case for 421 (RFC 9110 §15.5.20). The host is in lower case, without port.
    package func isMisdirected(host: String, on session: TLSSession) -> Bool {
        guard let group = session.selection?.group, session.selection?.serverName != host else { return false }
        return self.table.group(for: host) != nil && !self.table.covers(host, group: group)
    }
}
