/// What is wrong with a file that a context is made of.
package struct TLSLoadFault: Error, Sendable, Equatable {
    /// The file, as the settings named it.
    package let file: String
    /// What is wrong with it.
    package let reason: Reason

    package init(file: String, reason: Reason) {
        self.file = file
        self.reason = reason
    }

    /// What is wrong with a file.
    package enum Reason: Error, Sendable, Equatable {
        /// There is no certificate in it, in PEM form.
        case noCertificate
        /// A certificate in it can not be read; the first is 1.
        case unreadableCertificate(position: Int)
        /// More certificates than a chain has.
        case tooManyCertificates(limit: Int)
        /// The file is larger than any such file.
        case tooLarge(limit: Int)
        /// There is no private key in it, in PEM form.
        case noKey
        /// The key in it can not be read.
        case unreadableKey(detail: String)
        /// The key is neither RSA, ECDSA nor Ed25519.
        case unsupportedKey
        /// The key is encrypted, and there is no passphrase.
        case passphraseMissing
        /// The passphrase does not open the key.
        case passphraseWrong
        /// The key belongs to another certificate.
        case keyDoesNotMatch(certificateFile: String)
        /// The library does not accept certificate or key, in its own words; mostly a key that is too small.
        case refused(detail: String)
    }
}

extension TLSLoadFault: CustomStringConvertible {
    package var description: String {
        let text =
            switch self.reason {
            case .noCertificate: "there is no certificate in PEM form in it"
            case .unreadableCertificate(let position): "certificate \(position) in it can not be read"
            case .tooManyCertificates(let limit): "there are more than \(limit) certificates in it"
            case .tooLarge(let limit): "it is larger than \(limit) bytes"
            case .noKey: "there is no private key in PEM form in it"
            case .unreadableKey(let detail): "the private key in it can not be read: \(detail)"
            case .unsupportedKey: "the private key in it is neither RSA, ECDSA nor Ed25519"
            case .passphraseMissing: "the private key in it is encrypted, and no passphrase was given"
            case .passphraseWrong: "the passphrase does not open the private key in it"
            case .keyDoesNotMatch(let file): "the private key in it does not belong to the certificate in \(file)"
            case .refused(let detail): "it is refused: \(detail)"
            }
        return "\(self.file): \(text)"
    }
}

/// Every fault that was found while a context was made.
package struct TLSLoadFaults: Error, Sendable, Equatable {
    /// At least one.
    package let faults: [TLSLoadFault]

    init(_ faults: [TLSLoadFault]) {
        self.faults = faults
    }
}

extension TLSLoadFaults: CustomStringConvertible {
    package var description: String {
        self.faults.map(\.description).joined(separator: "; ")
    }
}
