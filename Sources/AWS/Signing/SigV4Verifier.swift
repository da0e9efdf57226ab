private import Bytes
package import Digest
package import HTTP
package import Time

/// Checks the signatures of requests, as the service does: for a Lambda on this machine.
///
/// One for each loop, as it keeps derived keys and buffers.
package final class SigV4Verifier {
    /// The keys that are known; they may change from one request to the next.
    package var credentials: [Credentials]
    private let service: String
    private let allowedSkew: Duration
    private var workspace = VerifierWorkspace()

    /// A verifier that knows these keys, for any region of one service.
    package init(credentials: [Credentials], service: String, allowedSkew: Duration = .seconds(300)) {
        self.credentials = credentials
        self.service = service
        self.allowedSkew = allowedSkew
    }

    /// Returns for whom and for which region the request was signed, or throws what the service would answer.
    ///
    /// The path is taken from the head, where unreserved characters are decoded; a client that encodes those signs
    /// something else. No SDK does.
    package func verify(
        _ head: RequestHead, bodyHash: SHA256Digest, at now: WallTime
    ) throws(SigV4Refusal) -> (credentials: Credentials, scope: SigningScope) {
        let signed = try self.claim(of: head, at: now)
        let scope = SigningScope(region: signed.authorization.region, service: signed.authorization.service)
        try self.check(
            signed.authorization, of: head, bodyHash: bodyHash, credentials: signed.credentials, scope: scope,
            signedAt: signed.time)
        return (signed.credentials, scope)
    }

    /// Throws what the service would answer where the head alone shows that its body does not matter: no signature, one
    /// of another time, one with keys that are not known.
    package func checkHead(_ head: RequestHead, at now: WallTime) throws(SigV4Refusal) {
        _ = try self.claim(of: head, at: now)
    }

    /// What a head says about its signature.
    private struct Claim {
        let authorization: AuthorizationField
        let credentials: Credentials
        let time: WallTime
    }

    private func claim(of head: RequestHead, at now: WallTime) throws(SigV4Refusal) -> Claim {
        let fields = head.fields.all("authorization")
        guard let field = fields.first else { throw .missingToken }
        guard fields.count == 1 else { throw .incomplete("Authorization header stands more than once.") }
        let authorization = try AuthorizationField(parsing: field)
        let time = try self.time(of: head, scopeDate: authorization.date, now: now)
        guard !authorization.region.isEmpty else { throw .invalid("Credential should be scoped to a valid region.") }
        guard authorization.service == self.service else {
            throw .invalid("Credential should be scoped to correct service: '\(self.service)'.")
        }
        let credentials = try self.credentials(for: authorization, in: head, at: now)
        return Claim(authorization: authorization, credentials: credentials, time: time)
    }

    /// The time at which the request says it was signed, which must be near enough and on the day of its scope.
    private func time(of head: RequestHead, scopeDate: String, now: WallTime) throws(SigV4Refusal) -> WallTime {
        let time: WallTime
        if let text = head.fields.first("x-amz-date") {
            guard let parsed = WallTime(basicISO8601: text.utf8.span) else {
                throw .incomplete("Date must be in ISO-8601 'basic format'. Got '\(text)'.")
            }
            time = parsed
        } else if let text = head.fields.first("date") {
            guard let parsed = WallTime(imfFixdate: text.utf8.span) else {
                throw .incomplete("Date must be in the form of RFC 9110. Got '\(text)'.")
            }
            time = parsed
        } else {
            throw .incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        }
        var day = ByteBuffer()
        day.append(basicDate: time.calendar)
        guard day.bytes.equals(scopeDate.utf8.span) else {
            throw .invalid(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                    + "'\(scopeDate)' != '\(day.string())'.")
        }
        if now - time > self.allowedSkew { throw .expired(signed: time, now: now, allowed: self.allowedSkew) }
        if time - now > self.allowedSkew { throw .notYetCurrent(signed: time, now: now, allowed: self.allowedSkew) }
        return time
    }

    private func credentials(
        for authorization: AuthorizationField, in head: RequestHead, at now: WallTime
    ) throws(SigV4Refusal) -> Credentials {
        let token = head.fields.first("x-amz-security-token")
        let known = self.credentials.first {
            $0.accessKeyID == authorization.accessKeyID && $0.sessionToken == token
        }
        guard let known else { throw .unknownKey }
        if let expiration = known.expiration, expiration <= now { throw .expiredToken }
        return known
    }

    private func check(
        _ authorization: AuthorizationField, of head: RequestHead, bodyHash: SHA256Digest, credentials: Credentials,
        scope: SigningScope, signedAt time: WallTime
    ) throws(SigV4Refusal) {
        guard authorization.signedNames.contains("host") else {
            throw .invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
        }
        let date = head.fields.contains("x-amz-date") ? "x-amz-date" : "date"
        guard authorization.signedNames.contains(date) else {
            throw .invalid("'\(date)' must be a 'SignedHeader' in the AWS Authorization.")
        }
        // The service takes no UNSIGNED-PAYLOAD, and a hash that is not that of the body signs another body.
        if let stated = head.fields.first("x-amz-content-sha256"), stated != bodyHash.description { throw .mismatch }

        self.workspace.canonicalRequest.removeAll()
        self.workspace.canonicalRequest.append(
            canonicalRequestLine: head.method, path: head.target.path, query: head.target.query)
        for name in authorization.signedNames {
            self.workspace.canonicalRequest.append(canonicalLine: name, of: head)
        }
        self.workspace.canonicalRequest.append(ASCII.lineFeed)
        self.workspace.canonicalRequest.append(authorization.signedNames.joined(separator: ";"))
        self.workspace.canonicalRequest.append(ASCII.lineFeed)
        self.workspace.canonicalRequest.append(hexadecimalOf: bodyHash)

        let signature = self.workspace.signature(credentials, scope: scope, time: time)
        guard SHA256Digest(hexadecimal: authorization.signature.utf8.span) == signature else { throw .mismatch }
    }
}

@available(*, unavailable)
extension SigV4Verifier: Sendable {}

/// What a verifier keeps between requests.
private struct VerifierWorkspace: ~Copyable {
    var canonicalRequest = ByteBuffer()
    private var hash = SHA256()
    private var keys = SigningKeys()
    private var stringToSign = ByteBuffer()

    /// The signature of the canonical request that has been written.
    mutating func signature(_ credentials: Credentials, scope: SigningScope, time: WallTime) -> SHA256Digest {
        let key = self.keys.key(of: credentials, day: time.day, scope: scope, with: &self.hash)
        let scopeText = key.scopeText
        var timestamp = ByteBuffer()
        timestamp.append(basicISO8601: time.calendar)
        self.stringToSign.removeAll()
        self.stringToSign.append(
            stringToSignFor: self.hash.digest(of: self.canonicalRequest), timestamp: timestamp,
            scope: scopeText.span)
        return self.hash.authenticationCode(for: self.stringToSign, key: key.key)
    }
}

extension ByteBuffer {
    /// Appends `name:values\n` with all values of the name, which is given in lower case. A name that does not stand in
    /// the head has no value, and the signature will not match.
    fileprivate mutating func append(canonicalLine name: String, of head: RequestHead) {
        self.append(name)
        self.append(ASCII.colon)
        var isFirst = true
        for index in head.fields.indices where head.fields.name(at: index).equals(name.utf8.span) {
            if !isFirst { self.append(ASCII.comma) }
            self.append(canonicalValue: head.fields.value(at: index))
            isFirst = false
        }
        if isFirst, name == "host", let authority = head.authority {
            self.append(authority.host)
            if let port = authority.port { self.append(":\(port)") }
        }
        self.append(ASCII.lineFeed)
    }
}
