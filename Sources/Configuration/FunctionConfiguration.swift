package import AWS
package import Lambda

/// One of `functions:`.
package struct FunctionConfiguration: Sendable, Equatable {
    /// The name under which routes know it.
    package let name: String
    package let target: Target
    /// The role that is taken on for its calls; `nil` where the gateway's own keys are used.
    package let role: RoleAssumption?
    package let tenant: TenantSource?
    package let event: EventSettings
    package let response: ResponseMode
    /// Which of Lambda's two calls is made.
    package let invoke: InvocationTemplate.Operation
    /// Whether the end of the function's log is asked for, to be logged at debug level.
    package let logTail: Bool
    package let timeouts: Timeouts
    /// How many calls there may be after a first one that failed.
    package let retries: Int
    /// Counts the raw bytes of the body.
    package let maxRequestBody: ByteCount
    /// How many invocations may run at once; `nil` for as many as come.
    package let maxConcurrency: Int?
    /// What is spoken with the endpoint.
    package let upstream: UpstreamProtocol
    /// How many connections to the endpoint each worker keeps ready.
    package let warmConnections: Int
    /// Who may wait for a place beyond `maxConcurrency`.
    package let queue: QueueSettings?
    package let circuitBreaker: CircuitBreakerSettings?
    /// The function that stands in for this one, by its position. There are no circles.
    package let fallback: Int?

    package init(
        name: String, target: Target, role: RoleAssumption? = nil, tenant: TenantSource? = nil,
        event: EventSettings = EventSettings(), response: ResponseMode = .auto,
        invoke: InvocationTemplate.Operation = .streaming, logTail: Bool = false,
        timeouts: Timeouts = Timeouts(), retries: Int = 2, maxRequestBody: ByteCount = ByteCount(EventFormat.sizeLimit),
        maxConcurrency: Int? = nil, upstream: UpstreamProtocol = .auto, warmConnections: Int = 0,
        queue: QueueSettings? = nil, circuitBreaker: CircuitBreakerSettings? = nil,
        fallback: Int? = nil
    ) {
        self.name = name
        self.target = target
        self.role = role
        self.tenant = tenant
        self.event = event
        self.response = response
        self.invoke = invoke
        self.logTail = logTail
        self.timeouts = timeouts
        self.retries = retries
        self.maxRequestBody = maxRequestBody
        self.maxConcurrency = maxConcurrency
        self.upstream = upstream
        self.warmConnections = warmConnections
        self.queue = queue
        self.circuitBreaker = circuitBreaker
        self.fallback = fallback
    }

    /// Where it runs.
    package enum Target: Sendable, Equatable {
        case lambda(FunctionReference)
        case local(LocalFunctionConfiguration)
        case url(HTTPUpstream)
    }
}

/// `upstream:` of a function: what is spoken with its endpoint.
package enum UpstreamProtocol: String, Sendable, Hashable {
    /// What the endpoint agrees on by ALPN; HTTP/1.1 where it is not reached over TLS.
    case auto
    case http1
    /// Nothing but HTTP/2; without TLS with prior knowledge.
    case http2
}

/// `queue:` of a function: the line for a place among its calls.
package struct QueueSettings: Sendable, Hashable {
    package var size: Int
    /// How long to wait in it.
    package var timeout: Duration

    package init(size: Int = 100, timeout: Duration = .seconds(5)) {
        self.size = size
        self.timeout = timeout
    }
}

/// `circuit_breaker:` of a function.
package struct CircuitBreakerSettings: Sendable, Hashable {
    /// Failures in a row.
    package var failures: Int
    /// How long nothing is tried then.
    package var openFor: Duration

    package init(failures: Int = 5, openFor: Duration = .seconds(30)) {
        self.failures = failures
        self.openFor = openFor
    }
}

/// `url:` of a function: a function URL, or any other HTTP server.
package struct HTTPUpstream: Sendable, Hashable {
    package let endpoint: ServiceEndpoint
    /// Whether requests are signed, as function URLs with IAM authorisation want it.
    package let isSigned: Bool

    package init(endpoint: ServiceEndpoint, isSigned: Bool) {
        self.endpoint = endpoint
        self.isSigned = isSigned
    }
}

/// What a function's events are like.
package struct EventSettings: Sendable, Equatable {
    package var kind: EventFormat.Kind
    /// `nil` for the kind's own.
    package var stage: String?
    package var stageVariables: [EventPair]
    package var bodyTypes: BodyTypes

    package init(
        kind: EventFormat.Kind = .v2, stage: String? = nil, stageVariables: [EventPair] = [],
        bodyTypes: BodyTypes = BodyTypes()
    ) {
        self.kind = kind
        self.stage = stage
        self.stageVariables = stageVariables
        self.bodyTypes = bodyTypes
    }
}

/// `timeouts:` of a function. None of the others is longer than `total`.
package struct Timeouts: Sendable, Hashable {
    /// Until the connection is up.
    package var connect: Duration
    /// From the sent request to the first byte of the payload.
    package var firstByte: Duration
    /// Between bytes of a running stream.
    package var idle: Duration
    /// Over all tries.
    package var total: Duration

    package init(
        connect: Duration = .seconds(3), firstByte: Duration = .seconds(60), idle: Duration = .seconds(300),
        total: Duration = .seconds(900)
    ) {
        self.connect = connect
        self.firstByte = firstByte
        self.idle = idle
        self.total = total
    }
}

/// `local:` of a function: a program on this machine.
package struct LocalFunctionConfiguration: Sendable, Equatable {
    package let program: Program
    /// From where the process is, like every path of the configuration.
    package let directory: String
    /// How many processes there may be; `nil` for one on each CPU.
    package let concurrency: Int?
    /// How much memory a process may use; `nil` for as much as there is.
    package let memory: ByteCount?
    /// Variables that are set besides those of the Runtime API.
    package let environment: [String: String]

    package init(
        program: Program, directory: String, concurrency: Int? = nil, memory: ByteCount? = nil,
        environment: [String: String] = [:]
    ) {
        self.program = program
        self.directory = directory
        self.concurrency = concurrency
        self.memory = memory
        self.environment = environment
    }

    /// What is started.
    package enum Program: Sendable, Equatable {
        /// A program that speaks the Runtime API, and its arguments; not empty.
        case command([String])
        /// `module.function` for the Node.js runtime that Sluice brings.
        case nodeHandler(String)
    }
}
