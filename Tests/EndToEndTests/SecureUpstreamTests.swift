import Foundation
import Testing

/// The Lambda API over TLS: the same bytes, and never without knowing who is there.
@Suite struct SecureUpstreamTests {
    /// A gateway whose Lambda API is behind TLS, with a certificate for `name` that it trusts or does not.
    private func run<Result>(
        _ function: FakeFunction, name: String = "IP:127.0.0.1", isTrusted: Bool = true,
        _ body: (Gateway) async throws -> Result
    ) async throws -> Result {
        var setup = try Setup(function)
        let certificate = try await TestCertificate(for: name, in: setup.folder)
        let port = try await function.lambda.securePort(certificate)
        let trust = isTrusted ? ", ca_file: \"\(certificate.certificate)\"" : ""
        setup.aws = "{ region: eu-west-1, endpoint: \"https://127.0.0.1:\(port)\"\(trust) }"
        return try await Gateway.run(setup, body)
    }

    @Test func `each chunk arrives before the next is made`() async throws {
        let function = try await FakeLambda.shared.function(
            .text("one "), .gate, .text("two "), .gate, .text("three"), .done, .end)
        try await self.run(function) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            for text in ["one ", "one two "] {
                #expect(try await client.body(holding: text).text == text)
                try await function.release()
            }
            #expect(try await client.answer().text == "one two three")
        }
    }

    @Test func `the connection is used again`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await self.run(function) { gateway in
            for _ in 0..<5 {
                let answer = try await gateway.get("/")
                #expect(answer.status == 200)
                #expect(answer.text == "hello")
            }
            let calls = try await function.calls()
            #expect(Set(calls.map(\.connection)).count == 1)
        }
    }

    @Test func `a large answer arrives whole`() async throws {
        let piece = String(repeating: "0123456789abcdef", count: 16_384)
        let function = try await FakeLambda.shared.function(
            .text(piece), .text(piece), .text(piece), .text(piece), .done, .end)
        try await self.run(function) { gateway in
            let answer = try await gateway.get("/")
            let isWhole = answer.text == String(repeating: piece, count: 4)
            #expect(isWhole)
        }
    }

    @Test func `a certificate that nobody vouches for is refused, and nothing is sent`() async throws {
        let function = try await FakeLambda.shared.function(.text("never"), .done, .end)
        try await self.run(function, isTrusted: false) { gateway in
            let answer = try await gateway.get("/")
            #expect(answer.status == 502)
            #expect(try await function.calls().isEmpty)
            try await gateway.logs("TLS")
        }
    }

    @Test func `an authority that the system learns of is believed after a reload`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        let certificate = try await TestCertificate(for: "IP:127.0.0.1", in: setup.folder)
        let elsewhere = try TestFolder()
        let other = try await TestCertificate(for: "DNS:other.example", in: elsewhere)
        let port = try await function.lambda.securePort(certificate)
        setup.aws = "{ region: eu-west-1, endpoint: \"https://127.0.0.1:\(port)\" }"
        let bundle = setup.folder.path("bundle.pem")
        try FileManager.default.copyItem(atPath: other.certificate, toPath: bundle)
        setup.environment["SSL_CERT_FILE"] = bundle
        setup.environment["SSL_CERT_DIR"] = setup.folder.path("none")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get("/").status == 502)
            try setup.folder.write("bundle.pem", String(contentsOfFile: certificate.certificate, encoding: .utf8))
            #expect(try await gateway.reload())
            #expect(try await gateway.get("/").text == "hello")
        }
    }

    @Test func `a certificate for another name is refused, and nothing is sent`() async throws {
        let function = try await FakeLambda.shared.function(.text("never"), .done, .end)
        try await self.run(function, name: "DNS:somebody.example") { gateway in
            let answer = try await gateway.get("/")
            #expect(answer.status == 502)
            #expect(try await function.calls().isEmpty)
        }
    }
}
