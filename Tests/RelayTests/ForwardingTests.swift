import AWS
import Bytes
import HTTP
import Lambda
import Relay
import Testing
import Time

@Suite struct ForwardingStateMachineTests {
    static let head = ResponseHead(status: 200, fields: Fields(["x": "1"]))

    @Test func `an answer has a head, a body and an end`() {
        var machine = ForwardingStateMachine(isForHead: false)
        var isRelaying = machine.isRelaying
        #expect(!isRelaying)
        do {
            let action = machine.receivedHead(Self.head, bodyLength: .unknown)
            #expect(action == .head(Self.head, endsHere: false))
        }
        isRelaying = machine.isRelaying
        #expect(isRelaying)
        do {
            let action = machine.receivedHead(Self.head, bodyLength: .unknown)
            #expect(action == .drop)
        }
        do {
            let action = machine.receivedEnd()
            #expect(action == .completed)
        }
        isRelaying = machine.isRelaying
        #expect(!isRelaying)
        do {
            let action = machine.receivedEnd()
            #expect(action == .drop)
        }
        do {
            let action = machine.lost(.connectionLost(""))
            #expect(action == .drop)
        }
    }

    @Test(
        arguments: [
            ("GET", 200, BodyLength.known(5), nil, "5", false), ("GET", 200, .known(5), "0000000000000005", "5", false),
            ("GET", 200, .unknown, nil, nil, false), ("GET", 200, .none, nil, "0", true),
            ("GET", 302, .none, "0", "0", true),
            ("HEAD", 200, .none, nil, nil, true), ("HEAD", 200, .known(5), "5", "5", true),
            ("GET", 204, .none, nil, nil, true),
            ("GET", 304, .none, nil, nil, true),
        ] as [(String, Int, BodyLength, String?, String?, Bool)])
    func `an answer tells the length that its parser has found, and ends with its head where it has no body`(
        method: String, status: Int, length: BodyLength, told: String?, tells: String?, ends: Bool
    ) {
        var machine = ForwardingStateMachine(isForHead: method == "HEAD")
        let fields = { (length: String?) in length.map { Fields(["content-length": $0]) } ?? Fields() }
        do {
            let action = machine.receivedHead(ResponseHead(status: status, fields: fields(told)), bodyLength: length)
            #expect(action == .head(ResponseHead(status: status, fields: fields(tells)), endsHere: ends))
        }
    }

    @Test func `a length that is said to be of the connection is told all the same`() {
        var machine = ForwardingStateMachine(isForHead: false)
        let head = ResponseHead(
            status: 302, fields: Fields(["connection": "content-length", "content-length": "0", "location": "/x"]))
        let expected = ResponseHead(status: 302, fields: Fields(["location": "/x", "content-length": "0"]))
        do {
            let action = machine.receivedHead(head, bodyLength: .known(0))
            #expect(action == .head(expected, endsHere: false))
        }
    }

    @Test func `what is of the connection stays there`() {
        var machine = ForwardingStateMachine(isForHead: false)
        let head = ResponseHead(
            status: 200,
            fields: Fields([
                "connection": "x-hop", "x-hop": "1", "transfer-encoding": "chunked", "keep-alive": "1", "x": "1",
                "trailer": "y", "content-encoding": "gzip",
            ]))
        let expected = ResponseHead(status: 200, fields: Fields(["x": "1", "content-encoding": "gzip"]))
        do {
            let action = machine.receivedHead(head, bodyLength: .unknown)
            #expect(action == .head(expected, endsHere: false))
        }
    }

    @Test func `what is lost never ends well`() {
        for hasHead in [false, true] {
            var machine = ForwardingStateMachine(isForHead: false)
            if hasHead { _ = machine.receivedHead(Self.head, bodyLength: .known(5)) }
            do {
                let action = machine.lost(.connectionLost("cut"))
                #expect(action == .failed(.connectionLost("cut")))
            }
            do {
                let action = machine.receivedEnd()
                #expect(action == .drop)
            }
        }
        var machine = ForwardingStateMachine(isForHead: false)
        do {
            let action = machine.receivedEnd()
            #expect(action == .failed(.badUpstreamAnswer("an end without a head")))
        }
    }

    @Test func `a length that no writer could keep is refused`() {
        var machine = ForwardingStateMachine(isForHead: false)
        let action = machine.receivedHead(Self.head, bodyLength: .known(1_000_000_000_000_000))
        #expect(action == .failed(.badUpstreamAnswer("a content-length of 1000000000000000")))
    }
}

@Suite struct ForwardingTemplateTests {
    private func head(
        _ template: ForwardingTemplate, _ head: RequestHead, framing: ForwardingTemplate.BodyFraming = .none,
        body: String? = nil, change: (inout EventContext) -> Void = { _ in }
    ) -> [String] {
        var buffer = ByteBuffer()
        var context = EventContext(
            requestID: "id", connection: EventConnection(peerAddress: "9.9.9.9"), sourceAddress: "9.9.9.9",
            scheme: "https", port: 443, time: EventTime(WallTime(seconds: 1)),
            traceID: "Root=1-a")
        change(&context)
        let signature = body.map {
            ForwardingSignature(
                signer: SigV4Signer(), credentials: Credentials(accessKeyID: "AKID", secretAccessKey: "secret"),
                body: $0.utf8.span, at: WallTime(seconds: 1_767_323_045))
        }
        template.appendHead(to: &buffer, head: head, context: context, framing: framing, signature: signature)
        #expect(buffer.string().hasSuffix("\r\n\r\n"))
        return buffer.string().split(separator: "\r\n").map(String.init)
    }

    private func request(_ method: Method = .get, fields: KeyValuePairs<String, String> = [:]) -> RequestHead {
        RequestHead(
            method: method, target: Target(path: "/a%20b", routingPath: "/a%20b", query: "x=1"),
            authority: Authority(host: "example.com", port: 8443), fields: Fields(fields))
    }

    @Test func `a head is the client's with what the gateway knows`() throws {
        let template = ForwardingTemplate(
            endpoint: try ServiceEndpoint(parsing: "http://inner:81/base"), signingFor: nil)
        #expect(template.streamsBody)
        #expect(
            self.head(
                template,
                self.request(fields: ["Host": "x", "X-A": "1", "Authorization": "b", "expect": "100-continue"]),
                framing: .chunked) == [
                    "GET /base/a%20b?x=1 HTTP/1.1", "host: inner:81", "X-A: 1", "Authorization: b",
                    "x-forwarded-for: 9.9.9.9", "x-real-ip: 9.9.9.9", "x-forwarded-proto: https",
                    "x-forwarded-port: 443", "x-forwarded-host: example.com:8443", "x-request-id: id",
                    "x-amzn-trace-id: Root=1-a", "transfer-encoding: chunked",
                ])
    }

    @Test func `what trusted proxies said is kept`() throws {
        let template = ForwardingTemplate(endpoint: try ServiceEndpoint(parsing: "http://inner"), signingFor: nil)
        let head = self.request(fields: ["X-Forwarded-For": "1.1.1.1, 2.2.2.2", "x-forwarded-for": "3.3.3.3"])
        #expect(self.head(template, head).contains("x-forwarded-for: 9.9.9.9"))
        let kept = self.head(template, head) {
            $0.connection = EventConnection(peerAddress: "10.0.0.1", keepsForwardedFor: true)
        }
        #expect(kept.contains("x-forwarded-for: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.1"))
        #expect(kept.contains("x-real-ip: 9.9.9.9"))
        let told = self.head(template, self.request(fields: ["Forwarded": "for=9.9.9.9"])) {
            $0.connection = EventConnection(peerAddress: "10.0.0.1", keepsForwardedFor: true)
        }
        #expect(told.contains("x-forwarded-for: 9.9.9.9, 10.0.0.1"))
    }

    @Test(
        arguments: [
            (Method.get, BodyLength.none, ForwardingTemplate.BodyFraming.none), (.post, .none, .length(0)),
            (.delete, .none, .none), (.get, .known(3), .length(3)), (.put, .unknown, .chunked),
        ])
    func `a body is framed as it came`(
        method: Method, length: BodyLength, framing: ForwardingTemplate.BodyFraming
    ) {
        var head = self.request(method)
        head.bodyLength = length
        #expect(ForwardingTemplate.framing(of: head) == framing)
    }

    @Test func `a signed head holds up to a verifier's eye`() throws {
        let template = ForwardingTemplate(
            endpoint: try ServiceEndpoint(parsing: "https://id.lambda-url.eu-west-1.on.aws"), signingFor: "eu-west-1")
        #expect(!template.streamsBody)
        let lines = self.head(
            template,
            self.request(
                .post,
                fields: ["content-type": "a/b", "authorization": "Bearer x", "x-amz-date": "1", "X-Amz-Foo": "1"]),
            framing: .length(2), body: "hi")
        #expect(lines[1] == "host: id.lambda-url.eu-west-1.on.aws")
        #expect(lines.contains("x-forwarded-authorization: Bearer x"))
        #expect(lines.contains("x-amz-date: 20260102T030405Z"))
        #expect(!lines.contains { $0.lowercased().hasPrefix("x-amz-foo") })
        #expect(
            lines.filter { $0.hasPrefix("authorization: ") }.map {
                $0.split(separator: ", ").dropLast().joined(separator: ", ")
            } == [
                "authorization: AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/lambda/aws4_request, "
                    + "SignedHeaders=content-type;host;x-amz-date"
            ])
    }

    @Test(
        arguments: [
            ("https://abc.lambda-url.eu-west-1.on.aws", "eu-west-1"),
            ("https://abc.lambda-url.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1"),
            ("https://example.com", nil), ("https://lambda-url.eu-west-1.on.aws", nil),
        ] as [(String, String?)])
    func `a function URL names its region`(url: String, region: String?) throws {
        #expect(try ServiceEndpoint(parsing: url).functionURLRegion == region)
    }
}
