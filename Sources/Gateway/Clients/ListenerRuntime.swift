internal import Configuration
internal import HTTP

/// A listener as sessions see it.
final class ListenerRuntime: Sendable {
    /// As the configuration has it.
    let name: String
    /// The port that clients call.
    let port: UInt16
    /// `nil` where clients speak without TLS.
    let tls: ListenerTLS?
    /// Whether requests that came without TLS are sent on to https.
    let redirectsToHTTPS: Bool
    /// Whether connections begin with a header of the PROXY protocol.
    let speaksProxyProtocol: Bool
    private let trustedProxies: TrustedProxies

    init(
        name: String, port: UInt16, tls: ListenerTLS? = nil, redirectsToHTTPS: Bool = false,
        speaksProxyProtocol: Bool = false, trustedProxies: TrustedProxies = TrustedProxies()
    ) {
        self.name = name
        self.port = port
        self.tls = tls
        self.redirectsToHTTPS = redirectsToHTTPS
        self.speaksProxyProtocol = speaksProxyProtocol
        self.trustedProxies = trustedProxies
    }

    /// The listener of a configuration, on a socket with this port.
    convenience init(_ configuration: ListenerConfiguration, port: UInt16, tls: ListenerTLS?) {
        self.init(
            name: configuration.address.description, port: port, tls: tls,
            redirectsToHTTPS: configuration.redirectsToHTTPS,
            speaksProxyProtocol: configuration.speaksProxyProtocol, trustedProxies: configuration.trustedProxies)
    }

    /// Whether what a peer says about clients is believed. `nil` is the peer of a Unix socket.
    func trusts(_ address: IPAddress?) -> Bool {
        address.map { self.trustedProxies.contains($0) } ?? self.trustedProxies.includesUnixPeers
    }
}
