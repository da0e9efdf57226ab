import Testing

/// What is thrown at a port that speaks TLS.
@Suite struct TLSAttackTests {
    private func run<Result>(
        limits: String = "", _ body: (Gateway, TestAuthority) async throws -> Result
    ) async throws -> Result {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /*, respond: { body: fixed } }"]
        let authority = try await TestAuthority(in: setup.folder)
        setup.listenerKeys = authority.tls("site")
        setup.limits = limits
        return try await Gateway.run(setup) { try await body($0, authority) }
    }

    @Test func `plain HTTP gets an answer in plain text that says so`() async throws {
        try await self.run { (gateway, authority) async throws in
            let answer = try await gateway.get("/")
            #expect(answer.status == 400)
            #expect(answer.text == "This port speaks HTTPS. Use https:// in front of the URL.\n")
            try await gateway.logs("the peer speaks HTTP without TLS")
            let line = try #require(await gateway.accessLog(lines: 1).first)
            #expect(line["status"] == 400)
            #expect(line["end"] == "bad_request")
            #expect(line["request_id"]?.string == answer["x-request-id"])
            #expect(try await gateway.curl(authority, "/").output == "fixed")
        }
    }

    @Test(arguments: [
        "\u{16}\u{3}\u{1}\u{40}\u{1}\u{1}\u{0}\u{3f}\u{fd}\u{3}\u{3}", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        "ssh-2.0-x\r\n", "\u{16}\u{3}\u{1}\u{7f}\u{7f}",
    ])
    func `garbage ends the connection, with an alert`(text: String) async throws {
        try await self.run { (gateway, authority) async throws in
            let client = try await gateway.connect()
            try await client.send(
                text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } + Array(repeating: 0, count: 20_000))
            let (bytes, _) = try await client.everything()
            // A fatal alert, where the peer has not gone before it could read one.
            if !bytes.isEmpty { #expect(bytes[0] == 21, "\(bytes)") }
            #expect(try await gateway.curl(authority, "/").output == "fixed")
            try await gateway.logs("TLS handshake failed")
        }
    }

    @Test func `garbage in the middle of a session ends it with an alert`() async throws {
        try await self.run { (gateway, authority) async throws in
            let output = try await gateway.tlsClient(authority, "garbage")
            #expect(output.hasPrefix("alert") || output.hasPrefix("closed"), "\(output)")
            #expect(try await gateway.curl(authority, "/").output == "fixed")
        }
    }

    @Test func `a handshake that never ends is ended`() async throws {
        try await self.run(limits: "tls_handshake: 300ms") { (gateway, _) async throws in
            let silent = try await gateway.connect()
            let started = try await gateway.connect()
            try await started.send([0x16, 3, 1, 2, 0, 1])
            _ = try await silent.ending()
            _ = try await started.everything()
            try await gateway.logs("it took too long")
        }
    }

    @Test func `slow handshakes keep nobody from being answered`() async throws {
        try await self.run(limits: "tls_handshake: 3s") { (gateway, authority) async throws in
            let output = try await gateway.tlsClient(authority, "slow_handshakes", "300")
            #expect(output == "answered\nclosed 300\n")
        }
    }

    @Test func `of too many handshakes the oldest gives way`() async throws {
        try await self.run(limits: "tls_handshake: 5s, tls_handshakes: 10") { (gateway, authority) async throws in
            let output = try await gateway.tlsClient(authority, "slow_handshakes", "30")
            #expect(output.hasPrefix("answered\n"))
            #expect(output.contains("closed 30"))
            try await gateway.logs("there are too many at once")
        }
    }

    @Test func `renegotiation is refused`() async throws {
        try await self.run { (gateway, authority) async throws in
            let output = try await gateway.openssl(
                authority, "-tls1_2", input: "sleep 1; echo R; sleep 2; echo; sleep 1")
            #expect(output.contains("RENEGOTIATING"))
            #expect(output.contains("no renegotiation") || output.contains("error"), "\(output.suffix(800))")
            #expect(try await gateway.curl(authority, "/").output == "fixed")
        }
    }

    @Test func `early data and compression are not offered`() async throws {
        try await self.run { (gateway, authority) async throws in
            let output = try await gateway.openssl(authority, "-tls1_3", input: "sleep 1")
            #expect(output.contains("Max Early Data: 0"), "\(output)")
            #expect(output.contains("Compression: NONE"))
        }
    }
}
