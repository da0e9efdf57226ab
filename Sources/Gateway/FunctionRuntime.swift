internal import AWS
internal import Lambda
internal import LocalLambda
internal import Relay
private import Synchronization

/// One function as the loops call it: everything that does not change from request to request, and the count of what is
/// under way.
final class FunctionRuntime: Sendable {
    /// Never used again in this process, so that a loop can file things under it across reloads.
    let id: Int
    let name: String
    let upstream: UpstreamIdentity
    /// How the Lambda API is called; `nil` for HTTP upstreams.
    let call: InvocationTemplate?
    /// How requests are forwarded; `nil` for functions behind the Lambda API.
    let forwarding: ForwardingTemplate?
    // PERF: what every request asks is a plain answer each.

    /// Whether calls need keys.
    let signsCalls: Bool
    /// Whether it is an HTTP upstream, and not behind the Lambda API.
    let isForwarding: Bool
    /// Whether a request's body goes on as it comes.
    let streamsRequests: Bool
    /// Where the tenant of calls comes from; `nil` where none is taken from requests.
    let tenantOfRequests: TenantSource?
    /// Whether it is taken from requests.
    let takesTenants: Bool
    /// Whether calls take anything from the route and the connection of their requests (`CallFacts`).
    let takesFacts: Bool
    /// Which of Lambda's two calls is made.
    let operation: InvocationTemplate.Operation
    let event: EventFormat
    let responseMode: ResponseMode
    /// What `auto` has taken answers for; counts on over reloads.
    let answerShapes: AnswerShapeCounts
    let policy: ExchangePolicy
    let connectTimeout: Duration
    /// Bytes of a request's body.
    let maximumBody: Int
    /// Calls under way at the same time, over all loops; `nil` for no limit.
    let maximumConcurrency: Int?
    /// Connections that each loop keeps ready for its calls.
    let warmConnections: Int
    let credentials: CredentialStore
    /// Keys that nobody renews.
    let fixedLease: CredentialLease?
    let retryBudget: RetryBudget
    /// Calls under way, which those of the same name in earlier configurations count along.
    let gate: CallGate
    /// How many calls may wait for a place, and for how long.
    let lineSize: Int
    let lineTimeout: Duration
    let breaker: BreakerGate?
    /// Stands in for this one where it is refused, throttled, or does not begin to answer in time.
    let fallback: FunctionRuntime?
    /// Keeps a function of this machine callable for as long as somebody may call it.
    private let lease: FunctionLease?

    private static let nextID = Atomic(0)

    /// `predecessor` is the function of this name in the configuration before.
    init(
        name: String, upstream: UpstreamIdentity, calling api: API,
        operation: InvocationTemplate.Operation, event: EventFormat, responseMode: ResponseMode, policy: ExchangePolicy,
        connectTimeout: Duration, maximumBody: Int, maximumConcurrency: Int?, warmConnections: Int = 0,
        credentials: CredentialStore, resilience: FunctionResilience = FunctionResilience(),
        lease: FunctionLease? = nil, after predecessor: FunctionRuntime? = nil
    ) {
        self.id = Self.nextID.wrappingAdd(1, ordering: .relaxed).newValue
        self.name = name
        self.upstream = upstream
        self.call = if case .lambda(let template) = api { template } else { nil }
        let forwarding: ForwardingTemplate? = if case .http(let template) = api { template } else { nil }
        self.forwarding = forwarding
        self.signsCalls = forwarding == nil || forwarding?.region != nil
        self.isForwarding = forwarding != nil
        // A request that might be sent again has to be kept.
        self.streamsRequests = resilience.fallback == nil && forwarding?.streamsBody ?? false
        let tenant = api.tenantOfRequests
        self.tenantOfRequests = tenant
        self.takesTenants = tenant != nil
        self.takesFacts = tenant != nil || event.namesRoute
        self.operation = operation
        self.event = event
        self.responseMode = responseMode
        self.policy = policy
        self.connectTimeout = connectTimeout
        self.maximumBody = maximumBody
        self.maximumConcurrency = maximumConcurrency
        self.warmConnections = warmConnections
        self.credentials = credentials
        self.fixedLease = credentials.fixed
        self.gate = predecessor?.gate ?? CallGate(limit: maximumConcurrency)
        self.retryBudget = predecessor?.retryBudget ?? RetryBudget()
        self.answerShapes = predecessor?.answerShapes ?? AnswerShapeCounts()
        self.lineSize = resilience.lineSize
        self.lineTimeout = resilience.lineTimeout
        self.breaker = resilience.breaker
        self.fallback = resilience.fallback
        self.lease = lease
    }

    /// Whether it runs on this machine.
    var isLocal: Bool { self.lease != nil }

    /// Where it is called.
    var endpoint: ServiceEndpoint { self.upstream.endpoint }

    /// What is spoken with the upstream.
    enum API: Sendable {
        /// The Lambda API, or what speaks like it.
        case lambda(InvocationTemplate)
        /// A function URL, or any other HTTP server.
        case http(ForwardingTemplate)

        fileprivate var tenantOfRequests: TenantSource? {
            guard case .lambda(let template) = self, let tenant = template.tenant else { return nil }
            if case .fixed = tenant { return nil }
            return tenant
        }
    }

    /// Whether there seems to be a place for a call now, or something that may stand in for it, so that a client need
    /// not send its body for nothing.
    var hasPlace: Bool {
        self.gate.hasPlace || self.fallback != nil || self.gate.waiting < self.lineSize
    }

    /// Takes a place for an exchange's first call, where there is one and nobody waits for it.
    func enterAtOnce() -> Bool {
        guard self.gate.enterAtOnce(lineSize: self.lineSize) else { return false }
        self.retryBudget.earn()
        return true
    }

    /// Takes a place for a call, or one in the line for it.
    func enter(admit: (UInt64) -> @Sendable () -> Void) -> CallGate.Entry {
        self.gate.enter(lineSize: self.lineSize, admit: admit)
    }

    /// Gives the place back. Each place is left once.
    func leave() {
        self.gate.leave()
    }
}

/// What may be done with a function when it has no place, or fails.
struct FunctionResilience: Sendable {
    /// How many may wait for a place, and for how long.
    var lineSize = 0
    var lineTimeout = Duration.zero
    var breaker: BreakerGate?
    /// Stands in for a function that is refused, throttled, or does not begin to answer in time.
    var fallback: FunctionRuntime?
}
