import Foundation
import Testing

/// Weights, fallbacks, the line for a place, tenants.
@Suite struct ResilienceTests {
    private static let hello: [Step] = [.text("hello"), .done, .end]
    private static let throttle = Step.answer(429, ["x-amzn-errortype": "TooManyRequestsException"], "{}")

    // Weights.

    @Test func `requests are shared by weights, and stay where they are sticky`() async throws {
        let lambda = try await FakeLambda.shared
        let (one, two) = (
            try await lambda.function(.text("one"), .done, .end), try await lambda.function(.text("two"), .done, .end)
        )
        var setup = try Setup(lambda)
        setup.add(one, as: "one")
        setup.add(two, as: "two")
        setup.routes = [
            "{ path: /none/*, functions: [{ name: one, weight: 1 }, { name: two, weight: 0 }] }",
            "{ path: /half/*, functions: [{ name: one }, { name: two }] }",
            "{ path: /sticky/*, functions: [{ name: one }, { name: two }], sticky: { cookie: user } }",
        ]
        try await Gateway.run(setup) { gateway in
            for _ in 0..<10 { #expect(try await gateway.get("/none").text == "one") }
            var seen: Set<String> = []
            for _ in 0..<200 where seen.count < 2 { seen.insert(try await gateway.get("/half").text) }
            #expect(seen == ["one", "two"])
            var sticky: Set<String> = []
            for user in 0..<20 {
                let first = try await gateway.get("/sticky", ["Cookie: a=b; user=\(user)"]).text
                for _ in 0..<3 { #expect(try await gateway.get("/sticky", ["Cookie: user=\(user)"]).text == first) }
                sticky.insert(first)
            }
            #expect(sticky == ["one", "two"])
        }
    }

    @Test func `values of a header stay with their function, and move only to one that gains weight`() async throws {
        let lambda = try await FakeLambda.shared
        var setup = try Setup(lambda)
        for name in ["one", "two", "six"] {
            setup.add(try await lambda.function(.text(name), .done, .end), as: name)
        }
        func route(_ weights: [Int]) -> [String] {
            let functions = zip(["one", "two", "six"], weights).map { "{ name: \($0), weight: \($1) }" }
            return ["{ path: /*, functions: [\(functions.joined(separator: ", "))], sticky: { header: X-User } }"]
        }
        setup.routes = route([1, 1, 1])
        try await Gateway.run(setup) { gateway in
            func places() async throws -> [String] {
                var places: [String] = []
                for user in 0..<40 { places.append(try await gateway.get("/", ["x-user: \(user)"]).text) }
                return places
            }
            let before = try await places()
            #expect(Set(before) == ["one", "two", "six"])
            #expect(try await places() == before)
            setup.routes = route([1, 1, 3])
            #expect(try await gateway.reload(setup))
            let after = try await places()
            let moved = zip(before, after).filter { $0 != $1 }
            #expect(!moved.isEmpty)
            #expect(moved.allSatisfy { $0.1 == "six" })
        }
    }

    // Fallbacks.

    private func withFallback(
        _ keys: String, _ steps: [Step], _ body: (Gateway, FakeFunction, FakeFunction) async throws -> Void
    ) async throws {
        let lambda = try await FakeLambda.shared
        let first = try await lambda.function(calls: [steps])
        let second = try await lambda.function(.text("second"), .done, .end)
        var setup = try Setup(lambda)
        setup.add(first, as: "first", "fallback: second, \(keys)")
        setup.add(second, as: "second", "event: v1")
        setup.routes = ["{ path: /*, function: first }"]
        try await Gateway.run(setup) { gateway in try await body(gateway, first, second) }
    }

    @Test(
        arguments: [
            ([throttle], "retries: 1", 2),
            ([.answer(404, ["x-amzn-errortype": "ResourceNotFoundException"], "{}")], "retries: 1", 1),
            ([.forever], "timeouts: { first_byte: 300ms }", 1),
        ] as [([Step], String, Int)])
    func `another function stands in for one that is refused, throttled or silent`(
        steps: [Step], keys: String, calls: Int
    ) async throws {
        try await self.withFallback(keys, steps) { gateway, first, second in
            let answer = try await gateway.get("/a", ["Content-Type: text/plain"], method: "POST", body: "hi")
            #expect(answer.text == "second")
            #expect(try await first.calls().count == calls)
            let event = try await second.calls()[0].event
            // Its own kind of event, of the same request.
            #expect(event["httpMethod"] == "POST")
            #expect(event["body"] == "hi")
            #expect(event["requestContext"]?["requestId"]?.string == answer["x-request-id"])
            let line = try await gateway.accessLog(lines: 1)[0]
            #expect(line["function"] == "second")
            #expect(line["attempts"]?.int == calls + 1)
        }
    }

    /// Tenants of the two functions, and those that each is called for.
    static let tenants: [(first: String, second: String, firstTenant: String?, secondTenant: String?)] = [
        ("tenant_id: acme", "tenant_id: { from: host }", "acme", "shop.example.com"),
        ("tenant_id: { from: host }", "tenant_id: acme", "shop.example.com", "acme"),
        ("tenant_id: { from: host }", "tenant_id: { path_parameter: id }", "shop.example.com", "seven"),
        ("", "tenant_id: { path_parameter: id }", nil, "seven"),
        ("tenant_id: { path_parameter: id }", "", "seven", nil),
    ]

    @Test(arguments: Self.tenants)
    func `who stands in is called for its own tenant, with its own kind of event`(
        first: String, second: String, firstTenant: String?, secondTenant: String?
    ) async throws {
        let lambda = try await FakeLambda.shared
        let throttle = Step.answer(429, ["x-amzn-errortype": "TooManyRequestsException"], "{}")
        let functions = [
            try await lambda.function(throttle), try await lambda.function(.text("second"), .done, .end),
        ]
        var setup = try Setup(lambda)
        setup.add(functions[0], as: "first", "retries: 0, fallback: second" + (first.isEmpty ? "" : ", \(first)"))
        setup.add(functions[1], as: "second", "event: v1" + (second.isEmpty ? "" : ", \(second)"))
        setup.routes = ["{ path: \"/a/{id}\", function: first }"]
        try await Gateway.run(setup) { gateway in
            #expect(try await gateway.get("/a/seven", ["Host: shop.example.com"]).text == "second", "\(gateway.log)")
            for (function, tenant) in zip(functions, [firstTenant, secondTenant]) {
                let call = try await function.calls()[0]
                #expect(call.header("x-amz-tenant-id") == tenant)
                #expect(call.headerNames.count { $0 == "x-amz-tenant-id" } < 2)
                #expect(call.signature == nil)
            }
            let event = try await functions[1].calls()[0].event
            #expect(event["resource"] == "/a/{id}")
            #expect(event["pathParameters"]?["id"] == "seven")
        }
    }

    @Test func `who stands in gets no request that it cannot take`() async throws {
        let lambda = try await FakeLambda.shared
        let throttle = Step.answer(429, ["x-amzn-errortype": "TooManyRequestsException"], "{}")
        let second = try await lambda.function(.text("second"), .done, .end)
        var setup = try Setup(await lambda.function(throttle), "retries: 0, fallback: second")
        setup.add(second, as: "second", "event: raw, max_request_body: 10")
        try await Gateway.run(setup) { gateway in
            try expectProblem(try await gateway.get("/", method: "POST", body: "a=b"), 400)
            try expectProblem(try await gateway.get("/", method: "POST", body: "[1,2,3,4,5,6]"), 413)
            #expect(try await gateway.get("/", method: "POST", body: "[1]").text == "second")
            #expect(try await second.calls().count == 1)
        }
    }

    @Test func `nobody stands in for a function that has run`() async throws {
        try await self.withFallback("retries: 0", [.complete(["ErrorCode": "Unhandled"]), .end]) { gateway, _, second in
            try expectProblem(try await gateway.get("/"), 502)
            #expect(try await second.calls().isEmpty)
        }
        try await self.withFallback("retries: 0", [.text("begun"), .close]) { gateway, _, second in
            let answer = try await gateway.get("/")
            #expect(answer.text == "begun")
            #expect(answer.end == .cut(.closed))
            #expect(try await second.calls().isEmpty)
        }
    }

    @Test(arguments: [429, 503])
    func `another function stands in for a server that takes no more`(status: Int) async throws {
        let lambda = try await FakeLambda.shared
        let first = try await lambda.function(.answer(status, [:], "no more"))
        let second = try await lambda.function(.text("second"), .done, .end)
        var setup = try Setup(url: first, "fallback: second")
        setup.add(second, as: "second")
        try await Gateway.run(setup) { gateway in
            let answer = try await gateway.get("/", method: "POST", body: "hi")
            #expect(answer.text == "second")
            #expect(try await first.calls()[0].body == "hi")
            #expect(try await second.calls()[0].event["body"] == "aGk=")
        }
    }

    // The line.

    @Test func `calls beyond the limit wait in line, and no more than it holds`() async throws {
        let function = try await FakeLambda.shared.function(.gate, .text("hello"), .done, .end)
        try await Gateway.run(Setup(function, "max_concurrency: 1, queue: { size: 2, timeout: 20s }")) { gateway in
            var clients: [RawClient] = []
            for index in 0..<3 {
                let client = try await gateway.connect()
                try await client.send(Gateway.request("/\(index)"))
                clients.append(client)
                // In order.
                try await Task.sleep(for: .milliseconds(100))
            }
            let refused = try await gateway.get("/3")
            try expectProblem(refused, 503)
            #expect(refused["retry-after"] == "1")
            for (index, client) in clients.enumerated() {
                try await function.wait(for: .gated, index + 1)
                #expect(try await function.calls().count == index + 1)
                try await function.release()
                #expect(try await client.answer().text == "hello")
                client.close()
            }
            let paths = try await function.calls().map { try $0.event["rawPath"]?.string }
            #expect(paths == ["/0", "/1", "/2"])
        }
    }

    @Test func `who waits too long or leaves makes room`() async throws {
        let function = try await FakeLambda.shared.function(.gate, .text("hello"), .done, .end)
        try await Gateway.run(Setup(function, "max_concurrency: 1, queue: { size: 1, timeout: 400ms }")) { gateway in
            let first = try await gateway.connect()
            defer { first.close() }
            try await first.send(Gateway.request())
            try await function.wait(for: .gated, 1)
            let late = try await gateway.get("/")
            try expectProblem(late, 503)
            #expect(late["retry-after"] == "1")
            let leaving = try await gateway.connect()
            try await leaving.send(Gateway.request())
            try await Task.sleep(for: .milliseconds(100))
            leaving.close()
            _ = try await gateway.accessLog(lines: 2)
            try await function.release(2)
            #expect(try await first.answer().text == "hello")
            #expect(try await gateway.get("/").text == "hello")
            #expect(try await function.calls().count == 2)
        }
    }

    @Test func `a line is one for all loops`() async throws {
        let function = try await FakeLambda.shared.function(.pause(0.02), .text("hello"), .done, .end)
        var setup = try Setup(function, "max_concurrency: 2, queue: { size: 100, timeout: 20s }")
        setup.workers = 3
        try await Gateway.run(setup) { gateway in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<40 { group.addTask { try await gateway.get("/").text } }
                for try await text in group { #expect(text == "hello") }
            }
            #expect(try await function.calls().count == 40)
        }
    }

    // Tenants.

    @Test func `the tenant comes from the host or the path, and never from a header`() async throws {
        let function = try await FakeLambda.shared.function(calls: [Self.hello])
        var setup = try Setup(function.lambda)
        setup.add(function, as: "host", "tenant_id: { from: host }")
        setup.add(function, as: "path", "tenant_id: { path_parameter: tenant }")
        setup.routes = [
            "{ path: /host/*, function: host }", "{ path: \"/path/{tenant}/*\", function: path }",
        ]
        try await Gateway.run(setup) { gateway in
            let forged = ["X-Amz-Tenant-Id: forged", "Host: Acme.example.com"]
            #expect(try await gateway.get("/host/a", forged).text == "hello")
            #expect(try await gateway.get("/path/a%20b/c", forged).text == "hello")
            for path in ["/path/a%2Cb/c", "/path/%C3%A9/c"] { try expectProblem(try await gateway.get(path), 400) }
            let calls = try await function.calls()
            #expect(calls.map { $0.header("x-amz-tenant-id") } == ["acme.example.com", "a b"])
            #expect(calls.map(\.signature) == [nil, nil])
        }
    }

    @Test func `the tenant comes from a verified certificate, and from nothing that a client says`() async throws {
        let function = try await FakeLambda.shared.function(calls: [Self.hello])
        var setup = try Setup(function.lambda)
        for name in ["common_name", "organization", "organizational_unit", "dns_name", "uri"] {
            setup.add(function, as: name, "tenant_id: { client_certificate: \(name) }")
            setup.routes.append("{ path: /\(name)/*, function: \(name) }")
        }
        let authority = try await TestAuthority(in: setup.folder)
        try await authority.run(
            """
            ec alice; leaf alice clients '/O=acme/OU=team a/CN=alice' 'subjectAltName=DNS:a.example,URI:spiffe://x/y'
            ec double; leaf double clients '/O=acme/CN=alice/CN=bob' 'subjectAltName=DNS:a.example,DNS:b.example'
            ec odd; leaf odd clients '/O=a!b/CN=é' ''
            ec stranger; leaf stranger ca '/O=acme/CN=alice' ''
            """)
        setup.listenerKeys = authority.tls("site", keys: "client_ca: clients.pem, client_certificate: optional")
        setup.listeners.append("127.0.0.1:0")
        try await Gateway.run(setup) { gateway in
            func status(_ certificate: String?, _ name: String, _ fields: String...) async throws -> String {
                let pair = certificate.map {
                    "--cert \(authority.path("\($0).pem")) --key \(authority.path("\($0).key"))"
                }
                let headers = fields.map { "-H '\($0)'" }.joined(separator: " ")
                return try await Tool.run(
                    "/bin/sh",
                    [
                        "-c",
                        "curl --silent --max-time 30 --cacert \(authority.path("ca.pem")) -o /dev/null -w '%{http_code}' "
                            + "\(pair ?? "") \(headers) https://127.0.0.1:\(gateway.port)/\(name)/x",
                    ]
                ).output
            }
            let forged = [
                "X-Amz-Tenant-Id: forged", "X-Forwarded-Client-Cert: Subject=CN=forged", "X-Client-Cert: forged",
            ]
            for name in ["common_name", "organization", "organizational_unit", "dns_name", "uri"] {
                #expect(try await status("alice", name, forged[0], forged[1], forged[2]) == "200", "\(gateway.log)")
                // None, or one that nobody vouches for.
                #expect(try await status(nil, name, forged[0], forged[1], forged[2]) == "400")
                #expect(try await status("stranger", name) == "000")
            }
            let calls = try await function.calls()
            let tenants = ["alice", "acme", "team a", "a.example", "spiffe://x/y"]
            #expect(calls.map { $0.header("x-amz-tenant-id") } == tenants)
            #expect(calls.allSatisfy { $0.signature == nil })
            // Which of two is meant nobody knows; what is no tenant is none.
            for (certificate, name) in [
                ("double", "common_name"), ("double", "dns_name"), ("double", "uri"), ("double", "organizational_unit"),
                ("odd", "common_name"), ("odd", "organization"),
            ] {
                #expect(try await status(certificate, name) == "400", "\(certificate) \(name)")
            }
            #expect(try await status("double", "organization") == "200")
            #expect(try await function.calls().count == 6)
            #expect(try await gateway.accessLog(lines: 17).filter { $0["end"] == "no_tenant" }.count == 11)
        }
    }
}
