internal import HTTP

/// Whom a request is from and what it called: what the connection says, or what trusted proxies in front of it say.
struct Requester {
    /// The client's address, where it is not the connection's.
    let address: String?
    /// Whether the client speaks TLS.
    let isSecure: Bool
    /// The port that the client called.
    let port: UInt16

    init(_ client: ClientConnection, _ fields: borrowing Fields) {
        let isSecure = client.tls != nil
        guard client.isTrustedProxy else {
            self.address = nil
            self.isSecure = isSecure
            self.port = client.port
            return
        }
        // The peer of a Unix socket has no address: what it says begins with the addresses that it names.
        let listener = client.listener
        let nobody = IPAddress(high: 0, low: 0)
        let forwarded = fields.forwardedClient(peer: client.ipAddress ?? nobody) { listener.trusts($0) }
        self.address = forwarded.address == (client.ipAddress ?? nobody) ? nil : forwarded.address.description
        self.isSecure = forwarded.isSecure ?? isSecure
        // A proxy that tells the scheme and no port means that scheme's own.
        self.port = forwarded.port ?? forwarded.isSecure.map { $0 ? 443 : 80 } ?? client.port
    }
}
