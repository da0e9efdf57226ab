import AWS
import HTTP
import Lambda
import Routing
import Tokens

// What the sections of the file are read into before they are checked against one another.

/// The whole file.
struct FileDraft: Sendable, KeyNoting {
    var aws = AWSSettings()
    var workers: Int?
    var listeners: [Located<ListenerDraft>] = []
    var functions: [(name: Located<String>, value: Located<FunctionDraft>)] = []
    var routes: [Located<RouteDraft>] = []
    var tokenIssuers: [(name: Located<String>, value: Located<TokenIssuerDraft>)] = []
    var drainTimeout: Duration = .seconds(900)
    var drainDelay: Duration = .zero
    var limits = LimitsDraft()
    var localLambda = LocalLambdaDraft()
    var accessLog = AccessLogSettings()
    var admin: Located<AdminDraft>?
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `admin`.
struct AdminDraft: Sendable, KeyNoting {
    var address: Located<ListenerAddress>?
    var token: String?
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `limits`.
struct LimitsDraft: Sendable, KeyNoting {
    var settings = LimitSettings()
    var writtenKeys: [String: SourcePosition] = [:]
}

/// One of `listeners`.
struct ListenerDraft: Sendable, KeyNoting {
    var address: Located<ListenerAddress>?
    var tls: Located<TLSDraft>?
    var redirectsToHTTPS = false
    var speaksProxyProtocol = false
    var trustedProxies = TrustedProxies()
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `tls` of a listener.
struct TLSDraft: Sendable, KeyNoting {
    var certificates: [Located<CertificateDraft>] = []
    var profile: TLSConfiguration.Profile = .intermediate
    var minimumVersion: TLSConfiguration.Version = .tls12
    var clientAuthorities: FileReference?
    var requiresClientCertificate = true
    var rejectsUnknownServerNames = false
    var writtenKeys: [String: SourcePosition] = [:]
}

/// One of `certificates`.
struct CertificateDraft: Sendable, KeyNoting {
    var certificate: FileReference?
    var key: FileReference?
    var passphrase: FileReference?
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `local_lambda`.
struct LocalLambdaDraft: Sendable {
    var address: Located<NetworkAddress>?
}

/// One of `functions`.
struct FunctionDraft: Sendable, KeyNoting {
    var function: Located<String>?
    var qualifier: Located<String>?
    var role: Located<RoleDraft>?
    var url: Located<ServiceEndpoint>?
    var sign = false
    var tenant: Located<TenantDraft>?
    var event: EventFormat.Kind = .v2
    var stage: Located<String>?
    var stageVariables: [(name: Located<String>, value: String)] = []
    var textTypes: [MediaTypePattern] = []
    var binaryTypes: [MediaTypePattern] = []
    var response: ResponseMode = .auto
    var invoke: InvocationTemplate.Operation = .streaming
    var logTail = false
    var timeouts = TimeoutsDraft()
    var retries = 2
    var maxRequestBody: Located<ByteCount>?
    var maxConcurrency: Int?
    var upstream: UpstreamProtocol = .auto
    var warmConnections = 0
    var queue: QueueSettings?
    var circuitBreaker: CircuitBreakerSettings?
    var fallback: Located<String>?
    var local: Located<LocalFunctionDraft>?
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `role` of a function.
struct RoleDraft: Sendable {
    var arn: Located<String>?
    var externalID: Located<String>?
    var sessionName: Located<String>?
    var duration: Located<Duration>?
}

/// `tenant_id` of a function.
struct TenantDraft: Sendable, KeyNoting {
    var fixed: String?
    var isFromHost = false
    var pathParameter: Located<String>?
    var clientCertificate: CertificateName?
    var claim: Located<String>?
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `timeouts` of a function.
struct TimeoutsDraft: Sendable {
    var connect: Located<Duration>?
    var firstByte: Located<Duration>?
    var idle: Located<Duration>?
    var total: Located<Duration>?
}

/// `local` of a function.
struct LocalFunctionDraft: Sendable, KeyNoting {
    var command: Located<[String]>?
    var handler: Located<String>?
    var runtime: Located<String>?
    var directory: String?
    var concurrency: Int?
    var memory: ByteCount?
    var environment: [(name: Located<String>, value: String)] = []
    var writtenKeys: [String: SourcePosition] = [:]
}

/// One of `routes`.
struct RouteDraft: Sendable, KeyNoting {
    var host: Located<HostPattern>?
    var hosts: [Located<HostPattern>]?
    var path: Located<PathPattern>?
    var paths: [Located<PathPattern>]?
    var methods: [Located<Method>] = []
    var headers: [(name: Located<String>, value: Located<String>)] = []
    var authorization: Located<AuthorizationDraft>?
    var function: Located<String>?
    var functions: [Located<WeightDraft>] = []
    var sticky: Located<StickyDraft>?
    var redirect: Located<RedirectDraft>?
    var respond: Located<RespondDraft>?
    var stripPrefix: Located<PathPrefix>?
    var requestHeaders = FieldEditsDraft()
    var responseHeaders = FieldEditsDraft()
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `authorization` of a route.
struct AuthorizationDraft: Sendable, KeyNoting {
    var token: Located<String>?
    var scopes: [String] = []
    var writtenKeys: [String: SourcePosition] = [:]
}

/// One of `token_issuers`.
struct TokenIssuerDraft: Sendable, KeyNoting {
    var issuer: Located<String>?
    var audiences: [String] = []
    var keys: KeySetSource?
    var algorithms: [TokenAlgorithm] = []
    var clockSkew: Duration = .seconds(60)
    var writtenKeys: [String: SourcePosition] = [:]
}

/// One of `functions` of a route.
struct WeightDraft: Sendable, KeyNoting {
    var name: Located<String>?
    var weight = 1
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `sticky` of a route.
struct StickyDraft: Sendable, KeyNoting {
    var cookie: Located<String>?
    var header: Located<String>?
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `redirect` of a route.
struct RedirectDraft: Sendable, KeyNoting {
    var to: Located<String>?
    var status = 307
    var writtenKeys: [String: SourcePosition] = [:]
}

/// `respond` of a route.
struct RespondDraft: Sendable {
    var status = 200
    var headers: [(name: Located<String>, value: [Located<String>])] = []
    var body: Located<String>?
}

/// `request_headers` and `response_headers` of a route.
struct FieldEditsDraft: Sendable {
    var set: [(name: Located<String>, value: Located<String>)] = []
    var add: [(name: Located<String>, value: [Located<String>])] = []
    var remove: [Located<String>] = []
}
