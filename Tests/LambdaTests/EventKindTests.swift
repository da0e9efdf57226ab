import Bytes
import HTTP
import JSON
import Lambda
import TestSupport
import Testing

/// The events of HTTP APIs, REST APIs and load balancers, and the body as the event.
@Suite struct EventKindTests {
    static let httpAPI = EventFormat(
        .httpAPI, stage: "live", stageVariables: [EventPair(name: "backend", value: "blue")], account: "123456789012")
    static let rest = EventFormat(
        .v1, stage: "live", stageVariables: [EventPair(name: "backend", value: "blue")], account: "123456789012")
    static let targetGroup = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/tg/4efa1ab384b3474d"

    private func event(
        _ head: RequestHead, _ format: EventFormat, _ context: EventContext = EventV2Tests.context(), body: String = ""
    ) throws -> JSONValue {
        try EventV2Tests.event(head, context, format, body: body)
    }

    // HTTP APIs.

    @Test func `an HTTP API's event comes out field by field`() throws {
        let context = EventV2Tests.context {
            $0.traceID = EventV2Tests.trace
            $0.connection = EventV2Tests.tlsConnection
            $0.route = EventRoute(
                resource: "/capture/{name}", key: "POST /capture/{name}",
                parameters: [EventPair(name: "name", value: "space%20value")])
        }
        let head = EventV2Tests.captured(host: "id.execute-api.us-west-2.amazonaws.com")
        try EventV2Tests.expect(self.event(head, Self.httpAPI, context, body: #"{"message":"hi"}"#), "http-api-event")
    }

    @Test func `an HTTP API's event has nothing of what there is not`() throws {
        let event = try self.event(EventV2Tests.head(.get, "/a%3Fb"), EventFormat(.httpAPI))
        #expect(event["pathParameters"] == nil)
        #expect(event["stageVariables"] == nil)
        #expect(event["cookies"] == nil)
        #expect(event["routeKey"] == "$default")
        #expect(event["requestContext"]?["stage"] == "$default")
        // No stage in the path, and a question mark that was encoded does not end it.
        #expect(event["rawPath"] == "/a?b")
        #expect(event["requestContext"]?["http"]?["path"] == "/a?b")
    }

    // mTLS adds requestContext.authentication.clientCert.
    @Test func `a client's certificate stands where each kind of API has it`() throws {
        let context = EventV2Tests.context {
            $0.connection = EventConnection(
                peerAddress: "68.8.83.18",
                clientCertificate: EventClientCertificate(
                    pem: "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n", subject: "CN=a,O=\"b\"",
                    issuer: "CN=ca", serialNumber: "a1:0b", notBefore: "May 28 12:30:02 2019 GMT",
                    notAfter: "Aug  5 09:36:04 2021 GMT"))
        }
        let head = EventV2Tests.head()
        let found = [
            try self.event(head, EventV2Tests.format, context)["requestContext"]?["authentication"]?["clientCert"],
            try self.event(head, Self.httpAPI, context)["requestContext"]?["authentication"]?["clientCert"],
            try self.event(head, Self.rest, context)["requestContext"]?["identity"]?["clientCert"],
        ]
        for certificate in found {
            #expect(certificate?["clientCertPem"] == "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n")
            #expect(certificate?["subjectDN"] == "CN=a,O=\"b\"")
            #expect(certificate?["issuerDN"] == "CN=ca")
            #expect(certificate?["serialNumber"] == "a1:0b")
            #expect(certificate?["validity"]?["notBefore"] == "May 28 12:30:02 2019 GMT")
            #expect(certificate?["validity"]?["notAfter"] == "Aug  5 09:36:04 2021 GMT")
        }
        let without = try self.event(head, Self.rest)
        #expect(without["requestContext"]?["identity"]?["clientCert"] == nil)
    }

    // REST APIs.

    @Test func `a REST API's event comes out field by field`() throws {
        let context = EventV2Tests.context {
            $0.traceID = EventV2Tests.trace
            $0.route = EventRoute(
                resource: "/{proxy+}", key: "ANY /{proxy+}",
                parameters: [EventPair(name: "proxy", value: "capture/space%20value")])
        }
        let head = EventV2Tests.captured(host: "id.execute-api.us-west-2.amazonaws.com")
        try EventV2Tests.expect(self.event(head, Self.rest, context, body: #"{"message":"hi"}"#), "rest-api-event")
    }

    @Test func `what a REST API does not know is null`() throws {
        let event = try self.event(EventV2Tests.head(), EventFormat(.v1))
        for name in [
            "body", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables",
        ] {
            #expect(event[name] == .null, "\(name)")
        }
        #expect(event["isBase64Encoded"] == false)
        #expect(event["requestContext"]?["stage"] == "prod")
        #expect(event["requestContext"]?["path"] == "/prod/")
        #expect(event["requestContext"]?["identity"]?["userAgent"] == .null)
    }

    @Test func `a REST API keeps the spelling of names, but for a few`() throws {
        let event = try self.event(
            EventV2Tests.head(
                fields: [
                    "tEsT-HEADeR": "1", "user-agent": "a", "AUTHORIZATION": "b", "x-forwarded-for": "c",
                    "Content-Length": "5", "CONNECTION": "close", "X-Two": "1", "x-two": "2",
                ]), EventFormat(.v1))
        let headers = try #require(event["headers"]?.object)
        #expect(
            headers.members.map(\.key) == [
                "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "Host", "tEsT-HEADeR", "User-Agent",
                "Authorization", "X-Two",
            ])
        #expect(headers["X-Forwarded-For"] == "68.8.83.18")
        #expect(headers["X-Two"] == "2")
        #expect(event["multiValueHeaders"]?["X-Two"] == ["1", "2"])
    }

    @Test func `a REST API's path keeps double slashes but for those in front`() throws {
        let head = EventV2Tests.head(.get, "//a//b%20c/")
        let event = try self.event(head, Self.rest)
        #expect(event["path"] == "/a//b%20c/")
        // LAMBDA_WIRE 5.2: there the path stands as it was sent.
        #expect(event["requestContext"]?["path"] == "/live//a//b%20c/")
    }

    @Test(
        arguments: [
            (nil, [], false), ("application/octet-stream", [], false), ("image/png", ["image/png"], true),
            ("image/png; q=1", ["image/*"], true), ("IMAGE/PNG", ["image/png"], true),
            ("image/pngs", ["image/png"], false),
            ("text/plain", ["*/*"], true), (nil, ["*/*"], true), (nil, ["image/*"], false),
        ] as [(String?, [String], Bool)])
    func `a REST API's binary types decide alone`(type: String?, patterns: [String], isBase64: Bool) throws {
        var head = EventV2Tests.head(.post)
        if let type { head.fields.append("Content-Type", type) }
        let format = EventFormat(.v1, bodyTypes: BodyTypes(binary: patterns.compactMap { MediaTypePattern($0) }))
        let event = try self.event(head, format, body: "hi")
        #expect(event["isBase64Encoded"] == .bool(isBase64))
        #expect(event["body"] == (isBase64 ? "aGk=" : "hi"))
    }

    @Test func `a body that is no UTF-8 goes as base64, whatever the types say`() throws {
        for format in [EventFormat(.v1), EventFormat(.v2, bodyTypes: BodyTypes(text: [MediaTypePattern("*/*")!]))] {
            let text = EventV2Tests.text(EventV2Tests.head(.post), EventV2Tests.context(), format, body: [0xff])
            let event = try JSONValue(parsing: text.utf8.span)
            #expect(event["body"] == "/w==")
            #expect(event["isBase64Encoded"] == true)
        }
    }

    // Load balancers.

    @Test(arguments: [EventFormat.Kind.alb, .albMultiValue])
    func `a load balancer's event comes out field by field`(kind: EventFormat.Kind) throws {
        let context = EventV2Tests.context {
            $0.traceID = EventV2Tests.trace
            $0.scheme = "http"
            $0.port = 80
        }
        let head = EventV2Tests.captured(host: "lb.us-west-2.elb.amazonaws.com")
        let event = try self.event(
            head, EventFormat(kind, targetGroup: Self.targetGroup), context, body: #"{"message":"hi"}"#)
        try EventV2Tests.expect(event, kind == .alb ? "load-balancer-event" : "load-balancer-multi-value-event")
    }

    @Test func `a load balancer's event without query and body has empty ones`() throws {
        let single = try self.event(EventV2Tests.head(), EventFormat(.alb))
        #expect(single["queryStringParameters"] == [:])
        #expect(single["multiValueHeaders"] == nil)
        #expect(single["body"] == "")
        let multi = try self.event(EventV2Tests.head(), EventFormat(.albMultiValue))
        #expect(multi["multiValueQueryStringParameters"] == [:])
        #expect(multi["headers"] == nil)
        #expect(multi["isBase64Encoded"] == false)
    }

    @Test func `a load balancer's event has the request's id in place of the client's`() throws {
        let event = try self.event(
            EventV2Tests.head(fields: ["X-Request-Id": "theirs", "x-request-id": "again"]), EventFormat(.albMultiValue))
        #expect(event["multiValueHeaders"]?["x-request-id"] == ["d16a6b55-dea9-4b23-8499-eb85c3d2d904"])
    }

    @Test(arguments: [EventFormat.Kind.v1, .alb, .albMultiValue])
    func `cookies on several lines are one header`(kind: EventFormat.Kind) throws {
        let head = EventV2Tests.head(fields: ["cookie": "a=1", "x": "1", "cookie": "b=2"])
        let event = try self.event(head, EventFormat(kind))
        if kind != .albMultiValue { #expect(event["headers"]?["cookie"] == "a=1; b=2") }
        if kind != .alb { #expect(event["multiValueHeaders"]?["cookie"] == ["a=1; b=2"]) }
    }

    // The body as the event.

    @Test(arguments: [("", "{}"), ("{\"a\": 1}", "{\"a\": 1}"), (" [1] ", " [1] "), ("\"x\"", "\"x\"")])
    func `raw takes the body as it is`(body: String, event: String) {
        let format = EventFormat(.raw)
        let isTaken = format.takes(body.utf8.span)
        #expect(isTaken)
        #expect(
            EventV2Tests.text(EventV2Tests.head(.post), EventV2Tests.context(), format, body: Array(body.utf8)) == event
        )
    }

    @Test(arguments: ["{", "hello", " ", "{}{}", "{\"a\":\u{1}}", "nul"])
    func `raw takes no body that is no JSON`(body: String) {
        let isTaken = EventFormat(.raw).takes(body.utf8.span)
        let isTakenByOthers = EventFormat(.v2).takes(body.utf8.span)
        #expect(!isTaken)
        #expect(isTakenByOthers)
    }

    // All kinds.

    @Test(
        arguments: [
            ("application/x-ndjson", ["application/x-ndjson"], [], true), ("application/x-ndjson", [], [], false),
            ("application/problem+json", ["application/*+json"], [], true), ("application/json", [], ["*/*"], false),
            ("application/json", ["application/*+json"], [], true), ("text/csv", ["image/*"], ["text/csv"], false),
            ("text/csv", ["text/*"], ["text/csv"], false),
        ] as [(String, [String], [String], Bool)])
    func `text and binary types of the configuration come first`(
        type: String, text: [String], binary: [String], isText: Bool
    ) throws {
        let types = BodyTypes(
            text: text.compactMap { MediaTypePattern($0) }, binary: binary.compactMap { MediaTypePattern($0) })
        for kind in [EventFormat.Kind.v2, .httpAPI, .alb, .albMultiValue] {
            let head = EventV2Tests.head(.post, fields: ["Content-Type": type])
            let event = try self.event(head, EventFormat(kind, bodyTypes: types), body: "hi")
            #expect(event["isBase64Encoded"] == .bool(!isText), "\(kind)")
            let encoded = EventV2Tests.head(.post, fields: ["Content-Type": type, "Content-Encoding": "gzip"])
            #expect(try self.event(encoded, EventFormat(kind, bodyTypes: types), body: "hi")["isBase64Encoded"] == true)
        }
    }

    @Test(arguments: ["image", "image/", "/png", "*/png", "image/*x*", "im age/png", "a/b/c", "", "image/png;q=1"])
    func `what is no media type is no pattern`(text: String) {
        #expect(MediaTypePattern(text) == nil)
    }

    @Test(
        arguments: EventFormat.Kind.allCases,
        [("application/octet-stream", 3_200_000), ("application/octet-stream", 3_200_001), ("text/plain", 3_200_000)])
    func `the least size is the size, for bodies without escapes`(
        kind: EventFormat.Kind, body: (type: String, count: Int)
    ) {
        // What is no UTF-8 would be longer than what a REST API takes for text.
        let head = EventV2Tests.head(.post, query: "a=1&a=2", fields: ["Content-Type": body.type, "X-Quote": "\"\""])
        let context = EventV2Tests.context()
        let format = EventFormat(kind)
        var buffer = ByteBuffer()
        format.append(
            to: &buffer, head: head, context: context, body: [UInt8](repeating: 0x61, count: body.count).span)
        #expect(format.leastSize(head: head, context: context, bodyCount: body.count) == buffer.count)
    }

    @Test(arguments: UInt64(0)..<60)
    func `whatever a client sends, it cannot break out of its string`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func text(_ limit: Int) -> [UInt8] { random.bytes(Int.random(in: 0...limit, using: &random)) }
        var head = EventV2Tests.head(
            Method(rawValue: "X\"\\"), "/" + String(decoding: text(40), as: UTF8.self),
            query: String(decoding: text(60), as: UTF8.self), host: String(decoding: text(20), as: UTF8.self))
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            head.fields.append(name: text(12).span, value: text(40).span)
        }
        let context = EventV2Tests.context {
            $0.route = EventRoute(
                resource: "/{a}", key: "ANY /{a}",
                parameters: [EventPair(name: "a", value: String(decoding: text(20), as: UTF8.self))])
        }
        for kind in [EventFormat.Kind.httpAPI, .v1, .alb, .albMultiValue] {
            let text = EventV2Tests.text(head, context, EventFormat(kind), body: text(60))
            let event = try JSONValue(parsing: text.utf8.span)
            #expect(event["requestContext"] != nil)
            #expect(event["isBase64Encoded"]?.bool != nil)
        }
    }
}
