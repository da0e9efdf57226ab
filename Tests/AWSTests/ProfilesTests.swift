import AWS
import TestSupport
import Testing

@Suite struct ProfilesTests {
    @Test func `sections, comments, white space and line ends are read as the SDKs read them`() throws {
        let profiles = try Profiles(
            config: """
                # a comment
                ; another
                [default] # behind a header
                region=eu-west-1
                  output = json
                [profile a] ; x
                Region =  us-east-1   # behind a value
                aws_secret_access_key = with#hash;and=equals
                empty =
                [ profile   b c ]
                region = x
                [profile "quoted name"]
                region = y
                [sso-session s]
                sso_region = z
                [a]
                region = not a profile here
                [profile a]
                output = text

                """,
            credentials: "[a]\r\naws_access_key_id = A\r\n\r\n[default]\r\nregion = wins\r\n")
        #expect(profiles.names == ["a", "b c", "default", "quoted name"])
        #expect(profiles["a"]?["region"] == "us-east-1")
        #expect(profiles["a"]?["output"] == "text")
        #expect(profiles["a"]?["aws_secret_access_key"] == "with#hash;and=equals")
        #expect(profiles["a"]?["empty"] == nil)
        #expect(profiles["a"]?["aws_access_key_id"] == "A")
        #expect(profiles["b c"]?["region"] == "x")
        #expect(profiles["quoted name"]?["region"] == "y")
        #expect(profiles["default"]?["region"] == "wins")
        #expect(profiles["s"] == nil)
    }

    @Test func `indented lines belong to the setting above`() throws {
        let profiles = try Profiles(
            config: """
                [default]
                s3 =
                  endpoint_url = http://nested
                  # a comment
                  region = nested
                credential_process = first
                  second
                  region = still the process
                region = eu-west-1
                [profile indented]
                  region = a
                  output = b
                [services x]
                lambda =
                    endpoint_url = http://l
                """)
        #expect(profiles["default"]?["region"] == "eu-west-1")
        #expect(profiles["default"]?["endpoint_url"] == nil)
        #expect(profiles["default"]?["credential_process"] == "first\nsecond\nregion = still the process")
        #expect(profiles["indented"]?["region"] == "a")
        #expect(profiles["indented"]?["output"] == "b")
        #expect(profiles.setting("endpoint_url", ofService: "lambda", in: "x") == "http://l")
        #expect(profiles.setting("endpoint_url", ofService: "s3", in: "x") == nil)
    }

    @Test(arguments: [
        "[default]\nregion=a\n[profile default]\nregion=b", "[profile default]\nregion=b\n[default]\nregion=a",
    ])
    func `the default profile with its full name wins`(config: String) throws {
        #expect(try Profiles(config: config)["default"]?["region"] == "b")
    }

    @Test(
        arguments: [
            ("[default", 1, .unfinishedSection), ("\n\nregion = x", 3, .settingOutsideSection),
            ("[a]\nno setting", 2, .notASetting), ("[a]\n= value", 2, .notASetting),
        ] as [(String, Int, SharedFileError.Reason)])
    func `a line that is nothing is an error with its number`(text: String, line: Int, reason: SharedFileError.Reason) {
        for kind in [SharedFileKind.config, .credentials] {
            #expect {
                if kind == .config { try Profiles(config: text) } else { try Profiles(credentials: text) }
            } throws: { error in
                let error = error as? SharedFileError
                return error?.kind == kind && error?.line == line && error?.reason == reason
                    && error?.description.contains("line \(line)") == true
            }
        }
    }

    @Test func `a file that no profile needs is refused`() {
        #expect(throws: SharedFileError.self) { try Profiles(config: String(repeating: "#", count: 1 << 21)) }
    }

    @Test(arguments: UInt64(0)..<32)
    func `any text is read or refused`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "[", "]", "profile ", "default", "services ", "=", " ", "\n", "\r\n", "\t", "#", ";", "a", "\"", "é", "\0",
        ]
        for _ in 0..<100 {
            let text = (0..<Int.random(in: 0...30, using: &random)).map { _ in pieces.randomElement(using: &random)! }
                .joined()
            // A trap is what must not happen; either outcome is right.
            _ = try? Profiles(config: text, credentials: text)
        }
    }
}
