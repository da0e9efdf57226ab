import AWS
import Testing

/// Which source is asked: docs/credentials.md, row by row.
@Suite struct CredentialPlanTests {
    private static func plan(
        _ environment: [String: String] = [:], config: String? = nil, credentials: String? = nil, profile: String? = nil
    ) throws -> CredentialPlan {
        try SharedSettingsTests.settings(environment, config: config, credentials: credentials, profile: profile)
            .credentialPlan()
    }

    private static func failure(_ body: () throws -> some Any) -> SharedSettingsError? {
        SharedSettingsTests.failure(body)
    }

    private static let roleA = "arn:aws:iam::111111111111:role/a"
    private static let roleB = "arn:aws:iam::222222222222:role/path/b"
    private static let keys = "aws_access_key_id=AKIDBASE\naws_secret_access_key=s\n"
    private static let base = Credentials(accessKeyID: "AKIDBASE", secretAccessKey: "s")

    // Roles.

    @Test func `a role is taken on with the keys of its source profile`() throws {
        let config = """
            [profile a]
            role_arn = \(Self.roleA)
            source_profile = base
            external_id = x-1
            role_session_name = me
            duration_seconds = 1800
            """
        let plan = try Self.plan(config: config, credentials: "[base]\n" + Self.keys, profile: "a")
        #expect(plan.origin == .fixed(Self.base))
        #expect(
            plan.roles == [
                try RoleAssumption(arn: Self.roleA, externalID: "x-1", sessionName: "me", durationSeconds: 1800)
            ])
        #expect(plan.usesTLS)
        #expect(plan.fixedCredentials == nil)
    }

    @Test func `roles stand behind one another, the one wanted last`() throws {
        let config = """
            [profile a]
            role_arn = \(Self.roleA)
            source_profile = b
            [profile b]
            role_arn = \(Self.roleB)
            source_profile = base
            """
        let plan = try Self.plan(
            ["AWS_PROFILE": "a"], config: config, credentials: "[base]\n" + Self.keys)
        #expect(plan.roles.map(\.arn) == [Self.roleB, Self.roleA])
        #expect(plan.origin == .fixed(Self.base))
    }

    @Test func `a profile may name itself where it has keys, and only then`() throws {
        let config = "[profile a]\nrole_arn = \(Self.roleA)\nsource_profile = a\n"
        let plan = try Self.plan(config: config + Self.keys, profile: "a")
        #expect(plan == CredentialPlan(.fixed(Self.base), roles: [try RoleAssumption(arn: Self.roleA)]))
        #expect(Self.failure { try Self.plan(config: config, profile: "a") } == .endlessRoles(profile: "a"))
    }

    @Test func `keys of a source profile go before its role, as in the SDKs`() throws {
        let config = """
            [profile a]
            role_arn = \(Self.roleA)
            source_profile = b
            [profile b]
            role_arn = \(Self.roleB)
            source_profile = c
            """
        let plan = try Self.plan(config: config, credentials: "[b]\n" + Self.keys, profile: "a")
        #expect(plan == CredentialPlan(.fixed(Self.base), roles: [try RoleAssumption(arn: Self.roleA)]))
        // Named by itself it has its role.
        let own = Self.failure { try Self.plan(config: config, credentials: "[b]\n" + Self.keys, profile: "b") }
        #expect(own == .noSuchSource("c", namedBy: .profile("b", "source_profile")))
    }

    @Test func `roles that go round are an error`() {
        let config = """
            [profile a]
            role_arn = \(Self.roleA)
            source_profile = b
            [profile b]
            role_arn = \(Self.roleB)
            source_profile = a
            """
        #expect(Self.failure { try Self.plan(config: config, profile: "a") } == .endlessRoles(profile: "a"))
    }

    @Test func `a source profile may have any source but a role of its own`() throws {
        func plan(_ source: String) throws -> CredentialPlan {
            let config = "[profile a]\nrole_arn = \(Self.roleA)\nsource_profile = b\n[profile b]\n\(source)\n"
            return try Self.plan(config: config, profile: "a")
        }
        #expect(try plan("credential_process = /bin/keys 'a b'").origin == .process(["/bin/keys", "a b"]))
        let identity = try plan("role_arn = \(Self.roleB)\nweb_identity_token_file = /token")
        guard case .webIdentity(let role) = identity.origin else {
            Issue.record("\(identity)")
            return
        }
        #expect(role.role.arn == Self.roleB)
        #expect(role.tokenFile == "/token")
        #expect(identity.roles.map(\.arn) == [Self.roleA])
        #expect(
            Self.failure { try plan("region = eu-west-1") }
                == .missing(.profile("b", "aws_access_key_id"), beside: "source_profile = b"))
    }

    @Test func `a credential source names environment, container or instance`() throws {
        func plan(_ source: String, _ environment: [String: String] = [:]) throws -> CredentialPlan {
            try Self.plan(
                environment, config: "[profile a]\nrole_arn = \(Self.roleA)\ncredential_source = \(source)\n",
                profile: "a")
        }
        let keys = ["AWS_ACCESS_KEY_ID": "AKIDBASE", "AWS_SECRET_ACCESS_KEY": "s"]
        #expect(try plan("Environment", keys).origin == .fixed(Self.base))
        #expect(
            Self.failure { try plan("Environment") }
                == .missing(.variable("AWS_ACCESS_KEY_ID"), beside: "credential_source = Environment"))
        guard case .instance(let metadata) = try plan("Ec2InstanceMetadata").origin else {
            Issue.record("no instance")
            return
        }
        #expect(!metadata.isLastResort)
        #expect(
            Self.failure { try plan("Ec2InstanceMetadata", ["AWS_EC2_METADATA_DISABLED": "true"]) }
                == .both(.profile("a", "credential_source"), and: "AWS_EC2_METADATA_DISABLED"))
        guard case .container = try plan("EcsContainer", ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"]).origin
        else {
            Issue.record("no container")
            return
        }
        #expect(Self.failure { try plan("EcsContainer") } != nil)
        #expect(
            Self.failure { try plan("Elsewhere") }
                == .noSuchCredentialSource("Elsewhere", .profile("a", "credential_source")))
    }

    @Test func `a role that is not whole is an error that says what is missing`() {
        func failure(_ settings: String) -> SharedSettingsError? {
            Self.failure { try Self.plan(config: "[profile a]\nrole_arn = \(Self.roleA)\n\(settings)\n", profile: "a") }
        }
        #expect(failure("") == .missing(.profile("a", "source_profile"), beside: "role_arn"))
        #expect(
            failure("source_profile = b\ncredential_source = Environment")
                == .both(.profile("a", "source_profile"), and: "credential_source"))
        #expect(failure("source_profile = b") == .noSuchSource("b", namedBy: .profile("a", "source_profile")))
        #expect(failure("source_profile = b\nmfa_serial = x") == .needsPerson(.profile("a", "mfa_serial")))
        #expect(
            failure("source_profile = b\nduration_seconds = long")
                == .malformed(.profile("a", "duration_seconds")))
        #expect(
            failure("source_profile = b\nduration_seconds = 10")
                == .role(.duration(seconds: 10), from: .profile("a", "duration_seconds")))
        #expect(
            failure("source_profile = b\nrole_session_name = a b")
                == .role(.sessionName("a b"), from: .profile("a", "role_session_name")))
    }

    @Test(arguments: [
        "arn:aws:iam::123456789012:role/r", "arn:aws-cn:iam::123456789012:role/a/b",
        "arn:aws-us-gov:iam::123456789012:role/x",
    ])
    func `these are roles`(arn: String) throws {
        #expect(try RoleAssumption(arn: arn).arn == arn)
    }

    @Test(arguments: [
        "", "role", "arn:aws:iam::123456789012:user/u", "arn:aws:iam::12345678901:role/r",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam:eu:123456789012:role/r", "arn:aws:sts::123456789012:role/r", "arn:aws:iam::123456789012:role/a b",
        "arn:aws:iam::123456789012:role/a\n", "arn:aws:iam::12345678901x:role/r",
    ])
    func `these are none`(arn: String) {
        #expect(throws: RoleError.arn(arn)) { try RoleAssumption(arn: arn) }
    }

    // The order of the sources.

    @Test func `the first source that is set up is taken`() throws {
        var environment = [
            "AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "s", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t",
            "AWS_ROLE_ARN": Self.roleB, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:1/c", "HOME": "/h",
        ]
        var settings = [
            "role_arn = \(Self.roleA)\nsource_profile = base",
            "sso_start_url = https://x\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = r",
            "credential_process = /bin/keys", "aws_access_key_id = AKIDCONFIG\naws_secret_access_key = s",
        ]
        func origin() throws -> String {
            let config = "[default]\n" + settings.joined(separator: "\n") + "\n[profile base]\n\(Self.keys)"
            return "\(try Self.plan(environment, config: config))"
        }
        #expect(try origin() == "keys AKIDENV")
        environment["AWS_ACCESS_KEY_ID"] = nil
        environment["AWS_SECRET_ACCESS_KEY"] = nil
        #expect(try origin() == "keys AKIDBASE, then the role \(Self.roleA)")
        settings.removeFirst()
        #expect(try origin() == "the role \(Self.roleB) by the token in /t")
        environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = nil
        #expect(try origin() == "the role r of 1 by single sign-on")
        settings.removeFirst()
        #expect(try origin() == "the program /bin/keys")
        settings.removeFirst()
        #expect(try origin() == "keys AKIDCONFIG")
        settings.removeFirst()
        #expect(try origin() == "the container's endpoint http://localhost:1")
        environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = nil
        #expect(try origin() == "the instance metadata at http://169.254.169.254")
        environment["AWS_EC2_METADATA_DISABLED"] = "true"
        #expect(Self.failure { try origin() } == .noCredentials(profile: "default"))
    }

    @Test func `a profile of the configuration goes before the environment, a web identity included`() throws {
        let environment = [
            "AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "s", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t",
            "AWS_ROLE_ARN": Self.roleB,
        ]
        let plan = try Self.plan(
            environment, config: "[profile p]\ncredential_process = /bin/keys", profile: "p")
        #expect(plan.origin == .process(["/bin/keys"]))
    }

    @Test func `a web identity needs a role`() {
        #expect(
            Self.failure { try Self.plan(["AWS_WEB_IDENTITY_TOKEN_FILE": "/t"]) }
                == .missing(.variable("AWS_ROLE_ARN"), beside: "AWS_WEB_IDENTITY_TOKEN_FILE"))
        #expect(
            Self.failure { try Self.plan(config: "[default]\nweb_identity_token_file = /t") }
                == .missing(.profile("default", "role_arn"), beside: "web_identity_token_file"))
    }

    @Test func `a sign-on that only people can make is an error`() {
        #expect(
            Self.failure { try Self.plan(config: "[default]\nlogin_session = x") }
                == .unsupportedSource(.profile("default", "login_session")))
    }

    // Single sign-on.

    @Test func `the token of a sign-on lies where the CLI puts it`() throws {
        let old = """
            [default]
            sso_start_url = https://d-1.awsapps.com/start
            sso_region = eu-central-1
            sso_account_id = 123456789012
            sso_role_name = Reader
            """
        guard case .singleSignOn(let first) = try Self.plan(["HOME": "/home/a"], config: old).origin else {
            Issue.record("no sign-on")
            return
        }
        // The digests are those of coreutils' sha1sum.
        #expect(first.cacheFile == "/home/a/.aws/sso/cache/0c54b6c27e90660baa89eaad85ac1d5dae26cb7d.json")
        #expect(first.endpoint.host == "portal.sso.eu-central-1.amazonaws.com")
        let new = """
            [default]
            sso_session = my-sso
            sso_account_id = 123456789012
            sso_role_name = Reader
            [sso-session my-sso]
            sso_start_url = https://d-1.awsapps.com/start
            sso_region = eu-central-1
            """
        guard
            case .singleSignOn(let second) = try Self.plan(
                ["HOME": "/home/a", "AWS_ENDPOINT_URL_SSO": "http://127.0.0.1:1"], config: new
            ).origin
        else {
            Issue.record("no sign-on")
            return
        }
        #expect(second.cacheFile == "/home/a/.aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json")
        #expect(second.endpoint.description == "http://127.0.0.1:1")
        #expect(first.session == nil)
        #expect(second.session?.endpoint.description == "https://oidc.eu-central-1.amazonaws.com")
        #expect(
            Self.failure { try Self.plan(["HOME": "/h"], config: "[default]\nsso_session = other") }
                == .noSuchSource("[sso-session other]", namedBy: .profile("default", "sso_session")))
        #expect(
            Self.failure { try Self.plan(["HOME": "/h"], config: "[default]\nsso_start_url = https://x") }
                == .missing(.profile("default", "sso_region"), beside: "sso_start_url"))
    }

    // Containers.

    private static func container(_ environment: [String: String]) throws -> ContainerCredentials {
        guard case .container(let container) = try Self.plan(environment).origin else {
            throw SharedSettingsError.noCredentials(profile: "no container")
        }
        return container
    }

    @Test func `the relative address wins, and is on the platform's host`() throws {
        let container = try Self.container([
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials?id=1",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/",
        ])
        #expect(container.endpoint.description == "http://169.254.170.2")
        #expect(container.target == "/v2/credentials?id=1")
    }

    @Test(arguments: [
        ("http://localhost:8080/a?b=c", "http://localhost:8080", "/a?b=c"),
        ("http://127.0.0.1", "http://127.0.0.1", "/"),
        ("http://127.9.9.9/x", "http://127.9.9.9", "/x"), ("http://[::1]:81/", "http://[::1]:81", "/"),
        ("http://169.254.170.2/x", "http://169.254.170.2", "/x"),
        ("http://169.254.170.23/v1/credentials", "http://169.254.170.23", "/v1/credentials"),
        ("http://[fd00:ec2::23]/v1/credentials", "http://[fd00:ec2::23]", "/v1/credentials"),
        ("https://keys.example.com/x", "https://keys.example.com", "/x"),
    ])
    func `keys come from this machine, the platform, or over TLS`(url: String, endpoint: String, target: String) throws
    {
        let container = try Self.container(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
        #expect(container.endpoint.description == endpoint)
        #expect(container.target == target)
    }

    @Test(arguments: [
        "http://example.com/x", "http://169.254.169.254/", "http://10.0.0.1/", "http://[fd00:ec2::24]/",
        "http://127.0.0.1.example.com/", "http://localhost.example.com",
    ])
    func `and from nowhere else`(url: String) {
        guard
            case .untrustedContainerHost = Self.failure({
                try Self.plan(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
            })
        else {
            Issue.record("\(url) was accepted")
            return
        }
    }

    @Test(arguments: ["ftp://localhost/", "localhost", "http://user@localhost/", "http:///x", "http://localhost/a b"])
    func `what is no address is an error`(url: String) {
        #expect(Self.failure { try Self.plan(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]) } != nil)
    }

    @Test func `the file with the token wins, and a token cannot end its line`() throws {
        var environment = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic abc",
        ]
        #expect(try Self.container(environment).authorization == .token("Basic abc"))
        environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "a\r\nx-evil: 1"
        #expect(
            Self.failure { try Self.container(environment) }
                == .malformed(.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")))
        environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/token"
        #expect(try Self.container(environment).authorization == .tokenFile("/token"))
    }

    // The instance.

    private static func metadata(_ environment: [String: String], config: String? = nil) throws -> InstanceMetadata? {
        try SharedSettingsTests.settings(environment, config: config).instanceMetadata(isLastResort: true)
    }

    @Test func `the metadata service is where environment and profile say`() throws {
        let standard = try Self.metadata([:])
        #expect(standard?.endpoint.description == "http://169.254.169.254")
        #expect(standard?.timeout == .seconds(1))
        #expect(standard?.attempts == 1)
        #expect(standard?.allowsVersion1 == true)
        #expect(try Self.metadata(["AWS_EC2_METADATA_DISABLED": "TRUE"]) == nil)
        #expect(
            try Self.metadata(["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"])?.endpoint.description
                == "http://[fd00:ec2::254]")
        let config = """
            [default]
            ec2_metadata_service_endpoint = http://127.0.0.1:1/prefix/
            ec2_metadata_v1_disabled = true
            metadata_service_timeout = 3
            metadata_service_num_attempts = 2
            """
        let profile = try Self.metadata([:], config: config)
        #expect(profile?.endpoint.description == "http://127.0.0.1:1/prefix")
        #expect(profile?.allowsVersion1 == false)
        #expect(profile?.timeout == .seconds(3))
        #expect(profile?.attempts == 2)
        #expect(
            try Self.metadata(["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:2"], config: config)?.endpoint
                .port
                == 2)
        for (variable, value) in [
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"), ("AWS_METADATA_SERVICE_TIMEOUT", "soon"),
            ("AWS_EC2_METADATA_DISABLED", "perhaps"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "localhost"),
        ] {
            #expect(Self.failure { try Self.metadata([variable: value]) } != nil, "\(variable)")
        }
    }

    // Where STS is.

    @Test func `the token service is the one given, the variable's, the profile's, the region's`() throws {
        func service(_ environment: [String: String] = [:], region: String? = "eu-west-1") throws -> String {
            let service = try SharedSettingsTests.settings(environment).tokenService(region: region)
            return "\(service.endpoint) \(service.region)"
        }
        #expect(try service() == "https://sts.eu-west-1.amazonaws.com eu-west-1")
        #expect(try service(region: nil) == "https://sts.amazonaws.com us-east-1")
        #expect(try service(["AWS_ENDPOINT_URL_STS": "http://a"]) == "http://a eu-west-1")
        #expect(try service(["AWS_ENDPOINT_URL_LAMBDA": "http://a"]) == "https://sts.eu-west-1.amazonaws.com eu-west-1")
        #expect(try service(["AWS_ENDPOINT_URL": "http://b"]) == "http://b eu-west-1")
        #expect(
            try service(["AWS_USE_FIPS_ENDPOINT": "true"]) == "https://sts-fips.eu-west-1.amazonaws.com eu-west-1")
        #expect(
            try service(["AWS_USE_DUALSTACK_ENDPOINT": "true"]) == "https://sts.eu-west-1.api.aws eu-west-1")
        let given = try SharedSettingsTests.settings(["AWS_ENDPOINT_URL_STS": "http://a"]).tokenService(
            explicit: ServiceEndpoint(parsing: "http://given"), region: "cn-north-1")
        #expect(given.endpoint.description == "http://given")
        #expect(given.region == "cn-north-1")
    }

    /// What an AWS SDK (botocore 1.43) makes of the same settings.
    @Test(arguments: [
        ("eu-west-1", "legacy", "https://sts.amazonaws.com us-east-1"),
        ("us-east-1", "legacy", "https://sts.amazonaws.com us-east-1"),
        ("eu-west-1", "regional", "https://sts.eu-west-1.amazonaws.com eu-west-1"),
        ("us-east-1", "regional", "https://sts.us-east-1.amazonaws.com us-east-1"),
        ("ap-east-1", "legacy", "https://sts.ap-east-1.amazonaws.com ap-east-1"),
        ("cn-north-1", "legacy", "https://sts.cn-north-1.amazonaws.com.cn cn-north-1"),
        ("us-gov-west-1", "legacy", "https://sts.us-gov-west-1.amazonaws.com us-gov-west-1"),
    ])
    func `the endpoint of old is asked where somebody chooses it`(region: String, choice: String, expected: String)
        throws
    {
        let variable = ["AWS_STS_REGIONAL_ENDPOINTS": choice]
        let other = "[default]\nsts_regional_endpoints = \(choice == "legacy" ? "regional" : "legacy")"
        let profile = "[default]\nsts_regional_endpoints = \(choice)"
        for settings in [
            try SharedSettingsTests.settings(variable), try SharedSettingsTests.settings(variable, config: other),
            try SharedSettingsTests.settings(config: profile),
        ] {
            let service = try settings.tokenService(region: region)
            #expect("\(service.endpoint) \(service.region)" == expected)
        }
    }

    @Test func `the endpoint of old takes no other's place`() throws {
        func service(_ more: [String: String]) throws -> String {
            let environment = more.merging(["AWS_STS_REGIONAL_ENDPOINTS": "legacy"]) { own, _ in own }
            let service = try SharedSettingsTests.settings(environment).tokenService(region: "eu-west-1")
            return "\(service.endpoint) \(service.region)"
        }
        let regional = "https://sts.eu-west-1.amazonaws.com"
        #expect(try service(["AWS_ENDPOINT_URL_STS": regional]) == "\(regional) eu-west-1")
        #expect(
            try service(["AWS_USE_FIPS_ENDPOINT": "true"]) == "https://sts-fips.eu-west-1.amazonaws.com eu-west-1")
        #expect(
            try service(["AWS_USE_DUALSTACK_ENDPOINT": "true"]) == "https://sts.eu-west-1.api.aws eu-west-1")
        #expect(throws: SharedSettingsError.notLegacyOrRegional("x", from: .variable("AWS_STS_REGIONAL_ENDPOINTS"))) {
            try service(["AWS_STS_REGIONAL_ENDPOINTS": "x"])
        }
    }

    // Programs.

    @Test(arguments: [
        ("/bin/keys", ["/bin/keys"]), ("  a   b\tc ", ["a", "b", "c"]), ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        (#"a b\ c \"x\""#, ["a", "b c", #""x""#]), (#"a "b\"c" "d\e" 'f\g'"#, ["a", #"b"c"#, #"d\e"#, #"f\g"#]),
        ("a '' \"\"", ["a", "", ""]), ("a'b'\"c\"d", ["abcd"]),
    ])
    func `a command line is split as a shell would`(text: String, words: [String]) throws {
        let config = "[default]\ncredential_process = \(text)"
        #expect(try Self.plan(config: config).origin == .process(words))
    }

    @Test(arguments: ["'a", "\"a", "a\\", "''"])
    func `a command line that does not end is an error`(text: String) {
        #expect(
            Self.failure { try Self.plan(config: "[default]\ncredential_process = \(text)") }
                == .malformed(.profile("default", "credential_process")))
    }
}
