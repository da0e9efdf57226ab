/// Why the certificate that a peer showed is not believed.
package enum CertificateFault: Error, Sendable, Equatable {
    /// Its validity has ended, or that of one above it.
    case expired
    /// Its validity has not begun, or that of one above it.
    case notYetValid
    /// No authority that is trusted here signed it.
    case unknownAuthority
    /// It signed itself, and is not trusted here.
    case selfSigned
    /// It is good, but for other names.
    case wrongHost(String)
    /// It may not be used for this.
    case wrongPurpose
    /// Its key or its signature is too weak.
    case tooWeak
    /// Anything else, in the library's words.
    case other(String)
}

extension CertificateFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .expired: "it has expired"
        case .notYetValid: "it is not valid yet"
        case .unknownAuthority: "no trusted authority signed it"
        case .selfSigned: "it is self-signed"
        case .wrongHost(let host): "it is not for \(host)"
        case .wrongPurpose: "it may not be used for this"
        case .tooWeak: "its key or signature is too weak"
        case .other(let reason): reason
        }
    }
}
