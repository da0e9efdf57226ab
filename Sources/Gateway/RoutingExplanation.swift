package import Configuration
internal import HTTP
internal import Routing
internal import Tokens

/// Which route takes a request and why, in lines for people.
package struct RoutingExplanation {
    /// What to print.
    package let lines: [String]
    /// Whether a route takes the request.
    package let isRouted: Bool

    /// A method or URL that no client could send.
    package struct InputError: Error, CustomStringConvertible {
        package let description: String
    }

    /// Explains one request. The URL is absolute or a path; fields are those on which routes may depend.
    package init(
        of configuration: GatewayConfiguration, method: String, url: String, fields: [(name: String, value: String)]
    ) throws(InputError) {
        guard let method = Method(parsing: method.utf8.span) else {
            throw InputError(description: "\(method.debugDescription) is no method")
        }
        var requestFields = Fields()
        for (name, value) in fields { requestFields.append(name, value) }
        let target: Target
        do throws(RequestFault) {
            target = try Target(requestTarget: url.utf8.span, method: method)
        } catch {
            throw InputError(description: "\(url): \(error.description)")
        }
        var lines = ["path \(target.path), matched as \(target.routingPath)"]
        let host = target.authority?.host
        let explanation = configuration.routes.explain(
            method: method, host: host, target: target, fields: requestFields)
        for candidate in explanation.candidates {
            lines.append("  \(candidate.name): \(candidate.verdict)")
        }
        switch explanation.result {
        case .route(let match):
            let route = configuration.routes.routes[match.route]
            lines.append("=> \(match.name) \(Self.text(route.action, configuration))")
            if let authorization = route.authorization {
                let issuer = configuration.tokenIssuers[authorization.issuer]
                let scopes = authorization.scopes.joined(separator: ", ")
                lines.append(
                    "   with a token of \(issuer.name) (\(issuer.rules.issuer))"
                        + (scopes.isEmpty ? "" : " that allows one of \(scopes)"))
            }
            for parameter in match.parameters { lines.append("   {\(parameter.name)} = \(parameter.value)") }
            self.isRouted = true
        case .notFound:
            lines.append(
                "=> 404: none of \(explanation.consideredCount) routes takes host \(host ?? "(none)") and this path")
            self.isRouted = false
        case .methodNotAllowed(let allow):
            lines.append("=> 405: allowed are \(allow)")
            self.isRouted = false
        }
        for listener in configuration.listeners where listener.redirectsToHTTPS {
            lines.append(
                "   but the listener \(listener.address) sends requests without TLS to https, whatever the routes say "
                    + "(redirect_to_https)")
        }
        self.lines = lines
    }

    private static func text(_ action: Route.Action, _ configuration: GatewayConfiguration) -> String {
        switch action {
        case .function(let position): "calls function \(configuration.functions[position].name)"
        case .functions(let weighted):
            "calls "
                + weighted.choices.map { "\(configuration.functions[$0.function].name) (\($0.weight))" }
                .joined(separator: ", ")
        case .redirect(let redirect): "redirects to \(redirect.target) with \(redirect.status)"
        case .respond(let response): "answers \(response.head.status)"
        }
    }
}
