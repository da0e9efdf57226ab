import AWS
import Bytes
import Digest
import HTTP
import Lambda
import Testing
import Time

@Suite struct InvocationTemplateTests {
    static let credentials = Credentials(
        accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        sessionToken: "tok/en+==")
    static let time = WallTime(seconds: 1_767_323_045)  // 20260102T030405Z

    static func request(_ template: InvocationTemplate, event: String, traceID: ShortText = "") -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.reserveHeadroom(template.headroom)
        buffer.append(event)
        let capacity = buffer.capacity
        var scratch = ByteBuffer()
        template.writeHead(
            before: &buffer, signer: SigV4Signer(), credentials: self.credentials, at: self.time, traceID: traceID,
            scratch: &scratch)
        #expect(buffer.capacity == capacity, "The headroom suffices")
        return buffer.array()
    }

    @Test func `the request is what the Lambda API takes, signed by the vector of the wire notes`() throws {
        let template = InvocationTemplate(
            function: try FunctionReference(
                parsing: "arn:aws:lambda:us-east-1:123456789012:function:my-fn", qualifier: "$LATEST"),
            endpoint: try .of(.lambda, region: "us-east-1"), region: "eu-west-1")
        #expect(template.region == "us-east-1")
        let text = String(decoding: Self.request(template, event: #"{"a":1}"#, traceID: "Root=1-a-b"), as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", omittingEmptySubsequences: false)
        #expect(parts.count == 2)
        #expect(parts[1] == #"{"a":1}"#)
        var lines = parts[0].split(separator: "\r\n").map(String.init)
        let authorization = lines.removeLast()
        #expect(
            lines == [
                "POST /2021-11-15/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Amy-fn"
                    + "/response-streaming-invocations?Qualifier=%24LATEST HTTP/1.1",
                "host: lambda.us-east-1.amazonaws.com", "content-type: application/json", "user-agent: sluice",
                "content-length: 7", "x-amzn-trace-id: Root=1-a-b", "x-amz-date: 20260102T030405Z",
                "x-amz-security-token: tok/en+==",
            ])
        let expected =
            "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/lambda/aws4_request, "
            + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="
        #expect(authorization.hasPrefix(expected))
    }

    @Test(
        arguments: [
            ("fn", nil, "http://127.0.0.1:9001", false, "127.0.0.1:9001"),
            ("fn:live", nil, "http://[::1]:9001", true, "[::1]:9001"),
            ("fn", "acme corp", "https://proxy.example/lambda", false, "proxy.example"),
        ] as [(String, String?, String, Bool, String)])
    func `a verifier takes the request, whatever the endpoint`(
        function: String, tenant: String?, endpoint: String, wantsLog: Bool, host: String
    ) throws {
        for operation in [InvocationTemplate.Operation.streaming, .buffered] {
            let template = InvocationTemplate(
                function: try FunctionReference(parsing: function), endpoint: try ServiceEndpoint(parsing: endpoint),
                region: "eu-west-1", tenant: tenant.map { .fixed($0) }, wantsLog: wantsLog, operation: operation)
            let event = #"{"version":"2.0"}"#
            let request = Self.request(template, event: event)
            var parser = HTTP1RequestParser(limits: HeadLimits())
            var offset = 0
            guard case .head(let head) = try parser.next(request.span, at: &offset) else {
                Issue.record("The request has a head")
                return
            }
            #expect(head.bodyLength == .known(event.utf8.count))
            #expect(head.fields.first("host") == host)
            #expect(head.fields.first("x-amz-tenant-id") == tenant)
            #expect(head.fields.first("x-amz-log-type") == (wantsLog ? "Tail" : nil))
            let verifier = SigV4Verifier(credentials: [Self.credentials], service: "lambda")
            let hash = SHA256.hash(event.utf8.span)
            let signed = try verifier.verify(head, bodyHash: hash, at: Self.time)
            #expect(signed.scope == SigningScope(region: "eu-west-1", service: "lambda"))
        }
    }

    @Test func `a trace id cannot bring a line of its own`() throws {
        let template = InvocationTemplate(
            function: try FunctionReference(parsing: "fn"), endpoint: try .of(.lambda, region: "eu-west-1"),
            region: "eu-west-1")
        let text = String(decoding: Self.request(template, event: "{}", traceID: "x\r\nEvil: 1"), as: UTF8.self)
        #expect(!text.contains("Evil"))
        #expect(!text.contains("trace"))
    }

    @Test(arguments: [
        ("acme", true), ("a.b_c:d/e=f+g-h@i j", true), ("", false), ("a\nb", false), ("é", false), ("a,b", false),
        (" acme", false), ("acme ", false), (" ", false),
    ])
    func `a tenant's id has few characters`(text: String, isValid: Bool) {
        #expect(InvocationTemplate.isTenantID(text) == isValid)
        #expect(!InvocationTemplate.isTenantID(String(repeating: "a", count: 257)))
    }

    @Test(arguments: [
        ("Root=1-6a5145aa-290a323a5de9a2e0636377d4", true), ("Root=1-a-b;Parent=0123456789abcdef;Sampled=1", true),
        ("Root=1-a-b;Lineage=1:abc:0", true), ("", false), ("Root", false), ("root=1", false), ("Self=1-a-b", false),
        ("Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678;CalledFrom=app", true),
        ("Root=1-a-b;Lineage=25:a8124321:0|1:b7:1", true), ("XRoot=1", false), ("Self=1;XRoot=1", false),
        ("Self=1, Root=1", false), ("Self=Root=1", false),
        ("Root=1-a b", false), ("Root=1-a\"b", false), ("Root=1\r\nX: y", false),
        ("Root=" + String(repeating: "a", count: 252), false),
    ])
    func `a client's trace id is passed on only where it is one`(text: String, isValid: Bool) {
        let taken = TraceID.isValid(text.utf8.span)
        #expect(taken == isValid)
    }

    @Test func `a new trace id is made of the time and of chance`() {
        let id = TraceID.make(at: WallTime(seconds: 0x6a51_45aa), random: 0x290a, 0x5de9_a2e0_6363_77d4)
        #expect(id == "Root=1-6a5145aa-0000290a5de9a2e0636377d4")
        let isValid = TraceID.isValid(id.bytes)
        #expect(isValid)
    }
}
