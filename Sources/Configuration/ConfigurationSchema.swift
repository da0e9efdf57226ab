private import AWS
import HTTP
import Lambda
import Routing
import Tokens

/// Every key of the file: its name, what it holds, what it defaults to, what it is for.
///
/// This is the only place that knows them. Reading, suggestions, "not supported yet", documentation and a JSON Schema
/// are made of it.
package enum ConfigurationSchema {
    /// The keys of the file's first level, with all below them.
    package static var keys: [KeyDescription] { Self.file.descriptions }

    static let file = Section<FileDraft>(
        noting: FileDraft.init,
        keys: [
            Key("aws", \.aws, .section(Self.aws), "Region, identity and endpoint of AWS."),
            Key(
                "workers", \.workers, .integer(1...1024), default: "one for each CPU the process may use",
                "How many event loops run, each on a thread of its own."),
            Key(
                "listeners", \.listeners, .list(of: .located(.section(Self.listener)), atLeast: 1),
                "Where connections are accepted. At least one."),
            Key(
                "functions", \.functions,
                .mapping(of: "NAME", to: .located(.section(Self.function)), checkName: Texts.functionName),
                "The functions that routes call, by names of your choice."),
            Key(
                "routes", \.routes, .list(of: .located(.section(Self.route))),
                "Which requests go where. The most specific route wins, whatever the order; equal ones are a fault."),
            Key(
                "token_issuers", \.tokenIssuers,
                .mapping(of: "NAME", to: .located(.section(Self.tokenIssuer)), checkName: Texts.issuerName),
                "Who issues the bearer tokens (JSON Web Tokens) that routes want, by names of your choice."),
            Key(
                "drain_timeout", \.drainTimeout, .duration(.zero ... .seconds(86_400)), default: "900s",
                "How long running exchanges may go on after a TERM."),
            Key(
                "drain_delay", \.drainDelay, .duration(.zero ... .seconds(3600)), default: "0s",
                "How long connections are still accepted after a TERM, so that load balancers notice."),
            Key("limits", \.limits, .section(Self.limits), "What clients may cost."),
            Key(
                "local_lambda", \.localLambda, .section(Self.localLambda),
                "The Lambda API in front of the functions that run on this machine."),
            Key("access_log", \.accessLog, Self.accessLogOrFormat, "One line for each request."),
            Key(
                "admin", \.admin, .located(.section(Self.admin)), default: "no admin listener",
                "Health, readiness, metrics and what is under way, on a listener of its own."),
        ])

    static let aws = Section<AWSSettings>(
        AWSSettings.init,
        keys: [
            Key(
                "region", \.region, Texts.region,
                default: "AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's",
                "The region of functions whose names do not say one."),
            Key(
                "profile", \.profile, .text("profile"), default: "the SDKs' chain of credential sources",
                "The profile of ~/.aws/config and ~/.aws/credentials to take keys and region from."),
            Key(
                "endpoint", \.endpoint, Texts.endpoint,
                default: "AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL, the region's public endpoint",
                "Where the Lambda API is reached."),
            Key(
                "sts_endpoint", \.tokenServiceEndpoint, Texts.endpoint,
                default: "AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, the region's public endpoint",
                "Where the Security Token Service, which lends roles, is reached."),
            Key(
                "ca_file", \.caFile, Texts.file, default: "the system's authorities alone",
                "Certificates, as PEM, of authorities to trust besides the system's."),
        ])

    static let listener = Section<ListenerDraft>(
        noting: ListenerDraft.init,
        keys: [
            Key(
                "address", \.address, .located(Texts.listenerAddress),
                "host:port, [v6]:port, unix:/path, or fd:NAME for a socket that systemd handed over."),
            Key(
                "tls", \.tls, .located(.section(Self.tls)), default: "plain HTTP",
                "Certificates and protocol versions."),
            Key(
                "redirect_to_https", \.redirectsToHTTPS, .boolean, default: "false",
                "Whether requests that came without TLS are answered with 308 to https, with host, path and query kept."
            ),
            Key(
                "proxy_protocol", \.speaksProxyProtocol, .boolean, default: "false",
                "Whether connections begin with a header of the PROXY protocol, version 1 or 2. It is taken from "
                    + "trusted_proxies only; everybody else is refused."),
            Key(
                "trusted_proxies", \.trustedProxies, Texts.trustedProxies, default: "nobody",
                "Whose X-Forwarded-For, -Proto, -Port and Forwarded are believed: addresses with the length of their "
                    + "prefix, and \"unix\" for peers of a Unix socket."),
        ])

    static let tls = Section<TLSDraft>(
        noting: TLSDraft.init,
        keys: [
            Key(
                "certificates", \.certificates, .list(of: .located(.section(Self.certificate)), atLeast: 1),
                "Certificates with their keys, chosen by the names inside; of one name there may be one for each kind of "
                    + "key. The first is shown to clients that name none of them."),
            Key(
                "profile", \.profile, .choice(["intermediate": .intermediate, "modern": .modern]),
                default: "intermediate",
                "Versions and algorithms as Mozilla's guideline names them; modern is TLS 1.3 alone."),
            Key(
                "minimum_version", \.minimumVersion, .choice(["1.2": .tls12, "1.3": .tls13]), default: "1.2",
                "The oldest version of TLS that is spoken."),
            Key(
                "client_ca", \.clientAuthorities, Texts.fileReference, default: "no certificates of clients",
                "Authorities, as PEM, whose certificates clients have to show."),
            Key(
                "client_certificate", \.requiresClientCertificate, .choice(["required": true, "optional": false]),
                default: "required",
                "Whether a client without certificate is refused, where there is a client_ca; a wrong one always is."),
            Key(
                "unknown_server_name", \.rejectsUnknownServerNames, .choice(["reject": true, "fallback": false]),
                default: "fallback",
                "What a client gets that asks for a name without certificate: an alert, or the first certificate."),
        ])

    static let certificate = Section<CertificateDraft>(
        noting: CertificateDraft.init,
        keys: [
            Key(
                "certificate", \.certificate, Texts.fileReference,
                "The certificate as PEM, followed by those that lead to the authority."),
            Key("key", \.key, Texts.fileReference, "The private key as PEM."),
            Key(
                "passphrase_file", \.passphrase, Texts.fileReference, default: "the key is not encrypted",
                "The file whose first line opens the key."),
        ])

    static let function = Section<FunctionDraft>(
        noting: FunctionDraft.init,
        keys: [
            Key(
                "function", \.function, .located(.text("function")),
                "A function of AWS Lambda: its name, ACCOUNT:function:NAME, or its ARN, whose region wins."),
            Key(
                "qualifier", \.qualifier, .located(.text("qualifier")), default: "$LATEST",
                "The version or alias that is called."),
            Key(
                "local", \.local, .located(.section(Self.local)),
                "A program on this machine, behind the same wire protocol."),
            Key(
                "url", \.url, .located(Texts.endpoint),
                "A function URL, or any other HTTP server: requests are forwarded to it as they are."),
            Key(
                "sign", \.sign, .boolean, default: "false",
                "Whether requests to a url are signed, as function URLs with AWS_IAM want it. Their bodies are gathered first."
            ),
            Key(
                "role", \.role, .located(.section(Self.role)),
                "A role that is taken on for calls of this function, such as one of another account."),
            Key(
                "tenant_id", \.tenant, .located(Self.tenantOrSource),
                "The tenant, for functions with tenant isolation: fixed, or taken from each request. Never from a header."
            ),
            Key(
                "event", \.event,
                .choice([
                    "v2": .v2, "http_api": .httpAPI, "v1": .v1, "alb": .alb, "alb_multi_value": .albMultiValue,
                    "raw": .raw,
                ]), default: "v2",
                "The shape of the event that the function gets: of a function URL, an HTTP API, a REST API, a load "
                    + "balancer, or the request's body itself."),
            Key(
                "stage", \.stage, .located(Texts.stage), default: "$default, for v1 prod",
                "The stage that events of the kinds http_api and v1 name."),
            Key(
                "stage_variables", \.stageVariables,
                .mapping(of: "VARIABLE", to: .anyText, checkName: Texts.stageVariable),
                "The stage's variables, for the same kinds."),
            Key(
                "text_types", \.textTypes, .oneOrMore(of: Texts.mediaType), default: "those of the kind's source",
                "Media types whose bodies go into the event as text: \"application/x-ndjson\", \"application/*+json\"."),
            Key(
                "binary_types", \.binaryTypes, .oneOrMore(of: Texts.mediaType), default: "those of the kind's source",
                "Media types whose bodies go as base64; for v1 also those whose base64 answers are decoded, for clients "
                    + "that accept them."),
            Key(
                "response", \.response,
                .choice(["auto": .auto, "prelude": .prelude, "raw": .raw, "buffered": .buffered]), default: "auto",
                "How the bytes that the function answers become an HTTP answer."),
            Key(
                "invoke", \.invoke, .choice(["stream": .streaming, "buffered": .buffered]), default: "stream",
                "Which API of Lambda is called: InvokeWithResponseStream, or the plain Invoke."),
            Key(
                "log_tail", \.logTail, .boolean, default: "false",
                "Whether the end of the function's log is asked for with each answer, and logged at debug level."),
            Key("timeouts", \.timeouts, .section(Self.timeouts), "When to give up waiting."),
            Key(
                "retries", \.retries, .integer(0...10), default: "2",
                "How many more calls there may be when one failed before it can have run."),
            Key(
                "max_request_body", \.maxRequestBody,
                .located(.size(ByteCount(0)...(.gibibytes(1024)))), default: "6MiB",
                "The largest request body in bytes. Lambda takes no event above 6 MiB, so only a url that is not signed can "
                    + "have more."),
            Key(
                "max_concurrency", \.maxConcurrency, .integer(1...1_000_000), default: "no limit",
                "How many invocations may run at once; more are answered with 503."),
            Key(
                "upstream", \.upstream, .choice(["auto": .auto, "http1": .http1, "http2": .http2]), default: "auto",
                "What is spoken with the endpoint: what it agrees on by ALPN, or one of the two. Without TLS, auto is http1, "
                    + "and http2 needs no agreement."),
            Key(
                "warm_connections", \.warmConnections, .integer(0...1000), default: "0",
                "How many connections to the endpoint each worker keeps ready, from its start on."),
            Key(
                "queue", \.queue, .section(Self.queue), default: "no line",
                "A line in which calls beyond max_concurrency wait for a place, first in, first out."),
            Key(
                "circuit_breaker", \.circuitBreaker, .section(Self.circuitBreaker), default: "no breaker",
                "Keeps calls away from a function that fails again and again, and tries now and then whether it is well."
            ),
            Key(
                "fallback", \.fallback, .located(.text("function of this file")),
                "The function that is called in place of this one when it is refused, throttled, held back, or does not "
                    + "begin to answer in time. In the last case both may run."),
        ])

    static let queue = Section<QueueSettings>(
        { QueueSettings() },
        keys: [
            Key(
                "size", \.size, .integer(1...100_000), default: "100", "How many calls may wait; more get 503 at once."),
            Key("timeout", \.timeout, .duration(), default: "5s", "How long a call waits before it gets 503."),
        ])

    static let circuitBreaker = Section<CircuitBreakerSettings>(
        { CircuitBreakerSettings() },
        keys: [
            Key(
                "failures", \.failures, .integer(1...10_000), default: "5", "After how many failures in a row it opens."
            ),
            Key(
                "open_for", \.openFor, .duration(), default: "30s",
                "How long calls are answered with 503 before one is let through to see."),
        ])

    static let role = Section<RoleDraft>(
        RoleDraft.init,
        keys: [
            Key("arn", \.arn, .located(.text("ARN")), "The role's ARN."),
            Key(
                "external_id", \.externalID, .located(.text("external id")),
                "What the role's owner asks for, where the role is in another account."
            ).secret,
            Key(
                "session_name", \.sessionName, .located(.text("name")), default: "sluice- and the time",
                "How the session is called in the audit log of the role's account."),
            Key(
                "duration", \.duration, .located(.duration(.seconds(900)...(.seconds(43_200)))), default: "1h",
                "How long a session lasts. The role must allow it; a role taken on by another role has 1h at most."),
        ])

    static let timeouts = Section<TimeoutsDraft>(
        TimeoutsDraft.init,
        keys: [
            Key("connect", \.connect, .located(.duration()), default: "3s", "Until the connection is up."),
            Key(
                "first_byte", \.firstByte, .located(.duration()), default: "60s",
                "From the sent request to the first byte of the payload."),
            Key("idle", \.idle, .located(.duration()), default: "300s", "Between bytes of a running stream."),
            Key("total", \.total, .located(.duration()), default: "900s", "Over all tries, to the last byte."),
        ])

    static let local = Section<LocalFunctionDraft>(
        noting: LocalFunctionDraft.init,
        keys: [
            Key(
                "command", \.command, Texts.command,
                "A program that speaks the Lambda Runtime API, with its arguments as a list."),
            Key(
                "handler", \.handler, .located(Texts.handler),
                "A handler file for a runtime that Sluice brings: index.handler."),
            Key(
                "runtime", \.runtime, .located(.choice(["node": "node"])), default: "node",
                "The runtime of a handler."),
            Key(
                "directory", \.directory, .text("folder"), default: "the configuration file's folder",
                "The working directory; relative paths count from the configuration file."),
            Key(
                "concurrency", \.concurrency, .integer(1...10_000), default: "one for each CPU",
                "How many processes there may be."),
            Key(
                "memory", \.memory, .size(.mebibytes(16)...(.gibibytes(1024))), default: "no limit",
                "How much memory a process may use."),
            Key(
                "environment", \.environment,
                .mapping(of: "VARIABLE", to: .anyText, checkName: Texts.environmentName),
                "Variables for the program."
            ).secret,
        ])

    static let route = Section<RouteDraft>(
        noting: RouteDraft.init,
        keys: [
            Key(
                "host", \.host, .located(Texts.single(Texts.host, orSeveralIn: "hosts")), default: "any host",
                "The host: a name, \"*.example.com\" for those below it, or left out for any."),
            Key("hosts", \.hosts, .list(of: .located(Texts.host), atLeast: 1), "Several of them."),
            Key(
                "path", \.path, .located(Texts.single(Texts.path, orSeveralIn: "paths")), default: "/*",
                "The path: exact, with parameters (\"/users/{id}\"), or with all below it (\"/v1/*\")."),
            Key("paths", \.paths, .list(of: .located(Texts.path), atLeast: 1), "Several of them."),
            Key(
                "methods", \.methods, .oneOrMore(of: .located(Texts.method)), default: "all methods",
                "The methods that are taken. GET takes HEAD along, unless an equal route names HEAD."),
            Key(
                "headers", \.headers,
                .mapping(of: "HEADER", to: .located(.anyText), checkName: FieldLine.checkedName),
                "Headers that a request must carry with exactly these values."),
            Key(
                "authorization", \.authorization, .located(.section(Self.authorization)), default: "anybody may",
                "The token that requests have to bring as \"Authorization: Bearer\"."),
            Key("function", \.function, .located(.text("function of this file")), "The function that is called."),
            Key(
                "functions", \.functions, .list(of: .located(.section(Self.weight)), atLeast: 1),
                "Several functions that share the requests by their weights."),
            Key(
                "sticky", \.sticky, .located(.section(Self.sticky)),
                "What makes requests stay with one of several functions."),
            Key("redirect", \.redirect, .located(.section(Self.redirect)), "A redirect as answer."),
            Key("respond", \.respond, .located(.section(Self.respond)), "A fixed answer."),
            Key(
                "strip_prefix", \.stripPrefix, .located(Texts.pathPrefix),
                "What is taken away from the path's beginning before the function sees it."),
            Key(
                "request_headers", \.requestHeaders, .section(Self.fieldEdits),
                "What is changed about the headers that the function sees."),
            Key(
                "response_headers", \.responseHeaders, .section(Self.fieldEdits),
                "What is changed about the headers that the client gets."),
        ])

    static let authorization = Section<AuthorizationDraft>(
        noting: AuthorizationDraft.init,
        keys: [
            Key("token", \.token, .located(.text("token issuer of this file")), "Whose tokens are taken."),
            Key(
                "scopes", \.scopes, .oneOrMore(of: Texts.scope), default: "any token will do",
                "What a token has to allow by its claims scope or scp: one of these."),
        ])

    static let tokenIssuer = Section<TokenIssuerDraft>(
        noting: TokenIssuerDraft.init,
        keys: [
            Key("issuer", \.issuer, .located(.text("issuer")), "What tokens have as \"iss\", to the letter."),
            Key(
                "audiences", \.audiences, .oneOrMore(of: .text("audience")),
                "Whom tokens have to be for by their claim aud, or client_id where they have no aud: one of these."),
            Key(
                "jwks", \.keys, Texts.keySetSource, default: "what the issuer's /.well-known/openid-configuration says",
                "The issuer's public keys as a JSON Web Key Set: a file, which is read when the configuration is, or a URL "
                    + "that they are fetched from every five minutes and when a token names a new key. https://, or "
                    + "http:// of this machine; aws.ca_file holds for it too."),
            Key(
                "algorithms", \.algorithms,
                .oneOrMore(
                    of: .choice([
                        "RS256": .rs256, "RS384": .rs384, "RS512": .rs512, "PS256": .ps256, "PS384": .ps384,
                        "PS512": .ps512, "ES256": .es256, "ES384": .es384, "ES512": .es512, "EdDSA": .edDSA,
                    ])), default: "all of them",
                "What tokens may be signed with. There is no \"none\", and none with a shared secret."),
            Key(
                "clock_skew", \.clockSkew, .duration(.zero ... .seconds(600)), default: "60s",
                "How far the issuer's clock and this machine's may be apart."),
        ])

    static let weight = Section<WeightDraft>(
        noting: WeightDraft.init,
        keys: [
            Key("name", \.name, .located(.text("function of this file")), "The function."),
            Key(
                "weight", \.weight, .integer(0...1_000_000), default: "1",
                "Its share of the sum of all weights; 0 for none."),
        ])

    static let sticky = Section<StickyDraft>(
        noting: StickyDraft.init,
        keys: [
            Key("cookie", \.cookie, .located(Texts.cookieName), "A cookie whose value decides."),
            Key("header", \.header, .located(Texts.fieldName), "A header whose value decides."),
        ])

    static let tenant = Section<TenantDraft>(
        noting: TenantDraft.init,
        keys: [
            Key("from", \.isFromHost, .choice(["host": true]), "The host that the request names is the tenant."),
            Key(
                "path_parameter", \.pathParameter, .located(Texts.parameterName),
                "The parameter of the routes' paths that is the tenant."),
            Key(
                "client_certificate", \.clientCertificate,
                .choice([
                    "common_name": .commonName, "organization": .organization,
                    "organizational_unit": .organizationalUnit, "dns_name": .dnsName, "uri": .uri,
                ]),
                "The name in the client's certificate that is the tenant: of the subject, or of its alternatives. There has "
                    + "to be one of its kind, and a listener with a client_ca that has verified it."),
            Key(
                "claim", \.claim, .located(.text("claim")),
                "The claim of the request's token that is the tenant, where every route to the function has an "
                    + "authorization that has verified it."),
        ])

    /// The section, or a tenant alone.
    private static let tenantOrSource = ValueType<TenantDraft>(
        .textOrSection("tenant", Self.tenant.descriptions)
    ) { node, reading in
        guard case .scalar = node.content else { return Self.tenant.read(node, reading) }
        return Texts.tenantID.read(node, reading).map { TenantDraft(fixed: $0) }
    }

    static let redirect = Section<RedirectDraft>(
        noting: RedirectDraft.init,
        keys: [
            Key(
                "to", \.to, .located(.scalar(.text("URL or path"), allowsSecrets: false) { $0 }),
                "Where to: a URL or a path. \"*\" at its end is what the path's \"*\" matched, \"{id}\" a parameter; "
                    + "the query is kept."),
            Key(
                "status", \.status, Texts.redirectStatus, default: "307",
                "301 and 308 are kept by clients for good, 302, 303 and 307 are not."),
        ])

    static let respond = Section<RespondDraft>(
        RespondDraft.init,
        keys: [
            Key("status", \.status, .integer(200...599), default: "200", "The status."),
            Key("headers", \.headers, Texts.fieldLines, "Header lines; a list gives a name several lines."),
            Key(
                "body", \.body, .located(.anyText), default: "empty",
                "The body; text/plain in UTF-8 unless a content-type says otherwise."),
        ])

    static let fieldEdits = Section<FieldEditsDraft>(
        FieldEditsDraft.init,
        keys: [
            Key("remove", \.remove, .oneOrMore(of: .located(Texts.fieldName)), "Headers that go; this comes first."),
            Key(
                "set", \.set, .mapping(of: "HEADER", to: .located(.anyText), checkName: FieldLine.checkedName),
                "Headers that replace all of their name."),
            Key("add", \.add, Texts.fieldLines, "Headers that are added to those that are there."),
        ])

    static let localLambda = Section<LocalLambdaDraft>(
        LocalLambdaDraft.init,
        keys: [
            Key(
                "address", \.address, .located(.scalar(.text("host:port"), NetworkAddress.init(parsing:))),
                default: "a loopback port that the system chooses",
                "Where local functions can be invoked by any AWS SDK.")
        ])

    static let admin = Section<AdminDraft>(
        noting: AdminDraft.init,
        keys: [
            Key(
                "address", \.address, .located(Texts.listenerAddress),
                "Loopback, a unix socket or fd:NAME; any other address needs a token."),
            Key(
                "token", \.token, Texts.token,
                "What clients send as \"Authorization: Bearer TOKEN\", but for /healthz and /readyz; best as file:PATH."
            ).secret,
        ])

    static let accessLog = Section<AccessLogSettings>(
        { AccessLogSettings() },
        keys: [
            Key("format", \.format, Self.accessLogFormat, default: "json", "What a line looks like."),
            Key(
                "output", \.output, Texts.logOutput, default: "stdout",
                "stdout, stderr, or the path of a file that lines are added to."),
            Key(
                "redact", \.redact, .oneOrMore(of: .text("query parameter")), default: "none",
                "Query parameters whose values are left out of the lines, such as token; \"*\" for all of them."),
        ])

    private static let accessLogFormat = ValueType<AccessLogSettings.Format>.choice(
        ["json": .json, "text": .text, "none": .none], alias: ["off": "none"])

    /// The section, or a format alone.
    private static let accessLogOrFormat = ValueType<AccessLogSettings>(
        .wordOrSection(["json", "text", "none"], Self.accessLog.descriptions)
    ) { node, reading in
        guard case .scalar = node.content else { return Self.accessLog.read(node, reading) }
        return Self.accessLogFormat.read(node, reading).map { AccessLogSettings(format: $0) }
    }
}
