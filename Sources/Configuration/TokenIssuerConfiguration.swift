private import AWS
package import Tokens

/// One of `token_issuers:`.
package struct TokenIssuerConfiguration: Sendable, Equatable {
    /// The name under which routes know it.
    package let name: String
    package let rules: TokenRules
    package let source: KeySetSource

    package init(name: String, rules: TokenRules, source: KeySetSource) {
        self.name = name
        self.rules = rules
        self.source = source
    }
}

/// Where the keys of an issuer come from.
package enum KeySetSource: Sendable, Hashable {
    /// A file that is read when the configuration is.
    case file(FileReference)
    case url(KeySetLocation)
    /// The issuer's own document says where; this is where that is.
    case discovery(KeySetLocation)

    /// Whether anything is fetched over TLS.
    package var usesTLS: Bool {
        switch self {
        case .file: false
        case .url(let location), .discovery(let location): location.endpoint.scheme == .https
        }
    }
}

extension KeySetSource: CustomStringConvertible {
    /// The file or URL.
    package var description: String {
        switch self {
        case .file(let file): file.path
        case .url(let location), .discovery(let location): location.description
        }
    }
}
