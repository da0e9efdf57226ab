import Testing

/// Gateways behind other proxies.
@Suite struct ProxyTests {
    private func run(
        _ keys: String, limits: String = "", _ body: (Gateway, FakeFunction) async throws -> Void
    ) async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function, "response: raw", limits: limits)
        setup.listenerKeys = keys
        try await Gateway.run(setup) { try await body($0, function) }
    }

    private static let binary: [UInt8] =
        Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x21, 0x11, 0, 12, 192, 0, 2, 7, 198, 51, 100, 2, 0xdc, 4, 0x20, 0xfb]

    @Test(arguments: [Array("PROXY TCP4 192.0.2.7 198.51.100.2 56324 8443\r\n".utf8), binary])
    func `the client is the one that a PROXY header names`(header: [UInt8]) async throws {
        try await self.run("proxy_protocol: true, trusted_proxies: [127.0.0.0/8]") { (gateway, function) async throws in
            let client = try await gateway.connect()
            try await client.send(header + Array(Gateway.request().utf8))
            #expect(try await client.answer().text == "hello")
            // The header stands once in front of a connection; the next request has none.
            try await client.send(Gateway.request("/two", ["X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6"]))
            #expect(try await client.answer().text == "hello")
            for event in try await function.calls().map({ try $0.event }) {
                #expect(event["requestContext"]?["http"]?["sourceIp"] == "192.0.2.7")
                #expect(event["headers"]?["x-forwarded-for"] == "192.0.2.7")
                #expect(event["headers"]?["x-forwarded-port"] == "8443")
                #expect(event["headers"]?["forwarded"] == nil)
            }
            #expect(try await gateway.accessLog(lines: 2)[0]["client"] == "192.0.2.7")
        }
    }

    @Test func `a header that comes in pieces, and a health check without client`() async throws {
        try await self.run("proxy_protocol: true, trusted_proxies: [127.0.0.1]") { (gateway, function) async throws in
            let client = try await gateway.connect()
            for byte in Self.binary { try await client.send([byte]) }
            try await client.send(Gateway.request())
            #expect(try await client.answer().status == 200)
            let check = try await gateway.connect()
            try await check.send("PROXY UNKNOWN\r\n" + Gateway.request())
            #expect(try await check.answer().status == 200)
            let addresses = try await function.calls().map { try $0.event["requestContext"]?["http"]?["sourceIp"] }
            #expect(addresses == ["192.0.2.7", "127.0.0.1"])
        }
    }

    @Test(arguments: ["1", "2"])
    func `TLS begins behind the header`(version: String) async throws {
        let function = try await FakeLambda.shared.function(
            .prelude("{\"headers\":{\"content-length\":\"5\"}}"), .text("hello"), .done, .end)
        var setup = try Setup(function)
        let authority = try await TestAuthority(in: setup.folder)
        setup.listenerKeys = "\(authority.tls("site")), proxy_protocol: true, trusted_proxies: [127.0.0.1]"
        try await Gateway.run(setup) { gateway in
            #expect(try await gateway.tlsClient(authority, "proxied", version) == "hello\n")
            let event = try await function.calls()[0].event
            #expect(event["requestContext"]?["http"]?["sourceIp"] == "192.0.2.7")
            #expect(event["headers"]?["x-forwarded-proto"] == "https")
            #expect(event["headers"]?["x-forwarded-port"] == "8443")
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nhost: a\r\n\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "PROXY TCP4 ", ""])
    func `a connection without a header gets no answer`(text: String) async throws {
        try await self.run(
            "proxy_protocol: true, trusted_proxies: [127.0.0.1]", limits: "request_head: 300ms"
        ) { (gateway, function) async throws in
            let client = try await gateway.connect()
            try await client.send(text)
            _ = try await client.ending()
            #expect(try await function.calls().isEmpty)
            try await gateway.logs("connection without a PROXY header refused")
        }
    }

    @Test func `a peer that is no trusted proxy gets no answer, whatever header it sends`() async throws {
        try await self.run("proxy_protocol: true, trusted_proxies: [10.0.0.0/8]") { (gateway, function) async throws in
            let client = try await gateway.connect()
            try? await client.send(Self.binary + Array(Gateway.request().utf8))
            _ = try await client.ending()
            #expect(try await function.calls().isEmpty)
            try await gateway.logs("none of the trusted proxies")
        }
    }

    @Test func `what trusted proxies say of clients is believed`() async throws {
        try await self.run("trusted_proxies: [127.0.0.1, 10.0.0.0/8]") { (gateway, function) async throws in
            for fields in [
                [
                    "X-Forwarded-For: 6.6.6.6, 192.0.2.7", "X-Forwarded-For: 10.1.1.1", "X-Forwarded-Proto: https",
                    "X-Forwarded-Port: 8443",
                ],
                ["Forwarded: for=192.0.2.7;proto=https, for=10.1.1.1;proto=http"],
                [],
            ] {
                _ = try await gateway.get("/", fields)
            }
            let events = try await function.calls().map { try $0.event }
            #expect(events[0]["requestContext"]?["http"]?["sourceIp"] == "192.0.2.7")
            #expect(events[0]["headers"]?["x-forwarded-for"] == "6.6.6.6, 192.0.2.7, 10.1.1.1, 127.0.0.1")
            #expect(events[0]["headers"]?["x-forwarded-proto"] == "https")
            #expect(events[0]["headers"]?["x-forwarded-port"] == "8443")
            #expect(events[1]["requestContext"]?["http"]?["sourceIp"] == "192.0.2.7")
            #expect(events[1]["headers"]?["x-forwarded-proto"] == "https")
            #expect(events[1]["headers"]?["x-forwarded-port"] == "443")
            #expect(events[1]["headers"]?["forwarded"] != nil)
            #expect(events[1]["headers"]?["x-forwarded-for"] == "192.0.2.7, 127.0.0.1")
            #expect(events[2]["requestContext"]?["http"]?["sourceIp"] == "127.0.0.1")
            #expect(events[2]["headers"]?["x-forwarded-for"] == "127.0.0.1")
            #expect(events[2]["headers"]?["x-forwarded-proto"] == "http")
            let lines = try await gateway.accessLog(lines: 3)
            #expect(lines.map { $0["client"] } == ["192.0.2.7", "192.0.2.7", "127.0.0.1"])
        }
    }

    @Test func `what others say of clients is not`() async throws {
        try await self.run("trusted_proxies: [10.0.0.0/8]") { (gateway, function) async throws in
            _ = try await gateway.get(
                "/",
                [
                    "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Port: 1",
                    "Forwarded: for=6.6.6.6;proto=https",
                ])
            let event = try await function.calls()[0].event
            #expect(event["requestContext"]?["http"]?["sourceIp"] == "127.0.0.1")
            #expect(event["headers"]?["x-forwarded-for"] == "127.0.0.1")
            #expect(event["headers"]?["x-forwarded-proto"] == "http")
            #expect(event["headers"]?["x-forwarded-port"]?.string == "\(gateway.port)")
            #expect(event["headers"]?["forwarded"] == nil)
        }
    }

    @Test func `plain requests are sent on to https, and only they`() async throws {
        try await self.run("redirect_to_https: true, trusted_proxies: [127.0.0.1]") {
            (gateway, function) async throws in
            let answer = try await gateway.get("/a/b%20c?x=1&y=%2f", ["Host: example.com:8080"])
            #expect(answer.status == 308)
            #expect(answer["location"] == "https://example.com/a/b%20c?x=1&y=%2f")
            #expect(try await gateway.get("/", method: "POST", body: "x").status == 308)
            #expect(try await gateway.get("/", ["X-Forwarded-Proto: https"]).text == "hello")
            let old = try await gateway.connect()
            try await old.send("GET / HTTP/1.0\r\n\r\n")
            #expect(try await old.answer().status == 400)
            #expect(try await function.calls().count == 1)
            #expect(try await gateway.accessLog(lines: 4)[0]["end"] == "redirected")
        }
    }
}
