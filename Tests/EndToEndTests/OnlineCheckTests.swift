import Foundation
import Testing

/// `sluice check --online`: who calls, where, and whether that will do.
@Suite struct OnlineCheckTests {
    /// Checks a configuration for these functions with the fixed keys, or with what the environment says.
    private func check(
        _ functions: [(FakeFunction, String)], _ fakes: FakeSources, _ changes: [String: String?] = [:]
    ) async throws -> Tool {
        var setup = try Setup(functions[0].0.lambda)
        for (index, (function, keys)) in functions.enumerated() { setup.add(function, as: "f\(index)", keys) }
        setup.routes = functions.indices.map { "{ path: /\($0), function: f\($0) }" }
        for (name, value) in fakes.environment { setup.environment[name] = value }
        for (name, value) in changes { setup.environment[name] = value }
        let path = try setup.folder.write("sluice.yaml", setup.text)
        return try await Tool.sluice("check", "--online", "--config", path, environment: setup.environment)
    }

    private func function(_ step: Step = .answer(204)) async throws -> FakeFunction {
        try await FakeLambda.shared.function(step)
    }

    @Test func `identity and region are told, and the call is tried without making it`() async throws {
        let function = try await self.function()
        let other = try await self.function()
        let fakes = try await FakeSources()
        let tool = try await self.check(
            [
                (function, "qualifier: live"),
                (other, "invoke: buffered, role: { arn: \"arn:aws:iam::222222222222:role/r\" }"),
            ], fakes)
        #expect(tool.status == 0, "\(tool.output)\(tool.errors)")
        #expect(tool.output.contains("f0: \(function.name)"))
        #expect(tool.output.contains("in eu-west-1, at http://127.0.0.1:"))
        #expect(tool.output.contains("arn:aws:sts::111122223333:assumed-role/\(FakeLambda.accessKey) of account"))
        #expect(tool.output.contains("then the role arn:aws:iam::222222222222:role/r"))
        #expect(tool.output.components(separatedBy: "ok: it may be called").count == 3)
        let call = try await function.calls()[0]
        #expect(call.header("x-amz-invocation-type") == "DryRun")
        #expect(call.target.contains("/response-streaming-invocations?Qualifier=live"))
        #expect(try await other.calls()[0].target.hasSuffix("/invocations"))
        #expect(try await other.calls()[0].header("x-amz-security-token") != nil)
    }

    @Test(arguments: [
        ("AccessDeniedException", "lambda:InvokeFunction"), ("ResourceNotFoundException", "no function"),
        ("UnrecognizedClientException", "unknown here"), ("ExpiredTokenException", "over"),
        ("InvalidSignatureException", "secret key"), ("", "is the endpoint right"),
    ])
    func `a refusal is explained`(_ type: String, _ advice: String) async throws {
        let fields = type.isEmpty ? [:] : ["x-amzn-errortype": type]
        let function = try await self.function(.answer(403, fields, "{\"Message\":\"said AWS\"}"))
        let tool = try await self.check([(function, "")], try await FakeSources())
        #expect(tool.status == 1)
        #expect(tool.output.contains("refused: AWS answered 403"))
        #expect(tool.output.contains("said AWS"))
        #expect(tool.output.contains(advice), "\(tool.output)")
    }

    @Test func `keys that are not to be had are told, with what to do`() async throws {
        let function = try await self.function()
        let fakes = try await FakeSources()
        try await fakes.set(["fails": "denied"])
        let none: [String: String?] = ["AWS_ACCESS_KEY_ID": nil, "AWS_SECRET_ACCESS_KEY": nil]
        let nobody = try await self.check([(function, "")], fakes, none)
        #expect(nobody.status == 1)
        #expect(nobody.output.contains("no keys: "))
        #expect(nobody.output.contains("AWS_ACCESS_KEY_ID"))
        let role = try await self.check(
            [(function, "role: { arn: \"arn:aws:iam::222222222222:role/r\" }")], fakes)
        #expect(role.status == 1)
        #expect(role.output.contains("AccessDenied"))
        #expect(role.output.contains("trust policy"))
        #expect(try await function.calls().isEmpty)
    }

    @Test func `a wrong clock is told, and is no failure`() async throws {
        let lambda = try await FakeLambda(clockOffset: 7200)
        let function = try await lambda.function(.answer(204))
        let fakes = try await FakeSources()
        let tool = try await self.check([(function, "")], fakes)
        #expect(tool.status == 0, "\(tool.output)")
        #expect(tool.output.contains("the clock of this machine is off by"))
    }

    @Test func `an endpoint that nobody answers at is told`() async throws {
        let function = try await self.function()
        let fakes = try await FakeSources()
        var setup = try Setup(function)
        setup.aws = "{ region: eu-west-1, endpoint: \"http://127.0.0.1:1\" }"
        for (name, value) in fakes.environment { setup.environment[name] = value }
        let path = try setup.folder.write("sluice.yaml", setup.text)
        let tool = try await Tool.sluice("check", "--online", "--config", path, environment: setup.environment)
        #expect(tool.status == 1)
        #expect(tool.output.contains("is there a way from here to http://127.0.0.1:1"))
    }

    /// Checks these functions, in flow form.
    private func check(
        _ functions: [String], aws: String = "{ region: eu-west-1 }", _ environment: [String: String]
    ) async throws -> Tool {
        var setup = try Setup(await FakeLambda.shared)
        setup.aws = aws
        setup.functions = functions.enumerated().map { (name: "f\($0)", keys: $1) }
        setup.routes = functions.indices.map { "{ path: /\($0), function: f\($0) }" }
        setup.environment.merge(environment) { $1 }
        let path = try setup.folder.write("sluice.yaml", setup.text)
        return try await Tool.sluice("check", "--online", "--config", path, environment: setup.environment)
    }

    @Test func `of a server only the way there is tried`() async throws {
        let function = try await self.function()
        let fakes = try await FakeSources()
        let url = "http://127.0.0.1:\(function.lambda.port)/\(function.name)"
        let tool = try await self.check(
            [
                "{ url: \"\(url)\" }",
                "{ url: \"\(url)\", sign: true, role: { arn: \"arn:aws:iam::222222222222:role/r\" } }",
            ], fakes.environment)
        #expect(tool.status == 0, "\(tool.output)\(tool.errors)")
        #expect(tool.output.contains("f0: \(url)\n  ok: 127.0.0.1:\(function.lambda.port) takes connections;"))
        #expect(
            tool.output.contains("requests will be signed for eu-west-1 as arn:aws:sts::111122223333:assumed-role/"))
        // Not a single request.
        #expect(try await function.calls().isEmpty)
    }

    @Test(arguments: [
        ("http://127.0.0.1:1", "no connection: "), ("http://no-such-host.invalid", "no connection: "),
        ("http://no-such-host.invalid", "is there a way from here to http://no-such-host.invalid?"),
    ])
    func `a server that is not there is told`(url: String, text: String) async throws {
        let tool = try await self.check(["{ url: \"\(url)\" }"], [:])
        #expect(tool.status == 1)
        #expect(tool.output.contains(text), "\(tool.output)")
    }

    @Test func `a server whose certificate is not trusted is told, and one that is`() async throws {
        let function = try await self.function()
        let folder = try TestFolder()
        let certificate = try await TestCertificate(for: "IP:127.0.0.1", in: folder)
        let port = try await function.lambda.securePort(certificate)
        let functions = ["{ url: \"https://127.0.0.1:\(port)\" }"]
        let untrusting = try await self.check(functions, [:])
        #expect(untrusting.status == 1)
        #expect(untrusting.output.contains("but not over TLS"), "\(untrusting.output)")
        #expect(untrusting.output.contains("aws.ca_file"))
        let trusting = try await self.check(
            functions, aws: "{ region: eu-west-1, ca_file: \"\(certificate.certificate)\" }", [:])
        #expect(trusting.status == 0, "\(trusting.output)")
        #expect(trusting.output.contains("with a certificate for 127.0.0.1"))
        withExtendedLifetime(folder) {}
    }

    @Test func `keys that are not to be had for signed requests are told`() async throws {
        let function = try await self.function()
        let fakes = try await FakeSources()
        try await fakes.set(["fails": "denied"])
        let tool = try await self.check(
            [
                "{ url: \"http://127.0.0.1:\(function.lambda.port)\", sign: true, "
                    + "role: { arn: \"arn:aws:iam::222222222222:role/r\" } }"
            ], fakes.environment)
        #expect(tool.status == 1)
        #expect(tool.output.contains("no keys: "), "\(tool.output)")
    }

    @Test func `local functions need nothing`() async throws {
        let fakes = try await FakeSources()
        var setup = try Setup(await FakeLambda.shared)
        setup.aws = "{ }"
        setup.environment = Support.environment
        setup.functions = [(name: "here", keys: "{ local: { command: /bin/true } }")]
        setup.routes = ["{ path: /*, function: here }"]
        let path = try setup.folder.write("sluice.yaml", setup.text)
        let tool = try await Tool.sluice("check", "--online", "--config", path, environment: setup.environment)
        #expect(tool.status == 0)
        #expect(tool.output.contains("here: runs on this machine"))
        #expect(try await fakes.calls().isEmpty)
    }
}
