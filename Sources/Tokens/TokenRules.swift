internal import Digest
internal import JSON
package import Time

/// What a token must be like to be taken.
package struct TokenRules: Sendable, Hashable {
    /// What `iss` has to be, to the letter.
    package let issuer: String
    /// One of them has to be among those whom the token is for.
    package let audiences: [String]
    package let algorithms: [TokenAlgorithm]
    /// How far clocks may be apart.
    package let clockSkew: Duration

    /// Bytes that a token may have.
    package static var longestToken: Int { 8192 }

    package init(
        issuer: String, audiences: [String], algorithms: [TokenAlgorithm] = TokenAlgorithm.allCases,
        clockSkew: Duration = .seconds(60)
    ) {
        self.issuer = issuer
        self.audiences = audiences
        self.algorithms = algorithms
        self.clockSkew = clockSkew
    }

    /// Says what a token holds, or why it is not taken. Its claims are not even read before its signature is found
    /// right.
    package func verify(
        _ token: Span<UInt8>, with keys: KeySet, at now: WallTime
    ) throws(TokenFault) -> VerifiedToken {
        let signed = try SignedToken(parsing: token)
        guard self.algorithms.contains(signed.algorithm) else { throw .algorithm(signed.algorithm.rawValue) }
        let candidates = keys.candidates(for: signed.algorithm, id: signed.keyID)
        if candidates.isEmpty {
            if let id = signed.keyID, keys.contains(id: id) { throw .keyDoesNotFit(id) }
            throw .unknownKey(signed.keyID)
        }
        let message = token.extracting(..<signed.signedCount)
        guard
            candidates.contains(where: {
                $0.verifies(signed.signature.span, of: message, by: signed.algorithm.scheme)
            })
        else {
            if signed.keyID == nil { throw .unknownKey(nil) }
            throw .signature
        }
        let claims = try JSONValue.ofToken(signed.payload.span)
        try self.check(claims, at: now)
        guard let object = claims.object else { throw .malformed("claims") }
        return VerifiedToken(claims: object)
    }

    /// The claims alone.
    func check(_ claims: JSONValue, at now: WallTime) throws(TokenFault) {
        guard let issuer = claims["iss"] else { throw .missing("iss") }
        guard let issuer = issuer.string else { throw .malformed("iss") }
        // RFC 8725 §3.8; compared as bytes, and not as texts that only look the same.
        guard issuer.utf8.elementsEqual(self.issuer.utf8) else { throw .issuer(issuer) }
        try self.checkAudience(claims)
        let skew = Double(self.clockSkew.wholeMilliseconds)
        let time = Double(now.milliseconds)
        guard let expiry = try Self.time("exp", in: claims) else { throw .missing("exp") }
        // RFC 7519 §4.1.4: "on or after which the JWT MUST NOT be accepted".
        guard time < expiry + skew else { throw .expired }
        for name in ["nbf", "iat"] {
            // RFC 7519 §4.1.5. A token of the future is no better, as API Gateway has it.
            if let start = try Self.time(name, in: claims), time < start - skew { throw .notYetValid }
        }
    }

    /// RFC 7519 §4.1.3. Without `aud`, `client_id` says whom the token is for, as API Gateway has it: access tokens of
    /// Cognito have no `aud`.
    private func checkAudience(_ claims: JSONValue) throws(TokenFault) {
        let named: [String]
        if let audience = claims["aud"] {
            if let one = audience.string {
                named = [one]
            } else if let several = audience.array {
                named = several.compactMap(\.string)
                guard named.count == several.count else { throw .malformed("aud") }
            } else {
                throw .malformed("aud")
            }
        } else if let client = claims["client_id"] {
            guard let client = client.string else { throw .malformed("client_id") }
            named = [client]
        } else {
            throw .missing("aud")
        }
        let isMeant = named.contains { name in
            self.audiences.contains { $0.utf8.elementsEqual(name.utf8) }
        }
        guard isMeant else { throw .audience }
    }

    /// A moment (RFC 7519 §2, NumericDate) in milliseconds.
    private static func time(_ name: String, in claims: JSONValue) throws(TokenFault) -> Double? {
        guard let value = claims[name] else { return nil }
        guard case .number(let text) = value, let seconds = Double(text), (0...1e11).contains(seconds) else {
            throw .malformed(name)
        }
        return seconds * 1000
    }
}
