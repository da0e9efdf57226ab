import AWS
import Bytes
import HTTP
import Testing
import Time

/// What is asked for credentials, and what becomes of the answers.
@Suite struct CredentialFetchTests {
    private static let now = WallTime(seconds: 1_767_323_045)  // 2026-01-02T03:04:05Z
    private static let end = WallTime(seconds: 1_767_326_645)
    private static let role = "arn:aws:iam::111111111111:role/a"
    private static let sts = SecurityTokenService(
        endpoint: ServiceEndpoint(scheme: .https, host: "sts.eu-west-1.amazonaws.com", port: 443), region: "eu-west-1")
    private static let base = Credentials(accessKeyID: "AKIDBASE", secretAccessKey: "secret")

    private static func fetch(
        _ environment: [String: String] = [:], config: String? = nil, offset: Duration = .zero
    ) throws -> CredentialFetch {
        CredentialFetch(
            try SharedSettingsTests.settings(environment, config: config).credentialPlan(), tokenService: Self.sts,
            clockOffset: offset)
    }

    private static func answer(
        _ status: Int, _ body: String, _ fields: KeyValuePairs<String, String> = [:]
    ) -> CredentialFetch.Event {
        .answered(ControlAnswer(head: ResponseHead(status: status, fields: Fields(fields)), body: Array(body.utf8)))
    }

    /// The request that a step sends, as text.
    private static func sent(_ step: CredentialFetch.Step, sourceLocation: SourceLocation = #_sourceLocation) -> String
    {
        guard case .send(let request) = step else {
            Issue.record("\(step)", sourceLocation: sourceLocation)
            return ""
        }
        return String(decoding: request.bytes, as: UTF8.self)
    }

    private static func error(_ step: CredentialFetch.Step) -> CredentialError? {
        guard case .failed(let error) = step else { return nil }
        return error
    }

    // Roles.

    private static let sessionDocument = """
        <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>
        <AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::111111111111:assumed-role/a/s</Arn></AssumedRoleUser>
        <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>se&amp;cret</SecretAccessKey>
        <SessionToken>to/ken+==</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials>
        </AssumeRoleResult></AssumeRoleResponse>
        """
    private static let session = Credentials(
        accessKeyID: "ASIAROLE", secretAccessKey: "se&cret", sessionToken: "to/ken+==", expiration: Self.end,
        accountID: "111111111111")

    private static let roleConfig = """
        [default]
        role_arn = \(Self.role)
        source_profile = default
        external_id = a/b:c
        duration_seconds = 900
        aws_access_key_id = AKIDBASE
        aws_secret_access_key = secret
        """

    @Test func `a role is asked for with a signed form`() throws {
        var fetch = try Self.fetch(config: Self.roleConfig)
        let request = Self.sent(fetch.begin(at: Self.now))
        #expect(request.hasPrefix("POST / HTTP/1.1\r\nhost: sts.eu-west-1.amazonaws.com\r\n"))
        #expect(request.contains("\r\ncontent-type: application/x-www-form-urlencoded; charset=utf-8\r\n"))
        #expect(request.contains("Credential=AKIDBASE/20260102/eu-west-1/sts/aws4_request"))
        #expect(request.contains("SignedHeaders=content-type;host;x-amz-date,"))
        #expect(
            request.hasSuffix(
                "\r\n\r\nAction=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fa"
                    + "&RoleSessionName=sluice-1767323045&ExternalId=a%2Fb%3Ac&DurationSeconds=900"))
        #expect(fetch.received(Self.answer(200, Self.sessionDocument), at: Self.now) == .finished(Self.session))
    }

    @Test func `the second role is asked for with the keys of the first`() throws {
        let config = """
            [default]
            role_arn = \(Self.role)
            source_profile = b
            [profile b]
            role_arn = arn:aws:iam::222222222222:role/b
            source_profile = c
            [profile c]
            aws_access_key_id = AKIDBASE
            aws_secret_access_key = secret
            """
        var fetch = try Self.fetch(config: config)
        #expect(Self.sent(fetch.begin(at: Self.now)).contains("Credential=AKIDBASE/"))
        let second = Self.sent(fetch.received(Self.answer(200, Self.sessionDocument), at: Self.now))
        #expect(second.contains("Credential=ASIAROLE/"))
        #expect(second.contains("x-amz-security-token: to/ken+==\r\n"))
        #expect(second.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fa&"))
        #expect(fetch.received(Self.answer(200, Self.sessionDocument), at: Self.now) == .finished(Self.session))
    }

    private static func refusal(_ code: String, _ message: String = "no") -> String {
        "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>\(message)</Message></Error></ErrorResponse>"
    }

    @Test(arguments: [
        (403, "AccessDenied", false, "trust policy"), (403, "InvalidClientTokenId", false, "another partition"),
        (403, "RegionDisabledException", false, "aws.sts_endpoint"), (400, "ExpiredTokenException", false, "over"),
        (400, "IDPCommunicationError", true, ""), (400, "Throttling", true, ""), (500, "InternalFailure", true, ""),
        (503, "", true, ""), (400, "ValidationError", false, ""), (403, "IDPRejectedClaim", false, ""),
        (400, "MalformedPolicyDocument", false, ""), (400, "InvalidIdentityToken", false, "identity provider"),
    ])
    func `a refusal says what to do, and whether to wait`(
        status: Int, code: String, isTransient: Bool, advice: String
    ) throws {
        var fetch = try Self.fetch(config: Self.roleConfig)
        _ = fetch.begin(at: Self.now)
        let error = Self.error(fetch.received(Self.answer(status, Self.refusal(code)), at: Self.now))
        #expect(error?.isTransient == isTransient)
        #expect(error?.description.contains(advice.isEmpty ? "AWS" : advice) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains(Self.role) == true)
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `a skewed clock costs one refusal`() throws {
        var fetch = try Self.fetch(config: Self.roleConfig)
        #expect(Self.sent(fetch.begin(at: Self.now)).contains("x-amz-date: 20260102T030405Z"))
        let refusal = Self.answer(
            403, Self.refusal("SignatureDoesNotMatch", "Signature expired: 20260102T030405Z is now earlier than x"),
            ["Date": "Fri, 02 Jan 2026 05:04:05 GMT"])
        #expect(Self.sent(fetch.received(refusal, at: Self.now)).contains("x-amz-date: 20260102T050405Z"))
        #expect(fetch.clockOffset == .seconds(7200))
        // Once is all there is.
        #expect(Self.error(fetch.received(refusal, at: Self.now))?.isTransient == false)
        var next = try Self.fetch(config: Self.roleConfig, offset: fetch.clockOffset)
        #expect(Self.sent(next.begin(at: Self.now)).contains("x-amz-date: 20260102T050405Z"))
    }

    @Test(arguments: [
        "", "{}", "<html>", "<Credentials></Credentials>",
        Self.sessionDocument.replacing("2026-01-02T04:04:05Z", with: "soon"),
        Self.sessionDocument.replacing("to/ken+==", with: "a&#13;&#10;x-evil: 1"),
        Self.sessionDocument.replacing("ASIAROLE", with: "A/B"),
        Self.sessionDocument.replacing("&amp;", with: "&nothing;"), Self.sessionDocument.replacing("</S", with: "<S"),
    ])
    func `an answer without keys is an error`(document: String) throws {
        var fetch = try Self.fetch(config: Self.roleConfig)
        _ = fetch.begin(at: Self.now)
        let error = Self.error(fetch.received(Self.answer(200, document), at: Self.now))
        guard case .malformed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `no answer is worth another try`() throws {
        for event in [CredentialFetch.Event.timedOut, .unanswered("refused")] {
            var fetch = try Self.fetch(config: Self.roleConfig)
            _ = fetch.begin(at: Self.now)
            #expect(Self.error(fetch.received(event, at: Self.now))?.isTransient == true)
        }
    }

    // Web identity.

    @Test func `a web identity is shown without a signature, and read anew each time`() throws {
        let environment = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": Self.role, "AWS_ROLE_SESSION_NAME": "pod",
        ]
        var fetch = try Self.fetch(environment)
        for token in ["one.two_three-4", "five"] {
            #expect(fetch.begin(at: Self.now) == .read(path: "/token"))
            let request = Self.sent(fetch.received(.read(" \(token)\n"), at: Self.now))
            #expect(!request.contains("authorization:"))
            #expect(!request.contains("x-amz-date"))
            #expect(request.contains("Action=AssumeRoleWithWebIdentity&"))
            #expect(request.hasSuffix("&RoleSessionName=pod&WebIdentityToken=\(token)"))
            let document = Self.sessionDocument.replacing("AssumeRole", with: "AssumeRoleWithWebIdentity")
            #expect(fetch.received(Self.answer(200, document), at: Self.now) == .finished(Self.session))
        }
        _ = fetch.begin(at: Self.now)
        #expect(
            Self.error(fetch.received(.unreadable("no such file"), at: Self.now))
                == .unreadable(file: "/token", reason: "no such file"))
        _ = fetch.begin(at: Self.now)
        #expect(Self.error(fetch.received(.read("\n"), at: Self.now)) != nil)
    }

    // Containers.

    private static let containerDocument =
        #"{"RoleArn":"x","AccessKeyId":"ASIAC","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-02T04:04:05Z"}"#
    private static let containerKeys = Credentials(
        accessKeyID: "ASIAC", secretAccessKey: "s", sessionToken: "t", expiration: Self.end)

    @Test func `a container's endpoint is shown the token of the file`() throws {
        var fetch = try Self.fetch([
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials?a=b",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token",
        ])
        #expect(fetch.begin(at: Self.now) == .read(path: "/token"))
        let request = Self.sent(fetch.received(.read("jwt\n"), at: Self.now))
        #expect(request.hasPrefix("GET /v1/credentials?a=b HTTP/1.1\r\nhost: 169.254.170.23\r\n"))
        #expect(request.contains("\r\nauthorization: jwt\r\n"))
        #expect(
            fetch.received(Self.answer(200, Self.containerDocument), at: Self.now) == .finished(Self.containerKeys))
    }

    @Test(arguments: ["a\nb", "", "a\r\nx-evil: 1"])
    func `a token that is none is not sent`(token: String) throws {
        var fetch = try Self.fetch([
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/t",
        ])
        _ = fetch.begin(at: Self.now)
        #expect(Self.error(fetch.received(.read(token), at: Self.now)) != nil)
    }

    @Test func `a container's endpoint is asked three times, a second apart`() throws {
        var fetch = try Self.fetch(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"])
        #expect(Self.sent(fetch.begin(at: Self.now)).hasPrefix("GET /x HTTP/1.1\r\nhost: 169.254.170.2\r\n"))
        #expect(fetch.received(.timedOut, at: Self.now) == .pause(.seconds(1)))
        #expect(Self.sent(fetch.received(.paused, at: Self.now)).hasPrefix("GET /x "))
        #expect(fetch.received(Self.answer(500, ""), at: Self.now) == .pause(.seconds(1)))
        _ = fetch.received(.paused, at: Self.now)
        let error = Self.error(fetch.received(.unanswered("refused"), at: Self.now))
        #expect(error?.isTransient == true)
        #expect(error?.description.contains("http://169.254.170.2") == true)
    }

    @Test(arguments: [
        "", "[]", "{}", Self.containerDocument.replacing("ASIAC", with: ""),
        Self.containerDocument.replacing("2026-01-02T04:04:05Z", with: "x"),
    ])
    func `a document without keys is an error`(document: String) throws {
        var fetch = try Self.fetch(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"])
        _ = fetch.begin(at: Self.now)
        #expect(Self.error(fetch.received(Self.answer(200, document), at: Self.now))?.isTransient == false)
    }

    // The instance.

    private static let instanceDocument =
        #"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIAC","SecretAccessKey":"s","Token":"t","# + "\n"
        + #""Expiration":"2026-01-02T04:04:05Z"}"#

    @Test func `an instance is asked for a token, its role, and the role's keys`() throws {
        var fetch = try Self.fetch()
        let token = Self.sent(fetch.begin(at: Self.now))
        #expect(token.hasPrefix("PUT /latest/api/token HTTP/1.1\r\nhost: 169.254.169.254\r\n"))
        #expect(token.contains("\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"))
        #expect(token.contains("\r\ncontent-length: 0\r\n"))
        let role = Self.sent(fetch.received(Self.answer(200, "TOKEN"), at: Self.now))
        #expect(role.hasPrefix("GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\n"))
        #expect(role.contains("\r\nx-aws-ec2-metadata-token: TOKEN\r\n"))
        let keys = Self.sent(fetch.received(Self.answer(200, "my-role\n"), at: Self.now))
        #expect(keys.hasPrefix("GET /latest/meta-data/iam/security-credentials/my-role HTTP/1.1\r\n"))
        #expect(keys.contains("\r\nx-aws-ec2-metadata-token: TOKEN\r\n"))
        #expect(
            fetch.received(Self.answer(200, Self.instanceDocument), at: Self.now) == .finished(Self.containerKeys))
    }

    @Test(arguments: [403, 404, 405])
    func `where there are no tokens it is asked without, unless that is forbidden`(status: Int) throws {
        var fetch = try Self.fetch()
        _ = fetch.begin(at: Self.now)
        #expect(!Self.sent(fetch.received(Self.answer(status, ""), at: Self.now)).contains("token"))
        var slow = try Self.fetch()
        _ = slow.begin(at: Self.now)
        #expect(Self.sent(slow.received(.timedOut, at: Self.now)).hasPrefix("GET "))
        var strict = try Self.fetch(["AWS_EC2_METADATA_V1_DISABLED": "true"])
        _ = strict.begin(at: Self.now)
        #expect(Self.error(strict.received(Self.answer(status, ""), at: Self.now)) != nil)
    }

    @Test func `a token that is over is replaced once`() throws {
        var fetch = try Self.fetch()
        _ = fetch.begin(at: Self.now)
        _ = fetch.received(Self.answer(200, "OLD"), at: Self.now)
        #expect(Self.sent(fetch.received(Self.answer(401, ""), at: Self.now)).hasPrefix("PUT "))
        #expect(Self.sent(fetch.received(Self.answer(200, "NEW"), at: Self.now)).contains("token: NEW"))
        #expect(Self.error(fetch.received(Self.answer(401, ""), at: Self.now)) != nil)
    }

    @Test func `a machine that is no instance is told what could be set up`() throws {
        var fetch = try Self.fetch()
        _ = fetch.begin(at: Self.now)
        let error = Self.error(fetch.received(.unanswered("no route to host"), at: Self.now))
        guard case .nothingElse = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.isTransient == false)
        for word in ["AWS_ACCESS_KEY_ID", "profile 'default'", "169.254.169.254", "no route to host"] {
            #expect(error?.description.contains(word) == true, "\(word)")
        }
        var roleless = try Self.fetch()
        _ = roleless.begin(at: Self.now)
        _ = roleless.received(Self.answer(200, "TOKEN"), at: Self.now)
        #expect(
            Self.error(roleless.received(Self.answer(404, ""), at: Self.now))?.description.contains("has no role")
                == true)
    }

    @Test func `a role that the instance can not have is an error`() throws {
        var fetch = try Self.fetch()
        _ = fetch.begin(at: Self.now)
        _ = fetch.received(Self.answer(200, "TOKEN"), at: Self.now)
        _ = fetch.received(Self.answer(200, "r"), at: Self.now)
        let document = #"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role r."}"#
        let error = Self.error(fetch.received(Self.answer(200, document), at: Self.now))
        #expect(error?.description.contains("AssumeRoleUnauthorizedAccess: EC2 cannot assume") == true)
    }

    @Test func `as often as it may be`() throws {
        var fetch = try Self.fetch(["AWS_METADATA_SERVICE_NUM_ATTEMPTS": "2", "AWS_EC2_METADATA_V1_DISABLED": "true"])
        _ = fetch.begin(at: Self.now)
        #expect(Self.sent(fetch.received(.timedOut, at: Self.now)).hasPrefix("PUT "))
        #expect(Self.error(fetch.received(.timedOut, at: Self.now)) != nil)
    }

    @Test func `the region of the instance is asked for likewise`() throws {
        let metadata = try #require(try SharedSettingsTests.settings().instanceMetadata(isLastResort: true))
        var fetch = RegionFetch(metadata)
        guard case .send(let first) = fetch.begin(), case .send(let second) = fetch.received(Self.answer(200, "T"))
        else {
            Issue.record("nothing was sent")
            return
        }
        #expect(String(decoding: first.bytes, as: UTF8.self).hasPrefix("PUT /latest/api/token "))
        #expect(String(decoding: second.bytes, as: UTF8.self).hasPrefix("GET /latest/meta-data/placement/region "))
        #expect(fetch.received(Self.answer(200, "eu-west-3\n")) == .finished(region: "eu-west-3"))
        var none = RegionFetch(metadata)
        _ = none.begin()
        #expect(none.received(.unanswered("refused")) == .failed("it does not answer (refused)"))
    }

    // Programs.

    private static let program = "[default]\ncredential_process = /bin/keys -x"

    @Test func `a program's keys are taken`() throws {
        var fetch = try Self.fetch(config: Self.program)
        #expect(fetch.begin(at: Self.now) == .run(["/bin/keys", "-x"]))
        let output = #"{"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"s"}"#
        #expect(
            fetch.received(.printed(Array(output.utf8)), at: Self.now)
                == .finished(Credentials(accessKeyID: "AKIDP", secretAccessKey: "s")))
        var whole = try Self.fetch(config: Self.program)
        _ = whole.begin(at: Self.now)
        let more =
            #"{"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"s","SessionToken":"t","#
            + #""Expiration":"2026-01-02T04:04:05+00:00","AccountId":"111111111111"}"#
        #expect(
            whole.received(.printed(Array(more.utf8)), at: Self.now)
                == .finished(
                    Credentials(
                        accessKeyID: "AKIDP", secretAccessKey: "s", sessionToken: "t", expiration: Self.end,
                        accountID: "111111111111")))
    }

    @Test(arguments: [
        "", "no keys today", #"{"AccessKeyId":"A","SecretAccessKey":"s"}"#,
        #"{"Version":2,"AccessKeyId":"A","SecretAccessKey":"s"}"#, #"{"Version":1,"AccessKeyId":"A"}"#,
    ])
    func `a program that prints something else has failed`(output: String) throws {
        var fetch = try Self.fetch(config: Self.program)
        _ = fetch.begin(at: Self.now)
        #expect(Self.error(fetch.received(.printed(Array(output.utf8)), at: Self.now)) != nil)
        var failed = try Self.fetch(config: Self.program)
        _ = failed.begin(at: Self.now)
        #expect(
            Self.error(failed.received(.programFailed("exit status 3"), at: Self.now))?.description
                == "no AWS credentials from credential_process (/bin/keys): exit status 3")
    }

    // Single sign-on.

    private static let signOn = """
        [default]
        sso_start_url = https://d-1.awsapps.com/start
        sso_region = eu-central-1
        sso_account_id = 123456789012
        sso_role_name = My Role
        """

    @Test(arguments: ["2026-01-02T04:00:00Z", "2026-01-02T04:00:00UTC"])
    func `the sign-on's token is shown for the role's keys`(expiration: String) throws {
        var fetch = try Self.fetch(["HOME": "/h"], config: Self.signOn)
        guard case .read = fetch.begin(at: Self.now) else {
            Issue.record("nothing is read")
            return
        }
        let token = #"{"accessToken":"tok-en","expiresAt":"\#(expiration)","region":"x"}"#
        let request = Self.sent(fetch.received(.read(token), at: Self.now))
        #expect(
            request.hasPrefix(
                "GET /federation/credentials?role_name=My%20Role&account_id=123456789012 HTTP/1.1\r\n"
                    + "host: portal.sso.eu-central-1.amazonaws.com\r\n"))
        #expect(request.contains("\r\nx-amz-sso_bearer_token: tok-en\r\n"))
        let document =
            #"{"roleCredentials":{"accessKeyId":"ASIAC","secretAccessKey":"s","sessionToken":"t","expiration":1767326645000}}"#
        #expect(
            fetch.received(Self.answer(200, document), at: Self.now)
                == .finished(
                    Credentials(
                        accessKeyID: "ASIAC", secretAccessKey: "s", sessionToken: "t", expiration: Self.end,
                        accountID: "123456789012")))
    }

    @Test func `a sign-on that is over says how to sign on again`() throws {
        let events: [CredentialFetch.Event] = [
            .unreadable("no such file"), .read("{}"), .read("x"),
            .read(#"{"accessToken":"t","expiresAt":"2026-01-02T03:00:00Z"}"#),
        ]
        for event in events {
            var fetch = try Self.fetch(["HOME": "/h"], config: Self.signOn)
            _ = fetch.begin(at: Self.now)
            #expect(Self.error(fetch.received(event, at: Self.now)) == .signOnExpired(profile: "default"))
        }
        var fetch = try Self.fetch(["HOME": "/h"], config: Self.signOn)
        _ = fetch.begin(at: Self.now)
        _ = fetch.received(.read(#"{"accessToken":"t","expiresAt":"2026-01-02T04:00:00Z"}"#), at: Self.now)
        let error = Self.error(fetch.received(Self.answer(401, "{}"), at: Self.now))
        #expect(error?.description.contains("aws sso login --profile default") == true)
    }

    private static let signOnSession = """
        [default]
        sso_session = s
        sso_account_id = 123456789012
        sso_role_name = Reader
        [sso-session s]
        sso_start_url = https://d-1.awsapps.com/start
        sso_region = eu-central-1
        """
    private static let roleKeys =
        #"{"roleCredentials":{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t","expiration":1767326645000}}"#

    /// A file of the CLI, whose token ends at this time.
    private static func tokenFile(
        _ expiration: String, token: String = "old", more: String = #","refreshToken":"word""#
    ) -> String {
        #"{"startUrl":"https://d-1.awsapps.com/start","region":"eu-central-1","accessToken":"\#(token)","#
            + #""expiresAt":"\#(expiration)","clientId":"id","clientSecret":"se\"cret","#
            + #""registrationExpiresAt":"2026-02-01T00:00:00Z"\#(more)}"#
    }

    private static func signOnFetch(kept: KeptSignOnToken? = nil) throws -> CredentialFetch {
        CredentialFetch(
            try SharedSettingsTests.settings(["HOME": "/h"], config: Self.signOnSession).credentialPlan(),
            tokenService: Self.sts, keptToken: kept)
    }

    private static let renewal = #"{"accessToken":"new","expiresIn":28800,"refreshToken":"next","tokenType":"Bearer"}"#

    @Test(arguments: ["2026-01-02T03:00:00Z", "2026-01-02T03:19:05Z"])
    func `a session's token that ends is renewed and written down`(expiration: String) throws {
        var fetch = try Self.signOnFetch()
        _ = fetch.begin(at: Self.now)
        let question = Self.sent(fetch.received(.read(Self.tokenFile(expiration)), at: Self.now))
        #expect(question.hasPrefix("POST /token HTTP/1.1\r\nhost: oidc.eu-central-1.amazonaws.com\r\n"))
        #expect(!question.contains("authorization"))
        #expect(
            question.hasSuffix(
                "\r\n\r\n"
                    + #"{"grantType":"refresh_token","clientId":"id","clientSecret":"se\"cret","refreshToken":"word"}"#)
        )
        guard case .write(let path, let text) = fetch.received(Self.answer(200, Self.renewal), at: Self.now) else {
            Issue.record("nothing is written")
            return
        }
        #expect(path.hasSuffix(".json"))
        #expect(
            text
                == Self.tokenFile("2026-01-02T11:04:05Z", token: "new", more: #","refreshToken":"next""#))
        #expect(Self.sent(fetch.received(.written, at: Self.now)).contains("\r\nx-amz-sso_bearer_token: new\r\n"))
        guard case .finished = fetch.received(Self.answer(200, Self.roleKeys), at: Self.now) else {
            Issue.record("no keys")
            return
        }
        #expect(fetch.keptSignOnToken == nil)
    }

    @Test func `a token that lasts is not renewed, and one without the means is used to its end`() throws {
        for file in [
            Self.tokenFile("2026-01-02T03:19:06Z"), Self.tokenFile("2026-01-02T03:05:00Z", more: ""),
            #"{"accessToken":"old","expiresAt":"2026-01-02T03:05:00Z","refreshToken":"word"}"#,
            Self.tokenFile("2026-01-02T03:05:00Z").replacing("2026-02", with: "2026-01"),
        ] {
            var fetch = try Self.signOnFetch()
            _ = fetch.begin(at: Self.now)
            #expect(Self.sent(fetch.received(.read(file), at: Self.now)).contains("x-amz-sso_bearer_token: old\r\n"))
            var late = try Self.signOnFetch()
            _ = late.begin(at: Self.now)
            let error = Self.error(late.received(.read(file), at: Self.now + .seconds(40 * 86_400)))
            #expect(error == .signOnExpired(profile: "default"))
        }
    }

    @Test func `a token is used to its end, whatever becomes of its renewal`() throws {
        let events: [(CredentialFetch.Event, isTransient: Bool)] = [
            (Self.answer(400, #"{"error":"invalid_grant"}"#), false), (Self.answer(401, ""), false),
            (Self.answer(503, ""), true), (.timedOut, true), (.unanswered("refused"), true),
            (Self.answer(200, "{}"), false), (Self.answer(200, #"{"accessToken":"a\nb","expiresIn":1}"#), false),
            (Self.answer(200, #"{"accessToken":"a","expiresIn":-1}"#), false),
            (Self.answer(200, #"{"accessToken":"a","expiresIn":9223372036854775807}"#), false),
        ]
        for (event, isTransient) in events {
            var fetch = try Self.signOnFetch()
            _ = fetch.begin(at: Self.now)
            _ = fetch.received(.read(Self.tokenFile("2026-01-02T03:05:00Z")), at: Self.now)
            #expect(Self.sent(fetch.received(event, at: Self.now)).contains("x-amz-sso_bearer_token: old\r\n"))
            var over = try Self.signOnFetch()
            _ = over.begin(at: Self.now)
            _ = over.received(.read(Self.tokenFile("2026-01-02T03:00:00Z")), at: Self.now)
            #expect(Self.error(over.received(event, at: Self.now))?.isTransient == isTransient)
        }
    }

    @Test func `a renewed token that can not be written down is kept, until somebody signs on anew`() throws {
        var fetch = try Self.signOnFetch()
        _ = fetch.begin(at: Self.now)
        let file = Self.tokenFile("2026-01-02T03:00:00Z")
        _ = fetch.received(.read(file), at: Self.now)
        _ = fetch.received(Self.answer(200, Self.renewal), at: Self.now)
        let question = Self.sent(fetch.received(.unwritable("read-only file system"), at: Self.now))
        #expect(question.contains("x-amz-sso_bearer_token: new\r\n"))
        _ = fetch.received(Self.answer(200, Self.roleKeys), at: Self.now)
        let kept = fetch.keptSignOnToken
        #expect(kept != nil)
        #expect(!String(reflecting: kept).contains("next"))

        // The next fetch takes it, and renews it in its turn.
        var next = try Self.signOnFetch(kept: kept)
        _ = next.begin(at: Self.now)
        #expect(Self.sent(next.received(.read(file), at: Self.now)).contains("x-amz-sso_bearer_token: new\r\n"))
        #expect(next.keptSignOnToken == kept)
        var later = try Self.signOnFetch(kept: kept)
        let hoursLater = Self.now + .seconds(28_800)
        _ = later.begin(at: hoursLater)
        #expect(Self.sent(later.received(.read(file), at: hoursLater)).contains(#""refreshToken":"next""#))

        // Somebody has signed on, or off.
        var anew = try Self.signOnFetch(kept: kept)
        _ = anew.begin(at: Self.now)
        let another = Self.tokenFile("2026-01-02T10:00:00Z", token: "another")
        #expect(Self.sent(anew.received(.read(another), at: Self.now)).contains("x-amz-sso_bearer_token: another\r\n"))
        #expect(anew.keptSignOnToken == nil)
        var off = try Self.signOnFetch(kept: kept)
        _ = off.begin(at: Self.now)
        #expect(
            Self.error(off.received(.unreadable("no such file"), at: Self.now)) == .signOnExpired(profile: "default"))
        #expect(off.keptSignOnToken == nil)
    }

    @Test(arguments: [-9_223_372_036_854_775_808, 9_223_372_036_854_775_807, -1] as [Int])
    func `an end of keys outside of time is an error`(end: Int) throws {
        var fetch = try Self.fetch(["HOME": "/h"], config: Self.signOn)
        _ = fetch.begin(at: Self.now)
        _ = fetch.received(.read(#"{"accessToken":"t","expiresAt":"2026-01-02T04:00:00Z"}"#), at: Self.now)
        let document =
            #"{"roleCredentials":{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t","expiration":\#(end)}}"#
        #expect(Self.error(fetch.received(Self.answer(200, document), at: Self.now)) != nil)
    }

    // All of them.

    @Test func `events that nobody waits for give no keys, and no trap`() throws {
        let events: [CredentialFetch.Event] = [
            Self.answer(200, ""), .timedOut, .unanswered(""), .read(""), .unreadable(""), .written,
            .unwritable(""), .printed([]), .programFailed(""), .paused,
        ]
        let sources: [([String: String], String?)] = [
            ([:], Self.roleConfig), (["HOME": "/h"], Self.signOn), (["HOME": "/h"], Self.signOnSession),
            ([:], Self.program), ([:], nil),
            (["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"], nil),
            (["AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": Self.role], nil),
        ]
        for (environment, config) in sources {
            for first in events {
                for second in events {
                    var fetch = try Self.fetch(environment, config: config)
                    let steps = [
                        fetch.received(first, at: Self.now), fetch.begin(at: Self.now),
                        fetch.received(first, at: Self.now), fetch.received(second, at: Self.now),
                    ]
                    let hasKeys = steps.contains { if case .finished = $0 { true } else { false } }
                    #expect(!hasKeys, "\(first), \(second)")
                }
            }
        }
    }

    @Test func `a request shows nothing of what it holds`() throws {
        let request = Self.sts.callerIdentity(Self.base, at: Self.now)
        var shown = "\(request) \(String(reflecting: request))"
        dump(request, to: &shown)
        #expect(!shown.contains("AKIDBASE"))
        #expect(shown.contains("https://sts.eu-west-1.amazonaws.com"))
    }

    /// The fuzzer found one: to Swift's characters the mark takes along what follows, which is the end of the element.
    @Test func `the text of an element may end with any character`() {
        for text in ["a\u{602}", "\u{301}a", "a\u{200D}", "a\r"] {
            let document = "<ErrorResponse><Error><Code>C</Code><Message>\(text)</Message></Error></ErrorResponse>"
            let answer = ControlAnswer(head: ResponseHead(status: 403), body: Array(document.utf8))
            #expect(AWSServiceError(queryAnswer: answer) == AWSServiceError(status: 403, type: "C", message: text))
        }
    }

    @Test func `who the keys belong to is read from the answer`() {
        let document = """
            <GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u</Arn><UserId>U</UserId>
            <Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>
            """
        let answer = ControlAnswer(head: ResponseHead(status: 200), body: Array(document.utf8))
        #expect(CallerIdentity(answer)?.arn == "arn:aws:iam::1:user/u")
        #expect(CallerIdentity(answer)?.account == "1")
        #expect(CallerIdentity(ControlAnswer(head: ResponseHead(status: 403), body: answer.body)) == nil)
    }
}
