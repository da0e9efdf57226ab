internal import AWS
internal import Bytes
package import Configuration
internal import HTTP
internal import Lambda
package import Logging
internal import Reactor
internal import Relay
internal import Time
internal import Tokens

/// Tries what the gateway would do in AWS: which identity and region each function uses, and whether it may be called.
///
/// Nothing runs: Lambda is asked with `DryRun`, which checks the call and makes none; of a `url:`, which knows no such
/// thing, only the way there is tried.
package final class OnlineCheck {
    private let configuration: GatewayConfiguration
    private let identity: AWSIdentity
    private let loop: Loop
    private let resources: ControlResources
    private let told: (String) -> Void
    /// What is known of the keys by where they come from, so that nothing is asked twice.
    private var callers: [CallerKey: Caller] = [:]

    private struct CallerKey: Hashable {
        let role: RoleAssumption?
        let tokenService: SecurityTokenService
    }

    /// Keys and whose they are, or why there are none.
    private enum Caller {
        case known(Credentials, String)
        case none(String)
    }

    /// - Parameter told: Gets each line as it is found out.
    package init(
        _ configuration: GatewayConfiguration, environment: [String: String], readFile: (String) -> String?,
        logger: Logger, told: @escaping (String) -> Void
    ) throws {
        let resolver = Resolver()
        self.configuration = configuration
        self.identity = try AWSIdentity(
            configuration, environment: environment, resolver: resolver, readFile: readFile)
        self.loop = try Loop()
        self.resources = ControlResources(resolver: resolver, clock: ClockOffset(), logger: logger)
        self.resources.trust = try UpstreamTrust(caFile: configuration.aws.caFile, after: nil).context
        self.told = told
    }

    /// Fetches the keys of each issuer of tokens, and tries each function in turn. Answers whether there are keys and
    /// all may be called.
    package func run() -> Bool {
        var isWell = true
        for issuer in self.configuration.tokenIssuers where !self.check(issuer) { isWell = false }
        for function in self.configuration.functions {
            do {
                switch function.target {
                case .lambda(let reference): isWell = try self.check(function, reference) && isWell
                case .url(let url): isWell = try self.check(function, url) && isWell
                case .local: self.told("\(function.name): runs on this machine, and needs no keys")
                }
            } catch {
                self.told("\(function.name): \(error)")
                isWell = false
            }
        }
        return isWell
    }

    private func check(_ issuer: TokenIssuerConfiguration) -> Bool {
        self.told("\(issuer.name): tokens of \(issuer.rules.issuer), keys from \(issuer.source)")
        // Those of a file have been looked at before.
        if case .file = issuer.source { return true }
        var result: Result<KeySet, KeySetFailure>?
        let fetch = KeySetFetch(
            issuer.source, of: issuer.rules.issuer, tls: self.resources.trust, resolver: self.resources.resolver,
            on: self.loop
        ) { result = $0 }
        while result == nil { self.loop.turn() }
        withExtendedLifetime(fetch) {}
        switch result {
        case .success(let keys):
            self.told("  ok: \(keys.count) keys that tokens can be checked with")
            return true
        case .failure(let failure): self.told("  no keys: \(failure)")
        case nil: break
        }
        return false
    }

    private func check(_ function: FunctionConfiguration, _ reference: FunctionReference) throws -> Bool {
        guard let region = try reference.region ?? self.identity.region(asksMachine: true) else {
            throw AssemblyError.noRegion(function: function.name)
        }
        let endpoint = try self.identity.endpoint(in: region)
        self.told("\(function.name): \(reference.text) in \(region), at \(endpoint)")
        guard let caller = try self.known(function, in: region) else { return false }
        self.told("  as \(caller.name)")
        return self.tryCall(function, reference, region: region, endpoint: endpoint, caller.credentials)
    }

    /// A request of any kind would run what is there, so none is sent.
    private func check(_ function: FunctionConfiguration, _ url: HTTPUpstream) throws -> Bool {
        self.told("\(function.name): \(url.endpoint)")
        guard self.tryWay(to: url.endpoint) else { return false }
        guard url.isSigned else { return true }
        guard let region = try url.endpoint.functionURLRegion ?? self.identity.region(asksMachine: true) else {
            throw AssemblyError.noRegion(function: function.name)
        }
        guard let caller = try self.known(function, in: region) else { return false }
        self.told("  requests will be signed for \(region) as \(caller.name)")
        return true
    }

    /// As whom a function is called. Where that is nobody, it has been told why.
    private func known(
        _ function: FunctionConfiguration, in region: String
    ) throws -> (credentials: Credentials, name: String)? {
        let tokenService = try self.identity.tokenService(
            region: try self.identity.region(asksMachine: false) ?? region)
        switch self.caller(function.role, tokenService) {
        case .none(let reason):
            self.told("  no keys: \(reason)")
            return nil
        case .known(let credentials, let name):
            return (credentials, name)
        }
    }

    private func tryWay(to endpoint: ServiceEndpoint) -> Bool {
        let way = WayCheck(
            endpoint, tls: self.resources.trust, resolver: self.resources.resolver, on: self.loop)
        while way.outcome == nil { self.loop.turn() }
        switch way.outcome {
        case .whole(let address):
            let certificate = endpoint.scheme == .https ? ", with a certificate for \(endpoint.host)" : ""
            self.told("  ok: \(address) takes connections\(certificate); that is all that was tried, because a request")
            self.told("  would run what is there: whether it may be called, the first one shows")
            return true
        case .noConnection(let error):
            self.told("  no connection: \(error)\(Self.advice(forFailure: "\(error)", endpoint))")
        case .noTLS(let address, let reason):
            self.told(
                "  \(address) takes connections, but not over TLS: \(reason)\(Self.advice(forFailure: "TLS", endpoint))"
            )
        case nil:
            break
        }
        return false
    }

    // Who.

    private func caller(_ role: RoleAssumption?, _ tokenService: SecurityTokenService) -> Caller {
        let key = CallerKey(role: role, tokenService: tokenService)
        if let caller = self.callers[key] { return caller }
        let caller = self.findCaller(role, tokenService)
        self.callers[key] = caller
        return caller
    }

    private func findCaller(_ role: RoleAssumption?, _ tokenService: SecurityTokenService) -> Caller {
        let plan: CredentialPlan
        if role != nil {
            // The role is taken on with the gateway's own keys, which are fetched once.
            guard case .known(let base, _) = self.caller(nil, tokenService) else {
                return self.caller(nil, tokenService)
            }
            plan = CredentialPlan(.fixed(base), roles: [role].compactMap { $0 })
        } else {
            switch self.identity.plan {
            case .success(let own): plan = own
            case .failure(let error): return .none(error.description)
            }
        }
        var result: Result<Credentials, CredentialError>?
        let run = CredentialRun(plan, tokenService: tokenService, resources: self.resources, on: self.loop) {
            result = $0
        }
        while result == nil { self.loop.turn() }
        withExtendedLifetime(run) {}
        switch result {
        case .success(let credentials): return .known(credentials, self.name(of: credentials, plan, tokenService))
        case .failure(let error): return .none(error.description)
        case nil: return .none("")
        }
    }

    /// Who STS says that the keys belong to.
    private func name(
        of credentials: Credentials, _ plan: CredentialPlan, _ tokenService: SecurityTokenService
    ) -> String {
        var name = "the owner of \(credentials.accessKeyID) (STS at \(tokenService.endpoint) does not say who that is)"
        let time = self.loop.wallNow + self.resources.clock.offset
        if case .answered(let answer) = self.ask(tokenService.callerIdentity(credentials, at: time)),
            let caller = CallerIdentity(answer)
        {
            name = "\(caller.arn) of account \(caller.account), by \(plan)"
        }
        guard let expiration = credentials.expiration else { return name }
        var text = ByteBuffer()
        text.append(rfc3339: expiration)
        return "\(name); the keys expire at \(text.string())"
    }

    // Whether.

    private func tryCall(
        _ function: FunctionConfiguration, _ reference: FunctionReference, region: String, endpoint: ServiceEndpoint,
        _ credentials: Credentials
    ) -> Bool {
        var isCorrected = false
        while true {
            let time = self.loop.wallNow + self.resources.clock.offset
            switch self.ask(
                Self.dryRun(function, reference, region: region, endpoint: endpoint, credentials, at: time))
            {
            case .answered(let answer) where (200..<300).contains(answer.status):
                self.told("  ok: it may be called")
                return true
            case .answered(let answer):
                let error = AWSServiceError(head: answer.head, body: answer.body.span)
                if !isCorrected, let offset = error.clockOffset(signedAt: time) {
                    self.told("  the clock of this machine is off by \(offset); the gateway will correct that")
                    self.resources.clock.offset += offset
                    isCorrected = true
                    continue
                }
                self.told("  refused: \(error)\(Self.advice(for: error, region: region))")
                return false
            case .timedOut:
                self.told("  no answer in time; is there a way from here to \(endpoint)?")
                return false
            case .unanswered(let reason):
                self.told("  no answer: \(reason)\(Self.advice(forFailure: reason, endpoint))")
                return false
            case .read, .unreadable, .written, .unwritable, .printed, .programFailed, .paused:
                return false
            }
        }
    }

    private static func dryRun(
        _ function: FunctionConfiguration, _ reference: FunctionReference, region: String, endpoint: ServiceEndpoint,
        _ credentials: Credentials, at time: WallTime
    ) -> ControlRequest {
        var fields = [(name: "content-type", value: "application/json")]
        fields.append(("x-amz-invocation-type", "DryRun"))
        // One that comes from requests is not known here.
        if case .fixed(let tenant) = function.tenant { fields.append(("x-amz-tenant-id", tenant)) }
        let path =
            switch function.invoke {
            case .streaming: reference.streamingPath
            case .buffered: reference.bufferedPath
            }
        return ControlRequest(
            .post, endpoint, path: path, query: reference.query, fields: fields, body: "{}", timeout: .seconds(10),
            signature: ControlRequest.Signature(
                credentials: credentials, scope: SigningScope(region: region, service: "lambda"), at: time))
    }

    private func ask(_ request: ControlRequest) -> CredentialFetch.Event {
        var event: CredentialFetch.Event?
        let call = ControlCall(
            request, tls: self.resources.trust, resolver: self.resources.resolver, on: self.loop
        ) { event = $0 }
        while event == nil { self.loop.turn() }
        withExtendedLifetime(call) {}
        return event ?? .timedOut
    }
}

@available(*, unavailable)
extension OnlineCheck: Sendable {}
