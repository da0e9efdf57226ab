import Testing

/// Which route takes a request, and that no way of writing a path escapes the one that was meant.
@Suite struct RouteTests {
    /// A gateway whose routes all answer with their names.
    private func run(_ routes: [String], _ body: (Gateway) async throws -> Void) async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = routes
        try await Gateway.run(setup, body)
    }

    @Test func `the most specific route wins, whatever the order`() async throws {
        try await self.run([
            "{ path: /*, respond: { body: any } }",
            "{ path: /v1/*, respond: { body: v1 } }",
            "{ path: \"/v1/{id}\", respond: { body: parameter } }",
            "{ path: /v1/exact, respond: { body: exact } }",
            "{ path: /v1/exact, methods: [POST], respond: { body: posted } }",
            "{ path: /v1/exact, headers: { x-beta: \"1\" }, methods: [POST], respond: { body: beta } }",
            "{ host: a.example.com, path: /*, respond: { body: host } }",
            "{ host: \"*.example.com\", path: /*, respond: { body: wildcard } }",
        ]) { gateway in
            let rows: [(String, String, String, [String])] = [
                ("any", "GET", "/other", []), ("any", "GET", "/v12", []), ("v1", "GET", "/v1", []),
                ("v1", "GET", "/v1/", []),
                ("v1", "GET", "/v1/a/b", []), ("parameter", "GET", "/v1/a", []), ("exact", "GET", "/v1/exact", []),
                ("posted", "POST", "/v1/exact", []), ("beta", "POST", "/v1/exact", ["X-Beta: 1"]),
                ("posted", "POST", "/v1/exact", ["X-Beta: 2"]),
                ("host", "GET", "/v1/exact", ["Host: A.Example.com:81"]),
                ("wildcard", "GET", "/v1/exact", ["Host: b.c.example.com"]), ("any", "GET", "/", ["Host: example.com"]),
            ]
            for (name, method, path, fields) in rows {
                let answer = try await gateway.get(path, fields, method: method)
                #expect(answer.text == name, "\(method) \(path) \(fields)")
            }
        }
    }

    /// Every way of writing a path below /private is the private route's, or no request at all.
    @Test(arguments: [
        "/private", "/private/", "/private/x", "//private/x", "/private//x", "/./private/x", "/public/../private/x",
        "/public/./../private/x",
        "/%70rivate/x", "/%70%72%69vate", "/public/%2e%2e/private/x", "/public/.%2E/private/x",
        "/private/x?y=/../../public", "///private",
        "/public/..//private/x", "/private/../private/x", "/private;a=b/../private/x",
    ])
    func `a path can not dodge its route`(_ path: String) async throws {
        try await self.run([
            "{ path: /*, respond: { body: public } }", "{ path: /private/*, respond: { status: 403, body: private } }",
        ]) { gateway in
            let answer = try await gateway.get(path)
            #expect(answer.status == 403, "\(answer.summary)")
        }
    }

    @Test(arguments: [
        "/public/%2e%2e%2fprivate", "/public/..%2fprivate", "/public/..%5cprivate", "/public/%252e%252e/private",
        "/public/%00/private", "/public\\..\\private",
    ])
    func `a hidden way is refused or stays where it is`(_ path: String) async throws {
        try await self.run([
            "{ path: /*, respond: { status: 404 } }", "{ path: /public/*, respond: { body: public } }",
            "{ path: /private/*, respond: { body: private } }",
        ]) { gateway in
            let answer = try await gateway.get(path)
            #expect(answer.text != "private")
            #expect(answer.status == 400 || answer.status == 404 || answer.text == "public")
        }
    }

    @Test func `redirects keep the rest and the query`() async throws {
        try await self.run([
            "{ path: /old/*, redirect: { to: \"https://example.com/new/*\", status: 308 } }",
            "{ path: \"/users/{id}\", redirect: { to: \"/people/{id}\" } }",
        ]) { gateway in
            let old = try await gateway.get("/old/a/b?c=d")
            #expect(old.status == 308)
            #expect(old["location"] == "https://example.com/new/a/b?c=d")
            #expect(old.end == .whole)
            #expect(old["x-request-id"]?.count == 36)
            let user = try await gateway.get("/users/7")
            #expect(user.status == 307)
            #expect(user["location"] == "/people/7")
            let evil = try await gateway.get("/old//evil.example/")
            #expect(evil["location"]?.hasPrefix("https://example.com/new/") == true)
        }
    }

    @Test func `fixed answers have their fields, and no body for HEAD`() async throws {
        try await self.run([
            "{ path: /robots.txt, respond: { status: 200, headers: { content-type: text/plain, x-many: [a, b] }, body: \"User-agent: *\\n\" }, response_headers: { set: { strict-transport-security: max-age=1 } } }",
            "{ path: /nothing, respond: { status: 204 } }",
        ]) { gateway in
            let robots = try await gateway.get("/robots.txt")
            #expect(robots.text == "User-agent: *\n")
            #expect(robots["content-type"] == "text/plain")
            #expect(robots.all("x-many") == ["a", "b"])
            #expect(robots["strict-transport-security"] == "max-age=1")
            #expect(robots["content-length"] == "14")
            let head = try await gateway.get("/robots.txt", method: "HEAD")
            #expect(head["content-length"] == "14")
            #expect(head.body.isEmpty)
            let nothing = try await gateway.get("/nothing")
            #expect(nothing.status == 204)
            #expect(nothing["content-length"] == nil)
        }
    }
}
