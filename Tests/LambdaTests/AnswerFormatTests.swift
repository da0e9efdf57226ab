import Bytes
import HTTP
import JSON
import Lambda
import Testing

/// Buffered answers by the rules of HTTP APIs, REST APIs and load balancers, where they differ from function URLs.
@Suite struct AnswerFormatTests {
    typealias Row = BufferedAnswerTests.Row

    private func expect(_ row: Row, _ format: AnswerFormat) throws {
        var body = ByteBuffer()
        let head = try BufferedAnswer.parse(row.json.utf8.span, format: format, isForHead: false, into: &body)
        #expect(head == row.head)
        #expect(body.string() == row.body)
    }

    private func expectFault(_ json: String, _ format: AnswerFormat, _ error: AnswerError) {
        #expect(throws: error) {
            var body = ByteBuffer()
            _ = try BufferedAnswer.parse(json.utf8.span, format: format, isForHead: false, into: &body)
        }
    }

    static let text: KeyValuePairs = ["content-type": "text/plain; charset=UTF-8", "content-length": "2"]

    @Test(arguments: [
        Row(#"{"statusCode":"201","body":"hi"}"#, 201, text, "hi"),
        Row(
            #"{"statusCode":200,"cookies":["a=1"],"body":"aGk=","isBase64Encoded":true}"#, 200,
            ["set-cookie": "a=1", "content-type": "text/plain; charset=UTF-8", "content-length": "2"], "hi"),
        Row(#"{ "a": 1 }"#, 200, ["content-type": "application/json", "content-length": "7"], #"{"a":1}"#),
        Row(#""hi""#, 200, ["content-type": "application/json", "content-length": "2"], "hi"),
        // What is no JSON at all is passed on as well.
        Row("{oops", 200, ["content-type": "application/json", "content-length": "5"], "{oops"),
    ])
    func `an HTTP API's answer`(row: Row) throws {
        try self.expect(row, .httpAPI)
    }

    static let json: KeyValuePairs = ["content-type": "application/json", "content-length": "2"]

    @Test(arguments: [
        Row(#"{"statusCode":201,"body":"hi"}"#, 201, json, "hi"),
        Row(#"{"statusCode":"201","body":"hi"}"#, 201, json, "hi"),
        // Without a status, but with known members alone.
        Row(#"{"body":"hi"}"#, 200, json, "hi"),
        // Both maps are sent; what both say, once.
        Row(
            #"{"statusCode":200,"headers":{"X":"1","Y":true,"z":"9"},"multiValueHeaders":{"x":["2","1"],"W":["8"]},"body":"hi"}"#,
            200,
            [
                "x": "2", "x": "1", "w": "8", "y": "true", "z": "9", "content-type": "application/json",
                "content-length": "2",
            ], "hi"),
        Row(
            #"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#, 200,
            ["content-type": "application/json", "content-length": "4"], "aGk="),
    ])
    func `a REST API's answer`(row: Row) throws {
        try self.expect(row, .rest(decodesBase64: false))
    }

    @Test func `a REST API's base64 is decoded for clients that accept it`() throws {
        try self.expect(
            Row(#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#, 200, Self.json, "hi"),
            .rest(decodesBase64: true))
        let png = EventFormat(.v1, bodyTypes: BodyTypes(binary: [MediaTypePattern("image/png")!]))
        #expect(png.answerFormat(to: ["accept": "text/html, image/PNG;q=0.5"]) == .rest(decodesBase64: true))
        #expect(png.answerFormat(to: ["accept": "text/html"]) == .rest(decodesBase64: false))
        #expect(png.answerFormat(to: [:]) == .rest(decodesBase64: false))
        #expect(EventFormat(.v1).answerFormat(to: ["accept": "*/*"]) == .rest(decodesBase64: false))
        let any = EventFormat(.v1, bodyTypes: BodyTypes(binary: [MediaTypePattern("*/*")!]))
        #expect(any.answerFormat(to: [:]) == .rest(decodesBase64: true))
    }

    @Test(
        arguments: [
            (#"{"statusCode":200,"a":1}"#, .unknownMember("a")), (#"{"a":1}"#, .unknownMember("a")),
            (#"{"statusCode":200,"cookies":[]}"#, .unknownMember("cookies")), ("{}", .noStatusCode),
            (#""hi""#, .notObject), ("null", .notObject), ("[]", .notObject),
            (#"{"statusCode":"abc"}"#, .badStatus(#""abc""#)),
            (#"{"statusCode":200,"body":{}}"#, .badMember("body")),
            (#"{"statusCode":200,"headers":{"a":{}}}"#, .badMember("headers")),
            ("oops", .notJSON(JSONError(.unexpectedByte(0x6f), at: 0))),
            ("", .notJSON(JSONError(.unexpectedEnd, at: 0))),
        ] as [(String, AnswerError)])
    func `what is no answer of a REST API`(json: String, error: AnswerError) {
        self.expectFault(json, .rest(decodesBase64: false), error)
    }

    static let octets: KeyValuePairs = ["content-type": "application/octet-stream", "content-length": "2"]

    @Test func `a load balancer's answer has the headers that are configured`() throws {
        let both =
            #"{"statusCode":200,"statusDescription":"200 OK","headers":{"x":"1"},"multiValueHeaders":{"x":["2","3"]},"body":"hi"}"#
        let rest: (KeyValuePairs<String, String>) = [
            "x": "1", "content-type": "application/octet-stream", "content-length": "2",
        ]
        try self.expect(Row(both, 200, rest, "hi"), .loadBalancer(hasLists: false))
        try self.expect(
            Row(
                both, 200, ["x": "2", "x": "3", "content-type": "application/octet-stream", "content-length": "2"], "hi"
            ),
            .loadBalancer(hasLists: true))
        // The other map stands in where the right one is missing.
        try self.expect(
            Row(#"{"statusCode":200,"headers":{"x":"1"},"body":"hi"}"#, 200, rest, "hi"), .loadBalancer(hasLists: true))
        try self.expect(
            Row(#"{"statusCode":404,"body":"aGk=","isBase64Encoded":true}"#, 404, Self.octets, "hi"),
            .loadBalancer(hasLists: false))
    }

    @Test(
        arguments: [
            (#"{"statusCode":"200"}"#, .badStatus(#""200""#)), (#"{"body":"hi"}"#, .noStatusCode),
            ("{}", .noStatusCode),
            (#""hi""#, .notObject),
        ] as [(String, AnswerError)])
    func `what is no answer to a load balancer`(json: String, error: AnswerError) {
        self.expectFault(json, .loadBalancer(hasLists: false), error)
    }

    @Test(arguments: EventFormat.Kind.allCases)
    func `each kind of event has its own format of answers`(kind: EventFormat.Kind) {
        let format = EventFormat(kind).answerFormat(to: [:])
        switch kind {
        case .v2, .raw: #expect(format == .functionURL)
        case .httpAPI: #expect(format == .httpAPI)
        case .v1: #expect(format == .rest(decodesBase64: false))
        case .alb: #expect(format == .loadBalancer(hasLists: false))
        case .albMultiValue: #expect(format == .loadBalancer(hasLists: true))
        }
    }
}
