package import Time

/// What operators want to know of a certificate that is served.
package struct CertificateSummary: Sendable, Equatable {
    /// The file that it came from.
    package let file: String
    /// The names in it, in lower case, `*.` in front of wildcards.
    package let names: [String]
    /// Whom it is for, in the form of RFC 2253.
    package let subject: String
    /// Who signed it, in the form of RFC 2253.
    package let issuer: String
    /// Hexadecimal digits with colons.
    package let serialNumber: String
    /// From when it is valid.
    package let notBefore: WallTime
    /// Until when it is valid.
    package let notAfter: WallTime
    /// Until when it and all that came with it are valid.
    package let chainNotAfter: WallTime
    /// The kind of its key.
    package let keyKind: KeyKind
    /// Whether each certificate of the chain is signed by the one behind it.
    package let isChainInOrder: Bool

    /// The kinds of keys that are served; of each, one certificate per name.
    package enum KeyKind: String, Sendable, Equatable {
        case rsa
        case ecdsa
        case ed25519
    }

    /// Something that does not keep a certificate from being served, but clients from trusting it.
    package enum Warning: Sendable, Equatable {
        case expired(WallTime)
        case notYetValid(WallTime)
        case chainExpired(WallTime)
        case noNames
        case chainOutOfOrder
    }

    /// What is wrong with the certificate at a moment.
    package func warnings(at now: WallTime) -> [Warning] {
        var warnings: [Warning] = []
        if self.notAfter < now {
            warnings.append(.expired(self.notAfter))
        } else if self.chainNotAfter < now {
            warnings.append(.chainExpired(self.chainNotAfter))
        }
        if now < self.notBefore { warnings.append(.notYetValid(self.notBefore)) }
        if self.names.isEmpty { warnings.append(.noNames) }
        if !self.isChainInOrder { warnings.append(.chainOutOfOrder) }
        return warnings
    }
}
