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
struct Assembly {
    let snapshot: Snapshot
    /// Runs where there are local functions.
    let localLambda: LocalLambda?
    let sharedResources: SharedResources

    init(
        _ configuration: GatewayConfiguration, environment: [String: String], readFile: (String) -> String?,
        logger: Logger
    ) throws {
        let aws = try AWSIdentity(configuration, environment: environment, readFile: readFile)
        let local = try LocalIdentity(configuration, gatewayCredentials: aws.credentials.current, logger: logger)
        self.localLambda = local?.lambda
        let functions = try configuration.functions.map { function in
            switch function.target {
            case .lambda(let reference):
                let region = try aws.region(for: reference, of: function.name)
                return Self.runtime(
                    function, reference: reference, endpoint: try aws.endpoint(in: region), region: region,
                    clientStall: configuration.limits.clientStall, credentials: aws.credentials)
            case .local:
                guard let local else { throw AssemblyError.noLocalLambda(function.name) }
                return Self.runtime(
                    function, reference: try FunctionReference(parsing: function.name), endpoint: local.endpoint,
                    region: LocalIdentity.region, clientStall: configuration.limits.clientStall,
                    credentials: local.credentials)
            }
        }
        self.sharedResources = SharedResources(
            budget: MemoryBudget(limit: configuration.limits.requestBodies.bytes),
            memory: MemoryWatch(configuration.limits, logger: logger), resolver: Resolver(),
            connectionLimits: ConnectionLimits(configuration.limits),
            tls: try Self.tls(for: functions, caFile: configuration.aws.caFile), logger: logger)
        self.snapshot = Snapshot(
            routes: configuration.routes, functions: functions, limits: configuration.limits,
            accessLogFormat: configuration.accessLog.format)
    }

    /// What upstreams are verified with, where any is reached over TLS.
    private static func tls(for functions: [FunctionRuntime], caFile: String?) throws -> TLSClientContext? {
        guard functions.contains(where: { $0.endpoint.scheme == .https }) else { return nil }
        guard let caFile else { return try TLSClientContext() }
        return try TLSClientContext(
            additionalAuthorities: Array(try TextFile.read(caFile).utf8), authoritiesFile: caFile)
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

    private static func runtime(
        _ function: FunctionConfiguration, reference: FunctionReference, endpoint: ServiceEndpoint, region: String,
        clientStall: Duration, credentials: CredentialStore
    ) -> FunctionRuntime {
        FunctionRuntime(
            name: function.name, endpoint: endpoint,
            call: InvocationTemplate(
                function: reference, endpoint: endpoint, region: region, tenantID: function.tenantID,
                wantsLog: function.logTail, operation: function.invoke),
            operation: function.invoke, event: Self.event(function, reference: reference, region: region),
            responseMode: function.response,
            policy: ExchangePolicy(
                firstByte: function.timeouts.firstByte, idle: function.timeouts.idle, total: function.timeouts.total,
                clientStall: clientStall, retries: function.retries),
            connectTimeout: function.timeouts.connect, maximumBody: function.maxRequestBody.bytes,
            maximumConcurrency: function.maxConcurrency, credentials: credentials)
    }
}

/// Why a configuration that is right in itself can not be run here.
enum AssemblyError: Error, CustomStringConvertible {
    case noRegion(function: String)
    case noLocalLambda(String)
    case unresolvedListener(String, String)
    case noInheritedSocket(String, known: [String])

    var description: String {
        switch self {
        case .noRegion(let function):
            "function \(function): no region is known; set aws.region, AWS_REGION, or name the function by its ARN"
        case .noLocalLambda(let function):
            "function \(function): the local Lambda is not running"
        case .unresolvedListener(let address, let reason):
            "listener \(address): \(reason)"
        case .noInheritedSocket(let name, let known):
            "listener fd:\(name): the service manager handed over no socket of this name; it handed over "
                + (known.isEmpty ? "none" : known.joined(separator: ", "))
        }
    }
}
