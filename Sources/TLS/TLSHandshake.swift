/// What the two sides agreed on.
package struct TLSHandshake: Sendable, Equatable {
    /// The version.
    package let version: TLSVersion
    /// The cipher suite as OpenSSL names it: `TLS_AES_128_GCM_SHA256`, `ECDHE-RSA-AES128-GCM-SHA256`.
    package let cipherSuite: String
    /// The protocol agreed on by ALPN; HTTP/1.1 where the peer does not speak ALPN.
    package let applicationProtocol: ApplicationProtocol
    /// Whether an earlier session was resumed.
    package let isResumed: Bool
    /// Server role: the name that the client asked for, in lower case.
    package let serverName: String?
    /// Server role: the certificate that the client showed, verified.
    package let clientCertificate: ClientCertificate?
}
