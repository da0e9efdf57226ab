/// What an event says of the client's connection. One object for all requests that come on it.
package final class EventConnection: Sendable {
    /// The address of the connection's other end; differs from the client's behind a trusted proxy.
    package let peerAddress: String
    /// Whether the `X-Forwarded-For` that came is kept, with the peer's address behind it. For trusted proxies only.
    package let keepsForwardedFor: Bool
    /// The host for requests that name none (HTTP/1.0).
    package let defaultHost: String
    /// Version and cipher suite of TLS, as OpenSSL names them.
    package let tls: TLS?
    /// The certificate that the client showed, verified.
    package let clientCertificate: EventClientCertificate?

    /// What is left out is as for a client that came directly and without TLS.
    package init(
        peerAddress: String, keepsForwardedFor: Bool = false, defaultHost: String = "", tls: TLS? = nil,
        clientCertificate: EventClientCertificate? = nil
    ) {
        self.peerAddress = peerAddress
        self.keepsForwardedFor = keepsForwardedFor
        self.defaultHost = defaultHost
        self.tls = tls
        self.clientCertificate = clientCertificate
    }

    /// The names that describe a TLS connection.
    package struct TLS: Sendable, Equatable {
        /// Such as `TLSv1.3`.
        package let version: String
        /// Such as `TLS_AES_128_GCM_SHA256`.
        package let cipherSuite: String

        package init(version: String, cipherSuite: String) {
            self.version = version
            self.cipherSuite = cipherSuite
        }
    }
}
