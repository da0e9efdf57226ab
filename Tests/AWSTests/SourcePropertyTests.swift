import AWS
import Bytes
import HTTP
import TestSupport
import Testing
import Time

/// Whatever a source of credentials or a shared file says, damaged in any way: a value or an error, and never half of
/// one.
@Suite struct SourcePropertyTests {
    private static let now = WallTime(seconds: 1_767_323_045)

    private static let documents = [
        "<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/a/s</Arn>"
            + "</AssumedRoleUser><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s&amp;t</SecretAccessKey>"
            + "<SessionToken>t+==</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials>"
            + "</AssumeRoleResult></AssumeRoleResponse>",
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>&#x41;&#66;</Message></Error></ErrorResponse>",
        #"{"Version":1,"Code":"Success","AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-02T04:04:05Z"}"#,
        #"{"accessToken":"a","expiresAt":"2026-01-02T03:00:00Z","clientId":"i","clientSecret":"s","#
            + #""registrationExpiresAt":"2026-02-01T00:00:00Z","refreshToken":"w"}"#,
        #"{"accessToken":"b","expiresIn":28800,"refreshToken":"x"}"#,
        #"{"roleCredentials":{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t","expiration":1767326645000}}"#,
    ]
    private static let sources: [([String: String], String?)] = [
        ([:], nil), ([:], "[default]\ncredential_process = /bin/keys\n"),
        (
            ["HOME": "/h"],
            "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\nsso_region = eu-west-1\n"
        ), (["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"], nil),
        (["AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/a"], nil),
        (
            [:],
            "[default]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\n[profile b]\naws_access_key_id = A\naws_secret_access_key = s\n"
        ),
    ]

    private static let odd: [UInt8] = [0x3c, 0x26, 0x3b, 0x22, 0x5c, 0x7b, 0, 0x0a, 0xff]

    /// The text with some bytes changed, left out or put in.
    private static func damaged(_ text: String, using random: inout SeededRandom) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &random)
            let byte = Self.odd[Int.random(in: Self.odd.indices, using: &random)]
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[index] = byte
            case 1: bytes.insert(byte, at: index)
            case 2: bytes.remove(at: index)
            default: bytes.removeSubrange(index...)
            }
        }
        return bytes
    }

    @Test(arguments: UInt64(0)..<600)
    func `a fetch ends with keys that fit into a request, or with an error of one line`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let (environment, config) = Self.sources[Int(seed) % Self.sources.count]
        let plan = try SharedSettingsTests.settings(environment, config: config).credentialPlan()
        var fetch = CredentialFetch(
            plan,
            tokenService: SecurityTokenService(
                endpoint: ServiceEndpoint(scheme: .http, host: "127.0.0.1", port: 1), region: "eu-west-1"))
        var step = fetch.begin(at: Self.now)
        for _ in 0..<12 {
            let document = Self.damaged(Self.documents.randomElement(using: &random) ?? "", using: &random)
            let status = [200, 200, 200, 403, 503].randomElement(using: &random) ?? 200
            switch step {
            case .send:
                step = fetch.received(
                    .answered(ControlAnswer(head: ResponseHead(status: status), body: document)), at: Self.now)
            case .read: step = fetch.received(.read(String(decoding: document, as: UTF8.self)), at: Self.now)
            case .write: step = fetch.received(Bool.random(using: &random) ? .written : .unwritable(""), at: Self.now)
            case .run: step = fetch.received(.printed(document), at: Self.now)
            case .pause: step = fetch.received(.paused, at: Self.now)
            case .finished(let keys):
                for text in [keys.accessKeyID, keys.secretAccessKey, keys.sessionToken ?? "none"] {
                    #expect(!text.isEmpty && text.utf8.allSatisfy { (0x21...0x7e).contains($0) })
                }
                return
            case .failed(let error):
                #expect(!error.description.contains("\n"))
                return
            }
        }
    }

    @Test(arguments: UInt64(0)..<200)
    func `a text in an element of XML comes back as it was`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        // A mark that takes along what follows, and some that belong to what stands before them, among others.
        let scalars: [Unicode.Scalar] = [
            "a", "&", "<", ">", ";", "#", "é", "\"", "'", "\u{1F600}", " ", "/", "\u{602}", "\u{301}", "\u{200D}", "\r",
            "\n",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            text.unicodeScalars.append(scalars[Int.random(in: scalars.indices, using: &random)])
        }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch (scalar, Int.random(in: 0..<3, using: &random)) {
            case ("&", 0): escaped += "&amp;"
            case ("<", 0): escaped += "&lt;"
            case ("&", _), ("<", _): escaped += "&#\(scalar.value);"
            case (_, 0): escaped += "&#x\(String(scalar.value, radix: 16));"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        let document = "<ErrorResponse><Error><Code>C</Code><Message>\(escaped)</Message></Error></ErrorResponse>"
        let answer = ControlAnswer(head: ResponseHead(status: 400), body: Array(document.utf8))
        let message = AWSServiceError(queryAnswer: answer).message
        #expect(Array(message.utf8) == Array(text.utf8))
    }

    private static let files = """
        [default]
        region = eu-west-1 ; here
        services = s
        [profile a]
        role_arn = arn:aws:iam::123456789012:role/a
        source_profile = b
        duration_seconds = 900
        [profile b]
        aws_access_key_id = A
        aws_secret_access_key = s
        [profile p]
        credential_process = "/bin/a b" 'c d' e\\ f
        [profile o]
        sso_session = s
        sso_account_id = 1
        sso_role_name = r
        [sso-session s]
        sso_region = eu-west-1
        [services s]
        lambda =
          endpoint_url = http://127.0.0.1:1/x
        """

    @Test(arguments: UInt64(0)..<400)
    func `shared files give plans, or errors of one line`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let config = String(decoding: Self.damaged(Self.files, using: &random), as: UTF8.self)
        let credentials = String(decoding: Self.damaged(Self.files, using: &random), as: UTF8.self)
        let profiles: Profiles
        do throws(SharedFileError) {
            profiles = try Profiles(config: config, credentials: credentials)
        } catch {
            #expect(!error.description.contains("\n"))
            return
        }
        for name in profiles.names {
            do throws(SharedSettingsError) {
                let settings = try SharedSettings(environment: ["HOME": "/h"], profiles: profiles, profile: name)
                let region = try settings.region() ?? "eu-west-1"
                _ = try settings.endpoint(of: .lambda, region: region)
                #expect(!(try settings.credentialPlan()).description.contains("\n"))
            } catch {
                #expect(!error.description.contains("\n"))
            }
        }
    }
}
