import Foundation
import Testing

/// What the function gets, and what the Lambda API gets, of a client's request.
@Suite struct EventTests {
    private func run(
        _ keys: String = "", route: String = "", _ body: (Gateway, FakeFunction) async throws -> Void
    ) async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function, keys)
        setup.routes = ["{ path: /*, function: main\(route.isEmpty ? "" : ", ")\(route) }"]
        try await Gateway.run(setup) { gateway in try await body(gateway, function) }
    }

    @Test func `a request becomes an event of payload 2.0`() async throws {
        try await self.run { gateway, function in
            let path = "/capture/space%20value?repeat=one&repeat=two&literalPlus=a+b&encodedPlus=a%2Bb&empty="
            let answer = try await gateway.get(
                path,
                [
                    "Host: Shop.example.com", "X-Probe: first", "X-Probe: second", "Cookie: session=abc123; theme=dark",
                    "User-Agent: probe/1", "Content-Type: application/json",
                ],
                method: "POST", body: "{\"message\":\"hi\"}")
            #expect(answer.text == "hello")
            let event = try await function.calls()[0].event
            #expect(event["version"] == "2.0")
            #expect(event["routeKey"] == "$default")
            #expect(event["rawPath"] == "/capture/space%20value")
            #expect(event["rawQueryString"] == "repeat=one&repeat=two&literalPlus=a+b&encodedPlus=a%2Bb&empty=")
            #expect(
                event["queryStringParameters"] == [
                    "repeat": "one,two", "literalPlus": "a b", "encodedPlus": "a+b", "empty": "",
                ])
            #expect(event["cookies"] == ["session=abc123", "theme=dark"])
            #expect(event["headers"]?["x-probe"] == "first,second")
            #expect(event["headers"]?["cookie"] == "session=abc123; theme=dark")
            #expect(event["headers"]?["content-length"] == "16")
            #expect(event["headers"]?["x-forwarded-for"] == "127.0.0.1")
            #expect(event["headers"]?["x-forwarded-proto"] == "http")
            #expect(event["headers"]?["x-forwarded-port"]?.string == "\(gateway.port)")
            #expect(event["headers"]?["host"]?.string?.lowercased() == "shop.example.com")
            #expect(event["body"] == "{\"message\":\"hi\"}")
            #expect(event["isBase64Encoded"] == false)
            let http = event["requestContext"]?["http"]
            #expect(http?["method"] == "POST")
            #expect(http?["path"] == "/capture/space value")
            #expect(http?["protocol"] == "HTTP/1.1")
            #expect(http?["sourceIp"] == "127.0.0.1")
            #expect(http?["userAgent"] == "probe/1")
            #expect(event["requestContext"]?["domainPrefix"]?.string?.lowercased() == "shop")
            let epoch = event["requestContext"]?["timeEpoch"]?.int ?? 0
            #expect(abs(Double(epoch) / 1000 - Date().timeIntervalSince1970) < 60)
        }
    }

    @Test func `nothing of a client reaches the head of the call`() async throws {
        try await self.run { gateway, function in
            let answer = try await gateway.get(
                "/",
                [
                    "Authorization: AWS4-HMAC-SHA256 Credential=x", "X-Amz-Tenant-Id: forged",
                    "X-Amz-Client-Context: e30=",
                    "X-Amz-Invocation-Type: DryRun", "X-Amz-Log-Type: Tail", "X-Amz-Security-Token: forged",
                    "X-Amz-Date: 20200101T000000Z",
                    "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD", "User-Agent: forged", "Content-Type: text/forged",
                    "X-Forwarded-For: 1.2.3.4",
                    "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Accept: forged",
                ], method: "POST", body: "x")
            #expect(answer.text == "hello")
            let call = try await function.calls()[0]
            #expect(call.method == "POST")
            #expect(call.target == "/2021-11-15/functions/\(function.name)/response-streaming-invocations")
            #expect(
                call.headerNames == [
                    "authorization", "content-length", "content-type", "host", "user-agent", "x-amz-date",
                    "x-amzn-trace-id",
                ])
            #expect(!call.head.contains("forged"))
            #expect(call.header("content-type") == "application/json")
            #expect(call.header("host") == "127.0.0.1:\(function.lambda.port)")
            // The function sees what belongs to it, and the peer's address in place of what the client said.
            let headers = try call.event["headers"]
            #expect(headers?["x-amz-tenant-id"] == "forged")
            #expect(headers?["x-forwarded-for"] == "127.0.0.1")
        }
    }

    @Test func `fields of one connection and odd names do not reach the function`() async throws {
        try await self.run { gateway, function in
            _ = try await gateway.get(
                "/",
                [
                    "Connection: keep-alive, X-Named", "X-Named: 1", "Keep-Alive: 5", "TE: trailers",
                    "Upgrade: websocket", "Proxy: http://evil",
                    "Proxy-Authorization: x", "X_Underscore: 1", "X-Kept: 1",
                ])
            let headers = try await function.calls()[0].event["headers"]
            #expect(headers?["x-kept"] == "1")
            for name in [
                "connection", "x-named", "keep-alive", "te", "upgrade", "proxy", "proxy-authorization", "x_underscore",
            ] {
                #expect(headers?[name] == nil, "\(name)")
            }
        }
    }

    @Test func `a trace goes on where it is one`() async throws {
        try await self.run { gateway, function in
            let trace = "Root=1-6a5145aa-290a323a5de9a2e0636377d4;Parent=53995c3f42cd8ad8;Sampled=1"
            _ = try await gateway.get("/", ["X-Amzn-Trace-Id: \(trace)"])
            _ = try await gateway.get("/", ["X-Amzn-Trace-Id: nonsense, \(String(repeating: "x", count: 1000))"])
            _ = try await gateway.get("/", ["X-Amzn-Trace-Id: Root=1-é"])
            _ = try await gateway.get("/")
            let calls = try await function.calls()
            #expect(calls[0].header("x-amzn-trace-id") == trace)
            #expect(try calls[0].event["headers"]?["x-amzn-trace-id"]?.string == trace)
            for call in calls[1...] {
                let own = call.header("x-amzn-trace-id") ?? ""
                #expect(own.wholeMatch(of: /Root=1-[0-9a-f]{8}-[0-9a-f]{24}/) != nil, "\(own)")
                #expect(try call.event["headers"]?["x-amzn-trace-id"]?.string == own)
            }
        }
    }

    @Test func `a function is called by its ARN, qualifier and tenant`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function.lambda)
        let arn = "arn:aws:lambda:us-east-2:123456789012:function:\(function.name)"
        setup.functions = [("main", "{ function: \"\(arn)\", qualifier: live, tenant_id: acme }")]
        setup.routes = ["{ path: /*, function: main }"]
        setup.environment["AWS_SESSION_TOKEN"] = "tok/en+=="
        try await Gateway.run(setup) { gateway in
            let answer = try await gateway.get()
            #expect(answer.text == "hello")
        }
        let call = try await function.calls()[0]
        let encoded = arn.replacingOccurrences(of: ":", with: "%3A")
        #expect(call.target == "/2021-11-15/functions/\(encoded)/response-streaming-invocations?Qualifier=live")
        #expect(call.signature == nil)
        #expect(call.header("x-amz-tenant-id") == "acme")
        #expect(call.header("x-amz-security-token") == "tok/en+==")
        // The ARN's region wins over the configured one.
        #expect(call.header("authorization")?.contains("/us-east-2/lambda/aws4_request") == true)
    }

    @Test func `botocore signs the same`() async throws {
        try await self.run("qualifier: \"$LATEST\"") { gateway, function in
            _ = try await gateway.get(
                "/é".addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["/"])) ?? "/", method: "POST",
                body: "{\"a\":1}")
            let call = try await function.calls()[0]
            let document: JSONDocument = [
                "method": .string(call.method), "url": .string("http://\(call.header("host") ?? "")\(call.target)"),
                "headers": .array(call.headers.map { .array($0.map { .string($0) }) }), "body": .string(call.body),
                "access_key": .string(FakeLambda.accessKey), "secret_key": .string(FakeLambda.secretKey),
            ]
            let file = try gateway.folder.write("call.json", document.text)
            let python = try await Tool.python("sign_again.py", [file])
            #expect(python.status == 0, "\(python.errors)")
            let signature = call.header("authorization")?.split(separator: "Signature=").last.map { String($0) }
            #expect(python.output.trimmingCharacters(in: .whitespacesAndNewlines) == signature)
        }
    }

    @Test(arguments: [
        ("text/plain", "héllo", false), ("application/json; charset=utf-8", "{}", false),
        ("application/x-www-form-urlencoded", "a=b", true), ("", "x", true),
    ])
    func `bodies are text or base64`(_ type: String, _ body: String, _ isBase64: Bool) async throws {
        try await self.run { gateway, function in
            _ = try await gateway.get("/", type.isEmpty ? [] : ["Content-Type: \(type)"], method: "POST", body: body)
            let event = try await function.calls()[0].event
            #expect(event["isBase64Encoded"] == .bool(isBase64))
            #expect(event["body"]?.string == (isBase64 ? Data(body.utf8).base64EncodedString() : body))
        }
    }

    @Test func `a chunked body is put together and its trailers dropped`() async throws {
        try await self.run { gateway, function in
            let client = try await gateway.connect()
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
            )
            for piece in ["3;ext=1\r\nabc\r\n", "3\r\ndef\r\n", "0\r\nX-T: forged\r\n\r\n"] {
                try await client.send(piece)
            }
            #expect(try await client.answer().text == "hello")
            let call = try await function.calls()[0]
            #expect(try call.event["body"] == "abcdef")
            #expect(!call.body.contains("forged"))
            #expect(try call.event["headers"]?["transfer-encoding"] == nil)
        }
    }

    @Test func `a route takes a prefix away and edits fields`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        setup.routes = [
            "{ path: /v1/*, function: main, strip_prefix: /v1, request_headers: { set: { x-from: sluice }, remove: [x-internal], add: { x-add: b } } }"
        ]
        try await Gateway.run(setup) { gateway in
            _ = try await gateway.get("/v1/users/7?q=1", ["X-Internal: 1", "X-From: forged", "X-Add: a"])
            _ = try await gateway.get("/v1")
        }
        let events = try await function.calls().map { try $0.event }
        #expect(events[0]["rawPath"] == "/users/7")
        #expect(events[0]["requestContext"]?["http"]?["path"] == "/users/7")
        #expect(events[0]["rawQueryString"] == "q=1")
        #expect(events[0]["headers"]?["x-internal"] == nil)
        #expect(events[0]["headers"]?["x-from"] == "sluice")
        #expect(events[0]["headers"]?["x-add"] == "a,b")
        #expect(events[1]["rawPath"] == "/")
    }
}
