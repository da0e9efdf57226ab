internal import AWS
internal import Configuration
internal import Digest
internal import LocalLambda
internal import Logging
internal import Reactor

/// The Lambda on this machine, as the gateway calls it: the same wire, the same signatures, an address of its own.
///
/// It lives as long as the process: a reload changes its functions and where others can reach it.
struct LocalIdentity: Sendable {
    /// The region that local functions are told they live in, and that calls to them are signed for.
    static let region = "us-east-1"

    let lambda: LocalLambda
    let endpoint: ServiceEndpoint
    let credentials: CredentialStore
    /// Where others than the gateway reach it, as the configuration has it.
    private let address: NetworkAddress?
    private(set) var socket: ListeningSocket?
    private let functions: [LocalFunction]
    /// The keys of the gateway, with which others may sign their calls.
    private let gatewayKeys: CredentialStore

    /// Starts the local Lambda, or changes nothing yet about one that runs; `nil` where none runs and the configuration
    /// has no local function.
    ///
    /// The gateway signs its own calls with keys made for this process. Others may use those that the gateway found.
    init?(
        _ configuration: GatewayConfiguration, gatewayKeys: CredentialStore, environment: [String: String],
        sockets: SocketSource, after previous: LocalIdentity?, logger: Logger
    ) throws {
        self.functions = configuration.functions.compactMap(LocalFunction.init)
        guard previous != nil || !self.functions.isEmpty else { return nil }
        self.address = self.functions.isEmpty ? nil : configuration.localLambdaAddress
        self.socket =
            if let previous, previous.address == self.address { previous.socket } else {
                try self.address.map { try Self.bind($0, from: sockets) }
            }
        self.credentials = previous?.credentials ?? CredentialStore(Self.madeForThisProcess())
        self.gatewayKeys = gatewayKeys
        let accepted = [self.credentials, gatewayKeys].compactMap { $0.current.lease?.credentials }
        if let previous {
            self.lambda = previous.lambda
            self.endpoint = previous.endpoint
            return
        }
        self.lambda = LocalLambda(
            functions: self.functions, credentials: accepted, region: Self.region, environment: environment,
            log: logger)
        let own = try self.lambda.start(alsoOn: self.socket)
        self.endpoint = ServiceEndpoint(scheme: .http, host: own.hostText, port: own.port)
    }

    /// Makes the running Lambda what this one says, in place of what the one before said, where there was one.
    func takeEffect(after previous: LocalIdentity?) {
        if let previous {
            if self.socket !== previous.socket { self.lambda.listen(alsoOn: self.socket) }
            self.lambda.update(functions: self.functions)
            if previous.gatewayKeys !== self.gatewayKeys { previous.gatewayKeys.observe(nil) }
        }
        self.followKeys()
    }

    /// Lets go of the socket for others.
    mutating func releaseSocket() {
        self.socket = nil
    }

    /// Has the local Lambda accept the keys that the gateway has, now and whenever it has new ones.
    private func followKeys() {
        let (lambda, own) = (self.lambda, self.credentials.current.lease?.credentials)
        self.gatewayKeys.observe { keys in lambda.update(credentials: [own, keys].compactMap { $0 }) }
    }

    private static func madeForThisProcess() -> Credentials {
        let secret = "\(RandomBytes.uuid())\(RandomBytes.uuid())"
        return Credentials(accessKeyID: "AKIASLUICELOCAL", secretAccessKey: secret)
    }

    private static func bind(_ address: NetworkAddress, from sockets: SocketSource) throws -> ListeningSocket {
        let name = "local_lambda \(address)"
        guard let first = try ListenerBinding.addresses(of: address, name: name).first else {
            throw AssemblyError.noSocket(for: name, "no address")
        }
        let socket = try ListenerBinding.bind(first, name: name, from: sockets)
        try socket.listen()
        return socket
    }
}

extension LocalFunction {
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
            environment: local.environment, timeout: function.timeouts.total,
            queueWait: Self.queueWait(within: function.timeouts.firstByte))
    }

    /// How long a call may wait for a process: a little less than the gateway waits for the first byte, which began
    /// before, so that the client hears that too many called, and not that the function was slow.
    private static func queueWait(within firstByte: Duration) -> Duration {
        firstByte - min(max(firstByte / 10, .milliseconds(50)), .seconds(1), firstByte / 2)
    }
}
