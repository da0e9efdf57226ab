private import Bytes
private import HTTP
package import Time

/// Gets credentials by a plan: says what is to be sent, read or run next, and is handed what came of it.
///
///     begin ──▶ step ── received ──▶ step ── … ──▶ finished | failed
///
/// The origin of the plan is asked first, then each role is taken on with the keys before it. Nothing is tried again
/// that failed as a whole: when to fetch again is for `CredentialSession` to say.
package struct CredentialFetch: ~Copyable {
    private let plan: CredentialPlan
    private let tokenService: SecurityTokenService
    private var stage: Stage
    /// By how much the clocks of AWS are ahead of ours, as far as their refusals have told.
    package private(set) var clockOffset: Duration
    /// A token of a sign-on that was renewed and could not be written down.
    package private(set) var keptSignOnToken: KeptSignOnToken?

    /// What is to be done next.
    package enum Step: Equatable, Sendable {
        case send(ControlRequest)
        /// A text file.
        case read(path: String)
        /// The same, replaced as a whole, for nobody else to read.
        case write(path: String, text: String)
        /// A program with its arguments, whose output is wanted.
        case run([String])
        case pause(Duration)
        case finished(Credentials)
        case failed(CredentialError)
    }

    /// What came of the last step.
    package enum Event: Sendable {
        case answered(ControlAnswer)
        /// No answer within the request's time.
        case timedOut
        /// No connection, or a lost one.
        case unanswered(String)
        case read(String)
        case unreadable(String)
        case written
        case unwritable(String)
        /// The program has ended with status 0.
        case printed([UInt8])
        /// The program could not be started, ended otherwise, or not in time.
        case programFailed(String)
        case paused
    }

    private enum Stage {
        case container(ContainerFetch)
        case instance(InstanceFetch)
        /// The token's file, then STS.
        case webIdentity(WebIdentity)
        /// The token's file, then the services of the sign-on.
        case signOn(SignOnFetch)
        case process(program: String)
        case role(RoleStage)
        case over
    }

    private struct RoleStage {
        /// Which of the plan's roles.
        var index: Int
        /// The keys that it is taken on with.
        var base: Credentials
        var signedAt: WallTime
        /// Whether a refusal for the clock's sake was answered with the right time already.
        var isCorrected: Bool
    }

    /// - Parameter keptToken: What `keptSignOnToken` was at the end of the last fetch by the plan.
    package init(
        _ plan: CredentialPlan, tokenService: SecurityTokenService, clockOffset: Duration = .zero,
        keptToken: KeptSignOnToken? = nil
    ) {
        self.plan = plan
        self.tokenService = tokenService
        self.clockOffset = clockOffset
        self.keptSignOnToken = keptToken
        self.stage = .over
    }

    /// The first step.
    package mutating func begin(at now: WallTime) -> Step {
        switch self.plan.origin {
        case .fixed(let credentials):
            return self.gotKeys(credentials, roleIndex: 0, at: now)
        case .webIdentity(let identity):
            self.stage = .webIdentity(identity)
            return .read(path: identity.tokenFile)
        case .singleSignOn(let signOn):
            let fetch = SignOnFetch(signOn, kept: self.keptSignOnToken)
            self.stage = .signOn(fetch)
            return fetch.begin()
        case .process(let words):
            self.stage = .process(program: words.first ?? "")
            return .run(words)
        case .container(let container):
            var fetch = ContainerFetch(container)
            let step = fetch.begin()
            self.stage = .container(fetch)
            return step
        case .instance(let metadata):
            var fetch = InstanceFetch(metadata)
            let step = fetch.begin()
            self.stage = .instance(fetch)
            return step
        }
    }

    /// The last step is done.
    package mutating func received(_ event: Event, at now: WallTime) -> Step {
        switch self.stage {
        case .container(var fetch):
            let step = fetch.received(event)
            self.stage = .container(fetch)
            return self.goOn(from: step, at: now)
        case .instance(var fetch):
            let step = fetch.received(event)
            self.stage = .instance(fetch)
            return self.goOn(from: step, at: now)
        case .webIdentity(let identity):
            return self.received(event, for: identity, at: now)
        case .signOn(var fetch):
            let step = fetch.received(event, at: now + self.clockOffset)
            self.stage = .signOn(fetch)
            self.keptSignOnToken = fetch.kept
            return self.goOn(from: step, at: now)
        case .process(let program):
            return self.received(event, fromProgram: program, at: now)
        case .role(let role):
            return self.received(event, for: role, at: now)
        case .over:
            // A late event: whatever it tells was given up before.
            return .failed(.unanswered(source: "\(self.plan)", reason: "the fetch is over"))
        }
    }

    private mutating func goOn(from step: Step, at now: WallTime) -> Step {
        switch step {
        case .finished(let credentials):
            return self.gotKeys(credentials, roleIndex: 0, at: now)
        case .failed(let error):
            return self.fail(error)
        case .send, .read, .write, .run, .pause:
            return step
        }
    }

    private mutating func gotKeys(_ credentials: Credentials, roleIndex: Int, at now: WallTime) -> Step {
        guard roleIndex < self.plan.roles.count else {
            self.stage = .over
            return .finished(credentials)
        }
        return self.assume(
            RoleStage(index: roleIndex, base: credentials, signedAt: now, isCorrected: false), at: now)
    }

    private mutating func fail(_ error: CredentialError) -> Step {
        self.stage = .over
        return .failed(error)
    }
}

/// Roles.
extension CredentialFetch {
    private mutating func assume(_ role: RoleStage, at now: WallTime) -> Step {
        var role = role
        role.signedAt = now + self.clockOffset
        self.stage = .role(role)
        return .send(
            self.tokenService.assume(self.plan.roles[role.index], with: role.base, at: role.signedAt))
    }

    private mutating func received(_ event: Event, for role: RoleStage, at now: WallTime) -> Step {
        let source = "the role \(self.plan.roles[role.index].arn) (asked at \(self.tokenService.endpoint))"
        switch self.answer(of: event, source: source) {
        case .failure(let error):
            return self.fail(error)
        case .success(let answer):
            guard answer.status == 200 else {
                let refusal = AWSServiceError(queryAnswer: answer)
                if !role.isCorrected, let offset = refusal.clockOffset(signedAt: role.signedAt) {
                    self.clockOffset += offset
                    var corrected = role
                    corrected.isCorrected = true
                    return self.assume(corrected, at: now)
                }
                return self.fail(.refused(source: source, refusal))
            }
            guard let credentials = Credentials(stsAnswer: answer) else {
                return self.fail(.malformed(source: source, missing: "Credentials"))
            }
            return self.gotKeys(credentials, roleIndex: role.index + 1, at: now)
        }
    }

    private mutating func received(_ event: Event, for identity: WebIdentity, at now: WallTime) -> Step {
        let source = "the role \(identity.role.arn) by the token in \(identity.tokenFile)"
        switch event {
        case .read(let text):
            let token = text.trimmed
            guard (4...20_000).contains(token.utf8.count) else {
                return self.fail(.unreadable(file: identity.tokenFile, reason: "there is no token in it"))
            }
            return .send(
                self.tokenService.assume(identity.role, webIdentityToken: token, at: now + self.clockOffset))
        case .unreadable(let reason):
            return self.fail(.unreadable(file: identity.tokenFile, reason: reason))
        case .answered, .timedOut, .unanswered, .written, .unwritable, .printed, .programFailed, .paused:
            switch self.answer(of: event, source: source) {
            case .failure(let error):
                return self.fail(error)
            case .success(let answer):
                guard answer.status == 200 else {
                    return self.fail(.refused(source: source, AWSServiceError(queryAnswer: answer)))
                }
                guard let credentials = Credentials(stsAnswer: answer) else {
                    return self.fail(.malformed(source: source, missing: "Credentials"))
                }
                return self.gotKeys(credentials, roleIndex: 0, at: now)
            }
        }
    }

    /// The answer that an event is, or what it is instead.
    private func answer(of event: Event, source: String) -> Result<ControlAnswer, CredentialError> {
        switch event {
        case .answered(let answer): .success(answer)
        case .timedOut: .failure(.unanswered(source: source, reason: "no answer in time"))
        case .unanswered(let reason): .failure(.unanswered(source: source, reason: reason))
        case .read, .unreadable, .written, .unwritable, .printed, .programFailed, .paused:
            .failure(.unanswered(source: source, reason: "another answer than to the question"))
        }
    }
}

/// Programs.
extension CredentialFetch {
    private mutating func received(_ event: Event, fromProgram program: String, at now: WallTime) -> Step {
        switch event {
        case .printed(let output):
            do throws(CredentialError) {
                let credentials = try Credentials(
                    processDocument: output, source: "credential_process (\(program.onOneLine))")
                return self.gotKeys(credentials, roleIndex: 0, at: now)
            } catch {
                return self.fail(error)
            }
        case .programFailed(let reason):
            return self.fail(.program(program, reason: reason))
        case .answered, .timedOut, .unanswered, .read, .unreadable, .written, .unwritable, .paused:
            return self.fail(.program(program, reason: "another answer than to the question"))
        }
    }
}

@available(*, unavailable)
extension CredentialFetch: Sendable {}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        let head = self.drop(while: \.isWhitespace)
        guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(head[...last])
    }
}
