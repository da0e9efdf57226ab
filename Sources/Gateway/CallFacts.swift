internal import Bytes
internal import HTTP
internal import Lambda
internal import Routing
internal import TLS
internal import Tokens

/// What a call takes from the route and the connection of its request, which is not the same for a function and for
/// those that stand in for it.
struct CallFacts {
    /// For events that name the route.
    var route: EventRoute?
    /// For functions that take their tenant from requests; `nil` where the request names none that could be one.
    var tenantID: String?
}

/// The same request for the functions of a chain.
extension LoopContext {
    func facts(
        for function: FunctionRuntime, _ head: borrowing RequestHead, route: RouteRuntime, match: MatchedRoute,
        from client: ClientConnection, _ token: VerifiedToken?
    ) -> CallFacts {
        var facts = CallFacts()
        if function.event.namesRoute { facts.route = route.eventRoute(of: match, head, for: function.event.kind) }
        if let source = function.tenantOfRequests {
            let tenantID = Self.tenantID(source, host: head.authority?.host, match: match, from: client, token)
            facts.tenantID = tenantID.flatMap { InvocationTemplate.isTenantID($0) ? $0 : nil }
        }
        return facts
    }

    /// Those for the functions that may stand in, in their order.
    func factsOfStandIns(
        for function: FunctionRuntime, _ head: borrowing RequestHead, route: RouteRuntime, match: MatchedRoute,
        from client: ClientConnection, _ token: VerifiedToken?
    ) -> [CallFacts] {
        var facts: [CallFacts] = []
        var next = function.fallback
        while let standIn = next {
            facts.append(self.facts(for: standIn, head, route: route, match: match, from: client, token))
            next = standIn.fallback
        }
        return facts
    }

    /// The tenant of a request. It never comes from a header: those are the client's to write.
    private static func tenantID(
        _ source: TenantSource, host: String?, match: MatchedRoute, from client: ClientConnection,
        _ token: VerifiedToken?
    ) -> String? {
        switch source {
        case .fixed(let tenantID): tenantID
        case .host: host
        case .pathParameter(let name): match.parameters.first { $0.name == name }?.value.percentDecoded
        case .clientCertificate(let kind): client.certificateNames?.only(kind)
        case .claim(let name): token?.text(name)
        }
    }
}

extension CertificateNames {
    /// The only name of a kind; `nil` where there is none, or no telling which one is meant.
    fileprivate func only(_ kind: CertificateName) -> String? {
        let names =
            switch kind {
            case .commonName: self.commonNames
            case .organization: self.organizations
            case .organizationalUnit: self.organizationalUnits
            case .dnsName: self.dnsNames
            case .uri: self.uris
            }
        return names.count == 1 ? names[0] : nil
    }
}
