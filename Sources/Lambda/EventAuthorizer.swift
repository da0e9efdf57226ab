internal import Bytes
package import JSON
private import Time

/// The verified token of a request, as the events of APIs tell of it. One object for all tries of a request.
package final class EventAuthorizer: Sendable {
    private let claims: [(key: String, value: JSONValue)]
    /// `nil` where the route asks for no scopes.
    private let scopes: [String]?

    /// All claims of the token, and what of the route's scopes it allows.
    package init(claims: JSONObject, scopes: [String]?) {
        // As API Gateway has them; what is null it leaves out.
        self.claims = claims.members.filter { $0.value != .null }.sorted { $0.key < $1.key }
        self.scopes = scopes
    }

    /// Appends the member `authorizer` of payload 2.0, and the comma in front of it: all claims are texts, a list is
    /// `[a b]`, an object its JSON.
    func appendJWT(to buffer: inout ByteBuffer) {
        buffer.append(#","authorizer":{"jwt":{"claims":{"#)
        for (position, claim) in self.claims.enumerated() {
            if position > 0 { buffer.append(ASCII.comma) }
            buffer.append(jsonString: claim.key)
            buffer.append(ASCII.colon)
            buffer.append(jsonString: Self.text(claim.value))
        }
        buffer.append(#"},"scopes":"#)
        if let scopes = self.scopes {
            buffer.append(json: .array(scopes.map { .string($0) }))
        } else {
            buffer.append("null")
        }
        buffer.append("}}")
    }

    /// Appends the member `authorizer` of payload 1.0, as a REST API's authorizer for Cognito writes it, and the comma
    /// in front of it: a list is `a,b`, and `exp` and `iat` are dates.
    func appendClaims(to buffer: inout ByteBuffer) {
        buffer.append(#","authorizer":{"claims":{"#)
        for (position, claim) in self.claims.enumerated() {
            if position > 0 { buffer.append(ASCII.comma) }
            buffer.append(jsonString: claim.key)
            buffer.append(ASCII.colon)
            if claim.key == "exp" || claim.key == "iat", let seconds = Self.seconds(claim.value) {
                buffer.append(ASCII.quote)
                buffer.append(claimTime: WallTime(seconds: seconds).calendar)
                buffer.append(ASCII.quote)
            } else if case .array(let elements) = claim.value {
                buffer.append(jsonString: elements.map(Self.text).joined(separator: ","))
            } else {
                buffer.append(jsonString: Self.text(claim.value))
            }
        }
        buffer.append("}}")
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text), .string(let text): text
        case .array(let elements): "[\(elements.map(self.text).joined(separator: " "))]"
        case .object: value.description
        }
    }

    /// A time in seconds that has a date with four digits of the year.
    private static func seconds(_ value: JSONValue) -> Int64? {
        guard case .number(let text) = value, let seconds = Double(text), (0..<253_402_300_800).contains(seconds) else {
            return nil
        }
        return Int64(seconds)
    }
}
