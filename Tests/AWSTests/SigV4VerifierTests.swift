import AWS
import Bytes
import Digest
import HTTP
import JSON
import TestSupport
import Testing
import Time

@Suite struct SigV4VerifierTests {
    static let keys = Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "tok/en+==")
    static let now = WallTime(basicISO8601: "20260102T030405Z".utf8.span)!
    static let body = Array(#"{"a":1}"#.utf8)

    /// A request with the given fields, signed with the given keys.
    static func signed(
        with credentials: Credentials = keys, at time: WallTime = now, service: String = "lambda",
        region: String = "us-east-1", path: String = "/2015-03-31/functions/f/invocations",
        query: String = "Qualifier=1",
        fields: [(name: String, value: String)] = [("Host", "127.0.0.1:9001"), ("Content-Type", "application/json")]
    ) -> RequestHead {
        let signer = SigV4Signer()
        var buffer = ByteBuffer()
        signer.appendSignature(
            to: &buffer, method: .post, path: path, query: query, signedFields: SignedFields(fields),
            payloadHash: SHA256.hash(Self.body.span), scope: SigningScope(region: region, service: service),
            credentials: credentials, at: time)
        var head = RequestHead(method: .post, target: Target(path: path, routingPath: path, query: query))
        for field in fields { head.fields.append(field.name, field.value) }
        for line in buffer.string().split(separator: "\r\n") {
            let colon = line.firstIndex(of: ":")!
            head.fields.append(String(line[..<colon]), String(line[line.index(colon, offsetBy: 2)...]))
        }
        return head
    }

    static func refusal(
        of head: RequestHead, at time: WallTime = now, known: [Credentials] = [keys], body: [UInt8] = body
    ) -> SigV4Refusal? {
        let verifier = SigV4Verifier(credentials: known, service: "lambda")
        do {
            _ = try verifier.verify(head, bodyHash: SHA256.hash(body.span), at: time)
            return nil
        } catch {
            return error
        }
    }

    @Test func `what the signer signs is accepted`() throws {
        let other = Credentials(accessKeyID: "B", secretAccessKey: "b")
        let verifier = SigV4Verifier(credentials: [other, Self.keys], service: "lambda")
        for region in ["us-east-1", "eu-west-1", "us-east-1"] {
            let (credentials, scope) = try verifier.verify(
                Self.signed(region: region), bodyHash: SHA256.hash(Self.body.span), at: Self.now)
            #expect(credentials == Self.keys)
            #expect(scope == SigningScope(region: region, service: "lambda"))
            _ = try verifier.verify(
                Self.signed(with: other, region: region), bodyHash: SHA256.hash(Self.body.span), at: Self.now)
        }
    }

    @Test(arguments: SigningCase.all.filter { $0.scope.service == "lambda" })
    func `what botocore signs is accepted`(signing: SigningCase) throws {
        var head = RequestHead(
            method: signing.method,
            target: Target(path: signing.path, routingPath: signing.path, query: signing.query))
        for field in signing.fields { head.fields.append(field.name, field.value) }
        var date = ByteBuffer()
        date.append(basicISO8601: signing.time.calendar)
        head.fields.append("X-Amz-Date", date.string())
        if let token = signing.credentials.sessionToken { head.fields.append("X-Amz-Security-Token", token) }
        head.fields.append("Authorization", signing.authorization)
        let verifier = SigV4Verifier(credentials: [signing.credentials], service: "lambda")
        _ = try verifier.verify(head, bodyHash: SHA256.hash(signing.body.span), at: signing.time)
    }

    @Test func `fields that were not signed do not matter, and white space does not either`() {
        var head = Self.signed()
        head.fields.append("X-Amzn-Trace-Id", "Root=1-00000000-000000000000000000000000")
        head.fields.append("Connection", "keep-alive")
        head.fields.set("Content-Type", "  application/json\t")
        #expect(Self.refusal(of: head) == nil)
    }

    @Test func `the authority stands for a Host field that HTTP 2 does not have`() {
        var head = Self.signed()
        head.fields.remove("host")
        head.authority = Authority(host: "127.0.0.1", port: 9001)
        #expect(Self.refusal(of: head) == nil)
        head.authority = Authority(host: "127.0.0.1", port: 9002)
        #expect(Self.refusal(of: head)?.type == "InvalidSignatureException")
    }

    @Test(arguments: [
        ("content-type", "text/plain"), ("host", "127.0.0.1"), ("x-amz-date", "20260102T030406Z"),
    ])
    func `a signed field that was changed is found out`(name: String, value: String) {
        var head = Self.signed()
        head.fields.set(name, value)
        #expect(Self.refusal(of: head)?.type == "InvalidSignatureException")
    }

    @Test func `a changed body, path, query or method is found out`() {
        let mismatch =
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
            + "Key and signing method. Consult the service documentation for details."
        #expect(Self.refusal(of: Self.signed(), body: [])?.message == mismatch)
        var head = Self.signed()
        head.target.path += "x"
        #expect(Self.refusal(of: head)?.message == mismatch)
        head = Self.signed()
        head.target.query = "Qualifier=2"
        #expect(Self.refusal(of: head)?.message == mismatch)
        head = Self.signed()
        head.method = .get
        #expect(Self.refusal(of: head)?.message == mismatch)
        head = Self.signed()
        head.fields.append("content-type", "twice")
        #expect(Self.refusal(of: head)?.message == mismatch)
    }

    @Test func `a payload that was left unsigned is refused`() {
        let head = Self.signed(fields: [("Host", "a"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")])
        #expect(Self.refusal(of: head)?.type == "InvalidSignatureException")
        let right = Self.signed(fields: [
            ("Host", "a"), ("x-amz-content-sha256", SHA256.hash(Self.body.span).description),
        ])
        #expect(Self.refusal(of: right) == nil)
    }

    // AWS takes no signature that is more than five minutes off.
    @Test func `five minutes either way are taken, a second more is not`() {
        for seconds in [-300, 0, 300] as [Int64] {
            #expect(Self.refusal(of: Self.signed(at: WallTime(seconds: Self.now.seconds + seconds))) == nil)
        }
        let early = Self.refusal(of: Self.signed(at: WallTime(seconds: Self.now.seconds - 301)))
        #expect(early?.type == "InvalidSignatureException")
        #expect(
            early?.message
                == "Signature expired: 20260102T025904Z is now earlier than 20260102T025905Z (20260102T030405Z - 5 min.)"
        )
        let late = Self.refusal(of: Self.signed(at: WallTime(seconds: Self.now.seconds + 301)))
        #expect(
            late?.message
                == "Signature not yet current: 20260102T030906Z is still later than 20260102T030905Z "
                + "(20260102T030405Z + 5 min.)")
        #expect(late?.status == 403)
        // What the signer's side makes of it.
        let error = AWSServiceError(status: 403, type: late!.type, message: late!.message, serverTime: Self.now)
        #expect(error.clockOffset(signedAt: WallTime(seconds: Self.now.seconds + 301)) == .seconds(-301))
    }

    @Test func `an unknown key or token is refused by name`() {
        let stranger = Credentials(accessKeyID: "OTHER", secretAccessKey: "secret", sessionToken: "tok/en+==")
        #expect(Self.refusal(of: Self.signed(with: stranger))?.type == "UnrecognizedClientException")
        let tokenless = Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret")
        #expect(Self.refusal(of: Self.signed(with: tokenless))?.type == "UnrecognizedClientException")
        #expect(Self.refusal(of: Self.signed(), known: [tokenless])?.type == "UnrecognizedClientException")
        #expect(Self.refusal(of: Self.signed(), known: [])?.type == "UnrecognizedClientException")
        let wrong = Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wrong", sessionToken: "tok/en+==")
        #expect(Self.refusal(of: Self.signed(with: wrong))?.type == "InvalidSignatureException")
        let expired = Credentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "tok/en+==", expiration: Self.now)
        #expect(Self.refusal(of: Self.signed(), known: [expired])?.type == "ExpiredTokenException")
    }

    @Test func `a signature for another service is refused`() {
        #expect(
            Self.refusal(of: Self.signed(service: "s3"))?.message
                == "Credential should be scoped to correct service: 'lambda'.")
        #expect(
            Self.refusal(of: Self.signed(region: ""))?.message == "Credential should be scoped to a valid region.")
    }

    @Test(
        arguments: [
            (nil, "MissingAuthenticationTokenException"),
            ("", "IncompleteSignatureException"),
            ("Bearer abc", "IncompleteSignatureException"),
            ("Basic YTpi", "IncompleteSignatureException"),
            ("AWS4-HMAC-SHA256", "IncompleteSignatureException"),
            ("AWS4-HMAC-SHA256 ", "IncompleteSignatureException"),
            ("AWS4-HMAC-SHA256 ,,,", "IncompleteSignatureException"),
            ("AWS4-HMAC-SHA256 Credential", "IncompleteSignatureException"),
            ("AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=", "IncompleteSignatureException"),
            ("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request", "IncompleteSignatureException"),
            (
                "AWS4-HMAC-SHA256 Credential=a/b/c/d/e/aws4_request, SignedHeaders=host, Signature=0",
                "IncompleteSignatureException"
            ),
            (
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/lambda/aws4_request, SignedHeaders=, Signature=0",
                "InvalidSignatureException"
            ),
            (
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/lambda/aws4_request, SignedHeaders=host, "
                    + "Signature=0", "InvalidSignatureException"
            ),
            (
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/lambda/aws4_request, "
                    + "SignedHeaders=host;x-amz-date, Signature=0", "InvalidSignatureException"
            ),
            (
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/lambda/aws4_request, "
                    + "SignedHeaders=host;x-amz-date, Signature=0", "InvalidSignatureException"
            ),
        ] as [(String?, String)])
    func `an odd Authorization field is refused by name`(field: String?, type: String) {
        var head = Self.signed()
        head.fields.remove("authorization")
        if let field { head.fields.append("authorization", field) }
        #expect(Self.refusal(of: head)?.type == type)
    }

    @Test func `two Authorization fields, and dates that are none, are refused`() {
        var head = Self.signed()
        head.fields.append("authorization", head.fields.first("authorization")!)
        #expect(Self.refusal(of: head)?.type == "IncompleteSignatureException")
        for date in ["", "20260102", "2026-01-02T03:04:05Z", "20260102T030405", "20261302T030405Z"] {
            head = Self.signed()
            head.fields.set("x-amz-date", date)
            #expect(Self.refusal(of: head)?.type == "IncompleteSignatureException")
        }
        head = Self.signed()
        head.fields.remove("x-amz-date")
        #expect(Self.refusal(of: head)?.type == "IncompleteSignatureException")
        head.fields.append("Date", "Fri, 02 Jan 2026 03:04:05 GMT")
        #expect(Self.refusal(of: head)?.message == "'date' must be a 'SignedHeader' in the AWS Authorization.")
    }

    @Test(arguments: UInt64(0)..<32)
    func `damage anywhere in a field neither traps nor passes`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            var head = Self.signed()
            let name = ["authorization", "x-amz-date", "x-amz-security-token", "host"].randomElement(using: &random)!
            var value = Array(head.fields.all(name)[0].utf8)
            let index = Int.random(in: 0..<value.count, using: &random)
            let byte = UInt8.random(in: 33...126, using: &random)
            // Names and digits may be written in either case.
            if ASCII.lowercased(byte) == ASCII.lowercased(value[index]) { continue }
            value[index] = byte
            head.fields.set(name, String(decoding: value, as: UTF8.self))
            #expect(Self.refusal(of: head) != nil)
        }
    }
}
