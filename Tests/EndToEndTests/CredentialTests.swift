import Foundation
import Testing

/// Where the keys come from with which calls are signed: each source with an AWS SDK as the second opinion, and what
/// happens when keys end or sources fail.
@Suite struct CredentialTests {
    /// One way to have keys: variables, and the files of a home.
    struct Source: Sendable, CustomTestStringConvertible {
        let name: String
        var environment: [String: String] = [:]
        var config = ""
        var credentials = ""
        /// Further files by their path in the home.
        var files: [String: String] = [:]
        /// The profile that the gateway's file and the SDK's caller name.
        var profile: String?

        var testDescription: String { self.name }
    }

    private static let role = "arn:aws:iam::111111111111:role/a"
    private static let base = """
        [base]
        aws_access_key_id = \(FakeLambda.accessKey)
        aws_secret_access_key = \(FakeLambda.secretKey)

        """
    /// A program that prints keys of the fixed pair.
    private static let program = """
        #!/bin/sh
        [ "$1" = "with space" ] || exit 3
        echo '{"Version":1,"AccessKeyId":"\(FakeLambda.accessKey)","SecretAccessKey":"\(FakeLambda.secretKey)"}'

        """
    private static let signOnToken = #"{"accessToken":"sign-on-token","expiresAt":"2099-01-01T00:00:00Z"}"#

    /// `URL` and `HOME` stand for the fakes' address and the folder.
    static let sources: [Source] = [
        Source(
            name: "environment",
            environment: [
                "AWS_ACCESS_KEY_ID": FakeLambda.accessKey, "AWS_SECRET_ACCESS_KEY": FakeLambda.secretKey,
            ]),
        Source(name: "credentials file", credentials: Self.base.replacingOccurrences(of: "[base]", with: "[default]")),
        Source(
            name: "config file", environment: ["AWS_PROFILE": "base"],
            config: Self.base.replacingOccurrences(of: "[base]", with: "[profile base]")),
        Source(
            name: "role of a source profile",
            config: """
                [default]
                role_arn = \(Self.role)
                source_profile = base
                external_id = x/1:2+3
                duration_seconds = 1800
                """, credentials: Self.base),
        Source(
            name: "chain of roles", environment: ["AWS_PROFILE": "last"],
            config: """
                [profile last]
                role_arn = \(Self.role)
                source_profile = first
                [profile first]
                role_arn = arn:aws:iam::222222222222:role/path/b
                source_profile = base
                """, credentials: Self.base),
        Source(
            name: "role of the instance",
            config: "[default]\nrole_arn = \(Self.role)\ncredential_source = Ec2InstanceMetadata\n"),
        Source(
            name: "role of the container", environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container/x"],
            config: "[default]\nrole_arn = \(Self.role)\ncredential_source = EcsContainer\n"),
        Source(
            name: "web identity of the environment",
            environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": "HOME/token", "AWS_ROLE_ARN": Self.role],
            files: ["token": "one.two.three"]),
        Source(
            name: "web identity of a profile",
            config: "[default]\nrole_arn = \(Self.role)\nweb_identity_token_file = HOME/token\n",
            files: ["token": "one.two.three"]),
        Source(
            name: "single sign-on, old form",
            config: """
                [default]
                sso_start_url = https://d-1.awsapps.com/start
                sso_region = eu-central-1
                sso_account_id = 123456789012
                sso_role_name = Reader
                """,
            // sha1 of the start URL.
            files: [".aws/sso/cache/0c54b6c27e90660baa89eaad85ac1d5dae26cb7d.json": Self.signOnToken]),
        Source(
            name: "single sign-on, session",
            config: """
                [default]
                sso_session = my-sso
                sso_account_id = 123456789012
                sso_role_name = Reader
                [sso-session my-sso]
                sso_start_url = https://d-1.awsapps.com/start
                sso_region = eu-central-1
                """,
            // sha1 of the session's name.
            files: [".aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json": Self.signOnToken]),
        Source(
            name: "program", config: "[default]\ncredential_process = HOME/keys.sh 'with space'\n",
            files: ["keys.sh": Self.program]),
        Source(
            name: "container", environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container/y?a=b"]),
        Source(
            name: "container with a token",
            environment: [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container/y", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic x",
            ]),
        Source(
            name: "pod identity",
            environment: [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container/y",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "HOME/token", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong",
            ], files: ["token": "pod-token"]),
        Source(name: "instance"),
        Source(
            name: "environment with a session token",
            environment: [
                "AWS_ACCESS_KEY_ID": "ASIALENT", "AWS_SECRET_ACCESS_KEY": "secret-of-ASIALENT",
                "AWS_SESSION_TOKEN": "token-of-ASIALENT",
            ]),
        Source(
            name: "credentials file with a session token",
            credentials: """
                [default]
                aws_access_key_id = ASIALENT
                aws_secret_access_key = secret-of-ASIALENT
                aws_session_token = token-of-ASIALENT
                """),
        Source(
            name: "chain of roles with keys in the middle", environment: ["AWS_PROFILE": "last"],
            config: """
                [profile last]
                role_arn = \(Self.role)
                source_profile = base
                [profile base]
                role_arn = arn:aws:iam::222222222222:role/path/b
                source_profile = first
                [profile first]
                credential_source = Ec2InstanceMetadata
                """, credentials: Self.base),
        Source(
            name: "role of the environment",
            environment: [
                "AWS_ACCESS_KEY_ID": FakeLambda.accessKey, "AWS_SECRET_ACCESS_KEY": FakeLambda.secretKey,
            ],
            config: "[profile here]\nrole_arn = \(Self.role)\ncredential_source = Environment\n",
            // Keys of the environment would be used as they are, but for a profile that is chosen elsewhere.
            profile: "here"),
    ]

    /// A gateway for one function whose keys come from a source.
    private static func setup(
        _ function: FakeFunction, _ fakes: FakeSources, _ source: Source = Source(name: "instance"), keys: String = ""
    ) throws -> Setup {
        var setup = try Setup(function, keys)
        let home = setup.folder.path
        func filled(_ text: String) -> String {
            text.replacingOccurrences(of: "URL", with: fakes.url).replacingOccurrences(of: "HOME", with: home)
        }
        if let profile = source.profile { setup.aws = setup.aws.replacing(" }", with: ", profile: \(profile) }") }
        setup.environment = fakes.environment
        setup.environment["HOME"] = home
        for (name, value) in source.environment { setup.environment[name] = filled(value) }
        for folder in [".aws/sso/cache"] {
            try FileManager.default.createDirectory(atPath: "\(home)/\(folder)", withIntermediateDirectories: true)
        }
        try setup.folder.write(".aws/config", filled(source.config))
        try setup.folder.write(".aws/credentials", source.credentials)
        for (name, text) in source.files {
            let path = try setup.folder.write(name, text)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        }
        return setup
    }

    /// The key id that a call was signed with.
    private static func key(of call: RecordedCall) -> String? {
        call.header("authorization")?.split(separator: "Credential=").last?.split(separator: "/").first.map(String.init)
    }

    @Test(arguments: Self.sources)
    func `each source gives the same keys as an AWS SDK finds`(_ source: Source) async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        let setup = try Self.setup(function, fakes, source)
        let words = source.profile.map { [$0] } ?? []
        let sdk = try await Tool.python("resolve_with_boto3.py", words, environment: setup.environment)
        #expect(sdk.status == 0, "\(sdk.errors)")
        let found = try JSONDocument(parsing: sdk.output)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let answer = try await gateway.get()
            #expect(answer.text == "hello", "\(gateway.log)")
            let call = try await function.calls()[0]
            // The fake of the Lambda API has checked the signature, which shows that the secret is the same.
            #expect(call.signature == nil)
            #expect(Self.key(of: call) == found["key"]?.string)
            #expect(call.header("x-amz-security-token") == found["token"]?.string)
            #expect(!gateway.log.contains("secret-of-"))
            #expect(!gateway.log.contains(FakeLambda.secretKey))
        }
    }

    @Test func `the relative address of a container is where an AWS SDK looks for it`() async throws {
        // In a network of its own, where the address can be given to the fake.
        let isolated = ["--user", "--map-root-user", "--net"]
        guard try await Tool.run("unshare", isolated + ["true"]).status == 0 else { return }
        var setup = try Setup(await FakeLambda.shared)
        setup.aws = "{ region: eu-west-1, endpoint: \"http://169.254.170.2\" }"
        setup.functions = [("main", "{ function: main, retries: 0 }")]
        setup.routes = ["{ path: /*, function: main }"]
        setup.environment["AWS_ACCESS_KEY_ID"] = nil
        setup.environment["AWS_SECRET_ACCESS_KEY"] = nil
        setup.environment["HOME"] = setup.folder.path
        setup.environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/x?a=b"
        let file = try setup.folder.write("sluice.yaml", setup.text)
        let tool = try await Tool.run(
            "unshare",
            isolated + [
                Support.python, Support.file("container_address.py"), Support.binary, "invoke", "main", "--config",
                file,
            ],
            environment: setup.environment)
        #expect(tool.status == 0, "\(tool.errors)")
        let heard = try JSONDocument(parsing: tool.output)
        #expect(heard["asked"] == ["/v2/credentials/x?a=b", "/v2/credentials/x?a=b"], "\(tool.errors)")
        #expect(heard["sdk"] == "ASIACONTAINER")
        #expect(heard["key"] == heard["sdk"], "\(tool.errors)")
        #expect(heard["token"] == "token-of-ASIACONTAINER")
    }

    // Sign-ons that are renewed.

    private static let signOnFile = ".aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json"
    /// A sign-on whose token has ended, as the CLI leaves it.
    private static var endedSignOn: Source {
        var source = Self.sources.first { $0.name == "single sign-on, session" }!
        source.files = [
            Self.signOnFile: """
            {"startUrl": "https://d-1.awsapps.com/start", "region": "eu-central-1", "accessToken": "ended",
             "expiresAt": "2026-01-01T00:00:00Z", "clientId": "client", "clientSecret": "client-secret",
             "registrationExpiresAt": "2099-01-01T00:00:00Z", "refreshToken": "word-0"}
            """
        ]
        return source
    }

    @Test func `the token of a sign-on that has ended is renewed as an AWS SDK does it`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        let other = try Self.setup(function, fakes, Self.endedSignOn)
        let sdk = try await Tool.python("resolve_with_boto3.py", [], environment: other.environment)
        #expect(sdk.status == 0, "\(sdk.errors)")
        let setup = try Self.setup(function, fakes, Self.endedSignOn)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello", "\(gateway.log)")
            let found = try JSONDocument(parsing: sdk.output)
            #expect(Self.key(of: try await function.calls()[0]) == found["key"]?.string)
            for secret in ["sign-on-token", "word-", "client-secret"] { #expect(!gateway.log.contains(secret)) }
        }
        let questions = try await fakes.calls().filter { $0.target == "/token" }.map {
            try JSONDocument(parsing: $0.body)
        }
        try #require(questions.count == 2)
        #expect(questions[0] == questions[1])
        // Both leave the same file behind, which nobody else may read.
        let files = try [other, setup].map { setup in
            let path = "\(setup.folder.path)/\(Self.signOnFile)"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let members = try JSONDecoder().decode(
                [String: String].self, from: Data(String(contentsOfFile: path, encoding: .utf8).utf8))
            #expect(members["expiresAt"]?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
            return members.filter { $0.key != "expiresAt" }
        }
        #expect(files[0] == files[1])
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(setup.folder.path)/.aws/sso/cache")
        #expect(names.count == 1)
    }

    @Test func `a sign-on that ends again and again is renewed again and again`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["life": 4, "sign_on": 60])
        try await Gateway.run(try Self.setup(function, fakes, Self.endedSignOn)) { (gateway: Gateway) async throws in
            let words = try await eventually("three tokens") {
                #expect(try await gateway.get().text == "hello", "\(gateway.log)")
                let words = try await fakes.calls().filter { $0.target == "/token" }.map(\.body)
                return words.count >= 3 ? words : nil
            }
            #expect(Set(words).count == words.count)
        }
    }

    @Test func `a renewed token that can not be written goes on in memory, and is told of once`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["life": 4, "sign_on": 60])
        var setup = try Self.setup(function, fakes, Self.endedSignOn)
        let folder = "\(setup.folder.path)/.aws/sso/cache"
        #expect(chmod(folder, 0o555) == 0)
        defer { chmod(folder, 0o755) }
        // What is closed is open to root, unless it has lost the right to that.
        if getuid() == 0 { setup.launcher = ("setpriv", ["--bounding-set=-dac_override", Support.binary]) }
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            _ = try await eventually("three tokens") {
                #expect(try await gateway.get().text == "hello", "\(gateway.log)")
                let words = try await fakes.calls().filter { $0.target == "/token" }.map(\.body)
                return words.count >= 3 ? words : nil
            }
            try await gateway.logs("can not be written to its file")
            let told = gateway.log.split(separator: "\n").filter { $0.contains("can not be written to its file") }
            #expect(told.count == 1)
            #expect(told.first?.contains(Self.signOnFile) == true)
            #expect(told.first?.contains("Permission denied") == true)
        }
        let text = try String(contentsOfFile: "\(setup.folder.path)/\(Self.signOnFile)", encoding: .utf8)
        #expect(text.contains("word-0"))
    }

    // Roles of functions.

    @Test func `functions with the same role share its session, others have their own`() async throws {
        let lambda = try await FakeLambda.shared
        let fakes = try await FakeSources()
        var functions: [FakeFunction] = []
        for _ in 0..<4 { functions.append(try await lambda.function(.text("hello"), .done, .end)) }
        var setup = try Self.setup(functions[0], fakes, Self.sources[0])
        let roles = [
            "", "role: { arn: \"\(Self.role)\" }", "role: { arn: \"\(Self.role)\" }",
            "role: { arn: \"\(Self.role)\", external_id: x, session_name: sluice, duration: 15m }",
        ]
        setup.functions = []
        setup.routes = []
        for (index, role) in roles.enumerated() {
            setup.add(functions[index], as: "f\(index)", role)
            setup.routes.append("{ path: /\(index), function: f\(index) }")
        }
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            var keys: [String?] = []
            for index in 0..<4 {
                for _ in 0..<3 { #expect(try await gateway.get("/\(index)").text == "hello", "\(gateway.log)") }
                keys.append(Self.key(of: try await functions[index].calls()[0]))
            }
            #expect(keys[0] == FakeLambda.accessKey)
            #expect(keys[1] == keys[2])
            #expect(Set(keys).count == 3)
            let asked = try await fakes.calls()
            #expect(asked.count == 2)
            let own = asked.first { $0.form["ExternalId"] != nil }
            #expect(own?.form["ExternalId"] == "x")
            #expect(own?.form["RoleSessionName"] == "sluice")
            #expect(own?.form["DurationSeconds"] == "900")
            #expect(asked.allSatisfy { $0.headers["authorization"]?.contains("/eu-west-1/sts/aws4_request") ?? false })
        }
    }

    @Test func `a function's role is taken on with keys that are fetched themselves, over TLS`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let folder = try TestFolder()
        let certificate = try await TestCertificate(for: "IP:127.0.0.1", in: folder)
        let fakes = try await FakeSources(certificate)
        var setup = try Self.setup(function, fakes, keys: "role: { arn: \"\(Self.role)\" }")
        setup.aws =
            "{ region: eu-west-1, endpoint: \"http://127.0.0.1:\(function.lambda.port)\", "
            + "sts_endpoint: \"https://127.0.0.1:\(fakes.securePort)\", ca_file: \"\(certificate.certificate)\" }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello", "\(gateway.log)")
        }
        let asked = try await fakes.calls()
        #expect(asked.last?.form["Action"] == "AssumeRole")
        #expect(asked.last?.headers["x-amz-security-token"] != nil)
        withExtendedLifetime(folder) {}
    }

    // The life of keys.

    @Test func `rotating keys under load lose no request`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["life": 4])
        var setup = try Self.setup(function, fakes, keys: "role: { arn: \"\(Self.role)\" }")
        setup.workers = 2
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let until = ContinuousClock().now + .seconds(10)
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let client = try await gateway.connect()
                        defer { client.close() }
                        var count = 0
                        while ContinuousClock().now < until {
                            try await client.send(Gateway.request())
                            let answer = try await client.answer()
                            guard answer.text == "hello" else {
                                throw HarnessError("request \(count): \(answer.summary)\n\(gateway.log)")
                            }
                            count += 1
                        }
                        return count
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(counts > 100)
            let calls = try await function.calls()
            #expect(calls.allSatisfy { $0.signature == nil })
            // Half of four seconds, ten seconds long.
            #expect(Set(calls.compactMap(Self.key)).count >= 4)
            let roles = try await fakes.calls().filter { $0.form["Action"] == "AssumeRole" }.map(\.at)
            for (first, second) in zip(roles, roles.dropFirst()) { #expect(second - first > 0.9) }
        }
    }

    @Test func `a source that is down is not noticed while its keys last, and is waited for when they are over`()
        async throws
    {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["life": 5])
        let source = Source(
            name: "container", environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container/y"])
        try await Gateway.run(try Self.setup(function, fakes, source, keys: "timeouts: { first_byte: 20s }")) {
            gateway in
            #expect(try await gateway.get().text == "hello")
            try await fakes.set(["fails": "down"])
            let start = ContinuousClock().now
            while ContinuousClock().now < start + .seconds(3) {
                #expect(try await gateway.get().text == "hello")
                try await Task.sleep(for: .milliseconds(100))
            }
            // Over for sure.
            try await Task.sleep(for: .seconds(3))
            let waiting = Task { try await gateway.get() }
            try await Task.sleep(for: .seconds(1))
            try await fakes.set(["fails": "", "life": 3600])
            #expect(try await waiting.value.text == "hello")
            try await gateway.logs("can not be fetched")
        }
    }

    @Test func `requests wait for the first fetch`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["fails": "down"])
        let setup = try Self.setup(function, fakes, Self.sources[6], keys: "timeouts: { first_byte: 20s }")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let waiting = (0..<4).map { _ in Task { try await gateway.get() } }
            _ = try await eventually("the source is asked") { try await fakes.calls().isEmpty ? nil : () }
            try await fakes.set(["fails": ""])
            for task in waiting { #expect(try await task.value.text == "hello") }
        }
    }

    @Test func `they wait no longer than for a first byte`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["fails": "silent"])
        let setup = try Self.setup(function, fakes, Self.sources[3], keys: "timeouts: { first_byte: 500ms }")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let answer = try await gateway.get()
            try expectProblem(answer, 504)
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "no_credentials")
            #expect(try await function.calls().isEmpty)
        }
    }

    @Test func `a role that is refused is 502, with the reason in the log alone`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["fails": "denied"])
        try await Gateway.run(try Self.setup(function, fakes, Self.sources[3])) { (gateway: Gateway) async throws in
            let answer = try await gateway.get()
            try expectProblem(answer, 502)
            #expect(!answer.text.contains("role"))
            try await gateway.logs("AccessDenied")
            try await gateway.logs("trust policy")
            // And as soon as it is granted all is well.
            try await fakes.set(["fails": ""])
            let granted = try await eventually("the role is granted") {
                let answer = try await gateway.get()
                return answer.status == 200 ? answer : nil
            }
            #expect(granted.text == "hello")
        }
    }

    @Test func `without any source the answer is 502, and the log says what to set`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["fails": "denied"])
        try await Gateway.run(try Self.setup(function, fakes)) { (gateway: Gateway) async throws in
            try expectProblem(await gateway.get(), 502)
            try await gateway.logs("AWS_ACCESS_KEY_ID")
        }
        var setup = try Self.setup(function, fakes)
        setup.environment["AWS_EC2_METADATA_DISABLED"] = "true"
        let before = try await fakes.calls().count
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            try expectProblem(await gateway.get(), 502)
            try await gateway.logs("AWS_ACCESS_KEY_ID")
        }
        #expect(try await fakes.calls().count == before)
    }

    @Test func `keys that AWS has taken back before their time are replaced`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.answer(403, ["x-amzn-errortype": "ExpiredTokenException"], "{\"message\":\"expired\"}")],
            [.text("hello"), .done, .end],
        ])
        let fakes = try await FakeSources()
        try await Gateway.run(try Self.setup(function, fakes)) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello", "\(gateway.log)")
            #expect(try await function.calls().count == 2)
        }
    }

    @Test func `so are keys whose source says no end`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.answer(403, ["x-amzn-errortype": "ExpiredTokenException"], "{\"message\":\"expired\"}")],
            [.text("hello"), .done, .end],
        ])
        let source = Source(
            name: "program", config: "[default]\ncredential_process = HOME/keys.sh 'with space'\n",
            files: ["keys.sh": Self.program.replacingOccurrences(of: "echo", with: "echo run >> $HOME/runs\necho")])
        let setup = try Self.setup(function, try await FakeSources(), source)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello", "\(gateway.log)")
            #expect(try await function.calls().count == 2)
            #expect(try String(contentsOfFile: setup.folder.path("runs"), encoding: .utf8) == "run\nrun\n")
        }
    }

    @Test func `so are keys with which a role cannot be taken on any more`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["fails": "expired"])
        let source = Source(
            name: "container", environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container/y"])
        let setup = try Self.setup(function, fakes, source, keys: "role: { arn: \"\(Self.role)\" }")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            try expectProblem(try await gateway.get(), 502)
            _ = try await eventually("the container is asked again") {
                try await fakes.calls().filter { $0.target.hasPrefix("/container") }.count > 1 ? () : nil
            }
            try await fakes.set(["fails": ""])
            _ = try await eventually("there are keys again") {
                try await gateway.get().text == "hello" ? () : nil
            }
        }
    }

    @Test func `so are they where requests are signed for a server`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.answer(403, ["x-amzn-errortype": "ExpiredTokenException"], "{\"message\":\"expired\"}")],
            [.answer(200, [:], "hello")],
        ])
        let fakes = try await FakeSources()
        var setup = try Setup(url: function, "sign: true, retries: 0")
        setup.environment = fakes.environment
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let answer = try await gateway.get("/", ["Content-Type: text/plain"], method: "POST", body: "kept")
            #expect(answer.text == "hello", "\(gateway.log)")
            #expect(try await function.calls().map(\.body) == ["kept", "kept"])
        }
    }

    // Others than requests.

    @Test func `a reload keeps the sessions that have not changed`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        var setup = try Self.setup(function, fakes, keys: "role: { arn: \"\(Self.role)\" }")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello", "\(gateway.log)")
            let asked = try await fakes.calls().count
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get().text == "hello", "\(gateway.log)")
            #expect(try await fakes.calls().count == asked)
            // Another role has a session of its own, taken on with the keys that are there.
            setup.functions = []
            setup.add(function, as: "main", "role: { arn: \"\(Self.role)\", external_id: other }")
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get().text == "hello", "\(gateway.log)")
            let more = try await fakes.calls().dropFirst(asked)
            #expect(more.map { $0.form["ExternalId"] } == ["other"])
        }
    }

    @Test func `a local function may be called with keys that the gateway has fetched`() async throws {
        let program = Self.program.replacingOccurrences(
            of: "\"Version\":1", with: "\"Version\":1,\"Expiration\":\"2099-01-01T00:00:00Z\"")
        let source = Source(
            name: "program", config: "[default]\ncredential_process = HOME/keys.sh 'with space'\n",
            files: ["keys.sh": program])
        let function = try await FakeLambda.shared.function(.done, .end)
        var setup = try Self.setup(function, try await FakeSources(), source)
        setup.aws = "{ }"
        setup.functions = [("gettysburg", "{ local: { command: [sluice-demo-function, chat] } }")]
        setup.routes = ["{ path: /*, function: gettysburg }"]
        setup.more = "local_lambda: { address: \"127.0.0.1:0\" }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            _ = try await eventually("the keys are there") { gateway.log.contains("AWS credentials") ? () : nil }
            let address = gateway.log.firstMatch(of: /local Lambda API on (http:\/\/\S+)/)?.1
            let python = try await Tool.python(
                "call_with_boto3.py", [String(address ?? "none"), "gettysburg"],
                environment: [
                    "AWS_ACCESS_KEY_ID": FakeLambda.accessKey, "AWS_SECRET_ACCESS_KEY": FakeLambda.secretKey,
                    "AWS_DEFAULT_REGION": "us-east-1",
                ])
            #expect(python.status == 0, "\(python.errors)\n\(gateway.log)")
        }
    }

    // The region.

    @Test func `the region is that of the instance where nobody says another`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        var setup = try Self.setup(function, fakes)
        setup.aws = "{ endpoint: \"http://127.0.0.1:\(function.lambda.port)\" }"
        setup.environment["AWS_DEFAULT_REGION"] = nil
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello")
            #expect(try await function.calls()[0].header("authorization")?.contains("/eu-west-3/lambda/") == true)
        }
    }

    @Test func `a service without tokens is asked without`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["v2": false])
        try await Gateway.run(try Self.setup(function, fakes)) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello")
        }
    }

    // The clock.

    @Test func `a skewed clock costs one refused call`() async throws {
        let lambda = try await FakeLambda(clockOffset: 3600)
        let function = try await lambda.function(.text("hello"), .done, .end)
        let fakes = try await FakeSources()
        try await fakes.set(["clock": 3600])
        for source in [Self.sources[0], Self.sources[3]] {
            let before = try await function.calls().count
            try await Gateway.run(try Self.setup(function, fakes, source, keys: "retries: 0")) {
                (gateway: Gateway) async throws in
                for _ in 0..<3 { #expect(try await gateway.get().text == "hello", "\(gateway.log)") }
                let calls = try await function.calls().dropFirst(before)
                // Where STS has told what time it is, not even that.
                #expect(
                    calls.map { $0.signature == nil }.filter { !$0 }.count == (source.name == "environment" ? 1 : 0))
                #expect(try await gateway.accessLog(lines: 1)[0]["attempts"] == 1)
            }
        }
    }

    /// What a call may meet that was refused for the clock, and then what a client gets of it.
    static let signedAnew: [(steps: [Step], answer: String, calls: Int)] = [
        ([.forever], "stand-in", 2),
        ([.answer(403, ["x-amzn-errortype": "AccessDeniedException"], #"{"message":"no"}"#)], "stand-in", 2),
        ([.answer(429, ["x-amzn-errortype": "TooManyRequestsException"], "{}")], "stand-in", 3),
        ([.text("hello"), .done, .end], "hello", 2),
    ]

    @Test(arguments: Self.signedAnew)
    func `a call that is signed anew has the time of a first one`(
        steps: [Step], answer: String, calls: Int
    ) async throws {
        let lambda = try await FakeLambda(clockOffset: 3600)
        let first = try await lambda.function(calls: [steps])
        let other = try await lambda.function(.text("stand-in"), .done, .end)
        let keys = "retries: 1, fallback: other, timeouts: { first_byte: 1s, idle: 60s }"
        var setup = try Setup(first, keys)
        setup.add(other, as: "other")
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == answer, "\(gateway.log)")
            // The first one is the refusal.
            #expect(try await first.calls().count == calls)
        }
    }

    /// The refusals do not name the clock, and it is not as far off as this fake would refuse by itself: more than four
    /// minutes tell, by the time at which each call was signed.
    @Test func `calls that were signed together are signed again each`() async throws {
        let lambda = try await FakeLambda(clockOffset: 270)
        let refusal = Step.answer(403, ["x-amzn-errortype": "InvalidSignatureException"], "{\"message\":\"no match\"}")
        let hello: [Step] = [.text("hello"), .done, .end]
        let function = try await lambda.function(calls: [[.gate, refusal], [.gate, refusal], hello, hello])
        try await Gateway.run(Setup(function, "retries: 0")) { gateway in
            let clients = [try await gateway.connect(), try await gateway.connect()]
            for client in clients { try await client.send(Gateway.request()) }
            try await function.wait(for: .gated, 2)
            try await function.release(2)
            for client in clients { #expect(try await client.answer().text == "hello", "\(gateway.log)") }
        }
    }

    @Test func `functions of this machine keep its clock, whatever AWS's says`() async throws {
        let lambda = try await FakeLambda(clockOffset: 3600)
        let function = try await lambda.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        setup.functions.append(("here", "{ local: { command: [sluice-demo-function, chat] } }"))
        setup.routes.insert("{ path: /here, function: here }", at: 0)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            for path in ["/", "/here", "/", "/here"] { #expect(try await gateway.get(path).status == 200) }
            #expect(gateway.log.components(separatedBy: "the clock of this machine").count == 2, "\(gateway.log)")
            #expect(try await function.calls().count == 3)
        }
    }

    @Test func `a wrong secret is not taken for a wrong clock`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        setup.environment["AWS_SECRET_ACCESS_KEY"] = "wrong"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            try expectProblem(await gateway.get(), 502)
            #expect(try await function.calls().count == 1)
        }
    }
}
