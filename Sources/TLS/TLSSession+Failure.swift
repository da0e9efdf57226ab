internal import Bytes
private import COpenSSL

/// Failing.
extension TLSSession {
    /// Makes a value of what went wrong. The library must not be called for this session any more.
    func fail(output: inout ByteBuffer) -> TLSFailure {
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
