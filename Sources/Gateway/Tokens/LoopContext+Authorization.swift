internal import Bytes
internal import HTTP
internal import Logging
internal import Reactor
internal import Routing
internal import Tokens

/// Whose tokens a route takes, as requests ask.
final class RouteGuard: Sendable {
    let issuer: TokenIssuerRuntime
    /// One of them has to be allowed; empty where any token will do.
    let scopes: [String]

    init(_ authorization: RouteAuthorization, issuers: [TokenIssuerRuntime]) {
        self.issuer = issuers[authorization.issuer]
        self.scopes = authorization.scopes
    }
}

/// Why a request does not get beyond its route.
struct TokenRefusal: Error {
    let answer: OwnAnswer
    /// For the access log.
    let end: String
    /// For the counters.
    let reason: String
}

extension LoopContext {
    /// The token of a request, which has been found right.
    func authorize(
        _ fields: borrowing Fields, by guardian: RouteGuard, record: RequestRecord
    ) throws(TokenRefusal) -> VerifiedToken {
        do throws(TokenRefusal) {
            return try self.verifiedToken(fields, guardian, record)
        } catch {
            self.metrics.countTokenRefusal(by: guardian.issuer.name, reason: error.reason)
            throw error
        }
    }

    private func verifiedToken(
        _ fields: borrowing Fields, _ guardian: RouteGuard, _ record: RequestRecord
    ) throws(TokenRefusal) -> VerifiedToken {
        let requestID = record.requestID
        guard let first = fields.firstIndex(of: "authorization") else {
            // RFC 6750 §3.1: without any authentication "the resource server SHOULD NOT include an error code".
            throw Self.unauthorized(
                "The request has no bearer token.", "Bearer", end: "no_token", reason: "missing", requestID)
        }
        guard fields.firstIndex(of: "authorization", from: first + 1) == nil,
            let token = fields.value(at: first).bearerToken
        else {
            self.log(refused: "no bearer token in the authorization field", by: guardian, record)
            throw Self.invalid(requestID)
        }
        guard let keys = guardian.issuer.store.keys else { throw Self.noKeys(requestID) }
        let verified: VerifiedToken
        do throws(TokenFault) {
            verified = try guardian.issuer.rules.verify(token, with: keys, at: record.wall)
        } catch {
            if error.mayNeedNewKeys, guardian.issuer.store.wantOthers(at: self.loop.now) {
                throw Self.noKeys(requestID)
            }
            self.log(refused: "\(error)", by: guardian, record)
            throw Self.invalid(requestID)
        }
        guard guardian.scopes.isEmpty || guardian.scopes.contains(where: verified.scopes.contains) else {
            let scopes = guardian.scopes.joined(separator: " ")
            throw TokenRefusal(
                answer: .problem(
                    status: 403, detail: "The token does not allow this.", requestID: requestID,
                    fields: ["www-authenticate": "Bearer error=\"insufficient_scope\", scope=\"\(scopes)\""]),
                end: "insufficient_scope", reason: "scope")
        }
        return verified
    }

    private static func invalid(_ requestID: ShortText) -> TokenRefusal {
        // What is wrong with it is for the log: who tries tokens learns nothing.
        self.unauthorized(
            "The token is not valid here.", "Bearer error=\"invalid_token\"", end: "invalid_token", reason: "invalid",
            requestID)
    }

    private static func unauthorized(
        _ detail: String, _ challenge: String, end: String, reason: String, _ requestID: ShortText
    ) -> TokenRefusal {
        TokenRefusal(
            answer: .problem(
                status: 401, detail: detail, requestID: requestID, fields: ["www-authenticate": challenge]),
            end: end, reason: reason)
    }

    /// The keys are still on their way, so nobody can say what the token is worth.
    private static func noKeys(_ requestID: ShortText) -> TokenRefusal {
        TokenRefusal(
            answer: .problem(
                status: 503, detail: "The keys for checking the token are not there yet.", requestID: requestID,
                fields: ["retry-after": "1"]),
            end: "no_token_keys", reason: "no_keys")
    }

    private func log(refused reason: String, by guardian: RouteGuard, _ record: RequestRecord) {
        self.logger.info(
            "token refused",
            metadata: [
                "request_id": "\(record.requestID)", "client": "\(record.client)", "issuer": "\(guardian.issuer.name)",
                "reason": "\(reason)",
            ])
    }
}

extension Span where Element == UInt8 {
    /// What stands behind `Bearer` (RFC 6750 §2.1; RFC 9110 §11.1: the scheme in any spelling, one space or more).
    fileprivate var bearerToken: Span<UInt8>? {
        @_lifetime(copy self)
        get {
            let scheme = 6
            guard self.count > scheme, self.extracting(..<scheme).equalsIgnoringCase("bearer"),
                self[scheme] == ASCII.space
            else { return nil }
            return self.extracting(scheme...).trimmed
        }
    }
}
