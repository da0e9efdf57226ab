import Foundation
import Testing

/// Routes that want a token: who gets beyond them, what the function learns, and where the keys come from.
@Suite struct TokenTests {
    private static let hello: [Step] = [.text("hello"), .done, .end]

    /// A gateway whose keys are in a file; `function` are keys of the function, `route` of the route.
    private func run(
        function keys: String = "", route: String = "authorization: { token: login }", more: String = "",
        _ body: (Gateway, TokenMaker, FakeFunction) async throws -> Void
    ) async throws {
        let function = try await FakeLambda.shared.function(calls: [Self.hello])
        var setup = try Setup(function, keys)
        let maker = try await TokenMaker(in: setup.folder, "main:p256", "rsa:rsa")
        try setup.folder.write("keys.json", maker.keys)
        setup.routes = [
            "{ path: /*, \(route), function: main }", "{ path: /open, function: main }",
            "{ path: /fixed, authorization: { token: login }, respond: { body: fixed } }",
        ]
        setup.more = """
            token_issuers:
              login: { issuer: "\(TokenMaker.issuer)", audiences: [api, web], jwks: keys.json\(more) }
            admin: { address: "127.0.0.1:0" }
            """
        try await Gateway.run(setup) { gateway in try await body(gateway, maker, function) }
    }

    private func bearer(_ token: String) -> String { "Authorization: Bearer \(token)" }

    @Test func `a route that wants a token is closed to those without one`() async throws {
        try await self.run { gateway, maker, function in
            let bare = try await gateway.get("/", method: "POST", body: "hi")
            try expectProblem(bare, 401)
            #expect(bare["www-authenticate"] == "Bearer")
            let token = try await maker.token("main", "ES256")
            for field in [
                "Authorization: Basic dTpw", "Authorization: Bearer", "Authorization: Bearer ",
                "Authorization: \(token)",
                "Authorization: Bearer x.y.z", "Authorization: Bearer \(token)x", "Authorization: Bearer \(token) x",
                "Authorization: Bearer \(token)\r\nAuthorization: Bearer \(token)",
            ] {
                let answer = try await gateway.get("/", [field])
                try expectProblem(answer, 401)
                #expect(answer["www-authenticate"] == "Bearer error=\"invalid_token\"", "\(field)")
            }
            try expectProblem(try await gateway.get("/fixed"), 401)
            #expect(try await function.calls().isEmpty)
            #expect(try await gateway.get("/open").text == "hello")
            #expect(try await gateway.get("/fixed", [self.bearer(token)]).text == "fixed")
            #expect(try await gateway.get("/", ["authorization: bearer   \(token)"]).text == "hello")
            // The function gets the field as it came.
            let calls = try await function.calls()
            #expect(try calls[1].event["headers"]?["authorization"]?.string == "bearer   \(token)")
            #expect(try calls[0].event["requestContext"]?["authorizer"] == nil)
            let ends = try await gateway.accessLog(lines: 13).map { $0["end"]?.string }
            #expect(ends.filter { $0 == "no_token" }.count == 2)
            #expect(ends.filter { $0 == "invalid_token" }.count == 8)
            try await gateway.logs("token refused")
            #expect(!gateway.log.contains(token))
        }
    }

    @Test func `a token is for this audience, of this issuer, and of now`() async throws {
        try await self.run { gateway, maker, function in
            let now = Int(Date().timeIntervalSince1970)
            let refused: [JSONDocument] = [
                ["exp": .number(Double(now - 120))], ["exp": .null], ["nbf": .number(Double(now + 120))],
                ["iat": .number(Double(now + 120))],
                ["iss": "https://login.example.com"], ["aud": "other"], ["aud": .null],
            ]
            for claims in refused {
                let token = try await maker.token("main", "ES256", claims)
                try expectProblem(try await gateway.get("/", [self.bearer(token)]), 401)
            }
            let taken: [JSONDocument] = [
                ["exp": .number(Double(now - 20))], ["nbf": .number(Double(now + 20))], ["aud": ["x", "web"]],
                ["aud": .null, "client_id": "api"],
            ]
            for claims in taken {
                let token = try await maker.token("rsa", "RS256", claims)
                #expect(
                    try await gateway.get("/", [self.bearer(token)]).status == 200, "\(claims.text): \(gateway.log)")
            }
            #expect(try await function.calls().count == taken.count)
        }
    }

    @Test func `a token allows what the route asks for`() async throws {
        try await self.run(route: "authorization: { token: login, scopes: [read, write] }, methods: [GET]") {
            gateway, maker, function in
            for claims in [[:], ["scope": "reader"], ["scp": ["admin"]]] as [JSONDocument] {
                let answer = try await gateway.get("/", [self.bearer(try await maker.token("main", "ES256", claims))])
                try expectProblem(answer, 403)
                #expect(
                    answer["www-authenticate"] == "Bearer error=\"insufficient_scope\", scope=\"read write\"")
            }
            for claims in [["scope": "openid write"], ["scp": ["read", "admin"]]] as [JSONDocument] {
                let token = try await maker.token("main", "ES256", claims)
                #expect(try await gateway.get("/", [self.bearer(token)]).status == 200)
            }
            let scopes = try await function.calls().map {
                try $0.event["requestContext"]?["authorizer"]?["jwt"]?["scopes"]
            }
            #expect(scopes == [["write"], ["read"]])
        }
    }

    @Test(arguments: ["v2", "http_api"])
    func `the event tells of the token as an HTTP API does`(kind: String) async throws {
        try await self.run(function: "event: \(kind)") { gateway, maker, function in
            let token = try await maker.token(
                "main", "ES256",
                [
                    "groups": ["admin", "poweruser"], "email_verified": true, "nothing": .null,
                    "address": ["city": "Oslo"], "name": "a \"quoted\" Zoë", "iat": 1_700_000_000, "exp": 4_000_000_000,
                ])
            _ = try await gateway.get("/", [self.bearer(token)])
            let event = try await function.calls()[0].event
            #expect(
                event["requestContext"]?["authorizer"] == [
                    "jwt": [
                        "claims": [
                            "address": "{\"city\":\"Oslo\"}", "aud": "api", "email_verified": "true",
                            "exp": "4000000000",
                            "groups": "[admin poweruser]", "iat": "1700000000", "iss": "https://login.example.com/",
                            "name": "a \"quoted\" Zoë", "sub": "user-1",
                        ], "scopes": .null,
                    ]
                ])
        }
    }

    @Test func `the event of a REST API has the claims as one with Cognito does`() async throws {
        try await self.run(function: "event: v1") { gateway, maker, function in
            let token = try await maker.token(
                "main", "ES256",
                ["cognito:groups": ["admin", "users"], "iat": 1_505_320_943, "exp": 4_000_000_000, "auth_time": 7])
            _ = try await gateway.get("/", [self.bearer(token)])
            let event = try await function.calls()[0].event
            #expect(
                event["requestContext"]?["authorizer"] == [
                    "claims": [
                        "aud": "api", "auth_time": "7", "cognito:groups": "admin,users",
                        "exp": "Tue Oct 02 07:06:40 UTC 2096", "iat": "Wed Sep 13 16:42:23 UTC 2017",
                        "iss": "https://login.example.com/", "sub": "user-1",
                    ]
                ])
        }
    }

    @Test func `who stands in learns of the token too, in its own kind of event`() async throws {
        let lambda = try await FakeLambda.shared
        let first = try await lambda.function(.answer(429, ["x-amzn-errortype": "TooManyRequestsException"], "{}"))
        let others = [try await lambda.function(calls: [Self.hello]), try await lambda.function(calls: [Self.hello])]
        var setup = try Setup(lambda)
        setup.add(first, as: "v2", "retries: 0, fallback: rest")
        setup.add(first, as: "alb", "retries: 0, event: alb, fallback: http")
        setup.add(others[0], as: "rest", "event: v1")
        setup.add(others[1], as: "http", "event: http_api, tenant_id: { claim: sub }")
        let maker = try await TokenMaker(in: setup.folder, "main:p256")
        try setup.folder.write("keys.json", maker.keys)
        setup.routes = ["v2", "alb"].map { "{ path: /\($0), authorization: { token: login }, function: \($0) }" }
        setup.more = "token_issuers: { login: { issuer: \"\(TokenMaker.issuer)\", audiences: api, jwks: keys.json } }"
        try await Gateway.run(setup) { gateway in
            let token = try await maker.token("main", "ES256", ["sub": "user-7"])
            for path in ["/v2", "/alb"] {
                #expect(try await gateway.get(path, [self.bearer(token)]).text == "hello", "\(gateway.log)")
            }
            let claims = try await others[0].calls()[0].event["requestContext"]?["authorizer"]?["claims"]
            #expect(claims?["sub"] == "user-7")
            let call = try await others[1].calls()[0]
            let authorizer = try call.event["requestContext"]?["authorizer"]
            #expect(authorizer?["jwt"]?["claims"]?["sub"] == "user-7")
            #expect(call.header("x-amz-tenant-id") == "user-7")
        }
    }

    @Test func `the events of load balancers do not tell of it`() async throws {
        try await self.run(function: "event: alb") { gateway, maker, function in
            _ = try await gateway.get("/", [self.bearer(try await maker.token("main", "ES256"))])
            let context = try await function.calls()[0].event["requestContext"]
            #expect(context?["elb"] != nil)
            #expect(context?["authorizer"] == nil)
        }
    }

    @Test func `the tenant comes from a verified claim, and from nothing else`() async throws {
        let function = try await FakeLambda.shared.function(calls: [Self.hello])
        var setup = try Setup(function, "tenant_id: { claim: \"https://example.com/tenant\" }")
        let maker = try await TokenMaker(in: setup.folder, "main:ed25519", "forger:ed25519")
        try setup.folder.write(
            "keys.json",
            try JSONDocument(parsing: maker.keys)["keys"]?[0].map { ["keys": [$0]] as JSONDocument }?.text ?? "")
        setup.routes = ["{ path: /*, authorization: { token: login }, function: main }"]
        setup.more = "token_issuers: { login: { issuer: \"\(TokenMaker.issuer)\", audiences: api, jwks: keys.json } }"
        try await Gateway.run(setup) { gateway in
            func answer(_ key: String, _ claims: JSONDocument, header: JSONDocument? = nil) async throws -> Answer {
                let token = try await maker.token(key, "EdDSA", claims, header: header)
                return try await gateway.get("/", [self.bearer(token), "X-Amz-Tenant-Id: forged"])
            }
            let name = "https://example.com/tenant"
            #expect(try await answer("main", .object([name: "acme"])).text == "hello", "\(gateway.log)")
            #expect(try await answer("main", .object([name: 42])).text == "hello")
            // None, one that is none, and several.
            for claims in [
                [:], [name: "a!b"], [name: " acme"], [name: "acme "], [name: ""], [name: ["a"]], [name: true],
            ] as [[String: JSONDocument]] {
                try expectProblem(try await answer("main", .object(claims)), 400)
            }
            // Somebody else's signature, under his own name and under another's.
            try expectProblem(try await answer("forger", .object([name: "acme"])), 401)
            try expectProblem(try await answer("forger", .object([name: "acme"]), header: ["kid": "main"]), 401)
            let tenants = try await function.calls().map { $0.header("x-amz-tenant-id") }
            #expect(tenants == ["acme", "42"])
            let ends = try await gateway.accessLog(lines: 11).map { $0["end"]?.string }
            #expect(ends.filter { $0 == "no_tenant" }.count == 7)
        }
    }

    @Test func `a refused request leaves its connection in order`() async throws {
        try await self.run { gateway, maker, _ in
            let token = try await maker.token("main", "ES256")
            let client = try await gateway.connect()
            defer { client.close() }
            // A body that comes with the request is read and thrown away.
            try await client.send(Gateway.request("/", method: "POST", body: String(repeating: "x", count: 20_000)))
            try expectProblem(try await client.answer(to: "POST"), 401)
            try await client.send(Gateway.request("/", [self.bearer(token)], method: "POST", body: "hi"))
            #expect(try await client.answer(to: "POST").text == "hello")
            // One that waits to be asked for is not asked for.
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            #expect(try await client.answer(to: "POST").status == 401)
        }
    }

    @Test func `curl is let in over HTTP/1.1 and HTTP/2`() async throws {
        try await self.run { gateway, maker, function in
            let token = try await maker.token("rsa", "PS256")
            for version in ["--http1.1", "--http2-prior-knowledge"] {
                let words = [version, "-w", "%{http_code} %{http_version}", "-H", self.bearer(token)]
                let good = try await Tool.run("curl", ["--silent", "--max-time", "30"] + words + [gateway.url("/")])
                #expect(good.output == "hello200 \(version == "--http1.1" ? "1.1" : "2")")
                let bad = try await Tool.run(
                    "curl",
                    ["--silent", "--max-time", "30", version, "-o", "/dev/null", "-D", "-"]
                        + [
                            "-H", self.bearer(token + "x"), "-d", String(repeating: "y", count: 100_000),
                            gateway.url("/"),
                        ])
                #expect(bad.output.lowercased().contains("www-authenticate: bearer error=\"invalid_token\""))
                #expect(bad.output.contains(" 401"))
            }
            #expect(try await function.calls().count == 2)
        }
    }

    // The keys.

    @Test func `a reload takes the keys of a file again`() async throws {
        try await self.run { gateway, maker, _ in
            let old = try await maker.token("main", "ES256")
            #expect(try await gateway.get("/", [self.bearer(old)]).status == 200)
            let other = try await TokenMaker(in: gateway.folder, "next:p384")
            try gateway.folder.write("keys.json", other.keys)
            let new = try await other.token("next", "ES384")
            try expectProblem(try await gateway.get("/", [self.bearer(new)]), 401)
            #expect(try await gateway.reload())
            #expect(try await gateway.get("/", [self.bearer(new)]).status == 200)
            try expectProblem(try await gateway.get("/", [self.bearer(old)]), 401)
            // A broken file is refused with its place, and what ran goes on.
            try gateway.folder.write("keys.json", "{\"keys\": [")
            #expect(try await !gateway.reload())
            try await gateway.logs("no JSON Web Key Set")
            #expect(try await gateway.get("/", [self.bearer(new)]).status == 200)
        }
    }

    /// A gateway whose keys come from a URL.
    private func runFetching(
        _ issuer: (FakeSources) -> String, keys: String?, discovery: (FakeSources) -> JSONDocument? = { _ in nil },
        _ body: (Gateway, TokenMaker, FakeSources) async throws -> Void
    ) async throws {
        let function = try await FakeLambda.shared.function(calls: [Self.hello])
        var setup = try Setup(function)
        let sources = try await FakeSources()
        let maker = try await TokenMaker(in: setup.folder, "main:p256", "next:p256")
        let all = try JSONDocument(parsing: maker.keys)["keys"]
        let first: JSONDocument = ["keys": .array([try #require(all?[0])])]
        try await sources.set(["jwks": .string(first.text), "discovery": .string(discovery(sources)?.text ?? "")])
        setup.routes = [
            "{ path: /*, authorization: { token: login }, function: main }", "{ path: /open, function: main }",
        ]
        setup.more = """
            token_issuers: { login: { issuer: "\(issuer(sources))", audiences: api\(keys.map { ", jwks: \"\(sources.url)\($0)\"" } ?? "") } }
            admin: { address: "127.0.0.1:0" }
            """
        try await Gateway.run(setup) { gateway in try await body(gateway, maker, sources) }
    }

    private func eventuallyStatus(_ status: Int, _ gateway: Gateway, _ token: String) async throws {
        _ = try await eventually("the answer is \(status)") {
            try await gateway.get("/", [self.bearer(token)]).status == status ? true : nil
        }
    }

    @Test func `keys are fetched, and again when a token names a new one`() async throws {
        try await self.runFetching({ _ in TokenMaker.issuer }, keys: "/jwks") { gateway, maker, sources in
            let token = try await maker.token("main", "ES256")
            // The first keys have come before anybody could ask.
            #expect(try await gateway.get("/", [self.bearer(token)]).status == 200)
            #expect(try await sources.calls().map(\.target) == ["/jwks"])
            try await sources.set(["jwks": .string(maker.keys)])
            let next = try await maker.token("next", "ES256")
            // Right after a fetch an unknown key is one that there is not; nobody makes the gateway ask all the time.
            for _ in 0..<5 { try expectProblem(try await gateway.get("/", [self.bearer(next)]), 401) }
            #expect(try await sources.calls().count == 1)
            // Ten seconds after it, the token is undecided until the keys have come.
            _ = try await eventually("the key is known", within: .seconds(60)) {
                let answer = try await gateway.get("/", [self.bearer(next)])
                if answer.status == 503 { #expect(answer["retry-after"] == "1") }
                return answer.status == 200 ? true : nil
            }
            #expect(try await sources.calls().count == 2)
            #expect(try await gateway.get("/", [self.bearer(token)]).status == 200)
            // The source is down: what is known stays in use.
            try await sources.set(["fails": "down"])
            #expect(try await gateway.get("/", [self.bearer(token)]).status == 200)
        }
    }

    @Test func `before there are keys a request is told to come again`() async throws {
        let function = try await FakeLambda.shared.function(calls: [Self.hello])
        var setup = try Setup(function)
        let sources = try await FakeSources()
        let maker = try await TokenMaker(in: setup.folder, "main:p256")
        try await sources.set(["jwks": .string(maker.keys), "fails": "down"])
        setup.routes = [
            "{ path: /*, authorization: { token: login }, function: main }", "{ path: /open, function: main }",
        ]
        setup.more =
            "token_issuers: { login: { issuer: \"\(TokenMaker.issuer)\", audiences: api, jwks: \"\(sources.url)/jwks\" } }"
        try await Gateway.run(setup) { gateway in
            let token = try await maker.token("main", "ES256")
            let answer = try await gateway.get("/", [self.bearer(token)])
            try expectProblem(answer, 503)
            #expect(answer["retry-after"] == "1")
            // Who has none needs no keys to be told so, and other routes are as ever.
            try expectProblem(try await gateway.get("/"), 401)
            #expect(try await gateway.get("/open").status == 200)
            try await gateway.logs("token keys can not be fetched")
            try await sources.set(["fails": ""])
            try await self.eventuallyStatus(200, gateway, token)
            #expect(try await gateway.accessLog(lines: 3).first?["end"] == "no_token_keys")
        }
    }

    @Test func `an issuer says itself where its keys are`() async throws {
        try await self.runFetching(
            { $0.url + "/realm" }, keys: nil,
            discovery: { ["issuer": .string($0.url + "/realm"), "jwks_uri": .string($0.url + "/jwks")] }
        ) { gateway, maker, sources in
            let token = try await maker.token("main", "ES256", ["iss": .string(sources.url + "/realm")])
            try await self.eventuallyStatus(200, gateway, token)
            #expect(
                try await sources.calls().map(\.target) == ["/realm/.well-known/openid-configuration", "/jwks"])
        }
    }

    @Test func `another issuer's document, and keys that anybody could change, are refused`() async throws {
        for document: (FakeSources) -> JSONDocument in [
            { ["issuer": "https://other.example", "jwks_uri": .string($0.url + "/jwks")] },
            { ["issuer": .string($0.url), "jwks_uri": "http://192.0.2.1/jwks"] },
            { ["issuer": .string($0.url)] },
        ] {
            try await self.runFetching({ $0.url }, keys: nil, discovery: document) { gateway, maker, sources in
                try await gateway.logs("token keys can not be fetched")
                let token = try await maker.token("main", "ES256", ["iss": .string(sources.url)])
                try expectProblem(try await gateway.get("/", [self.bearer(token)]), 503)
                #expect(try await sources.calls().allSatisfy { $0.target != "/jwks" })
            }
        }
    }

    @Test func `keys over TLS are from whom the authorities vouch for`() async throws {
        let function = try await FakeLambda.shared.function(calls: [Self.hello])
        var setup = try Setup(function)
        let certificate = try await TestCertificate(for: "DNS:localhost", in: setup.folder)
        let sources = try await FakeSources(certificate)
        let maker = try await TokenMaker(in: setup.folder, "main:p521")
        try await sources.set(["jwks": .string(maker.keys)])
        setup.aws = setup.aws.replacing(" }", with: ", ca_file: \"\(certificate.certificate)\" }")
        setup.routes = ["{ path: /*, authorization: { token: login }, function: main }"]
        setup.more =
            "token_issuers: { login: { issuer: \"\(TokenMaker.issuer)\", audiences: api, "
            + "jwks: \"https://localhost:\(sources.securePort)/jwks?p=policy\" } }"
        try await Gateway.run(setup) { gateway in
            try await self.eventuallyStatus(200, gateway, try await maker.token("main", "ES512"))
            #expect(try await sources.calls().map(\.target) == ["/jwks?p=policy"])
        }
        // And from nobody else.
        setup.aws = setup.aws.replacing(", ca_file: \"\(certificate.certificate)\"", with: "")
        try await Gateway.run(setup) { gateway in try await gateway.logs("token keys can not be fetched") }
    }

    @Test func `an issuer behind TLS says where its keys are, if the authorities vouch for it`() async throws {
        let function = try await FakeLambda.shared.function(calls: [Self.hello])
        var setup = try Setup(function)
        let certificate = try await TestCertificate(for: "DNS:localhost", in: setup.folder)
        let sources = try await FakeSources(certificate)
        let maker = try await TokenMaker(in: setup.folder, "main:p256")
        let issuer = "https://localhost:\(sources.securePort)/realm"
        let document: JSONDocument = [
            "issuer": .string(issuer), "jwks_uri": .string("https://localhost:\(sources.securePort)/jwks"),
        ]
        try await sources.set(["jwks": .string(maker.keys), "discovery": .string(document.text)])
        setup.aws = setup.aws.replacing(" }", with: ", ca_file: \"\(certificate.certificate)\" }")
        setup.routes = ["{ path: /*, authorization: { token: login }, function: main }"]
        setup.more = "token_issuers: { login: { issuer: \"\(issuer)\", audiences: api } }"
        let token = try await maker.token("main", "ES256", ["iss": .string(issuer)])
        try await Gateway.run(setup) { gateway in
            try await self.eventuallyStatus(200, gateway, token)
            #expect(try await sources.calls().map(\.target) == ["/realm/.well-known/openid-configuration", "/jwks"])
        }
        var untrusting = try Setup(function)
        (untrusting.routes, untrusting.more) = (setup.routes, setup.more)
        try await Gateway.run(untrusting) { gateway in
            try await gateway.logs("token keys can not be fetched")
            try expectProblem(try await gateway.get("/", [self.bearer(token)]), 503)
            #expect(try await sources.calls().count == 2)
        }
    }

    @Test func `a new process fetches its own keys before it takes over`() async throws {
        try await self.runFetching({ _ in TokenMaker.issuer }, keys: "/jwks") { gateway, maker, sources in
            let token = try await maker.token("main", "ES256")
            #expect(try await gateway.get("/", [self.bearer(token)]).status == 200)
            let successor = try await Successor(of: gateway)
            // The first request that it gets finds them.
            #expect(try await gateway.get("/", [self.bearer(token)]).status == 200)
            try expectProblem(try await gateway.get("/", [self.bearer(token + "x")]), 401)
            #expect(try await sources.calls().map(\.target) == ["/jwks", "/jwks"])
            #expect(try await gateway.child.ended() == .exited(0))
            try await successor.stop()
        }
    }

    // What operators see.

    @Test func `metrics tell of tokens and keys`() async throws {
        try await self.run { gateway, maker, _ in
            _ = try await gateway.get("/")
            _ = try await gateway.get("/", [self.bearer("x")])
            _ = try await gateway.get("/", [self.bearer(try await maker.token("main", "ES256"))])
            let address = try #require(
                gateway.log.split(separator: "\n").first { $0.contains("the admin listener is open") }?.split(
                    separator: " "
                )
                .first { $0.hasPrefix("address=") }?.dropFirst(8))
            let metrics = try await Tool.curl("http://\(address)/metrics").output
            #expect(metrics.contains("sluice_token_refusals_total{issuer=\"login\",reason=\"missing\"} 1"))
            #expect(metrics.contains("sluice_token_refusals_total{issuer=\"login\",reason=\"invalid\"} 1"))
            #expect(metrics.contains("sluice_token_keys{issuer=\"login\"} 2"))
            #expect(try await Tool.curl("http://\(address)/readyz").output == "ready\n")
        }
    }

    @Test func `check looks into key files, and with --online fetches keys`() async throws {
        let folder = try TestFolder()
        let sources = try await FakeSources()
        let maker = try await TokenMaker(in: folder, "main:p256")
        try await sources.set(["jwks": .string(maker.keys)])
        try folder.write("keys.json", "{\"keys\": []}")
        func file(_ keys: String) throws -> String {
            try folder.write(
                "sluice.yaml",
                """
                listeners: [{ address: "127.0.0.1:0" }]
                token_issuers:
                  login:
                    issuer: https://login.example.com/
                    audiences: [api]
                    jwks: \(keys)
                routes:
                  - { path: /*, authorization: { token: login, scopes: [a, b] }, respond: { status: 204 } }
                """)
        }
        let broken = try await Tool.sluice("check", "--config", try file("keys.json"))
        #expect(broken.status == 1)
        #expect(broken.errors.contains("sluice.yaml:6:11: error: "), "\(broken.errors)")
        #expect(broken.errors.contains("none of its 0 keys can check a token"))
        let good = try file("\(sources.url)/jwks")
        let online = try await Tool.sluice("check", "--online", "--config", good)
        #expect(online.status == 0)
        #expect(online.output.contains("ok: 1 keys that tokens can be checked with"), "\(online.output)")
        let explained = try await Tool.sluice("explain", "--config", good, "GET", "/x")
        #expect(
            explained.output.contains("with a token of login (https://login.example.com/) that allows one of a, b"))
        try await sources.set(["fails": "down"])
        let down = try await Tool.sluice("check", "--online", "--config", good)
        #expect(down.status == 1)
        #expect(down.output.contains("no keys: \(sources.url)/jwks: it answers with status 503"), "\(down.output)")
    }
}
