import Testing

/// What a function may say in the head of its answer, and what never passes.
@Suite struct AnswerHeaderTests {
    private func answer(to prelude: String, route: String = "", _ fields: [String] = []) async throws -> Answer {
        let function = try await FakeLambda.shared.function(.prelude(prelude), .text("body"), .done, .end)
        var setup = try Setup(function)
        setup.routes = ["{ path: /*, function: main\(route.isEmpty ? "" : ", ")\(route) }"]
        return try await Gateway.run(setup) { gateway in try await gateway.get("/", fields) }
    }

    @Test func `values of every kind that functions write`() async throws {
        let answer = try await self.answer(
            to: """
                {"statusCode":200,
                 "headers":{"x-text":"a","x-number":5,"x-true":true,"x-null":null,"x-list":["1","2"],"x-both":"lost","set-cookie":"h=1"},
                 "multiValueHeaders":{"x-many":["a","b"],"X-Both":["won"]},
                 "cookies":["a=1; Path=/","b=2"]}
                """)
        #expect(answer["x-text"] == "a")
        #expect(answer["x-number"] == "5")
        #expect(answer["x-true"] == "true")
        #expect(answer["x-null"] == nil)
        #expect(answer.all("x-list") == ["1", "2"])
        #expect(answer.all("x-many") == ["a", "b"])
        #expect(answer.all("x-both") == ["won"])
        #expect(Set(answer.all("set-cookie")) == ["a=1; Path=/", "b=2", "h=1"])
        #expect(answer.text == "body")
        #expect(answer.end == .whole)
    }

    @Test func `fields of one connection do not pass`() async throws {
        let answer = try await self.answer(
            to: """
                {"headers":{"connection":"x-named, close","x-named":"1","keep-alive":"timeout=9","transfer-encoding":"gzip",
                 "te":"trailers","trailer":"x","upgrade":"h2c","proxy-authenticate":"x","proxy-connection":"close","x-kept":"1"}}
                """)
        #expect(answer["x-kept"] == "1")
        for name in [
            "x-named", "keep-alive", "te", "trailer", "upgrade", "proxy-authenticate", "proxy-connection", "connection",
        ] {
            #expect(answer[name] == nil, "\(name)")
        }
        #expect(answer["transfer-encoding"] == "chunked")
        #expect(answer.text == "body")
    }

    @Test func `what could split an answer does not pass`() async throws {
        let answer = try await self.answer(
            to:
                #"{"headers":{"x-a":"1\r\nx-injected: 1","x b":"1","x-c\r\nx-injected":"1","":"1","x-nul":"a\u0000b","x-kept":"1"},"cookies":["a=1\r\nx-injected: 1"]}"#
        )
        #expect(answer["x-injected"] == nil)
        #expect(answer["x-a"] == nil)
        #expect(answer["x-nul"] == nil)
        #expect(answer["x-kept"] == "1")
        #expect(answer.text == "body")
        #expect(answer.end == .whole)
    }

    @Test func `the request's id is the gateway's`() async throws {
        let function = try await FakeLambda.shared.function(
            .prelude("{\"headers\":{\"x-request-id\":\"forged\"}}"), .text("body"), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            let answer = try await gateway.get("/", ["X-Request-Id: also-forged"])
            let event = try await function.calls()[0].event
            #expect(event["requestContext"]?["requestId"]?.string == answer["x-request-id"])
            #expect(event["headers"]?["x-request-id"]?.string == answer["x-request-id"])
            #expect(try await gateway.accessLog(lines: 1)[0]["request_id"]?.string == answer["x-request-id"])
        }
    }

    @Test func `a content-length is kept to`() async throws {
        let answer = try await self.answer(to: "{\"headers\":{\"content-length\":\"4\"}}")
        #expect(answer["content-length"] == "4")
        #expect(answer["transfer-encoding"] == nil)
        #expect(answer.text == "body")
        #expect(answer.end == .whole)
    }

    @Test(arguments: ["3", "5"])
    func `a content-length that is not kept never looks whole`(_ length: String) async throws {
        let answer = try await self.answer(to: "{\"headers\":{\"content-length\":\"\(length)\"}}")
        #expect(answer.end == .cut(.closed))
        #expect(answer.body.count < Int(length) ?? 0)
    }

    @Test(arguments: ["-1", "4, 4", "abc", "99999999999999999999"])
    func `a content-length that is none does not break the framing`(_ length: String) async throws {
        let answer = try await self.answer(to: "{\"headers\":{\"content-length\":\"\(length)\"}}")
        #expect(answer.isChunked)
        #expect(answer.text == "body")
        #expect(answer.end == .whole)
    }

    @Test func `a route edits the fields that the client gets`() async throws {
        let answer = try await self.answer(
            to: "{\"headers\":{\"server\":\"mine\",\"x-set\":\"old\",\"x-add\":\"1\"}}",
            route: "response_headers: { remove: [server], set: { x-set: new }, add: { x-add: \"2\" } }")
        #expect(answer["server"] == nil)
        #expect(answer["x-set"] == "new")
        #expect(answer.all("x-add") == ["1", "2"])
    }

    @Test func `every answer has a date and an id`() async throws {
        let answer = try await self.answer(to: "{}")
        #expect(answer["date"]?.hasSuffix(" GMT") == true)
        #expect(answer["x-request-id"]?.count == 36)
    }
}
