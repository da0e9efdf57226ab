import Testing

/// A client's connection over several requests.
@Suite struct ConnectionTests {
    private func hello() async throws -> FakeFunction {
        try await FakeLambda.shared.function(.text("hello"), .done, .end)
    }

    @Test func `a connection carries one request after the other`() async throws {
        try await Gateway.run(Setup(self.hello())) { gateway in
            let client = try await gateway.connect()
            for _ in 0..<20 {
                try await client.send(Gateway.request())
                let answer = try await client.answer()
                #expect(answer.text == "hello")
                #expect(answer["connection"] == nil)
            }
            #expect(Set(try await gateway.accessLog(lines: 20).map { $0["request_id"]?.string ?? "" }).count == 20)
        }
    }

    @Test func `connection close is obeyed and said`() async throws {
        try await Gateway.run(Setup(self.hello())) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request("/", ["Connection: close"]))
            let answer = try await client.answer()
            #expect(answer.text == "hello")
            #expect(answer["connection"] == "close")
            #expect(try await client.ending() == .closed)
        }
    }

    @Test func `nothing behind the last request is read`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request("/last", ["Connection: close"]) + Gateway.request("/behind"))
            #expect(try await client.answer().text == "hello")
            #expect(try await client.ending() == .closed)
            #expect(try await function.calls().count == 1)
        }
    }

    @Test func `so many requests and no more`() async throws {
        try await Gateway.run(Setup(self.hello(), limits: "requests_per_connection: 3")) { gateway in
            let client = try await gateway.connect()
            try await client.send(String(repeating: Gateway.request(), count: 5))
            for number in 1...3 {
                let answer = try await client.answer()
                #expect(answer.text == "hello")
                #expect(answer["connection"] == (number == 3 ? "close" : nil))
            }
            #expect(try await client.ending() == .closed)
        }
    }

    /// The answers come in the order of the requests, whoever gives them.
    @Test(arguments: [2, 400])
    func `pipelined requests in one write are all answered in order`(_ count: Int) async throws {
        var setup = try Setup(await self.hello())
        setup.routes += ["{ path: /fixed, respond: { body: fixed } }"]
        try await Gateway.run(setup) { gateway in
            let client = try await gateway.connect()
            let paths = (0..<count).map { $0 % 3 == 1 ? "/fixed" : "/" }
            let requests = paths.enumerated().map {
                $0.offset % 5 == 4
                    ? Gateway.request($0.element, method: "POST", body: "body") : Gateway.request($0.element)
            }
            try await client.send(requests.joined())
            for path in paths {
                let answer = try await client.answer()
                #expect(answer.end == .whole)
                #expect(answer.text == (path == "/" ? "hello" : "fixed"))
            }
        }
    }

    @Test func `a request may come byte by byte`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            for byte in Gateway.request("/a", method: "POST", body: "abc").utf8 { try await client.send([byte]) }
            #expect(try await client.answer().text == "hello")
            #expect(try await function.calls().count == 1)
        }
    }

    @Test func `who expects 100 gets it before the body`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
            )
            #expect(try await client.interim() == 100)
            try await client.send("abc")
            let answer = try await client.answer()
            #expect(answer.status == 200)
            #expect(try await function.calls()[0].event["body"] == "abc")
        }
    }

    @Test func `who expects 100 and is refused gets only that`() async throws {
        try await Gateway.run(Setup(self.hello(), "max_request_body: 10")) { gateway in
            for request in [
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n",
                "POST /%2e%2e%2f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
            ] {
                let client = try await gateway.connect()
                try await client.send(request)
                let answer = try await client.answer()
                #expect(answer.interim.isEmpty)
                #expect([400, 413].contains(answer.status))
                #expect(answer["connection"] == "close")
                #expect(try await client.ending() == .closed)
            }
        }
    }

    @Test func `curl uploads with an expectation`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function)) { gateway in
            let file = try gateway.folder.write("upload", String(repeating: "0123456789", count: 150_000))
            let curl = try await Tool.curl(
                "--expect100-timeout", "20", "-H", "Content-Type: text/plain", "-H", "Expect: 100-continue",
                "--data-binary", "@\(file)", gateway.url("/"))
            #expect(curl.output == "hello")
            #expect(try await function.calls()[0].event["body"]?.string?.utf8.count == 1_500_000)
        }
    }

    @Test func `the absolute form names the host`() async throws {
        let function = try await self.hello()
        var setup = try Setup(function)
        setup.routes = ["{ host: real.example, path: /*, function: main }"]
        try await Gateway.run(setup) { gateway in
            let client = try await gateway.connect()
            try await client.send("GET http://real.example/a?b=c HTTP/1.1\r\nHost: other.example\r\n\r\n")
            #expect(try await client.answer().text == "hello")
            let event = try await function.calls()[0].event
            #expect(event["rawPath"] == "/a")
            #expect(event["headers"]?["host"] == "real.example")
            try await client.send("GET /a HTTP/1.1\r\nHost: other.example\r\n\r\n")
            #expect(try await client.answer().status == 404)
        }
    }

    @Test func `OPTIONS asks about the server or a path`() async throws {
        let function = try await self.hello()
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer.status == 200)
            #expect(answer.body.isEmpty)
            #expect(answer["allow"] != nil)
            try await client.send("OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.answer().text == "hello")
            #expect(try await function.calls().count == 1)
        }
    }

    @Test func `an HTTP 1.0 client gets a body that ends with the connection`() async throws {
        try await Gateway.run(Setup(self.hello())) { gateway in
            let client = try await gateway.connect()
            try await client.send("GET / HTTP/1.0\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer.text == "hello")
            #expect(answer["transfer-encoding"] == nil)
            #expect(answer.end == .untilClose)
        }
    }

    @Test func `an HTTP 1.0 client may keep its connection where the length is known`() async throws {
        let function = try await FakeLambda.shared.function(
            .prelude("{\"headers\":{\"content-length\":\"5\"}}"), .text("hello"), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            for _ in 0..<2 {
                try await client.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.text == "hello")
                #expect(answer["connection"]?.lowercased() == "keep-alive")
            }
        }
    }

    @Test func `empty lines in front of a request are let pass`() async throws {
        try await Gateway.run(Setup(self.hello())) { gateway in
            let client = try await gateway.connect()
            try await client.send("\r\n\r\n" + Gateway.request())
            #expect(try await client.answer().text == "hello")
            try await client.send("\r\n" + Gateway.request())
            #expect(try await client.answer().text == "hello")
        }
    }
}
