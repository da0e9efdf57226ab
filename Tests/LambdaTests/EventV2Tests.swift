import Bytes
import Foundation
import HTTP
import JSON
import Lambda
import TestSupport
import Testing
import Time

@Suite struct EventV2Tests {
    static let time = WallTime(milliseconds: 1_783_711_146_671)

    static func context(_ change: (inout EventContext) -> Void = { _ in }) -> EventContext {
        var context = EventContext(
            requestID: "d16a6b55-dea9-4b23-8499-eb85c3d2d904", connection: EventConnection(peerAddress: "68.8.83.18"),
            sourceAddress: "68.8.83.18", scheme: "https", port: 443, time: EventTime(self.time))
        change(&context)
        return context
    }

    static func head(
        _ method: Method = .get, _ path: String = "/", query: String = "", host: String? = "example.com",
        version: HTTPVersion = .http11, fields: KeyValuePairs<String, String> = [:]
    ) -> RequestHead {
        RequestHead(
            method: method, target: Target(path: path, routingPath: path, query: query), version: version,
            authority: host.map { Authority(host: $0) }, fields: Fields(fields))
    }

    static let format = EventFormat(.v2)

    /// An event, of a request as it came to the gateway.
    static func text(
        _ head: RequestHead, _ context: EventContext = context(), _ format: EventFormat = format, body: [UInt8] = []
    ) -> String {
        var buffer = ByteBuffer()
        var head = head
        head.fields.removeUnforwardable()
        format.append(to: &buffer, head: head, context: context, body: body.span)
        return buffer.string()
    }

    static func event(
        _ head: RequestHead, _ context: EventContext = context(), _ format: EventFormat = format, body: String = ""
    ) throws -> JSONValue {
        try JSONValue(parsing: self.text(head, context, format, body: Array(body.utf8)).utf8.span)
    }

    static func vector(_ name: String) throws -> JSONValue {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../Vectors/lambda/\(name).json")
        return try JSONValue(parsing: [UInt8](Data(contentsOf: file)).span)
    }

    /// That an event is the one of a file, member by member.
    static func expect(
        _ event: JSONValue, _ vector: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try self.vector(vector)
        for (key, value) in try #require(expected.object).members {
            guard let members = value.object?.members, let own = event[key] else {
                #expect(event[key] == value, "\(key)", sourceLocation: sourceLocation)
                continue
            }
            for (name, value) in members {
                #expect(own[name] == value, "\(key).\(name)", sourceLocation: sourceLocation)
            }
        }
        #expect(event == expected, sourceLocation: sourceLocation)
    }

    /// The request that all captures are of.
    static func captured(host: String) -> RequestHead {
        self.head(
            .post, "/capture/space%20value",
            query: "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b"
                + "&encodedPlus=a%2Bb&empty=",
            host: host,
            fields: [
                "Host": "any", "User-Agent": "curl/8.7.1", "accept": "*/*", "Connection": "keep-alive",
                "x-probe": "first", "cookie": "session=abc123; theme=dark", "x-probe": "second",
                "content-type": "application/json", "Content-Length": "66",
            ])
    }

    static let trace: ShortText = "Root=1-6a5145aa-290a323a5de9a2e0636377d4"
    static let tlsConnection = EventConnection(
        peerAddress: "68.8.83.18", tls: .init(version: "TLSv1.3", cipherSuite: "TLS_AES_128_GCM_SHA256"))

    @Test func `the captured request comes out field by field`() throws {
        let context = Self.context {
            $0.traceID = Self.trace
            $0.connection = Self.tlsConnection
        }
        let head = Self.captured(host: "urlid.lambda-url.us-west-2.on.aws")
        try Self.expect(Self.event(head, context, body: #"{"message":"hi"}"#), "function-url-event")
    }

    @Test func `a bare request has nothing that it did not send`() throws {
        let event = try Self.event(Self.head())
        #expect(
            event.object?.members.map(\.key) == [
                "version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded",
            ])
        #expect(event["rawQueryString"] == "")
        #expect(event["isBase64Encoded"] == false)
        #expect(event["requestContext"]?["http"]?["userAgent"] == "")
        #expect(
            event["headers"] == [
                "host": "example.com", "x-forwarded-for": "68.8.83.18", "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            ])
    }

    @Test func `a request has its own time, whichever one was written before`() throws {
        var time = EventTime(WallTime(milliseconds: 0))
        for (milliseconds, text) in [
            (999, "01/Jan/1970:00:00:00 +0000"), (1000, "01/Jan/1970:00:00:01 +0000"),
            (1999, "01/Jan/1970:00:00:01 +0000"), (-1, "31/Dec/1969:23:59:59 +0000"),
            (1_783_711_146_671, "10/Jul/2026:19:19:06 +0000"),
        ] as [(Int64, String)] {
            time = time.moved(to: WallTime(milliseconds: milliseconds))
            let event = try Self.event(Self.head(), Self.context { $0.time = time })
            #expect(event["requestContext"]?["time"] == .string(text))
            #expect(event["requestContext"]?["timeEpoch"]?.integer == Int(milliseconds))
        }
    }

    @Test func `a request without a host gets the listener's`() throws {
        let context = Self.context {
            $0.connection = EventConnection(peerAddress: "68.8.83.18", defaultHost: "10.0.0.7")
        }
        let event = try Self.event(Self.head(host: nil, version: .http10), context)
        #expect(event["requestContext"]?["domainName"] == "10.0.0.7")
        #expect(event["requestContext"]?["domainPrefix"] == "10.0.0.7")
        #expect(event["requestContext"]?["http"]?["protocol"] == "HTTP/1.0")
        #expect(event["headers"]?["host"] == nil)
    }

    @Test(arguments: [
        ("a.b.example.com", "a"), ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("[::1]", "[::1]"),
        ("[fe80::1]", "[fe80::1]"),
    ])
    func `the domain prefix is the first label, or the whole address`(host: String, prefix: String) throws {
        var head = Self.head(host: host, fields: ["Host": "other.example.com"])
        head.authority?.port = 8080
        let event = try Self.event(head)
        #expect(event["requestContext"]?["domainName"] == .string(host))
        #expect(event["requestContext"]?["domainPrefix"] == .string(prefix))
        #expect(event["requestContext"]?["apiId"] == .string(prefix))
        #expect(event["headers"]?["host"] == .string(host + ":8080"))
    }

    @Test func `fields of the hop, the transport and the gateway are not the function's`() throws {
        let event = try Self.event(
            Self.head(fields: [
                "Connection": "close, X-Hop", "connection": "x-Hop-Two", "Keep-Alive": "timeout=5",
                "Proxy-Connection": "close", "Proxy-Authorization": "Basic eA==", "TE": "trailers", "Trailer": "x",
                "Transfer-Encoding": "chunked",
                "Upgrade": "h2c", "Proxy": "http://evil", "X_Real": "1", "X-Hop": "1", "X-Hop-Two": "2",
                "X-Forwarded-For": "1.1.1.1", "X-Forwarded-Port": "1", "X-Forwarded-Proto": "gopher",
                "X-Amzn-Trace-Id": "Root=evil", "X-Amzn-Tls-Version": "TLSv9", "X-Amzn-Tls-Cipher-Suite": "NULL",
                "Host": "evil", "X-Stays": "here", "X-Request-ID": "theirs", "X-Request-Id": "theirs again",
            ]))
        #expect(
            event["headers"] == [
                "host": "example.com", "x-forwarded-for": "68.8.83.18", "x-forwarded-port": "443",
                "x-forwarded-proto": "https", "x-stays": "here",
                "x-request-id": "d16a6b55-dea9-4b23-8499-eb85c3d2d904",
            ])
    }

    @Test(arguments: [EventFormat.Kind.v2, .httpAPI, .v1, .alb, .albMultiValue])
    func `each name stands once, whatever the client repeats`(kind: EventFormat.Kind) {
        let head = Self.head(fields: ["X-Request-ID": "a", "x-request-id": "b", "X-A": "1", "x-a": "2"])
        let text = Self.text(head, Self.context(), EventFormat(kind)).lowercased()
        // A parser would fold two members into one. REST APIs have two maps.
        for name in ["x-request-id", "x-a"] {
            #expect(text.components(separatedBy: "\"\(name)\":").count == (kind == .v1 ? 3 : 2), "\(text)")
        }
    }

    @Test func `what a trusted proxy forwarded is kept, with the proxy's address behind it`() throws {
        let context = Self.context {
            $0.connection = EventConnection(peerAddress: "10.0.0.1", keepsForwardedFor: true)
        }
        let event = try Self.event(
            Self.head(fields: ["X-Forwarded-For": "1.1.1.1", "x-forwarded-for": "68.8.83.18, 10.0.0.2"]), context)
        #expect(event["headers"]?["x-forwarded-for"] == "1.1.1.1, 68.8.83.18, 10.0.0.2, 10.0.0.1")
        #expect(event["requestContext"]?["http"]?["sourceIp"] == "68.8.83.18")
    }

    @Test func `what a trusted proxy said in Forwarded alone is told where functions look`() throws {
        let context = Self.context {
            $0.connection = EventConnection(peerAddress: "10.0.0.1", keepsForwardedFor: true)
        }
        let event = try Self.event(Self.head(fields: ["Forwarded": "for=68.8.83.18"]), context)
        #expect(event["headers"]?["x-forwarded-for"] == "68.8.83.18, 10.0.0.1")
    }

    @Test func `lines of one name are joined in order, whatever stands between them`() throws {
        let event = try Self.event(
            Self.head(fields: [
                "Accept": "a", "X-One": "1", "accept": "b", "Cookie": "a=1;b=2 ;; ", "ACCEPT": "c, d",
                "Cookie": "c=\"3\"",
                "X-Empty": "",
            ]))
        #expect(event["headers"]?["accept"] == "a,b,c, d")
        #expect(event["headers"]?["x-one"] == "1")
        #expect(event["headers"]?["x-empty"] == "")
        #expect(event["cookies"] == ["a=1", "b=2", "c=\"3\""])
        #expect(event["headers"]?["cookie"] == "a=1;b=2 ;; ; c=\"3\"")
    }

    @Test func `a Cookie field without a cookie makes no array`() throws {
        let event = try Self.event(Self.head(fields: ["Cookie": " ; "]))
        #expect(event["cookies"] == nil)
        #expect(event["headers"]?["cookie"] == " ; ")
    }

    @Test(
        arguments: [
            ("a=1&b=2", ["a": "1", "b": "2"]), ("a", ["a": ""]), ("a=", ["a": ""]), ("=a", ["": "a"]),
            ("a=b=c", ["a": "b=c"]),
            ("a=1&&b=2&", ["a": "1", "b": "2"]), ("a=1&%61=2&a=3", ["a": "1,2,3"]), ("a+b=1&a%20b=2", ["a b": "1,2"]),
            ("p=100%&q=%zz&r=%4", ["p": "100%", "q": "%zz", "r": "%4"]), ("u=%C3%A9", ["u": "é"]),
            ("bad=%FF", ["bad": "\u{FFFD}"]), ("q=%22%5C%00", ["q": "\"\\\0"]),
            ("a=1&b=2&a=3&b=4", ["a": "1,3", "b": "2,4"]),
        ] as [(String, [String: String])])
    func `query parameters are decoded and joined`(query: String, expected: [String: String]) throws {
        let event = try Self.event(Self.head(query: query))
        #expect(event["rawQueryString"] == .string(query))
        let parameters = try #require(event["queryStringParameters"]?.object)
        #expect(Dictionary(uniqueKeysWithValues: parameters.members.map { ($0.key, $0.value.string) }) == expected)
    }

    @Test(arguments: ["", "&", "&&"])
    func `a query without a parameter makes no object`(query: String) throws {
        let event = try Self.event(Self.head(query: query))
        #expect(event["queryStringParameters"] == nil)
        #expect(event["rawQueryString"] == .string(query))
    }

    @Test func `very many parameters are joined as few are, and as fast`() throws {
        let query = (0..<1000).map { "k\($0 % 300)=\($0)" }.joined(separator: "&")
        let parameters = try #require(try Self.event(Self.head(query: query))["queryStringParameters"]?.object)
        #expect(parameters.count == 300)
        #expect(parameters.members.first?.key == "k0")
        #expect(parameters["k7"] == "7,307,607,907")
        #expect(parameters["k299"] == "299,599,899")
        let bombs = String(repeating: "a&", count: 4000)
        #expect(try Self.event(Self.head(query: bombs))["queryStringParameters"]?["a"]?.string?.count == 3999)
    }

    @Test func `the path is given as sent and decoded, without a prefix that a route took away`() throws {
        let head = Self.head(.get, "/v1/a%2Fb%20c%FF/d+e")
        let whole = try Self.event(head)
        #expect(whole["rawPath"] == "/v1/a%2Fb%20c%FF/d+e")
        #expect(whole["requestContext"]?["http"]?["path"] == "/v1/a/b c\u{FFFD}/d+e")
        let stripped = try Self.event(head, Self.context { $0.path = "/a%2Fb%20c" })
        #expect(stripped["rawPath"] == "/a%2Fb%20c")
        #expect(stripped["requestContext"]?["http"]?["path"] == "/a/b c")
    }

    @Test(
        arguments: [
            ("text/plain", true), ("TEXT/HTML; charset=utf-8", true), ("application/json", true),
            ("Application/JSON;charset=utf-8", true), (" application/json ", true), ("application/javascript", true),
            ("application/xml", true), ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; boundary=x", false), ("application/vnd.api+json", false), ("image/svg+xml", false),
            ("application/octet-stream", false), ("text", false), ("text/", false), ("", false), (nil, false),
        ] as [(String?, Bool)])
    func `the media type says whether a body is text`(type: String?, isText: Bool) throws {
        var head = Self.head(.post)
        if let type { head.fields.append("Content-Type", type) }
        let event = try Self.event(head, body: "h\u{e9}llo")
        #expect(event["isBase64Encoded"] == .bool(!isText))
        #expect(event["body"] == (isText ? "h\u{e9}llo" : "aMOpbGxv"))
    }

    @Test func `text that is no UTF-8, or is encoded, goes as base64`() throws {
        let head = Self.head(.post, fields: ["Content-Type": "text/plain"])
        let bad = try JSONValue(parsing: Self.text(head, body: [0x61, 0xff]).utf8.span)
        #expect(bad["body"] == "Yf8=")
        #expect(bad["isBase64Encoded"] == true)
        let encoded = try Self.event(
            Self.head(.post, fields: ["Content-Type": "text/plain", "Content-Encoding": "gzip"]), body: "x")
        #expect(encoded["body"] == "eA==")
        #expect(encoded["isBase64Encoded"] == true)
    }

    @Test(arguments: UInt64(0)..<100)
    func `whatever a client sends, it cannot break out of its string`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func text(_ limit: Int) -> [UInt8] { random.bytes(Int.random(in: 0...limit, using: &random)) }
        var head = Self.head(
            Method(rawValue: "X\"\\"), "/" + String(decoding: text(40), as: UTF8.self),
            query: String(decoding: text(60), as: UTF8.self), host: String(decoding: text(20), as: UTF8.self))
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            head.fields.append(name: text(12).span, value: text(40).span)
        }
        if Bool.random(using: &random) { head.fields.append("content-type", "text/plain") }
        let body = text(100)
        let event = try JSONValue(parsing: Self.text(head, body: body).utf8.span)
        #expect(event["requestContext"]?["stage"] == "$default")
        #expect(event["rawQueryString"] == .string(head.target.query))
        let sent = try #require(event["isBase64Encoded"]?.bool as Bool?)
        if sent {
            #expect(Data(base64Encoded: event["body"]?.string ?? "").map(Array.init) == body)
        } else {
            #expect(Array((event["body"]?.string ?? "").utf8) == body)
        }
    }
}

@Suite struct EventSizeTests {
    @Test(arguments: [
        ("application/octet-stream", 3_200_000), ("application/octet-stream", 3_200_001), ("text/plain", 3_200_000),
    ])
    func `the least size is the size, for bodies without escapes`(type: String, count: Int) {
        let head = EventV2Tests.head(.post, fields: ["Content-Type": type, "X-Quote": "\"\"\""])
        let context = EventV2Tests.context()
        let body = [UInt8](repeating: 0x61, count: count)
        var buffer = ByteBuffer()
        EventV2Tests.format.append(to: &buffer, head: head, context: context, body: body.span)
        #expect(EventV2Tests.format.leastSize(head: head, context: context, bodyCount: count) == buffer.count)
    }

    @Test(arguments: [0, 1, 2, 3, 100, 5000], [UInt8(0x22), 0xff, 0x61])
    func `the least size is never above the size`(count: Int, byte: UInt8) {
        let head = EventV2Tests.head(.post, fields: ["Content-Type": "text/plain"])
        let context = EventV2Tests.context()
        let body = [UInt8](repeating: byte, count: count)
        var buffer = ByteBuffer()
        EventV2Tests.format.append(to: &buffer, head: head, context: context, body: body.span)
        let least = EventV2Tests.format.leastSize(head: head, context: context, bodyCount: count)
        #expect(least <= buffer.count)
        #expect(least >= count)
    }

    @Test func `a body that cannot fit is known not to before it has come`() {
        let context = EventV2Tests.context()
        let text = EventV2Tests.head(.post, fields: ["Content-Type": "text/plain"])
        let octets = EventV2Tests.head(.post)
        let envelope = EventV2Tests.format.leastSize(head: octets, context: context, bodyCount: 4_500_000) - 6_000_000
        // The largest bodies of whole base64 groups that fit, and one byte more.
        let most = (EventFormat.sizeLimit - envelope) / 4 * 3
        #expect(EventV2Tests.format.leastSize(head: octets, context: context, bodyCount: most) <= EventFormat.sizeLimit)
        #expect(
            EventV2Tests.format.leastSize(head: octets, context: context, bodyCount: most + 1) > EventFormat.sizeLimit)
        #expect(
            EventV2Tests.format.leastSize(head: text, context: context, bodyCount: most + 1) <= EventFormat.sizeLimit)
        for count in [EventFormat.sizeLimit, EventFormat.sizeLimit + 1, .max] {
            #expect(
                EventV2Tests.format.leastSize(head: text, context: context, bodyCount: count) > EventFormat.sizeLimit)
        }
    }
}

@Suite struct Base64Tests {
    /// RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `the vectors of RFC 4648 go both ways`(plain: String, encoded: String) {
        var buffer = ByteBuffer()
        buffer.append(base64: plain.utf8.span)
        #expect(buffer.string() == encoded)
        for text in [encoded, encoded.replacing("=", with: "")] {
            var back = ByteBuffer()
            let isValid = Base64.decode(text.utf8.span, into: &back)
            #expect(isValid)
            #expect(back.string() == plain)
        }
    }

    @Test(arguments: ["a", "ab=", "abc=d", "====", "=", "ab==ab==", "ab c", "ab\n=", "a-_b", "abcd=", "abcde", "é==="])
    func `what is no base64 is refused and leaves nothing`(text: String) {
        var buffer = ByteBuffer()
        buffer.append("kept")
        let isValid = Base64.decode(text.utf8.span, into: &buffer)
        #expect(!isValid)
        #expect(buffer.string() == "kept")
    }

    @Test(arguments: UInt64(0)..<50)
    func `any bytes go both ways, as Foundation has them`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = random.bytes(Int.random(in: 0...200, using: &random))
        var buffer = ByteBuffer()
        buffer.append(base64: bytes.span)
        #expect(buffer.string() == Data(bytes).base64EncodedString())
        #expect(buffer.count == Base64.encodedCount(bytes.count))
        var back = ByteBuffer()
        let isValid = Base64.decode(buffer.bytes, into: &back)
        #expect(isValid)
        #expect(back.array() == bytes)
    }
}
