package import HTTP

/// One of `listeners:`.
package struct ListenerConfiguration: Sendable, Hashable {
    package let address: ListenerAddress
    /// `nil` for a listener without TLS.
    package let tls: TLSConfiguration?
    /// Whether requests that came without TLS are sent on to https.
    package let redirectsToHTTPS: Bool
    /// Whether connections begin with a header of the PROXY protocol.
    package let speaksProxyProtocol: Bool
    /// Whose word about clients is believed.
    package let trustedProxies: TrustedProxies

    package init(
        address: ListenerAddress, tls: TLSConfiguration? = nil, redirectsToHTTPS: Bool = false,
        speaksProxyProtocol: Bool = false, trustedProxies: TrustedProxies = TrustedProxies()
    ) {
        self.address = address
        self.tls = tls
        self.redirectsToHTTPS = redirectsToHTTPS
        self.speaksProxyProtocol = speaksProxyProtocol
        self.trustedProxies = trustedProxies
    }
}

/// Peers whose word about clients is believed.
package struct TrustedProxies: Sendable, Hashable {
    package var ranges: [IPRange] = []
    /// Peers of a Unix socket, which have no address.
    package var includesUnixPeers = false

    /// Nobody.
    package init() {}

    package var isEmpty: Bool { self.ranges.isEmpty && !self.includesUnixPeers }

    /// Whether an address is a trusted proxy's.
    package func contains(_ address: IPAddress) -> Bool {
        self.ranges.contains { $0.contains(address) }
    }
}

/// `tls:` of a listener. What is in the files is looked at when the gateway starts or `sluice check` runs.
package struct TLSConfiguration: Sendable, Hashable {
    /// At least one; the first is shown to clients that name nothing known.
    package let certificates: [Certificate]
    package let profile: Profile
    package let minimumVersion: Version
    /// Who signs the certificates of clients; `nil` where none are asked for.
    package let clientAuthorities: FileReference?
    /// Whether a client without certificate is refused.
    package let requiresClientCertificate: Bool
    /// Whether a client that asks for a name without certificate is refused.
    package let rejectsUnknownServerNames: Bool

    /// A certificate with its chain, and its key.
    package struct Certificate: Sendable, Hashable {
        package let certificate: FileReference
        package let key: FileReference
        /// The file whose first line opens the key.
        package let passphrase: FileReference?
    }

    /// The choice of algorithms.
    package enum Profile: Sendable, Hashable {
        case intermediate
        case modern
    }

    /// A version of the protocol.
    package enum Version: Sendable, Hashable {
        case tls12
        case tls13
    }
}

/// A file that the configuration names, and where it does.
package struct FileReference: Sendable, Hashable {
    /// From where the process is.
    package let path: String
    package let position: SourcePosition
}
