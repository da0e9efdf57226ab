internal import AWS
internal import Configuration
internal import Digest
internal import LocalLambda
internal import Logging
internal import Reactor

/// The Lambda on this machine, as the gateway calls it: the same wire, the same signatures, an address of its own.
struct LocalIdentity {
    /// The region that local functions are told they live in, and that calls to them are signed for.
    static let region = "us-east-1"

    let lambda: LocalLambda
    let endpoint: ServiceEndpoint
    let credentials: CredentialStore

    /// Starts the local Lambda; `nil` where the configuration has no local function.
    ///
    /// Calls may be signed with the keys that the gateway itself found, else with a pair made for this process.
    init?(_ configuration: GatewayConfiguration, gatewayCredentials: Credentials?, logger: Logger) throws {
        let functions = configuration.functions.compactMap(LocalLambdaFunction.init)
        guard !functions.isEmpty else { return nil }
        let credentials = gatewayCredentials ?? Self.madeForThisProcess()
        self.lambda = LocalLambda(
            functions: functions, listen: try Self.address(configuration.localLambdaAddress),
            credentials: [credentials],
            region: Self.region, log: logger)
        let address: SocketAddress
        do throws(SystemError) {
            address = try self.lambda.start()
        } catch {
            throw AssemblyError.unresolvedListener(
                "local_lambda \(configuration.localLambdaAddress?.description ?? "")", error.description)
        }
        self.endpoint = ServiceEndpoint(scheme: .http, host: address.hostText, port: address.port)
        self.credentials = CredentialStore(credentials)
    }

    private static func madeForThisProcess() -> Credentials {
        let secret = RandomBytes.uuid() + RandomBytes.uuid()
        return Credentials(accessKeyID: "AKIASLUICELOCAL", secretAccessKey: secret)
    }

    private static func address(_ address: NetworkAddress?) throws -> SocketAddress? {
        guard let address else { return nil }
        if let literal = SocketAddress(literal: address.host, port: address.port) { return literal }
        switch Resolver.systemLookup(address.host) {
        case .success(let found):
            guard let first = found.first else { return nil }
            return SocketAddress(host: first.host, port: address.port)
        case .failure(let error):
            throw AssemblyError.unresolvedListener("local_lambda \(address)", error.description)
        }
    }
}

extension LocalLambdaFunction {
    /// What the configuration says of a local function; `nil` for functions elsewhere.
    fileprivate init?(_ function: FunctionConfiguration) {
        guard case .local(let local) = function.target else { return nil }
        let program: Program =
            switch local.program {
            case .command(let words): .command(words)
            case .nodeHandler(let handler): .node(handler: handler)
            }
        // The children's own working directory is this one, so it must not depend on ours.
        let directory = local.directory.hasPrefix("/") ? local.directory : "\(WorkingDirectory.path)/\(local.directory)"
        self.init(
            name: function.name, program: program, directory: directory,
            concurrency: local.concurrency ?? UsableProcessors.count, memory: local.memory.map { $0.bytes >> 20 },
            environment: local.environment, timeout: function.timeouts.total, queueWait: function.timeouts.firstByte)
    }
}
