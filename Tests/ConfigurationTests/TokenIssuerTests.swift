import Configuration
import Lambda
import Routing
import Testing
import Tokens

/// `token_issuers`, `authorization` of routes, and tenants from claims.
@Suite struct TokenIssuerTests {
    private func file(
        issuer: String = "issuer: https://i.example/, audiences: [api]",
        route: String = "authorization: { token: login }",
        function: String = ""
    ) -> String {
        """
        listeners: [{ address: "127.0.0.1:8080" }]
        token_issuers:
          login: { \(issuer) }
        functions: { f: { function: chat\(function) } }
        routes:
          - { path: /*, function: f, \(route) }
        """
    }

    @Test func `an issuer is read with its defaults`() throws {
        let configuration = try load(self.file()).get()
        let issuer = configuration.tokenIssuers[0]
        #expect(issuer.name == "login")
        #expect(issuer.rules.issuer == "https://i.example/")
        #expect(issuer.rules.algorithms == TokenAlgorithm.allCases)
        #expect(issuer.rules.clockSkew == .seconds(60))
        #expect("\(issuer.source)" == "https://i.example/.well-known/openid-configuration")
        #expect(configuration.routes.routes[0].authorization?.issuer == 0)
        #expect(configuration.routes.routes[0].authorization?.scopes == [])
    }

    @Test func `everything can be said`() throws {
        let configuration = try load(
            self.file(
                issuer: "issuer: me, audiences: api, jwks: \"https://k.example/a/?p=x\", algorithms: [ES256, EdDSA], "
                    + "clock_skew: 5s",
                route: "authorization: { token: login, scopes: [a, \"b:c/d\"] }",
                function: ", tenant_id: { claim: \"https://x/tenant\" }")
        ).get()
        let issuer = configuration.tokenIssuers[0]
        #expect("\(issuer.source)" == "https://k.example/a/?p=x")
        #expect(issuer.rules.algorithms == [.es256, .edDSA])
        #expect(issuer.rules.clockSkew == .seconds(5))
        #expect(configuration.routes.routes[0].authorization?.scopes == ["a", "b:c/d"])
        #expect(configuration.functions[0].tenant == .claim("https://x/tenant"))
    }

    @Test(arguments: [
        ("audiences: [api]", "", "", "2:10: error: \"login\" needs an \"issuer\""),
        ("issuer: https://i", "", "", "needs \"audiences\""),
        ("issuer: me, audiences: [a]", "", "", "\"jwks\" is missing, and the issuer does not say where its keys are"),
        ("issuer: http://i.example, audiences: [a]", "", "", "http:// is for this machine alone"),
        ("issuer: me, audiences: [a], jwks: \"http://i.example/k\"", "", "", "http:// is for this machine alone"),
        ("issuer: me, audiences: [a], jwks: \"ftp://i.example/k\"", "", "", "ftp"),
        ("issuer: me, audiences: [a], jwks: k.json, algorithms: [HS256]", "", "", "\"HS256\" is not known here"),
        ("issuer: me, audiences: [a], jwks: k.json, algorithms: none", "", "", "\"none\" is not known here"),
        ("issuer: me, audiences: [a], jwks: k.json, clock_skew: 1h", "", "", "is too long"),
        ("issuer: me, audiences: [a], jwks: k.json, audience: a", "", "", "did you mean \"audiences\"?"),
        ("", "authorization: { token: logon }", "", "there is no token issuer \"logon\"; did you mean \"login\"?"),
        ("", "authorization: { scopes: [a] }", "", "\"authorization\" needs a \"token\""),
        ("", "authorization: { token: login, scopes: [\"a b\"] }", "", "is no scope"),
        ("", "methods: [GET]", ", tenant_id: { claim: t }", "the route needs \"authorization\": from the claim \"t\""),
        ("", "", ", tenant_id: { claim: t, from: host }", "from one of them"),
    ])
    func `what is wrong is said with its place`(issuer: String, route: String, function: String, expected: String) {
        let text = self.file(
            issuer: issuer.isEmpty ? "issuer: https://i.example/, audiences: [api]" : issuer,
            route: route.isEmpty ? "authorization: { token: login }" : route, function: function)
        let found = faults(text)
        let key = expected.split(separator: ": error: ").last.map(String.init) ?? expected
        #expect(found.contains { $0.contains(key) }, "\(found)")
    }

    @Test func `a function that stands in takes its tenant from a token too`() {
        let found = faults(
            """
            listeners: [{ address: "127.0.0.1:8080" }]
            functions:
              f: { function: a, fallback: g }
              g: { function: b, tenant_id: { claim: t } }
            routes:
              - { path: /*, function: f }
            """)
        #expect(found.contains { $0.contains("from the claim \"t\" of a verified token \"g\"") }, "\(found)")
    }
}
