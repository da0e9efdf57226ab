internal import HTTP
internal import Lambda
internal import Routing
internal import Tokens

/// A route as exchanges hold it: one reference, where the route's own value is many.
final class RouteRuntime: Sendable {
    let route: Route
    /// Whose tokens requests have to bring; `nil` where they need none.
    let authorization: RouteGuard?
    /// The function that it calls; `nil` where there are several, or the gateway answers by itself.
    let function: FunctionRuntime?
    /// Several functions that share its requests.
    private let weighted: (choice: WeightedFunctions, functions: [FunctionRuntime])?
    /// Whether there is nothing to change about requests.
    let leavesRequestsAlone: Bool
    /// Whether there is nothing to change about answers.
    let leavesAnswersAlone: Bool
    /// The Host that HTTP upstreams are to see, where the route sets it.
    let upstreamHost: String?
    /// The route's paths in the words of APIs, without what is stripped and without what a `*` matches.
    private let resources: [String]

    init(_ route: Route, functions: [FunctionRuntime], issuers: [TokenIssuerRuntime] = []) {
        self.route = route
        self.authorization = route.authorization.map { RouteGuard($0, issuers: issuers) }
        self.function = if case .function(let position) = route.action { functions[position] } else { nil }
        if case .functions(let choice) = route.action {
            self.weighted = (choice, choice.choices.map { functions[$0.function] })
        } else {
            self.weighted = nil
        }
        self.leavesRequestsAlone = route.requestHeaderEdits.isEmpty
        self.leavesAnswersAlone = route.responseHeaderEdits.isEmpty
        self.upstreamHost = route.requestHeaderEdits.set.last { $0.name == "host" }?.value
        let stripped = route.stripPrefix?.segments.count ?? 0
        self.resources = route.paths.map { pattern in
            pattern.segments.dropFirst(stripped).map { segment in
                switch segment {
                case .literal(let text): "/\(text)"
                case .parameter(let name): "/{\(name)}"
                }
            }.joined()
        }
    }

    /// The function for a request, where the route calls one; `random` draws it where nothing makes the request stay
    /// with one.
    func function(for fields: borrowing Fields, random: () -> UInt64) -> FunctionRuntime? {
        guard let (choice, functions) = self.weighted else { return self.function }
        return functions[choice.choose(for: fields, random: random())]
    }

    /// The verified token of a request as events tell of it.
    func eventAuthorizer(_ token: VerifiedToken?) -> EventAuthorizer? {
        guard let token, let scopes = self.authorization?.scopes else { return nil }
        return EventAuthorizer(
            claims: token.claims, scopes: scopes.isEmpty ? nil : scopes.filter(token.scopes.contains))
    }

    /// The route as the events of APIs name it.
    func eventRoute(of match: MatchedRoute, _ head: borrowing RequestHead, for kind: EventFormat.Kind) -> EventRoute {
        var parameters = match.parameters.map { EventPair(name: $0.name, value: $0.value) }
        var resource = self.resources[match.path]
        var rest = match.rest(of: head.target.routingPath)
        // APIs do not tell of the slash at its end.
        if rest.hasSuffix("/") { rest.removeLast() }
        let isDefault = kind == .httpAPI && resource.isEmpty && self.route.methods.isEmpty
        if !rest.isEmpty, !isDefault {
            resource += "/{proxy+}"
            parameters.append(EventPair(name: "proxy", value: String(rest)))
        }
        if resource.isEmpty { resource = "/" }
        let method = self.route.methods.isEmpty ? "ANY" : head.method.rawValue
        return EventRoute(
            resource: resource, key: isDefault ? "$default" : "\(method) \(resource)", parameters: parameters)
    }
}
