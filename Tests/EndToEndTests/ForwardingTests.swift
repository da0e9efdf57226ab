import Foundation
import Testing

/// `url:`: function URLs and other HTTP servers, to which the request itself goes.
@Suite struct ForwardingTests {
    private func run(
        _ keys: String = "", route: String = "path: /*", _ steps: [Step] = [.answer(200, [:], "hello")],
        _ body: (Gateway, FakeFunction) async throws -> Void
    ) async throws {
        let function = try await FakeLambda.shared.function(calls: [steps])
        var setup = try Setup(url: function, keys)
        setup.routes = ["{ \(route), function: main }"]
        try await Gateway.run(setup) { gateway in try await body(gateway, function) }
    }

    @Test func `a request goes on as it is, but for what is the gateway's`() async throws {
        try await self.run { gateway, function in
            let answer = try await gateway.get(
                "/a%20b//c?x=1&x=%2F",
                [
                    "Host: shop.example.com:8443", "X-Probe: 1", "x-probe: 2", "Cookie: a=1", "Authorization: Bearer x",
                    "Accept-Encoding: br", "Connection: X-Named", "X-Named: 1", "Keep-Alive: 5", "TE: trailers",
                    "X_Under: 1", "Proxy-Authorization: x", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: gopher",
                    "X-Forwarded-Host: evil", "X-Real-IP: 1.2.3.4", "X-Request-Id: theirs", "X-Amz-Meta: kept",
                    "Content-Type: text/plain",
                ], method: "PUT", body: "hi")
            #expect(answer.status == 200)
            #expect(answer.text == "hello")
            let call = try await function.calls()[0]
            #expect(call.method == "PUT")
            #expect(call.target == "/\(function.name)/a%20b//c?x=1&x=%2F")
            #expect(call.body == "hi")
            #expect(call.header("host") == "127.0.0.1:\(function.lambda.port)")
            #expect(call.header("x-forwarded-host") == "shop.example.com:8443")
            #expect(call.header("x-forwarded-for") == "127.0.0.1")
            #expect(call.header("x-real-ip") == "127.0.0.1")
            #expect(call.header("x-forwarded-proto") == "http")
            #expect(call.header("x-forwarded-port") == "\(gateway.port)")
            #expect(call.header("x-request-id") == answer["x-request-id"])
            #expect(call.header("x-amzn-trace-id")?.hasPrefix("Root=1-") == true)
            #expect(call.header("authorization") == "Bearer x")
            #expect(call.header("x-amz-meta") == "kept")
            #expect(call.header("content-length") == "2")
            #expect(call.headers.filter { $0[0].lowercased() == "x-probe" }.map { $0[1] } == ["1", "2"])
            // Spelt as the client spelt it.
            #expect(call.headers.contains { $0[0] == "X-Probe" })
            for name in ["connection", "x-named", "keep-alive", "te", "x_under", "proxy-authorization", "expect"] {
                #expect(call.header(name) == nil, "\(name)")
            }
        }
    }

    @Test func `a route can take away a prefix and set the host`() async throws {
        try await self.run(
            route: "path: /api/*, strip_prefix: /api, request_headers: { set: { host: inner.example, x-from: sluice } }"
        ) { gateway, function in
            _ = try await gateway.get("/api/v1?q")
            let call = try await function.calls()[0]
            #expect(call.target == "/\(function.name)/v1?q")
            #expect(call.header("host") == "inner.example")
            #expect(call.header("x-from") == "sluice")
        }
    }

    @Test func `an answer goes on as it is, but for what is of the connection`() async throws {
        let fields = [
            "Content-Type": "a/b", "Content-Encoding": "gzip", "X-Amzn-RequestId": "1", "Keep-Alive": "timeout=5",
            "Connection": "keep-alive, X-Hop", "X-Hop": "1", "Set-Cookie": "a=1", "X-Request-Id": "theirs",
        ]
        try await self.run("", [.answer(418, fields, "hi")]) { gateway, function in
            for _ in 0..<2 {
                let answer = try await gateway.get("/")
                #expect(answer.status == 418)
                #expect(answer["content-type"] == "a/b")
                #expect(answer["content-encoding"] == "gzip")
                #expect(answer["set-cookie"] == "a=1")
                #expect(answer["content-length"] == "2")
                #expect(answer["x-hop"] == nil)
                #expect(answer["keep-alive"] == nil)
                #expect(answer["x-request-id"]?.count == 36)
                #expect(answer.text == "hi")
            }
            #expect(Set(try await function.calls().map(\.connection)).count == 1)
        }
    }

    @Test func `an answer streams, and its end is its end`() async throws {
        let steps: [Step] = [
            .plain(200, ["Content-Type": "text/event-stream"]), .raw(Array("one".utf8)), .gate, .raw(Array("two".utf8)),
            .end,
        ]
        try await self.run("", steps) { gateway, function in
            let client = try await gateway.connect()
            defer { client.close() }
            try await client.send(Gateway.request())
            let beginning = try await client.body(holding: "one")
            #expect(beginning["content-type"] == "text/event-stream")
            #expect(beginning.end == .open)
            try await function.release()
            let answer = try await client.answer()
            #expect(answer.text == "onetwo")
            #expect(answer.end == .whole)
        }
    }

    @Test(arguments: [true, false])
    func `an answer that is cut never ends well`(isChunked: Bool) async throws {
        let head = Step.plain(200, isChunked ? [:] : ["Content-Length": "100"])
        // Without chunks the fake's framing is part of the body.
        try await self.run("", [head, .raw(Array("one".utf8)), .pause(0.1), .close]) { gateway, _ in
            let answer = try await gateway.get("/")
            #expect(answer.status == 200)
            #expect(answer.text.contains("one"))
            #expect(answer.end == .cut(.closed))
            let line = try await gateway.accessLog(lines: 1)[0]
            #expect(line["end"] == "upstream_lost")
        }
    }

    @Test(
        arguments: [
            ([.close], 502), ([.raw(Array("x".utf8)), .close], 200), ([.answer(200, ["Content-Length": "x"], "")], 502),
            ([.forever], 504),
        ] as [([Step], Int)])
    func `what fails before the answer has begun is told as it is`(steps: [Step], status: Int) async throws {
        // Only the one that is to be late may be too late.
        let firstByte = status == 504 ? "300ms" : "20s"
        try await self.run("timeouts: { first_byte: \(firstByte) }, retries: 0", steps) { gateway, _ in
            let answer = try await gateway.get("/")
            #expect(answer.status == status)
            if status != 200 { try expectProblem(answer, status) }
        }
    }

    @Test func `an upstream that is not there is a 502`() async throws {
        let function = try await FakeLambda.shared.function(.answer(200))
        var setup = try Setup(url: function)
        setup.functions = [("main", "{ url: \"http://127.0.0.1:1\", retries: 1 }")]
        try await Gateway.run(setup) { gateway in
            try expectProblem(try await gateway.get("/"), 502)
            try expectProblem(try await gateway.get("/", method: "POST", body: "hi"), 502)
            let line = try await gateway.accessLog(lines: 2)[1]
            #expect(line["end"] == "unreachable")
            #expect(line["attempts"] == 2)
        }
    }

    @Test func `HEAD and answers without body end with their heads`() async throws {
        try await self.run("", [.answer(200, ["X": "1"], "hello")]) { gateway, function in
            let client = try await gateway.connect()
            defer { client.close() }
            for _ in 0..<2 {
                try await client.send(Gateway.request(method: "HEAD"))
                let answer = try await client.answer(to: "HEAD")
                #expect(answer["content-length"] == "5")
                #expect(answer.body.isEmpty)
            }
            #expect(Set(try await function.calls().map(\.connection)).count == 1)
        }
        try await self.run("", [.plain(304, ["ETag": "\"1\"", "Content-Length": "7"])]) { gateway, _ in
            let answer = try await gateway.get("/")
            #expect(answer.status == 304)
            #expect(answer["etag"] == "\"1\"")
            #expect(answer.end == .whole)
        }
    }

    // Bodies.

    @Test(arguments: [0, 1, 100_000, 3_000_000])
    func `a body goes over whole, in chunks or with its length`(count: Int) async throws {
        try await self.run { gateway, function in
            let body = String(repeating: "0123456789", count: count / 10) + String(repeating: "x", count: count % 10)
            #expect(try await gateway.get("/", method: "POST", body: body).text == "hello")
            let client = try await gateway.connect()
            defer { client.close() }
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
            #expect(try await client.interim() == 100)
            for start in stride(from: 0, to: body.utf8.count, by: 70_000) {
                let piece = body.utf8.dropFirst(start).prefix(70_000)
                try await client.send("\(String(piece.count, radix: 16))\r\n\(String(piece)!)\r\n")
            }
            try await client.send("0\r\n\r\n")
            #expect(try await client.answer(to: "POST").text == "hello")
            let calls = try await function.calls()
            #expect(calls.map { $0.body == body } == [true, true])
            #expect(calls[0].header("content-length") == "\(count)")
            #expect(calls[1].header("transfer-encoding") == "chunked")
            #expect(calls[1].header("expect") == nil)
        }
    }

    @Test func `a body above the limit is refused, early and late`() async throws {
        try await self.run("max_request_body: 1000") { gateway, _ in
            let early = try await gateway.get("/", method: "POST", body: String(repeating: "x", count: 1001))
            try expectProblem(early, 413)
            let client = try await gateway.connect()
            defer { client.close() }
            let piece = "64\r\n" + String(repeating: "x", count: 100) + "\r\n"
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            try await client.send(String(repeating: piece, count: 11))
            let (bytes, _) = try await client.everything()
            expectOneAnswer(bytes, [413])
        }
    }

    @Test func `a client that leaves in its body takes the upstream's connection along`() async throws {
        try await self.run { gateway, function in
            let client = try await gateway.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
            try await Task.sleep(for: .milliseconds(100))
            client.close()
            _ = try await gateway.accessLog(lines: 1)
            // The upstream never saw a whole request.
            #expect(try await function.calls().isEmpty)
            #expect(try await gateway.get("/").text == "hello")
        }
    }

    // Signing.

    @Test func `a signed request is signed with its body, and the client's Authorization is kept beside it`()
        async throws
    {
        try await self.run("sign: true") { gateway, function in
            for (fields, body) in [
                (["Content-Type: text/plain"], "hi"), ([], ""),
                (["Content-Type: a/b"], String(repeating: "x", count: 200_000)),
            ] {
                let answer = try await gateway.get(
                    "/a%20b/?b=2&a=%2F1",
                    fields + [
                        "Authorization: Bearer x", "X-Forwarded-Authorization: forged", "X-Amz-Date: 1", "X-Amz-Foo: 1",
                    ],
                    method: "POST", body: body)
                #expect(answer.text == "hello")
            }
            let client = try await gateway.connect()
            defer { client.close() }
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
            #expect(try await client.answer(to: "POST").text == "hello")
            _ = try await gateway.get("/")
            let calls = try await function.calls()
            #expect(calls.count == 5)
            for call in calls {
                #expect(call.signature == nil, "\(call.head)")
                #expect(call.header("authorization")?.hasPrefix("AWS4-HMAC-SHA256 ") == true)
                #expect(call.header("x-amz-foo") == nil)
            }
            #expect(calls[0].header("x-forwarded-authorization") == "Bearer x")
            #expect(calls[0].body == "hi")
            // What came in chunks is known now.
            #expect(calls[3].header("content-length") == "2")
            #expect(calls[3].header("x-forwarded-authorization") == nil)
            #expect(calls[4].header("content-length") == nil)
        }
    }

    @Test func `a skewed clock costs a signed request one refusal`() async throws {
        let lambda = try await FakeLambda(clockOffset: -3600)
        let function = try await lambda.function(.answer(200, [:], "hello"))
        try await Gateway.run(Setup(url: function, "sign: true, retries: 0")) { gateway in
            for _ in 0..<3 {
                let answer = try await gateway.get("/", ["Content-Type: text/plain"], method: "POST", body: "hi")
                #expect(answer.text == "hello", "\(gateway.log)")
            }
            let calls = try await function.calls()
            #expect(calls.map { $0.signature == nil } == [false, true, true, true])
            #expect(calls.allSatisfy { $0.body == "hi" })
            try await gateway.logs("the clock of this machine")
            #expect(try await gateway.accessLog(lines: 1)[0]["attempts"] == 1)
        }
    }

    @Test func `a refusal that another signature does not cure goes on as it is`() async throws {
        let refusal: [Step] = [
            .answer(403, ["x-amzn-errortype": "InvalidSignatureException"], #"{"message":"no"}"#)
        ]
        let own: [Step] = [.answer(403, [:], "not for you")]
        let function = try await FakeLambda.shared.function(calls: [refusal, own])
        try await Gateway.run(Setup(url: function, "sign: true")) { gateway in
            for text in [#"{"message":"no"}"#, "not for you"] {
                let answer = try await gateway.get("/", method: "POST", body: "hi")
                #expect(answer.status == 403)
                #expect(answer.text == text)
            }
            #expect(try await function.calls().count == 2)
        }
    }

    /// Answers of a function that look like AWS's refusal of a key that has ended, but for one thing each.
    static let ownRefusals: [(String, [String: String], String)] = [
        ("not AWS's document", ["x-amzn-errortype": "ExpiredTokenException"], #"{"message":"x","own":1}"#),
        ("no document", ["x-amzn-errortype": "ExpiredTokenException"], "not for you"),
        ("no body", ["x-amzn-errortype": "ExpiredTokenException"], ""),
        (
            "no JSON", ["x-amzn-errortype": "ExpiredTokenException", "content-type": "text/plain"],
            #"{"message":"x"}"#
        ),
        ("no error of AWS", ["content-type": "application/json"], #"{"message":"x"}"#),
        (
            "too long", ["x-amzn-errortype": "ExpiredTokenException", "content-type": "application/json"],
            #"{"message":""# + String(repeating: "x", count: 100_000) + #""}"#
        ),
    ]

    @Test(arguments: Self.ownRefusals)
    func `a function that refuses a request has run, and is not called twice`(
        what: String, fields: [String: String], body: String
    ) async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.answer(403, fields, body)], [.answer(200, [:], "called twice")],
        ])
        let fakes = try await FakeSources()
        var setup = try Setup(url: function, "sign: true")
        for (name, value) in fakes.environment { setup.environment[name] = value }
        // Keys that can be fetched anew, so that another signature might do.
        setup.environment["AWS_ACCESS_KEY_ID"] = nil
        setup.environment["AWS_SECRET_ACCESS_KEY"] = nil
        setup.environment["HOME"] = setup.folder.path
        try await Gateway.run(setup) { gateway in
            let answer = try await gateway.get("/", method: "POST", body: "hi")
            #expect(answer.status == 403)
            #expect(answer.text == body)
            #expect(answer.end == .whole)
            #expect(try await function.calls().count == 1)
        }
    }

    @Test func `AWS's refusal of a key that has ended is no answer`() async throws {
        let refusal = Step.answer(
            403, ["x-amzn-errortype": "ExpiredTokenException", "content-type": "application/json; charset=utf-8"],
            #"{"message":"The security token included in the request is expired"}"#)
        for method in ["POST", "HEAD"] {
            let function = try await FakeLambda.shared.function(calls: [[refusal], [.answer(200, [:], "hello")]])
            let fakes = try await FakeSources()
            try await fakes.set(["life": 3600])
            var setup = try Setup(url: function, "sign: true, retries: 0")
            for (name, value) in fakes.environment { setup.environment[name] = value }
            setup.environment["AWS_ACCESS_KEY_ID"] = nil
            setup.environment["AWS_SECRET_ACCESS_KEY"] = nil
            setup.environment["HOME"] = setup.folder.path
            try await Gateway.run(setup) { gateway in
                let answer = try await gateway.get("/", method: method, body: method == "POST" ? "hi" : nil)
                #expect(answer.status == 200, "\(gateway.log)")
                #expect(try await function.calls().count == 2)
            }
        }
    }

    @Test func `a server behind TLS is verified`() async throws {
        let function = try await FakeLambda.shared.function(.answer(200, [:], "hello"))
        var setup = try Setup(function.lambda)
        let certificate = try await TestCertificate(for: "IP:127.0.0.1", in: setup.folder)
        let port = try await function.lambda.securePort(certificate)
        setup.functions = [("main", "{ url: \"https://127.0.0.1:\(port)/\(function.name)\", retries: 0 }")]
        setup.routes = ["{ path: /*, function: main }"]
        setup.aws = "{ region: eu-west-1, ca_file: \"\(certificate.certificate)\" }"
        try await Gateway.run(setup) { gateway in
            #expect(try await gateway.get("/", method: "POST", body: "hi").text == "hello")
            let call = try await function.calls()[0]
            #expect(call.header("host") == "127.0.0.1:\(port)")
            #expect(call.body == "hi")
        }
        var untrusting = try Setup(function.lambda)
        untrusting.functions = setup.functions
        untrusting.routes = setup.routes
        try await Gateway.run(untrusting) { gateway in
            let answer = try await gateway.get("/")
            try expectProblem(answer, 502)
        }
    }
}
