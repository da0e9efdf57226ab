internal import Digest
package import JSON

/// The keys of an issuer, as a JWK Set (RFC 7517 §5) has them.
///
/// Keys that are of no use here (symmetric ones, those for encryption, of unknown kinds or sizes) are left out, as §5
/// asks.
package struct KeySet: Sendable {
    private let keys: [Key]

    private struct Key: Sendable {
        let id: String?
        /// Where the key says so itself.
        let algorithm: TokenAlgorithm?
        let key: PublicKey
    }

    /// Bytes that a document may have.
    package static var longestDocument: Int { 256 * 1024 }
    /// Keys that a set may have, useful or not.
    package static var mostKeys: Int { 256 }
    /// Keys that are tried for one token.
    static var mostCandidates: Int { 8 }

    /// How many keys there are that can check a token.
    package var count: Int { self.keys.count }

    /// Reads a document.
    package init(parsing bytes: Span<UInt8>) throws(KeySetError) {
        let document = try JSONValue.ofIssuer(bytes)
        guard let members = document["keys"]?.array else { throw .noKeySet }
        guard members.count <= Self.mostKeys else { throw .tooManyKeys(members.count) }
        self.keys = members.compactMap(Self.key)
        if self.keys.isEmpty { throw .noUsableKey(of: members.count) }
    }

    /// The keys that may have signed a token; none where there is none of that name.
    func candidates(for algorithm: TokenAlgorithm, id: String?) -> [PublicKey] {
        var found: [PublicKey] = []
        for key in self.keys where id == nil || key.id == id {
            guard key.key.fits(algorithm.scheme), key.algorithm == nil || key.algorithm == algorithm else { continue }
            found.append(key.key)
            if found.count == Self.mostCandidates { break }
        }
        return found
    }

    /// Whether there is a key of this name, of whatever kind.
    func contains(id: String) -> Bool {
        self.keys.contains { $0.id == id }
    }

    private static func key(_ value: JSONValue) -> Key? {
        if let use = value["use"], use.string != "sig" { return nil }
        if let operations = value["key_ops"] {
            guard let names = operations.array, names.contains(.string("verify")) else { return nil }
        }
        var algorithm: TokenAlgorithm?
        if let name = value["alg"] {
            guard let known = name.string.flatMap(TokenAlgorithm.init) else { return nil }
            algorithm = known
        }
        if let id = value["kid"], id.string == nil { return nil }
        guard let key = Self.publicKey(value) else { return nil }
        if let algorithm, !key.fits(algorithm.scheme) { return nil }
        return Key(id: value["kid"]?.string, algorithm: algorithm, key: key)
    }

    private static func publicKey(_ value: JSONValue) -> PublicKey? {
        func bytes(_ name: String) -> [UInt8]? {
            value[name]?.string.flatMap { text in Base64URL.decode(text.utf8.span) }
        }
        switch (value["kty"]?.string, value["crv"]?.string) {
        case ("RSA", _):
            // RFC 7518 §6.3.1.
            guard let modulus = bytes("n"), let exponent = bytes("e") else { return nil }
            return PublicKey(rsaModulus: modulus.span, exponent: exponent.span)
        case ("EC", "P-256"): return Self.point(.p256, bytes("x"), bytes("y"))
        case ("EC", "P-384"): return Self.point(.p384, bytes("x"), bytes("y"))
        case ("EC", "P-521"): return Self.point(.p521, bytes("x"), bytes("y"))
        case ("OKP", "Ed25519"):
            // RFC 8037 §2.
            guard let x = bytes("x") else { return nil }
            return PublicKey(ed25519: x.span)
        default:
            return nil
        }
    }

    private static func point(_ curve: EllipticCurve, _ x: [UInt8]?, _ y: [UInt8]?) -> PublicKey? {
        // RFC 7518 §6.2.1.2: "The length of this octet string MUST be the full size of a coordinate".
        guard let x, let y else { return nil }
        return PublicKey(curve, x: x.span, y: y.span)
    }
}

extension JSONValue {
    /// Reads a document that an issuer publishes.
    static func ofIssuer(_ bytes: Span<UInt8>) throws(KeySetError) -> JSONValue {
        guard bytes.count <= KeySet.longestDocument else { throw .tooLong(bytes.count) }
        do throws(JSONError) {
            return try JSONValue(
                parsing: bytes, limits: JSONLimits(depth: 16, values: 20_000, refusesRepeatedKeys: true))
        } catch {
            throw .notJSON(error)
        }
    }
}

/// Why a document is no set of keys.
package enum KeySetError: Error, Equatable, Sendable {
    case tooLong(Int)
    case notJSON(JSONError)
    /// No object with a list called `keys`.
    case noKeySet
    case tooManyKeys(Int)
    /// None of the keys can check a token.
    case noUsableKey(of: Int)
    /// A discovery document of somebody else, or of none.
    case otherIssuer(String?)
    /// A discovery document that names no keys.
    case noLocation
}

extension KeySetError: CustomStringConvertible {
    /// One line for logs and faults.
    package var description: String {
        switch self {
        case .tooLong(let count): "\(count) bytes are too many; the most is \(KeySet.longestDocument)"
        case .notJSON(let error): "no JSON Web Key Set: \(error)"
        case .noKeySet: "no JSON Web Key Set: {\"keys\": [...]} is expected"
        case .tooManyKeys(let count): "\(count) keys are too many; the most is \(KeySet.mostKeys)"
        case .noUsableKey(let count):
            "none of its \(count) keys can check a token: RSA of 2048 to 8192 bits, P-256, P-384, P-521 and Ed25519 can, "
                + "where they are for signatures"
        case .otherIssuer(let issuer?): "the document is about another issuer: \(issuer.debugDescription)"
        case .otherIssuer(nil): "no document of OpenID Connect Discovery"
        case .noLocation: "the document has no \"jwks_uri\""
        }
    }
}
