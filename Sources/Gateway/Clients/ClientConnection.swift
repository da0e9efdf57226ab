internal import HTTP
internal import Lambda
internal import Reactor
internal import TLS

/// A client's connection, and what is known of it before the first request: whom it is from, and what was agreed on.
///
/// It goes from session to session: the PROXY header's, the handshake's, and that of HTTP.
final class ClientConnection {
    let connection: Connection
    let listener: ListenerRuntime
    /// The client's address, written out once, as events and logs have it.
    private(set) var address: String
    /// The address as a number; `nil` on Unix sockets.
    private(set) var ipAddress: IPAddress?
    /// The port that the client called.
    private(set) var port: UInt16
    /// Whether what it says about clients is believed.
    private(set) var isTrustedProxy: Bool
    /// What is spoken on it, as logs name it; `nil` before anything is.
    var protocolName: String?
    /// Where it is counted, until its socket is closed.
    private var limits: ConnectionLimits?
    /// The address that the connection is counted under; `nil` where it is exempt.
    private var countedAddress: IPAddress?
    /// `nil` without TLS.
    private(set) var tls: TLSFilter?
    private(set) var tlsVersion: TLSVersion?
    /// What events say of it.
    private(set) var facts: EventConnection
    /// Limits that it has hit, each once.
    private var hits: [String] = []
    /// The names in the certificate that the client showed.
    private(set) var certificateNames: CertificateNames?

    init(_ connection: Connection, listener: ListenerRuntime) {
        self.connection = connection
        self.listener = listener
        self.address = connection.remoteAddress.hostText
        self.ipAddress = connection.remoteAddress.ipAddress
        self.port = listener.port
        self.isTrustedProxy = listener.trusts(connection.remoteAddress.ipAddress)
        self.facts = EventConnection(peerAddress: self.address, keepsForwardedFor: self.isTrustedProxy)
    }

    /// Takes a place among all connections, whatever the answer is: whether there was room for it.
    func takePlace(in limits: ConnectionLimits) -> Bool {
        self.limits = limits
        self.connection.observer = self
        return limits.enter()
    }

    /// Takes a place among the connections of an address, where there is one left.
    func takePlace(of address: IPAddress, in limits: ConnectionLimits) -> Bool {
        guard limits.enter(from: address) else { return false }
        self.countedAddress = address
        return true
    }

    /// A proxy has said whom the connection is from.
    func proxied(for client: ProxyHeader.Endpoint, to destination: ProxyHeader.Endpoint) {
        self.address = client.address.description
        self.ipAddress = client.address
        self.port = destination.port
        self.isTrustedProxy = self.listener.trusts(client.address)
        self.facts = EventConnection(peerAddress: self.address, keepsForwardedFor: self.isTrustedProxy)
    }

    /// Takes note of a limit that was hit. Answers whether that is news.
    func isFirstHit(of limit: String) -> Bool {
        if self.hits.contains(limit) { return false }
        self.hits.append(limit)
        return true
    }

    /// The TLS handshake is over.
    func secured(by filter: TLSFilter, _ handshake: TLSHandshake) {
        self.tls = filter
        self.tlsVersion = handshake.version
        self.facts = EventConnection(
            peerAddress: self.address, keepsForwardedFor: self.isTrustedProxy,
            tls: .init(version: "\(handshake.version.name)", cipherSuite: handshake.cipherSuite),
            clientCertificate: handshake.clientCertificate.map { EventClientCertificate($0) })
        self.certificateNames = handshake.clientCertificate?.names
    }
}

extension ClientConnection: ConnectionObserver {
    func socketClosed() {
        guard let limits = self.limits.take() else { return }
        limits.leave()
        if let address = self.countedAddress { limits.leave(from: address) }
    }
}

@available(*, unavailable)
extension ClientConnection: Sendable {}

extension SocketAddress {
    /// `nil` for a Unix socket.
    var ipAddress: IPAddress? {
        switch self.host {
        case .v4(let address): IPAddress(v4: UInt32(bigEndian: address))
        case .v6(let high, let low, _): IPAddress(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
        case .unix: nil
        }
    }
}

extension EventClientCertificate {
    fileprivate convenience init(_ certificate: ClientCertificate) {
        self.init(
            pem: certificate.pem, subject: certificate.subject, issuer: certificate.issuer,
            serialNumber: certificate.serialNumber, notBefore: certificate.notBeforeText,
            notAfter: certificate.notAfterText)
    }
}
