/// How a message was signed: the kind of key, the hash and what is done with it.
package enum SignatureScheme: Sendable, Hashable {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    case rsaPKCS1(Hash)
    /// RSASSA-PSS (RFC 8017 §8.1) with a salt as long as the hash.
    case rsaPSS(Hash)
    /// ECDSA; the signature is the two numbers one after the other, each as long as the curve's (RFC 7518 §3.4).
    case ecdsa(EllipticCurve, Hash)
    /// Pure Ed25519 (RFC 8032).
    case ed25519

    /// One of the SHA-2 family.
    package enum Hash: Sendable, Hashable {
        case sha256
        case sha384
        case sha512
    }
}

/// One of NIST's curves (FIPS 186-4 D.1.2).
package enum EllipticCurve: Sendable, Hashable {
    case p256
    case p384
    case p521

    /// How long a number of the curve is.
    package var byteCount: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }
}
