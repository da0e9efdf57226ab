import Testing

/// Clients that take their time: 408 for those that have begun a request, a quiet close for those that have not.
@Suite struct SlowRequestTests {
    private static let limits =
        "request_head: 400ms, request_body_stall: 400ms, request_body_rate: 1MiB, idle_http1: 400ms"

    private func run(_ body: (Gateway, FakeFunction) async throws -> Void) async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function, limits: Self.limits)) { gateway in
            try await body(gateway, function)
        }
    }

    @Test func `a head that does not come whole is 408`() async throws {
        try await self.run { gateway, function in
            let client = try await gateway.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n")
            let (bytes, _) = try await client.everything()
            expectOneAnswer(bytes, [408])
            #expect(try await function.calls().isEmpty)
        }
    }

    @Test func `a head that trickles in is 408 as well`() async throws {
        try await self.run { gateway, _ in
            let client = try await gateway.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n")
            let reading = Task { try await client.everything() }
            for _ in 0..<8 {
                try await Task.sleep(for: .milliseconds(100))
                // The gateway may have closed by now.
                try? await client.send("X: y\r\n")
            }
            let bytes = try await reading.value.0
            #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test func `a body that stands still is 408`() async throws {
        try await self.run { gateway, function in
            let client = try await gateway.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            let (bytes, _) = try await client.everything()
            expectOneAnswer(bytes, [408])
            #expect(try await gateway.accessLog(lines: 1)[0]["status"] == 408)
            #expect(try await function.calls().isEmpty)
        }
    }

    @Test func `a body that trickles in is 408 as well`() async throws {
        try await self.run { gateway, function in
            let client = try await gateway.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
            let reading = Task { try await client.everything() }
            for _ in 0..<8 {
                try await Task.sleep(for: .milliseconds(100))
                try? await client.send("x")
            }
            let bytes = try await reading.value.0
            #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
            #expect(try await function.calls().isEmpty)
        }
    }

    @Test func `a body behind an answer is not waited for either`() async throws {
        try await self.run { gateway, _ in
            let client = try await gateway.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000000\r\n\r\n")
            #expect(try await client.answer().status == 413)
            #expect(try await client.ending() == .closed)
            let other = try await gateway.connect()
            try await other.send("OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            #expect(try await other.answer().status == 200)
            #expect(try await other.ending() == .closed)
        }
    }

    @Test func `who says nothing is closed without a word`() async throws {
        try await self.run { gateway, _ in
            let silent = try await gateway.connect()
            let idle = try await gateway.connect()
            try await idle.send(Gateway.request())
            #expect(try await idle.answer().text == "hello")
            #expect(try await silent.ending() == .closed)
            #expect(try await idle.ending() == .closed)
        }
    }

    @Test func `requests of others are answered meanwhile`() async throws {
        try await self.run { gateway, _ in
            var slow: [RawClient] = []
            for _ in 0..<100 {
                let client = try await gateway.connect()
                try await client.send("GET / HTTP/1.1\r\n")
                slow.append(client)
            }
            #expect(try await gateway.get().text == "hello")
            for client in slow {
                let (bytes, _) = try await client.everything()
                expectOneAnswer(bytes, [408])
            }
        }
    }
}
