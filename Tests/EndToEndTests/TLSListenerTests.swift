import Foundation
import Testing

/// Clients that come over TLS.
@Suite struct TLSListenerTests {
    /// A gateway whose listener has the site's certificate, or what `tls` says.
    private func run<Result>(
        _ function: FakeFunction? = nil, tls: String? = nil, limits: String = "", workers: Int = 1,
        prepare: (TestAuthority) async throws -> Void = { _ in },
        _ body: (Gateway, TestAuthority) async throws -> Result
    ) async throws -> Result {
        var setup = try Setup(await FakeLambda.shared)
        if let function {
            setup.add(function, as: "main", "response: raw")
            setup.routes = ["{ path: /*, function: main }"]
        } else {
            setup.routes = ["{ path: /*, respond: { body: fixed } }"]
        }
        let authority = try await TestAuthority(in: setup.folder)
        try await prepare(authority)
        setup.listenerKeys = tls ?? authority.tls("site")
        setup.limits = limits
        setup.workers = workers
        return try await Gateway.run(setup) { try await body($0, authority) }
    }

    @Test func `a function learns how its client came`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await self.run(function) { (gateway, authority) async throws in
            let answer = try await gateway.curl(authority, "--tlsv1.3", "/path?a=1")
            #expect(answer.output == "hello", "\(answer.errors)")
            let event = try await function.calls()[0].event
            #expect(event["headers"]?["x-forwarded-proto"] == "https")
            #expect(event["headers"]?["x-forwarded-port"]?.string == "\(gateway.port)")
            #expect(event["headers"]?["x-amzn-tls-version"] == "TLSv1.3")
            #expect(event["headers"]?["x-amzn-tls-cipher-suite"]?.string?.hasPrefix("TLS_AES") == true)
            #expect(event["requestContext"]?["authentication"] == nil)
            #expect(try await gateway.accessLog(lines: 1)[0]["tls"] == "TLSv1.3")
        }
    }

    @Test(arguments: ["--tlsv1.2 --tls-max 1.2", "--tlsv1.3"])
    func `each chunk arrives before the next is made`(version: String) async throws {
        let function = try await FakeLambda.shared.function(
            .text("one "), .gate, .text("two "), .gate, .text("three"), .done, .end)
        try await self.run(function) { (gateway, authority) async throws in
            let curl = try Child(
                "curl",
                ["--silent", "--show-error", "--no-buffer", "--cacert", authority.path("ca.pem")]
                    + version.split(separator: " ").map(String.init) + ["https://127.0.0.1:\(gateway.port)/"],
                environment: Support.environment, folder: gateway.folder, name: "curl")
            for text in ["one ", "one two "] {
                _ = try await eventually("\(text) arrives") { curl.outputText == text ? true : nil }
                try await function.release()
            }
            #expect(try await curl.ended() == .exited(0))
            #expect(curl.outputText == "one two three")
        }
    }

    @Test func `a large body and a large answer pass whole`() async throws {
        let piece = String(repeating: "0123456789abcdef", count: 16_384)
        let function = try await FakeLambda.shared.function(
            .text(piece), .text(piece), .text(piece), .text(piece), .done, .end)
        try await self.run(function) { (gateway, authority) async throws in
            let body = try gateway.folder.write("body", String(repeating: "abc", count: 1_000_000))
            let answer = try await gateway.curl(
                authority, "--data-binary", "@\(body)", "-H", "content-type: text/plain", "/")
            let isWhole = answer.output == String(repeating: piece, count: 4)
            #expect(isWhole, "\(answer.errors) \(answer.output.utf8.count)")
            #expect(try await function.calls()[0].event["body"]?.string?.utf8.count == 3_000_000)
        }
    }

    @Test func `a client that does not read stops its function, and later gets every byte`() async throws {
        let count = 24 << 20
        let function = try await FakeLambda.shared.function(.bulk(count, seed: 4, piece: 60_000), .done, .end)
        try await self.run(function) { (gateway, authority) async throws in
            let go = gateway.folder.path("go")
            async let output = gateway.tlsClient(authority, "slow_reader", go)
            try await function.wait(for: .blocked)
            #expect(gateway.child.residentMemory < (120 << 20) * Support.memoryFactor)
            try gateway.folder.write("go", "")
            let words = try await output.split(whereSeparator: \.isWhitespace)
            #expect(words.first == "\(count)")
            #expect(words.last == "whole")
            #expect(try await function.wait(for: .ended)[0].sha256 == String(words[1]))
        }
    }

    @Test(arguments: [Step.close, .reset])
    func `an answer that breaks off is an error for the client, never a clean end`(ending: Step) async throws {
        let function = try await FakeLambda.shared.function(.text("half"), ending)
        try await self.run(function) { (gateway, authority) async throws in
            let answer = try await gateway.curl(authority, "--no-buffer", "--http1.1", "/")
            #expect(answer.output == "half")
            #expect(answer.status != 0)
            // A client of HTTP/2 may drop what came with the reset of its stream.
            #expect(try await gateway.curl(authority, "--http2", "/").status == 92)
            // Its end is that of the connection, so there is no close_notify.
            let old = try await gateway.tlsClient(authority, "raw_end")
            #expect(old.hasPrefix("error"), "\(old)")
        }
    }

    @Test func `an answer that ends with the connection ends with a close_notify`() async throws {
        let function = try await FakeLambda.shared.function(.text("all of it"), .done, .end)
        try await self.run(function) { (gateway, authority) async throws in
            #expect(try await gateway.tlsClient(authority, "raw_end") == "clean all of it\n")
        }
    }

    @Test func `sessions are resumed on all loops`() async throws {
        try await self.run(workers: 4) { (gateway, authority) async throws in
            let output = try await gateway.tlsClient(authority, "resume", "17")
            #expect(output == "TLSv1_2 whole 16\nTLSv1_3 whole 16\n")
        }
    }

    @Test func `an idle connection ends with a close_notify`() async throws {
        try await self.run(limits: "idle_http1: 200ms") { (gateway, authority) async throws in
            #expect(try await gateway.tlsClient(authority, "idle_end") == "close_notify\n")
        }
    }

    @Test func `so it does when the gateway drains`() async throws {
        try await self.run { (gateway, authority) async throws in
            async let output = gateway.tlsClient(authority, "idle_end")
            _ = try await gateway.accessLog(lines: 1)
            try await gateway.stop()
            #expect(try await output == "close_notify\n")
        }
    }

    // Names and certificates.

    @Test func `certificates are chosen by name: exact, then wildcard, then the first`() async throws {
        let tls =
            "tls: { certificates: [{ certificate: site.pem, key: site.key }, { certificate: other.pem, key: other.key }] }"
        try await self.run(tls: tls) { (gateway, authority) async throws in
            for (name, subject) in [
                ("example.com", "site"), ("other.example", "other"), ("www.other.example", "other"),
                ("a.b.other.example", "site"), ("unknown.example", "site"), ("", "site"),
            ] {
                let output = try await gateway.openssl(authority, name: name)
                #expect(output.contains("subject=CN = \(subject)\n"), "\(name): \(output)")
            }
        }
    }

    @Test func `a name without certificate is refused where that is wanted`() async throws {
        try await self.run(
            tls: "tls: { certificates: [{ certificate: site.pem, key: site.key }], unknown_server_name: reject }"
        ) { (gateway, authority) async throws in
            let refused = try await gateway.openssl(authority, name: "unknown.example")
            #expect(refused.contains("unrecognized name"), "\(refused)")
            #expect(try await gateway.openssl(authority, name: "").contains("subject=CN = site"))
            #expect(try await gateway.curl(authority, "/").output == "fixed")
            try await gateway.logs("no certificate for the name unknown.example")
        }
    }

    @Test func `of two kinds of keys for one name, the client gets the one that it can use`() async throws {
        let tls =
            "tls: { certificates: [{ certificate: site.pem, key: site.key }, { certificate: rsa.pem, key: rsa.key }] }"
        try await self.run(
            tls: tls,
            prepare: {
                try await $0.run(
                    "rsa rsa; leaf rsa ca /CN=rsa subjectAltName=DNS:localhost,DNS:example.com,IP:127.0.0.1")
            }
        ) { (gateway, authority) async throws in
            for (arguments, subject) in [
                ("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", "rsa"),
                ("-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "site"),
                ("-tls1_3 -sigalgs rsa_pss_rsae_sha256", "rsa"), ("-tls1_3 -sigalgs ecdsa_secp256r1_sha256", "site"),
            ] {
                let output = try await gateway.openssl(authority, arguments)
                #expect(output.contains("subject=CN = \(subject)\n"), "\(arguments): \(output)")
            }
        }
    }

    @Test func `a key may be encrypted, and a chain longer than one`() async throws {
        let tls =
            "tls: { certificates: [{ certificate: full.pem, key: sealed.key, passphrase_file: passphrase }] }"
        try await self.run(
            tls: tls,
            prepare: {
                try await $0.run(
                    #"""
                    ec middle
                    openssl req -new -key middle.key -subj /CN=middle -out middle.csr
                    printf 'basicConstraints=critical,CA:TRUE\n' > middle.ext
                    openssl x509 -req -in middle.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 \
                        -extfile middle.ext -out middle.pem
                    ec low; leaf low middle /CN=low subjectAltName=DNS:localhost
                    cat low.pem middle.pem > full.pem
                    echo secret > passphrase
                    openssl ec -in low.key -aes256 -passout file:passphrase -out sealed.key
                    """#)
            }
        ) { (gateway, authority) async throws in
            #expect(try await gateway.curl(authority, "/").output == "fixed")
        }
    }

    @Test func `a host of another certificate is misdirected, one of none is not`() async throws {
        let tls =
            "tls: { certificates: [{ certificate: site.pem, key: site.key }, { certificate: other.pem, key: other.key }] }"
        try await self.run(tls: tls) { (gateway, authority) async throws in
            for (host, status) in [
                ("localhost", "200"), ("example.com", "200"), ("www.other.example", "421"), ("other.example:1", "421"),
                ("nobody.example", "200"), ("WWW.OTHER.EXAMPLE", "421"),
            ] {
                let answer = try await gateway.curl(
                    authority, "-o", "/dev/null", "-w", "%{http_code}", "-H", "host: \(host)", "/")
                #expect(answer.output == status, "\(host)")
            }
        }
    }

    // What is agreed on.

    @Test func `protocols are agreed on, or the handshake fails`() async throws {
        try await self.run { (gateway, authority) async throws in
            #expect(try await gateway.openssl(authority, "-alpn http/1.1").contains("ALPN protocol: http/1.1"))
            #expect(try await gateway.openssl(authority, "-alpn http/1.1,h2").contains("ALPN protocol: h2"))
            #expect(try await gateway.openssl(authority, "-alpn http/1.0,http/1.1").contains("ALPN protocol: http/1.1"))
            #expect(try await gateway.openssl(authority).contains("No ALPN negotiated"))
            let refused = try await gateway.openssl(authority, "-alpn spdy/1")
            #expect(refused.contains("no application protocol"), "\(refused)")
        }
    }

    @Test func `algorithms are those of the intermediate profile`() async throws {
        try await self.run { (gateway, authority) async throws in
            for arguments in [
                "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
                "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
                "-groups X25519", "-groups P-256", "-groups P-384",
            ] {
                let output = try await gateway.openssl(authority, arguments)
                #expect(output.contains("Verify return code: 0 (ok)"), "\(arguments): \(output)")
            }
            for arguments in [
                "-tls1_1 -cipher ALL:@SECLEVEL=0", "-tls1_2 -cipher AES128-GCM-SHA256",
                "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256",
                "-tls1_2 -cipher ECDHE-ECDSA-AES128-CCM", "-groups P-521", "-groups X448",
            ] {
                let output = try await gateway.openssl(authority, arguments)
                #expect(output.contains("alert"), "\(arguments): \(output)")
            }
            // The client's order counts.
            let chosen = try await gateway.openssl(
                authority, "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256")
            #expect(chosen.contains("Cipher is ECDHE-ECDSA-CHACHA20-POLY1305"))
        }
    }

    @Test(arguments: ["profile: modern", "minimum_version: 1.3"])
    func `only the newest version where that is wanted`(key: String) async throws {
        let tls = "tls: { certificates: [{ certificate: site.pem, key: site.key }], \(key) }"
        try await self.run(tls: tls) { (gateway, authority) async throws in
            #expect(try await gateway.openssl(authority, "-tls1_2").contains("alert protocol version"))
            #expect(try await gateway.openssl(authority, "-tls1_3").contains("Verify return code: 0 (ok)"))
        }
    }

    // Certificates of clients.

    private static let mutual =
        "tls: { certificates: [{ certificate: site.pem, key: site.key }], client_ca: clients.pem"

    private func prepareClients(_ authority: TestAuthority) async throws {
        try await authority.run(
            "ec client; leaf client clients '/C=GB/O=Example/CN=alice' ''; ec stranger; leaf stranger ca /CN=eve ''")
    }

    @Test func `a client certificate is required, and the function learns of it`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await self.run(function, tls: Self.mutual + " }", prepare: self.prepareClients) {
            (gateway, authority) async throws in
            #expect(try await gateway.curl(authority, "/").status != 0)
            let pair = { (name: String) in
                ["--cert", authority.path("\(name).pem"), "--key", authority.path("\(name).key")]
            }
            let stranger = pair("stranger")
            #expect(
                try await gateway.curl(authority, stranger[0], stranger[1], stranger[2], stranger[3], "/").status != 0)
            #expect(try await function.calls().isEmpty)
            let alice = pair("client")
            let answer = try await gateway.curl(authority, alice[0], alice[1], alice[2], alice[3], "/")
            #expect(answer.output == "hello", "\(answer.errors)")
            let certificate = try #require(
                try await function.calls()[0].event["requestContext"]?["authentication"]?["clientCert"])
            #expect(certificate["subjectDN"] == "CN=alice,O=Example,C=GB")
            #expect(certificate["issuerDN"] == "CN=clients")
            #expect(certificate["clientCertPem"]?.string?.hasPrefix("-----BEGIN CERTIFICATE-----\n") == true)
            #expect(certificate["serialNumber"]?.string?.contains(":") == true)
            #expect(certificate["validity"]?["notAfter"]?.string?.hasSuffix(" GMT") == true)
        }
    }

    @Test func `where it is optional, a client may have none, but no wrong one`() async throws {
        let tls = Self.mutual + ", client_certificate: optional }"
        try await self.run(tls: tls, prepare: self.prepareClients) { (gateway, authority) async throws in
            #expect(try await gateway.curl(authority, "/").output == "fixed")
            let cert = { (name: String, file: String) in authority.path("\(name).\(file)") }
            let good = try await gateway.curl(
                authority, "--cert", cert("client", "pem"), "--key", cert("client", "key"), "/")
            #expect(good.output == "fixed")
            let bad = try await gateway.curl(
                authority, "--cert", cert("stranger", "pem"), "--key", cert("stranger", "key"), "/")
            #expect(bad.status != 0)
        }
    }
}
