internal import Bytes
internal import JSON

/// A token in the compact form of RFC 7515 §7.1, taken apart. Nothing of it has been verified.
struct SignedToken {
    let algorithm: TokenAlgorithm
    /// The name of the key.
    let keyID: String?
    /// How many of the token's bytes are signed.
    let signedCount: Int
    let payload: [UInt8]
    let signature: [UInt8]

    /// RFC 7519 §5, RFC 7515 §4: nothing that a header says about other keys (`jwk`, `jku`, `x5c`, `x5u`) is ever used.
    init(parsing token: Span<UInt8>) throws(TokenFault) {
        guard token.count <= TokenRules.longestToken else { throw .tooLong(token.count) }
        guard let first = token.firstIndex(of: ASCII.dot),
            let second = token.firstIndex(of: ASCII.dot, from: first + 1),
            token.firstIndex(of: ASCII.dot, from: second + 1) == nil
        else { throw .notCompact }
        guard let header = Base64URL.decode(token.extracting(..<first)),
            let payload = Base64URL.decode(token.extracting(first + 1..<second)),
            let signature = Base64URL.decode(token.extracting(second + 1..<token.count))
        else { throw .notBase64URL }
        let fields = try JSONValue.ofToken(header.span)
        // RFC 7515 §4.1.11: extensions that must be understood; none is.
        guard fields["crit"] == nil else { throw .criticalHeader }
        guard let name = fields["alg"]?.string else { throw .noAlgorithm }
        guard let algorithm = TokenAlgorithm(rawValue: name) else { throw .algorithm(name) }
        if let keyID = fields["kid"], keyID.string == nil { throw .malformed("kid") }
        self.algorithm = algorithm
        self.keyID = fields["kid"]?.string
        self.signedCount = second
        self.payload = payload
        self.signature = signature
    }
}

extension JSONValue {
    /// A part of a token: an object whose keys are all different (RFC 7515 §4, RFC 7519 §4).
    static func ofToken(_ bytes: Span<UInt8>) throws(TokenFault) -> JSONValue {
        do throws(JSONError) {
            let value = try JSONValue(
                parsing: bytes, limits: JSONLimits(depth: 16, values: 2000, refusesRepeatedKeys: true))
            if value.object != nil { return value }
        } catch {
            throw .notJSON(error)
        }
        throw .notJSON(JSONError(.unexpectedKind, at: 0))
    }
}
