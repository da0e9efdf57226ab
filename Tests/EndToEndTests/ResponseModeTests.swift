import Testing

/// What the bytes of a function become: docs/invoking.md, "The answer".
@Suite struct ResponseModeTests {
    /// What a script becomes: status, content type, body.
    struct Row: CustomStringConvertible {
        let description: String
        let mode: String
        let steps: [Step]
        let status: Int
        var type: String? = "application/octet-stream"
        var body = ""

        init(_ what: String, _ mode: String, _ steps: [Step], _ status: Int, _ type: String?, _ body: String) {
            self.description = what
            self.mode = mode
            self.steps = steps
            self.status = status
            self.type = type
            self.body = body
        }
    }

    static let octets = "application/octet-stream"
    static let problem = "application/problem+json"
    static let long = "{\"a\":\"" + String(repeating: "x", count: 17_000) + "\"}"

    static let rows: [Row] = [
        Row("text", "auto", [.text("hello")], 200, octets, "hello"),
        Row(
            "an empty chunk first", "auto", [.text(""), .prelude("{\"statusCode\":201}"), .text(""), .text("b")], 201,
            octets, "b"),
        Row(
            "events of a later day", "auto",
            [
                .message([":message-type": "event", ":event-type": "Weather"], [1, 2, 3]), .text("a"),
                .message([":message-type": "event", ":event-type": "Weather"]), .text("b"),
            ], 200, octets, "ab"),
        Row("an empty stream", "auto", [], 200, nil, ""),
        Row(
            "a prelude", "auto",
            [.prelude("{\"statusCode\":201,\"headers\":{\"content-type\":\"text/a\"}}"), .text("b")], 201, "text/a", "b"
        ),
        Row("a prelude without members", "auto", [.prelude("{}"), .text("b")], 200, octets, "b"),
        Row("a status in digits", "auto", [.prelude("{\"statusCode\":\"418\"}"), .text("b")], 418, octets, "b"),
        Row("a prelude and nothing", "auto", [.prelude("{\"statusCode\":202}")], 202, octets, ""),
        Row("NULs behind the delimiter", "auto", [.prelude("{}"), .payload([0, 0, 0])], 200, octets, "\0\0\0"),
        Row("a JSON document", "auto", [.text("{\"a\":"), .text("1}")], 200, "application/json", "{\"a\":1}"),
        Row(
            "a buffered answer", "auto",
            [.text("{\"statusCode\":203,\"headers\":{\"content-type\":\"text/b\"},\"body\":\"hi\"}")], 203, "text/b",
            "hi"),
        Row(
            "a buffered answer in base64", "auto",
            [.text("{\"statusCode\":200,\"body\":\"aGk=\",\"isBase64Encoded\":true}\n")], 200, "application/json", "hi"),
        Row("an object and more", "auto", [.text("{\"a\":1}\n{\"a\":2}\n")], 200, octets, "{\"a\":1}\n{\"a\":2}\n"),
        Row("an object that is too long to wait for", "auto", [.text(long)], 200, octets, long),
        Row("something that only begins like an object", "auto", [.text("{hello")], 200, octets, "{hello"),
        Row("an array", "auto", [.text("[1]")], 200, octets, "[1]"),
        Row("a prelude", "prelude", [.prelude("{\"statusCode\":201}"), .text("b")], 201, octets, "b"),
        Row("text", "prelude", [.text("hello")], 502, problem, ""),
        Row("an empty stream", "prelude", [], 502, problem, ""),
        Row("no delimiter in time", "prelude", [.text(long)], 502, problem, ""),
        Row("no object", "prelude", [.prelude("[]")], 502, problem, ""),
        Row("a status that is none", "prelude", [.prelude("{\"statusCode\":600}")], 502, problem, ""),
        Row(
            "a prelude", "raw", [.prelude("{\"statusCode\":201}"), .text("b")], 200, octets,
            "{\"statusCode\":201}\0\0\0\0\0\0\0\0b"),
        Row("an empty stream", "raw", [], 200, nil, ""),
        Row("a buffered answer", "buffered", [.text("{\"statusCode\":204"), .text("}")], 204, nil, ""),
        Row("JSON", "buffered", [.text("{ \"a\" : 1 }")], 200, "application/json", "{\"a\":1}"),
        Row("JSON text", "buffered", [.text("\"hi\"")], 200, "application/json", "hi"),
    ]

    @Test func `each stream becomes the answer of the table`() async throws {
        let lambda = try await FakeLambda.shared
        var setup = try Setup(lambda)
        for (index, row) in Self.rows.enumerated() {
            let function = try await lambda.function(calls: [row.steps + [.done, .end]])
            setup.add(function, as: "f\(index)", "response: \(row.mode)")
            setup.routes.append("{ path: /\(index), function: f\(index) }")
        }
        try await Gateway.run(setup) { gateway in
            let client = try await gateway.connect()
            for (index, row) in Self.rows.enumerated() {
                try await client.send(Gateway.request("/\(index)"))
                let answer = try await client.answer()
                let what = "\(row.mode): \(row.description): \(answer.summary)"
                #expect(answer.status == row.status, "\(what)")
                #expect(answer.end == .whole, "\(what)")
                if let type = row.type { #expect(answer["content-type"] == type, "\(what)") }
                if row.status != 502 { #expect(answer.text == row.body, "\(what)") }
            }
        }
    }

    /// What is held back is sent from where it was kept, which is let go of directly afterwards.
    @Test(arguments: ["auto", "buffered"], [3000, 16_000, 300_000, 5_900_000])
    func `a long answer that was held back arrives unharmed`(mode: String, size: Int) async throws {
        // By doubling: byte by byte, a sanitizer takes so long that clients of other tests are closed as silent ones.
        var bytes = (0..<182).map { UInt8(97 + $0 / 7) }
        while bytes.count < size { bytes += bytes }
        let body = String(decoding: bytes.prefix(size), as: UTF8.self)
        let answer = "{\"statusCode\":200,\"headers\":{\"content-type\":\"text/plain\"},\"body\":\"\(body)\"}"
        let function = try await FakeLambda.shared.function(
            .text(String(answer.prefix(5000))), .text(String(answer.dropFirst(5000))), .done, .end)
        var setup = try Setup(function, "response: \(mode)")
        // What is freed is overwritten, so that a byte read too late shows.
        setup.environment["MALLOC_PERTURB_"] = "165"
        try await Gateway.run(setup) { gateway in
            // Only as much as fits is taken for an answer where the kind of answer is guessed.
            let whole = try await gateway.get()
            #expect(whole.end == .whole)
            #expect(whole.text == (mode == "buffered" || answer.utf8.count <= 16_384 ? body : answer))
        }
    }

    @Test func `a prelude may be cut anywhere`() async throws {
        let bytes =
            Array("{\"statusCode\":201,\"headers\":{\"x-a\":\"}\\\"{\"}}".utf8) + [UInt8](repeating: 0, count: 8)
            + Array("body".utf8)
        let function = try await FakeLambda.shared.function(calls: [bytes.map { .payload([$0]) } + [.done, .end]])
        try await Gateway.run(Setup(function)) { gateway in
            let answer = try await gateway.get()
            #expect(answer.status == 201)
            #expect(answer["x-a"] == "}\"{")
            #expect(answer.text == "body")
        }
    }

    @Test func `newline-delimited JSON is held back for its first object only`() async throws {
        let function = try await FakeLambda.shared.function(
            .text("{\"n\":1}"), .gate, .text("\n{\"n\""), .gate, .text(":2}\n"), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            try await function.wait(for: .gated)
            #expect(try await client.staysQuiet(for: .milliseconds(100)))
            try await function.release()
            #expect(try await client.body(holding: "{\"n\":1}\n{\"n\"").status == 200)
            try await function.release()
            #expect(try await client.answer().text == "{\"n\":1}\n{\"n\":2}\n")
        }
    }

    @Test func `an error at the end of what is held is 502`() async throws {
        let function = try await FakeLambda.shared.function(
            .text("{\"errorMessage\":\"secret\"}"), .complete(["ErrorCode": "Unhandled"]), .end)
        try await Gateway.run(Setup(function)) { gateway in
            let answer = try await gateway.get()
            try expectProblem(answer, 502)
            #expect(!answer.text.contains("secret"))
        }
    }
}
