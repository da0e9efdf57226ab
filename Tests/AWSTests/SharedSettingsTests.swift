import AWS
import TestSupport
import Testing
import Time

@Suite struct SharedSettingsTests {
    static func settings(
        _ environment: [String: String] = [:], config: String? = nil, credentials: String? = nil, profile: String? = nil
    ) throws -> SharedSettings {
        try SharedSettings(
            environment: environment, profiles: Profiles(config: config, credentials: credentials), profile: profile)
    }

    static func failure(_ body: () throws -> some Any) -> SharedSettingsError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? SharedSettingsError
        }
    }

    // The order of the sources: docs/credentials.md.
    @Test func `the environment's keys come with everything that belongs to them`() throws {
        let credentials = try Self.settings([
            "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "sec/ret+", "AWS_SESSION_TOKEN": "tok==",
            "AWS_CREDENTIAL_EXPIRATION": "2026-01-02T03:04:05Z", "AWS_ACCOUNT_ID": "123456789012",
        ]).keys()
        #expect(
            credentials
                == Credentials(
                    accessKeyID: "AKID", secretAccessKey: "sec/ret+", sessionToken: "tok==",
                    expiration: WallTime(seconds: 1_767_323_045), accountID: "123456789012"))
    }

    @Test func `the old name of the token is read where the new one is not set`() throws {
        var environment = ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SECURITY_TOKEN": "old"]
        #expect(try Self.settings(environment).keys().sessionToken == "old")
        environment["AWS_SESSION_TOKEN"] = "new"
        #expect(try Self.settings(environment).keys().sessionToken == "new")
    }

    static let bothFiles = """
        [default]
        aws_access_key_id = FILE
        aws_secret_access_key = file
        """

    @Test func `the environment goes before a profile, unless the configuration names one`() throws {
        let environment = ["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "env", "AWS_PROFILE": "default"]
        #expect(try Self.settings(environment, credentials: Self.bothFiles).keys().accessKeyID == "ENV")
        #expect(
            try Self.settings(environment, credentials: Self.bothFiles, profile: "default").keys().accessKeyID
                == "FILE")
        #expect(
            try Self.settings(["AWS_ACCESS_KEY_ID": ""], credentials: Self.bothFiles).keys().accessKeyID
                == "FILE")
    }

    @Test func `the profile is the one named, AWS_PROFILE, AWS_DEFAULT_PROFILE, default`() throws {
        let file = ["a", "b", "c", "default"].map { "[\($0)]\naws_access_key_id=\($0)\naws_secret_access_key=x\n" }
            .joined()
        var environment: [String: String] = [:]
        #expect(try Self.settings(environment, credentials: file).keys().accessKeyID == "default")
        environment["AWS_DEFAULT_PROFILE"] = "c"
        #expect(try Self.settings(environment, credentials: file).keys().accessKeyID == "c")
        environment["AWS_PROFILE"] = "b"
        #expect(try Self.settings(environment, credentials: file).keys().accessKeyID == "b")
        #expect(try Self.settings(environment, credentials: file, profile: "a").keys().accessKeyID == "a")
    }

    @Test func `a chosen profile must exist, the default one need not`() {
        #expect(Self.failure { try Self.settings(["AWS_PROFILE": "x"]) } == .noSuchProfile("x", known: []))
        let error = Self.failure { try Self.settings(config: "[profile a]\n[b]\n[default]", profile: "x") }
        #expect(error == .noSuchProfile("x", known: ["a", "default"]))
        #expect(
            error?.description == "the AWS profile 'x' stands in neither shared file; there are: a, default")
        #expect(
            Self.failure { try Self.settings(["AWS_EC2_METADATA_DISABLED": "true"]).keys() }
                == .noCredentials(profile: "default"))
    }

    @Test func `the credentials file's keys go before the config file's`() throws {
        let config = "[profile p]\naws_access_key_id=C\naws_secret_access_key=c\nregion=eu-west-1\n"
        let credentials = "[p]\naws_access_key_id=F\naws_secret_access_key=f\naws_session_token=t\naws_account_id=1\n"
        let both = try Self.settings(config: config, credentials: credentials, profile: "p")
        #expect(
            try both.keys()
                == Credentials(accessKeyID: "F", secretAccessKey: "f", sessionToken: "t", accountID: "1"))
        #expect(try both.region() == "eu-west-1")
        #expect(try Self.settings(config: config, profile: "p").keys().accessKeyID == "C")
    }

    @Test func `half a key is an error wherever it stands`() {
        #expect(
            Self.failure { try Self.settings(["AWS_ACCESS_KEY_ID": "A"]).keys() }
                == .incompleteKeys(missing: .variable("AWS_SECRET_ACCESS_KEY")))
        #expect(
            Self.failure { try Self.settings(["AWS_SECRET_ACCESS_KEY": "s"]).keys() }
                == .incompleteKeys(missing: .variable("AWS_ACCESS_KEY_ID")))
        #expect(
            Self.failure { try Self.settings(credentials: "[default]\naws_access_key_id = A").keys() }
                == .incompleteKeys(missing: .profile("default", "aws_secret_access_key")))
        // Both files together do not make a pair.
        #expect(
            Self.failure {
                try Self.settings(
                    config: "[default]\naws_secret_access_key = s", credentials: "[default]\naws_access_key_id = A"
                ).keys()
            } == .incompleteKeys(missing: .profile("default", "aws_secret_access_key")))
    }

    @Test(arguments: [
        ("AWS_ACCESS_KEY_ID", "A\n"), ("AWS_ACCESS_KEY_ID", "A/B"), ("AWS_ACCESS_KEY_ID", "A,B"),
        ("AWS_ACCESS_KEY_ID", "A B"), ("AWS_ACCESS_KEY_ID", "é"), ("AWS_SECRET_ACCESS_KEY", "s\n"),
        ("AWS_SECRET_ACCESS_KEY", "s s"), ("AWS_SESSION_TOKEN", "t\r\nx-evil: 1"),
        ("AWS_CREDENTIAL_EXPIRATION", "tomorrow"),
    ])
    func `what would break the request's head is refused, and not shown`(variable: String, value: String) {
        var environment = ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"]
        environment[variable] = value
        let error = Self.failure { try Self.settings(environment).keys() }
        #expect(error == .malformed(.variable(variable)))
        #expect(error?.description.contains(value) == false)
    }

    @Test func `the region is the one given, AWS_REGION, AWS_DEFAULT_REGION, the profile's`() throws {
        let config = "[default]\nregion = d-1"
        var environment: [String: String] = [:]
        #expect(try Self.settings().region() == nil)
        #expect(try Self.settings(environment, config: config).region() == "d-1")
        environment["AWS_DEFAULT_REGION"] = "c-1"
        #expect(try Self.settings(environment, config: config).region() == "c-1")
        environment["AWS_REGION"] = "b-1"
        #expect(try Self.settings(environment, config: config).region() == "b-1")
        #expect(try Self.settings(environment, config: config).region(explicit: "a-1") == "a-1")
        environment["AWS_REGION"] = "evil.com/"
        let error = Self.failure { try Self.settings(environment).region() }
        #expect(error == .endpoint(.region("evil.com/"), from: .variable("AWS_REGION")))
        #expect(error?.description.hasPrefix("AWS_REGION: 'evil.com/' is no region") == true)
    }

    // AWS SDKs and Tools, "Service-specific endpoints".
    @Test func `the endpoint is the one given, the service's variable, the general one, the profile's`() throws {
        let config = """
            [default]
            endpoint_url = http://profile
            services = mine
            [services mine]
            s3 =
              endpoint_url = http://s3
            lambda =
              endpoint_url = http://services
            """
        var environment = ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"]
        func host(_ explicit: String? = nil, config: String? = config) throws -> String {
            try Self.settings(environment, config: config).endpoint(
                of: .lambda, explicit: explicit, region: "eu-west-1"
            ).host
        }
        #expect(try host(config: nil) == "lambda.eu-west-1.amazonaws.com")
        #expect(try host() == "services")
        #expect(try host(config: "[default]\nendpoint_url = http://profile") == "profile")
        environment["AWS_ENDPOINT_URL"] = "http://general"
        #expect(try host() == "general")
        environment["AWS_ENDPOINT_URL_LAMBDA"] = "http://service"
        #expect(try host() == "service")
        #expect(try host("http://given") == "given")
        environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "TRUE"
        #expect(try host() == "lambda.eu-west-1.amazonaws.com")
        #expect(try host("http://given") == "given")
        environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "yes"
        #expect(
            Self.failure { try host() }
                == .notTrueOrFalse("yes", from: .variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")))
    }

    @Test func `an endpoint that is none is an error that says whose`() {
        let error = Self.failure {
            try Self.settings(["AWS_ENDPOINT_URL": "localhost"]).endpoint(of: .lambda, region: "eu-west-1")
        }
        #expect(error == .endpoint(.scheme("localhost"), from: .variable("AWS_ENDPOINT_URL")))
        #expect(error?.description.hasPrefix("AWS_ENDPOINT_URL: 'localhost' is no endpoint") == true)
        #expect(
            Self.failure { try Self.settings().endpoint(of: .lambda, region: "") }
                == .endpoint(.region(""), from: .configuration("region")))
    }

    @Test func `the FIPS and dual-stack switches are read from both places`() throws {
        let config = "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = True"
        #expect(
            try Self.settings(config: config).endpoint(of: .lambda, region: "eu-west-1").host
                == "lambda-fips.eu-west-1.api.aws")
        #expect(
            try Self.settings(["AWS_USE_FIPS_ENDPOINT": "false"], config: config).endpoint(
                of: .lambda, region: "eu-west-1"
            )
            .host
                == "lambda.eu-west-1.api.aws")
        #expect(
            try Self.settings(["AWS_USE_DUALSTACK_ENDPOINT": "true"]).endpoint(of: .lambda, region: "cn-north-1").host
                == "lambda.cn-north-1.api.amazonwebservices.com.cn")
    }

    @Test func `the files are where the environment says, or at home`() {
        #expect(
            SharedFileLocations(environment: ["HOME": "/home/a"])
                == SharedFileLocations(environment: [:], home: "/home/a"))
        let locations = SharedFileLocations(
            environment: ["HOME": "/h", "AWS_CONFIG_FILE": "/etc/c", "AWS_SHARED_CREDENTIALS_FILE": "~/x"])
        #expect(locations.config == "/etc/c")
        #expect(locations.credentials == "/h/x")
        #expect(SharedFileLocations(environment: ["HOME": "/h", "AWS_CONFIG_FILE": ""]).config == "/h/.aws/config")
        #expect(SharedFileLocations(environment: [:]).config == nil)
    }

    @Test func `credentials show no secret, however they are printed`() {
        let credentials = Credentials(accessKeyID: "AKID", secretAccessKey: "hush", sessionToken: "whisper")
        var shown = "\(credentials) \(String(reflecting: credentials)) \(String(describing: [credentials]))"
        dump(credentials, to: &shown)
        dump(["x": Optional(credentials)], to: &shown)
        #expect(shown.contains("AKID"))
        #expect(!shown.contains("hush") && !shown.contains("whisper"))
    }
}

extension SharedSettings {
    /// The keys of a plan that has them already.
    func keys() throws -> Credentials {
        try #require(try self.credentialPlan().fixedCredentials)
    }
}
