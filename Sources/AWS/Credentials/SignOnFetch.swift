private import HTTP
internal import Time

/// Asks the sign-on service for a role's keys, with the token that somebody has got in a browser.
///
///     begin ── file ──▶ [renewal ── answer ──▶ file written] ──▶ question for keys ── answer ──▶ finished
///
/// The token of a session is renewed when it ends within a quarter of an hour, as the SDKs do. While it lasts it is
/// used, whatever becomes of its renewal.
struct SignOnFetch {
    private let signOn: SingleSignOn
    private var stage = Stage.file
    /// A token that could not be written to its file.
    private(set) var kept: KeptSignOnToken?

    private enum Stage {
        /// The file is being read.
        case file
        /// This token is being renewed; the file holds the token of the second one.
        case renewal(SignOnToken, inFile: String)
        case writing(SignOnToken, inFile: String)
        case keys
    }

    private static let timeout = Duration.seconds(10)
    private static let renewalAhead = Duration.seconds(15 * 60)

    init(_ signOn: SingleSignOn, kept: KeptSignOnToken?) {
        self.signOn = signOn
        self.kept = kept
    }

    private var source: String { "single sign-on at \(self.signOn.endpoint)" }
    private var isOver: CredentialFetch.Step { .failed(.signOnExpired(profile: self.signOn.profile)) }

    func begin() -> CredentialFetch.Step { .read(path: self.signOn.cacheFile) }

    /// `now` is the time of AWS, as far as it is known.
    mutating func received(_ event: CredentialFetch.Event, at now: WallTime) -> CredentialFetch.Step {
        switch (self.stage, event) {
        case (.file, .read(let text)):
            return self.received(file: text, at: now)
        case (.file, .unreadable):
            // Whoever has signed off has taken the file away, and what was kept beside it ends too.
            self.kept = nil
            return self.isOver
        case (.renewal(let token, let inFile), .answered(let answer)) where answer.status == 200:
            guard let session = self.signOn.session, let renewed = token.renewed(by: answer.body, at: now) else {
                return self.notRenewed(token, .malformed(source: self.source, missing: "accessToken"), at: now)
            }
            self.stage = .writing(renewed, inFile: inFile)
            return .write(path: self.signOn.cacheFile, text: renewed.document(region: session.region))
        case (.renewal(let token, _), .answered(let answer)):
            let refusal = AWSServiceError(head: answer.head, body: answer.body.span)
            let isDown = refusal.status >= 500 || refusal.isThrottle
            return self.notRenewed(
                token, isDown ? .refused(source: self.source, refusal) : .signOnExpired(profile: self.signOn.profile),
                at: now)
        case (.renewal(let token, _), .timedOut):
            return self.notRenewed(token, .unanswered(source: self.source, reason: "no answer in time"), at: now)
        case (.renewal(let token, _), .unanswered(let reason)):
            return self.notRenewed(token, .unanswered(source: self.source, reason: reason), at: now)
        case (.writing(let token, _), .written):
            self.kept = nil
            return self.ask(with: token)
        case (.writing(let token, let inFile), .unwritable):
            // The word in the file has been used up, so this is the only place that has the next one.
            self.kept = KeptSignOnToken(token: token, replaced: inFile)
            return self.ask(with: token)
        case (.keys, .answered(let answer)):
            return self.received(keys: answer)
        case (.keys, .timedOut):
            return .failed(.unanswered(source: self.source, reason: "no answer in time"))
        case (.keys, .unanswered(let reason)):
            return .failed(.unanswered(source: self.source, reason: reason))
        case (.file, _), (.renewal, _), (.writing, _), (.keys, _):
            return .failed(.unanswered(source: self.source, reason: "another answer than to the question"))
        }
    }

    private mutating func received(file text: String, at now: WallTime) -> CredentialFetch.Step {
        guard var token = SignOnToken(text) else { return self.isOver }
        let inFile = token.text
        if let kept = self.kept {
            // Another token in the file is that of somebody who has signed on since.
            if kept.replaced == inFile { token = kept.token } else { self.kept = nil }
        }
        guard token.expiration <= now + Self.renewalAhead, let session = self.signOn.session else {
            return token.expiration > now ? self.ask(with: token) : self.isOver
        }
        guard let question = token.question(at: now) else {
            return self.notRenewed(token, .signOnExpired(profile: self.signOn.profile), at: now)
        }
        self.stage = .renewal(token, inFile: inFile)
        return .send(
            ControlRequest(
                .post, session.endpoint, path: "/token", fields: [("content-type", "application/json")],
                body: question, timeout: Self.timeout))
    }

    /// The token is used for as long as it lasts.
    private mutating func notRenewed(
        _ token: SignOnToken, _ error: CredentialError, at now: WallTime
    ) -> CredentialFetch.Step {
        token.expiration > now ? self.ask(with: token) : .failed(error)
    }

    private mutating func ask(with token: SignOnToken) -> CredentialFetch.Step {
        self.stage = .keys
        return .send(
            ControlRequest(
                .get, self.signOn.endpoint, path: "/federation/credentials",
                query: FormText.text([("role_name", self.signOn.roleName), ("account_id", self.signOn.accountID)]),
                fields: [("x-amz-sso_bearer_token", token.text), ("accept", "application/json")],
                timeout: Self.timeout))
    }

    private func received(keys answer: ControlAnswer) -> CredentialFetch.Step {
        if answer.status == 401 { return self.isOver }
        guard answer.status == 200 else {
            return .failed(
                .refused(source: self.source, AWSServiceError(head: answer.head, body: answer.body.span)))
        }
        do throws(CredentialError) {
            return .finished(
                try Credentials(signOnDocument: answer.body, accountID: self.signOn.accountID, source: self.source))
        } catch {
            return .failed(error)
        }
    }
}

/// A renewed token whose file could not be written: in memory it goes on, for as long as the file holds what it
/// replaced.
package struct KeptSignOnToken: Sendable, Equatable {
    let token: SignOnToken
    let replaced: String
}
