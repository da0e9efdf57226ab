package import JSON

/// What a token says that has been found right.
package final class VerifiedToken: Sendable {
    /// All of its claims.
    package let claims: JSONObject
    /// What it allows: the claims `scope` (RFC 8693 §4.2) and `scp`, each a text with spaces or a list.
    package let scopes: [String]

    init(claims: JSONObject) {
        self.claims = claims
        self.scopes = ["scope", "scp"].flatMap { name -> [String] in
            switch claims[name] {
            case .string(let text): text.split(separator: " ").map(String.init)
            case .array(let elements): elements.compactMap(\.string)
            default: []
            }
        }
    }

    /// A claim that is one text or one number; `nil` for others.
    package func text(_ name: String) -> String? {
        switch self.claims[name] {
        case .string(let text), .number(let text): text
        default: nil
        }
    }
}
