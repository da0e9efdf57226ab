package import JSON

/// Why a token is not taken.
package enum TokenFault: Error, Equatable, Sendable {
    case tooLong(Int)
    /// Not three parts with dots between them.
    case notCompact
    case notBase64URL
    case notJSON(JSONError)
    case criticalHeader
    case noAlgorithm
    /// One that is not known here, or not taken from this issuer.
    case algorithm(String)
    /// There is no key that could be meant. Maybe it is a new one: the issuer's keys should be asked for again.
    case unknownKey(String?)
    /// The key of that name is none for the token's algorithm.
    case keyDoesNotFit(String)
    case signature
    /// A member that has to be there.
    case missing(String)
    /// A member of another kind than it has to be.
    case malformed(String)
    case issuer(String)
    case audience
    case expired
    case notYetValid

    /// Whether other keys of the issuer might make a difference.
    package var mayNeedNewKeys: Bool {
        if case .unknownKey = self { true } else { false }
    }
}

extension TokenFault: CustomStringConvertible {
    /// One line for logs. What a token says is quoted, and cut.
    package var description: String {
        switch self {
        case .tooLong(let count): "\(count) bytes are too many"
        case .notCompact: "no JSON Web Token: header, claims and signature with dots between them are expected"
        case .notBase64URL: "a part is no base64url"
        case .notJSON(let error): "\(error)"
        case .criticalHeader: "the header has \"crit\", and none of its extensions is known"
        case .noAlgorithm: "the header has no \"alg\""
        case .algorithm(let name): "the algorithm \(Self.quoted(name)) is not taken"
        case .unknownKey(let id?): "no key is called \(Self.quoted(id))"
        case .unknownKey(nil): "no key fits, and the token names none"
        case .keyDoesNotFit(let id): "the key \(Self.quoted(id)) is none for the token's algorithm"
        case .signature: "the signature is wrong"
        case .missing(let name): "the claim \"\(name)\" is missing"
        case .malformed(let name): "\"\(name)\" is malformed"
        case .issuer(let issuer): "the issuer is \(Self.quoted(issuer))"
        case .audience: "it is for another audience"
        case .expired: "it has expired"
        case .notYetValid: "it is not valid yet"
        }
    }

    private static func quoted(_ text: String) -> String {
        // Without line breaks, quotes and control bytes, whatever the token has.
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(100))).debugDescription
    }
}
