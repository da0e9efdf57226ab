import Foundation
import Testing

/// What functions get that were written for other front doors, and what becomes of their answers.
@Suite struct EventKindTests {
    private func run(
        _ keys: String, route: String = "path: /*", _ steps: [Step] = [.text("hello"), .done, .end],
        _ body: (Gateway, FakeFunction) async throws -> Void
    ) async throws {
        let function = try await FakeLambda.shared.function(calls: [steps])
        var setup = try Setup(function, keys)
        setup.routes = ["{ \(route), function: main }"]
        try await Gateway.run(setup) { gateway in try await body(gateway, function) }
    }

    @Test func `an HTTP API's event names route, stage and parameters`() async throws {
        try await self.run(
            "event: http_api, stage: live, stage_variables: { backend: blue }",
            route: "path: \"/shop/{item}/*\", strip_prefix: /shop, methods: [GET, POST]"
        ) { gateway, function in
            _ = try await gateway.get("/shop/red%20hat/a%2Fb/c/?x=1", ["Cookie: a=1; b=2"])
            let event = try await function.calls()[0].event
            #expect(event["version"] == "2.0")
            #expect(event["routeKey"] == "GET /{item}/{proxy+}")
            #expect(event["rawPath"] == "/live/red hat/a/b/c/")
            #expect(event["pathParameters"] == ["item": "red hat", "proxy": "a/b/c"])
            #expect(event["stageVariables"] == ["backend": "blue"])
            #expect(event["requestContext"]?["stage"] == "live")
            #expect(event["cookies"] == ["a=1", "b=2"])
            #expect(event["headers"]?["cookie"] == nil)
        }
    }

    @Test func `a route that takes everything is the default route of an HTTP API`() async throws {
        try await self.run("event: http_api") { gateway, function in
            _ = try await gateway.get("/a/b")
            let event = try await function.calls()[0].event
            #expect(event["routeKey"] == "$default")
            #expect(event["pathParameters"] == nil)
            #expect(event["rawPath"] == "/a/b")
        }
    }

    @Test func `a REST API's event names resource, stage and parameters`() async throws {
        try await self.run("event: v1, stage_variables: { backend: blue }", route: "path: \"/users/{id}/*\"") {
            gateway, function in
            let answer = try await gateway.get(
                "/users/a%20b/c/?x=1&x=2", ["X-Probe: 1", "x-probe: 2", "Content-Type: application/octet-stream"],
                method: "POST", body: "hi")
            let event = try await function.calls()[0].event
            #expect(event["resource"] == "/users/{id}/{proxy+}")
            #expect(event["path"] == "/users/a%20b/c/")
            #expect(event["pathParameters"] == ["id": "a%20b", "proxy": "c"])
            #expect(event["requestContext"]?["path"] == "/prod/users/a%20b/c/")
            #expect(event["requestContext"]?["resourcePath"] == "/users/{id}/{proxy+}")
            #expect(event["requestContext"]?["requestId"]?.string == answer["x-request-id"])
            #expect(event["stageVariables"] == ["backend": "blue"])
            #expect(event["queryStringParameters"] == ["x": "2"])
            #expect(event["multiValueQueryStringParameters"] == ["x": ["1", "2"]])
            #expect(event["headers"]?["X-Probe"] == "2")
            #expect(event["multiValueHeaders"]?["X-Probe"] == ["1", "2"])
            #expect(event["headers"]?["Host"] == "example.com")
            #expect(event["body"] == "hi")
            #expect(event["isBase64Encoded"] == false)
            _ = try await gateway.get("/users/7")
            let bare = try await function.calls()[1].event
            #expect(bare["resource"] == "/users/{id}")
            #expect(bare["pathParameters"] == ["id": "7"])
            #expect(bare["body"] == .null)
        }
    }

    @Test(arguments: ["alb", "alb_multi_value"])
    func `a load balancer's event decodes nothing`(kind: String) async throws {
        try await self.run("event: \(kind)") { gateway, function in
            let answer = try await gateway.get("/a%20b?x=%2F&x=a+b", ["X-Probe: 1", "X-Probe: 2"])
            let event = try await function.calls()[0].event
            #expect(event["path"] == "/a%20b")
            let group = event["requestContext"]?["elb"]?["targetGroupArn"]?.string ?? ""
            #expect(group.hasPrefix("arn:aws:elasticloadbalancing:eu-west-1:"))
            if kind == "alb" {
                #expect(event["queryStringParameters"] == ["x": "a+b"])
                #expect(event["headers"]?["x-probe"] == "2")
                #expect(event["headers"]?["x-request-id"]?.string == answer["x-request-id"])
                #expect(event["multiValueHeaders"] == nil)
            } else {
                #expect(event["multiValueQueryStringParameters"] == ["x": ["%2F", "a+b"]])
                #expect(event["multiValueHeaders"]?["x-probe"] == ["1", "2"])
                #expect(event["headers"] == nil)
            }
            #expect(event["body"] == "")
        }
    }

    @Test func `the body itself is the event`() async throws {
        try await self.run("event: raw") { gateway, function in
            #expect(try await gateway.get("/", method: "POST", body: " [1, 2]").text == "hello")
            #expect(try await gateway.get("/").text == "hello")
            try expectProblem(try await gateway.get("/", method: "POST", body: "{\"a\":"), 400)
            #expect(try await gateway.get("/", method: "POST", body: "7").text == "hello")
            #expect(try await function.calls().map(\.body) == [" [1, 2]", "{}", "7"])
        }
    }

    @Test func `text types of a function are its own`() async throws {
        try await self.run("text_types: [application/x-ndjson, \"application/*+json\"], binary_types: text/csv") {
            gateway, function in
            for type in ["application/x-ndjson", "application/problem+json", "text/csv", "text/plain"] {
                _ = try await gateway.get("/", ["Content-Type: \(type)"], method: "POST", body: "hi")
            }
            let bodies = try await function.calls().map { try $0.event["body"]?.string }
            #expect(bodies == ["hi", "hi", "aGk=", "hi"])
        }
    }

    @Test(arguments: ["v2", "http_api", "v1", "alb", "alb_multi_value", "raw"])
    func `a body that makes too large an event is refused, early and late`(kind: String) async throws {
        // Base64 makes 6.4 MB of it; a REST API takes it for text, of which each byte becomes two.
        let count = kind == "raw" ? 6_291_455 : kind == "v1" ? 3_200_000 : 4_800_000
        let body = kind == "raw" ? "" : String(repeating: "\"", count: count)
        try await self.run("event: \(kind)") { gateway, function in
            if kind == "raw" || kind == "v1" {
                // Their size is that of the body, or known only when it is there.
                let large = String(repeating: kind == "v1" ? "\"" : " ", count: kind == "v1" ? count : 6_291_457)
                try expectProblem(try await gateway.get("/", method: "POST", body: large), 413)
            } else {
                let client = try await gateway.connect()
                defer { client.close() }
                // Nothing of the body has been sent.
                try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n")
                try expectProblem(try await client.answer(to: "POST"), 413)
                let late = try await gateway.connect()
                defer { late.close() }
                let chunk = String(count, radix: 16)
                try await late.send(
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)\r\n\(body)\r\n0\r\n\r\n")
                try expectProblem(try await late.answer(to: "POST"), 413)
            }
            #expect(try await function.calls().isEmpty)
        }
    }

    // Answers.

    @Test(
        arguments: [
            ("http_api", #"{"statusCode":"201","body":"hi"}"#, 201, "text/plain; charset=UTF-8"),
            ("v1", #"{"statusCode":201,"body":"hi"}"#, 201, "application/json"),
            ("alb", #"{"statusCode":201,"statusDescription":"x","body":"hi"}"#, 201, "application/octet-stream"),
            (
                "alb_multi_value", #"{"statusCode":201,"multiValueHeaders":{"content-type":["a/b"]},"body":"hi"}"#, 201,
                "a/b"
            ),
            ("v2", #"{"statusCode":201,"body":"aGk=","isBase64Encoded":true}"#, 201, "application/json"),
        ])
    func `a buffered answer follows the kind of event`(kind: String, json: String, status: Int, type: String)
        async throws
    {
        for mode in ["auto", "buffered"] {
            try await self.run("event: \(kind), response: \(mode)", [.text(json), .done, .end]) { gateway, _ in
                let answer = try await gateway.get("/")
                #expect(answer.status == status)
                #expect(answer["content-type"] == type)
                #expect(answer.text == "hi")
            }
        }
    }

    @Test(
        arguments: [
            ("v1", #"{"statusCode":200,"cookies":["a=1"]}"#), ("v1", "{}"), ("alb", #"{"statusCode":"200"}"#),
            ("alb", #"{"body":"hi"}"#), ("v2", "oops"),
        ])
    func `an answer that the real front door would refuse is a 502`(kind: String, json: String) async throws {
        try await self.run("event: \(kind), response: buffered", [.text(json), .done, .end]) { gateway, _ in
            try expectProblem(try await gateway.get("/"), 502)
        }
    }

    @Test func `base64 of a REST API is decoded for clients that accept it`() async throws {
        let steps: [Step] = [.text(#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#), .done, .end]
        try await self.run("event: v1, binary_types: image/png, response: buffered", steps) { gateway, _ in
            let accepted = try await gateway.get("/", ["Accept: image/png"])
            #expect(accepted.text == "hi")
            let other = try await gateway.get("/", ["Accept: text/html"])
            #expect(other.text == "aGk=")
        }
    }

    // Invoke.

    @Test func `the plain Invoke is called and its payload is the answer`() async throws {
        let json = #"{"statusCode":202,"headers":{"Content-Encoding":"gzip"},"cookies":["a=1"],"body":"hi"}"#
        try await self.run("invoke: buffered", [.answer(200, ["X-Amz-Executed-Version": "1"], json)]) {
            gateway, function in
            for _ in 0..<2 {
                let answer = try await gateway.get("/")
                #expect(answer.status == 202)
                #expect(answer["content-encoding"] == "gzip")
                #expect(answer["set-cookie"] == "a=1")
                #expect(answer.text == "hi")
            }
            let head = try await gateway.get("/", method: "HEAD")
            #expect(head.status == 202)
            #expect(head["content-length"] == "2")
            let calls = try await function.calls()
            #expect(calls[0].target == "/2015-03-31/functions/\(function.name)/invocations")
            #expect(calls[0].signature == nil)
            #expect(Set(calls.map(\.connection)).count == 1)
        }
    }

    @Test func `a function that failed is a 502, and its connection is used again`() async throws {
        let json = #"{"errorType":"Boom","errorMessage":"secret"}"#
        try await self.run("invoke: buffered", [.answer(200, ["X-Amz-Function-Error": "Unhandled"], json)]) {
            gateway, function in
            for _ in 0..<2 {
                let answer = try await gateway.get("/")
                try expectProblem(answer, 502)
                #expect(!answer.text.contains("secret"))
            }
            let calls = try await function.calls()
            #expect(calls.count == 2)
            #expect(Set(calls.map(\.connection)).count == 1)
            try await gateway.logs("Boom")
        }
    }

    @Test(arguments: ["auto", "prelude"])
    func `a streaming function can be called so as well`(mode: String) async throws {
        let text = #"{"statusCode":203,"headers":{"x":"1"}}"# + String(repeating: "\0", count: 8) + "hi"
        try await self.run("invoke: buffered, response: \(mode)", [.answer(200, [:], text)]) { gateway, _ in
            let answer = try await gateway.get("/")
            #expect(answer.status == 203)
            #expect(answer["x"] == "1")
            #expect(answer.text == "hi")
        }
    }

    @Test func `errors of the API are as for a stream`() async throws {
        try await self.run(
            "invoke: buffered, retries: 0",
            [.answer(429, ["x-amzn-errortype": "TooManyRequestsException", "Retry-After": "7"], "{}")]
        ) { gateway, _ in
            let answer = try await gateway.get("/")
            try expectProblem(answer, 429)
            #expect(answer["retry-after"] == "7")
        }
    }

    @Test(arguments: ["stream", "buffered"])
    func `the end of the log comes where it is asked for, and not to the client`(invoke: String) async throws {
        let log = Data("START\nsecret\nEND".utf8).base64EncodedString()
        let steps: [Step] =
            invoke == "stream"
            ? [.text("hi"), .complete(["LogResult": .string(log)]), .end]
            : [.answer(200, ["X-Amz-Log-Result": log], #"{"statusCode":200,"body":"hi"}"#)]
        try await self.run("log_tail: true, invoke: \(invoke)", steps) { gateway, function in
            let answer = try await gateway.get("/")
            #expect(answer.text == "hi")
            #expect(!answer.fields.contains { $0.value.contains(log) })
            let call = try await function.calls()[0]
            #expect(call.header("x-amz-log-type") == "Tail")
            #expect(call.signature == nil)
            // The log speaks at the level info.
            #expect(!gateway.log.contains("secret"))
        }
    }
}
