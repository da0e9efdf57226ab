/// A version of the protocol; older ones are never spoken.
package enum TLSVersion: Sendable, Equatable {
    case tls12
    case tls13

    /// As OpenSSL, logs and events write it.
    package var name: StaticString {
        switch self {
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }
}

/// A choice of versions and algorithms, as Mozilla's guideline 6.0 for servers names them.
package enum TLSProfile: String, Sendable, Equatable {
    /// TLS 1.2 and 1.3.
    case intermediate
    /// TLS 1.3 only.
    case modern
}

extension TLSProfile {
    /// The oldest version that is spoken.
    package var minimumVersion: TLSVersion {
        switch self {
        case .intermediate: .tls12
        case .modern: .tls13
        }
    }

    /// The suites of TLS 1.2: forward secret and authenticated, no finite-field DHE, no CBC.
    static let suites12 = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ].joined(separator: ":")

    /// The suites of TLS 1.3.
    static let suites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

    /// The groups, for a library that has the hybrid one (3.5 and later).
    static let groupsWithHybrid = "X25519MLKEM768:X25519:P-256:P-384"

    /// The groups, for a library that has not.
    static let groups = "X25519:P-256:P-384"
}
