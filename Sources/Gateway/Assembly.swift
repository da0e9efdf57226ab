internal import AWS
internal import Configuration
internal import HTTP
internal import Lambda
internal import LocalLambda
internal import Logging
internal import Reactor
internal import Relay
internal import TLS

/// Makes of a configuration what the loops run on: resolves regions, endpoints and credentials, and starts the local
/// Lambda where functions need it.
///
/// One that follows another keeps what has not changed, and changes nothing that the other uses before `takeEffect`.
struct Assembly {
    let snapshot: Snapshot
    let sharedResources: SharedResources
    /// What upstreams are verified with, where any is reached over TLS.
    private let upstreamTrust: UpstreamTrust?
    private let stores: CredentialStores
    private var local: LocalIdentity?

    init(
        _ configuration: GatewayConfiguration, environment: [String: String], readFile: (String) -> String?,
        sockets: SocketSource = SocketSource(inherited: InheritedSockets()), after previous: Assembly? = nil,
        life: Life = Life(),
        logger: Logger
    ) throws {
        let shared =
            previous?.sharedResources ?? SharedResources(configuration.limits, life: life, logger: logger)
        self.sharedResources = shared
        let aws = try AWSIdentity(
            configuration, environment: environment, resolver: shared.resolver, readFile: readFile)
        var stores = CredentialStores(aws, after: previous?.stores)
        let local = try LocalIdentity(
            configuration, gatewayKeys: stores.own, environment: environment, sockets: sockets,
            after: previous?.local, logger: logger)
        self.local = local
        var faults = AssemblyFaults()
        let targets = configuration.functions.compactMap { function in
            faults.gather { (function, try Self.target(of: function, aws: aws, stores: &stores, local: local)) }
        }
        if local != nil { faults.gather { try stores.keepOwnForLocalFunctions() } }
        self.stores = stores
        let issuers = faults.gather {
            try TokenIssuers.runtimes(of: configuration, after: previous?.snapshot.issuers ?? [])
        }
        self.upstreamTrust =
            if stores.usesTLS || configuration.tokenIssuers.contains(where: { $0.source.usesTLS })
                || targets.contains(where: { $0.1.endpoint.scheme == .https })
            {
                faults.gather {
                    try UpstreamTrust(caFile: configuration.aws.caFile, after: previous?.upstreamTrust)
                }
            } else {
                nil
            }
        try faults.throwIfAny()
        let tls = self.upstreamTrust?.context
        let functions = Self.functions(
            targets, tls: tls, clientStall: configuration.limits.clientStall,
            previous: previous?.snapshot.functions ?? [])
        self.snapshot = Snapshot(
            routes: configuration.routes, functions: functions, issuers: issuers ?? [], limits: configuration.limits)
        if previous == nil { self.takeEffect(after: nil) }
    }

    /// Changes what the configuration before, where there was one, and this one share; begins to fetch keys for the
    /// stores that are new.
    func takeEffect(after previous: Assembly?) {
        self.sharedResources.update(self.snapshot.limits)
        for function in self.snapshot.functions { function.gate.change(limit: function.maximumConcurrency) }
        self.local?.takeEffect(after: previous?.local)
        let known = previous?.snapshot.issuers.map(\.store) ?? []
        self.sharedResources.control.start(
            self.stores.tasks,
            keysOf: self.snapshot.issuers.filter { issuer in !known.contains { $0 === issuer.store } },
            trust: self.upstreamTrust?.context)
    }

    /// Waits for the keys of issuers of tokens, if they are not there yet, for as long as a start may wait for others.
    func awaitTokenKeys() {
        self.snapshot.issuers.map(\.store).awaitFirstKeys(atMost: .seconds(5))
    }

    /// The Lambda on this machine; runs where there are local functions, or have been.
    var localLambda: LocalLambda? { self.local?.lambda }

    /// Where others than the gateway reach it.
    var localLambdaSocket: ListeningSocket? { self.local?.socket }

    /// Lets go of that, so that connecting is refused when the local Lambda has let go of it as well.
    mutating func releaseLocalLambdaSocket() {
        self.local?.releaseSocket()
    }

    /// Where and how a function is called, and as whom.
    private struct Target {
        let endpoint: ServiceEndpoint
        let api: FunctionRuntime.API
        let event: EventFormat
        let credentials: CredentialStore
        var lease: FunctionLease?
    }

    private static func target(
        of function: FunctionConfiguration, aws: AWSIdentity, stores: inout CredentialStores, local: LocalIdentity?
    ) throws -> Target {
        switch function.target {
        case .lambda(let reference):
            guard let region = try reference.region ?? aws.region(asksMachine: true) else {
                throw AssemblyError.noRegion(function: function.name)
            }
            let endpoint = try aws.endpoint(in: region)
            return Target(
                endpoint: endpoint, api: Self.lambda(function, reference, endpoint, region),
                event: Self.event(function, reference: reference, region: region),
                credentials: try stores.store(for: function.role, region: region))
        case .local:
            guard let local else { preconditionFailure("a local function makes a local Lambda") }
            let reference = try FunctionReference(parsing: function.name)
            return Target(
                endpoint: local.endpoint,
                api: Self.lambda(function, reference, local.endpoint, LocalIdentity.region),
                event: Self.event(function, reference: reference, region: LocalIdentity.region),
                credentials: local.credentials, lease: local.lambda.lease(function.name))
        case .url(let url):
            guard url.isSigned else {
                // Nobody asks for keys.
                return Target(
                    endpoint: url.endpoint,
                    api: .http(ForwardingTemplate(endpoint: url.endpoint, signingFor: nil)),
                    event: EventFormat(.v2), credentials: stores.own)
            }
            guard let region = try url.endpoint.functionURLRegion ?? aws.region(asksMachine: true) else {
                throw AssemblyError.noRegion(function: function.name)
            }
            return Target(
                endpoint: url.endpoint,
                api: .http(ForwardingTemplate(endpoint: url.endpoint, signingFor: region)),
                event: EventFormat(.v2), credentials: try stores.store(for: function.role, region: region))
        }
    }

    private static func lambda(
        _ function: FunctionConfiguration, _ reference: FunctionReference, _ endpoint: ServiceEndpoint, _ region: String
    ) -> FunctionRuntime.API {
        .lambda(
            InvocationTemplate(
                function: reference, endpoint: endpoint, region: region, tenant: function.tenant,
                wantsLog: function.logTail, operation: function.invoke))
    }

    private static func event(
        _ function: FunctionConfiguration, reference: FunctionReference, region: String
    ) -> EventFormat {
        let partition = reference.partition ?? "aws"
        let account = reference.account ?? "anonymous"
        return EventFormat(
            function.event.kind, stage: function.event.stage, stageVariables: function.event.stageVariables,
            bodyTypes: function.event.bodyTypes, account: account,
            targetGroup: "arn:\(partition):elasticloadbalancing:\(region):\(account):targetgroup/\(function.name)/0")
    }

    /// All functions, each with the one that stands in for it; those of the same name before leave their counts.
    private static func functions(
        _ targets: [(FunctionConfiguration, Target)], tls: TLSClientContext?, clientStall: Duration,
        previous: [FunctionRuntime]
    ) -> [FunctionRuntime] {
        let before = Dictionary(previous.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var made: [Int: FunctionRuntime] = [:]
        func make(_ position: Int) -> FunctionRuntime {
            if let function = made[position] { return function }
            let (configuration, target) = targets[position]
            let predecessor = before[configuration.name]
            var resilience = FunctionResilience(
                lineSize: configuration.queue?.size ?? 0, lineTimeout: configuration.queue?.timeout ?? .zero)
            if let breaker = configuration.circuitBreaker {
                let settings = CircuitBreaker.Settings(failures: breaker.failures, openTime: breaker.openFor)
                let known = predecessor?.breaker
                resilience.breaker = known?.settings == settings ? known : BreakerGate(settings)
            }
            // The configuration has no circles.
            resilience.fallback = configuration.fallback.map(make)
            let function = Self.runtime(
                configuration, target, tls: tls, clientStall: clientStall, resilience: resilience,
                after: predecessor)
            made[position] = function
            return function
        }
        return targets.indices.map(make)
    }

    private static func runtime(
        _ function: FunctionConfiguration, _ target: Target, tls: TLSClientContext?, clientStall: Duration,
        resilience: FunctionResilience, after predecessor: FunctionRuntime?
    ) -> FunctionRuntime {
        FunctionRuntime(
            name: function.name,
            upstream: UpstreamIdentity(
                endpoint: target.endpoint, tls: target.endpoint.scheme == .https ? tls : nil,
                speaking: function.upstream),
            calling: target.api, operation: function.invoke, event: target.event,
            responseMode: function.response,
            policy: ExchangePolicy(
                firstByte: function.timeouts.firstByte, idle: function.timeouts.idle, total: function.timeouts.total,
                clientStall: clientStall, retries: function.retries),
            connectTimeout: function.timeouts.connect, maximumBody: function.maxRequestBody.bytes,
            maximumConcurrency: function.maxConcurrency, warmConnections: function.warmConnections,
            credentials: target.credentials, resilience: resilience, lease: target.lease, after: predecessor)
    }
}
