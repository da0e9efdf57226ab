/// What a listener's TLS is made of. Files come as their bytes; their names stand in faults and logs.
package struct TLSServerSettings: Sendable {
    /// Certificates with their keys; the first is the fallback.
    package var certificates: [CertificateSource]
    /// Versions and algorithms.
    package var profile: TLSProfile
    /// The oldest version; the profile may ask for a newer one.
    package var minimumVersion: TLSVersion
    /// What happens to a client that asks for a name without certificate.
    package var unknownServerName: UnknownServerName
    /// Whether clients show certificates, and who signs those.
    package var clientCertificates: ClientCertificatePolicy?
    /// The application protocols that are spoken, the preferred one first.
    package var applicationProtocols: [ApplicationProtocol]

    package init(
        certificates: [CertificateSource], profile: TLSProfile = .intermediate, minimumVersion: TLSVersion = .tls12,
        unknownServerName: UnknownServerName = .fallback, clientCertificates: ClientCertificatePolicy? = nil,
        applicationProtocols: [ApplicationProtocol] = [.http2, .http1]
    ) {
        self.certificates = certificates
        self.profile = profile
        self.minimumVersion = minimumVersion
        self.unknownServerName = unknownServerName
        self.clientCertificates = clientCertificates
        self.applicationProtocols = applicationProtocols
    }
}

/// What happens to a client that asks for a name without certificate.
package enum UnknownServerName: String, Sendable, Equatable {
    /// The handshake fails with `unrecognized_name`.
    case reject
    /// The first certificate is shown.
    case fallback
}

/// A certificate with its chain and its key, as PEM.
package struct CertificateSource: Sendable {
    /// The certificate, and behind it those that lead to the authority.
    package var certificate: [UInt8]
    /// The private key; may be the same bytes, where one file holds both.
    package var key: [UInt8]
    /// What opens the key. The first line counts, as with `openssl -passin file:`.
    package var passphrase: [UInt8]?
    /// Where the certificate came from.
    package var certificateFile: String
    /// Where the key came from.
    package var keyFile: String

    package init(
        certificate: [UInt8], key: [UInt8], passphrase: [UInt8]? = nil, certificateFile: String, keyFile: String
    ) {
        self.certificate = certificate
        self.key = key
        self.passphrase = passphrase
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// Secrets are not shown.
extension CertificateSource: CustomStringConvertible, CustomReflectable {
    package var description: String { "CertificateSource(\(self.certificateFile))" }

    package var customMirror: Mirror { Mirror(self, children: ["certificateFile": self.certificateFile]) }
}

/// Whether clients show certificates, and who signs those.
package struct ClientCertificatePolicy: Sendable {
    /// Certificates of the authorities, as PEM.
    package var authorities: [UInt8]
    /// Where they came from.
    package var authoritiesFile: String
    /// Whether a client without certificate is refused.
    package var isRequired: Bool

    package init(authorities: [UInt8], authoritiesFile: String, isRequired: Bool = true) {
        self.authorities = authorities
        self.authoritiesFile = authoritiesFile
        self.isRequired = isRequired
    }
}
