import Bytes
import HTTP
import JSON
import Lambda
import Testing

/// Buffered answers by the rules of function URLs and of HTTP API 2.0.
@Suite struct BufferedAnswerTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let json: String
        let head: ResponseHead
        let body: String
        var testDescription: String { self.json }

        init(_ json: String, _ status: Int, _ fields: KeyValuePairs<String, String>, _ body: String) {
            self.json = json
            self.head = ResponseHead(status: status, fields: Fields(fields))
            self.body = body
        }
    }

    static let rows = [
        Row(
            #"{"statusCode":201,"headers":{"Content-Type":"a/b","X":"1"},"cookies":["a=1","b=2"],"body":"hi"}"#, 201,
            ["content-type": "a/b", "x": "1", "set-cookie": "a=1", "set-cookie": "b=2", "content-length": "2"], "hi"),
        Row(
            #"{"statusCode":"418","body":"aGk\u003d","isBase64Encoded":true}"#, 418,
            ["content-type": "application/json", "content-length": "2"], "hi"),
        Row(
            #"{"statusCode":200,"body":"\/w==","isBase64Encoded":true}"#, 200,
            ["content-type": "application/json", "content-length": "1"], "\u{FFFD}"),
        Row(
            #"{"statusCode":200,"body":"aGk=","isBase64Encoded":false}"#, 200,
            ["content-type": "application/json", "content-length": "4"], "aGk="),
        Row(#"{"statusCode":200}"#, 200, ["content-type": "application/json", "content-length": "0"], ""),
        Row(#"{"statusCode":200,"body":null}"#, 200, ["content-type": "application/json", "content-length": "0"], ""),
        // What it says of its length is not believed where the length is known.
        Row(
            #"{"statusCode":200,"headers":{"content-length":"99","transfer-encoding":"chunked"},"body":"hi"}"#, 200,
            ["content-type": "application/json", "content-length": "2"], "hi"),
        Row(
            #"{"statusCode":200,"multiValueHeaders":{"x":["1","2"]},"body":"é"}"#, 200,
            ["x": "1", "x": "2", "content-type": "application/json", "content-length": "2"], "é"),
        // JSON that is no answer is the body, in its shortest form; a string without its quotes.
        Row(
            #" { "a" : [ 1 , "b c\" d" , null ] } "#, 200,
            ["content-type": "application/json", "content-length": "24"], #"{"a":[1,"b c\" d",null]}"#),
        Row(#" "a\n\u00e9" "#, 200, ["content-type": "application/json", "content-length": "4"], "a\né"),
        Row("[1, 2]", 200, ["content-type": "application/json", "content-length": "5"], "[1,2]"),
        Row("null", 200, ["content-type": "application/json", "content-length": "4"], "null"),
        Row("1.50", 200, ["content-type": "application/json", "content-length": "4"], "1.50"),
        Row("", 200, ["content-length": "0"], ""),
    ]

    @Test(arguments: rows)
    func `a gathered document becomes an answer`(row: Row) {
        let outcome = Outcome.of(Answer(row.json), mode: .buffered)
        #expect(outcome.head == row.head)
        #expect(outcome.text == row.body)
        #expect(outcome.isComplete)
    }

    @Test(
        arguments: [
            (#"{"statusCode":99}"#, AnswerError.badStatus("99")),
            (#"{"statusCode":200,"body":{}}"#, .badMember("body")),
            (#"{"statusCode":200,"body":1}"#, .badMember("body")),
            (#"{"statusCode":200,"body":"x","isBase64Encoded":1}"#, .badMember("isBase64Encoded")),
            (#"{"statusCode":200,"body":"a b","isBase64Encoded":true}"#, .badBase64),
            (#"{"statusCode":200"#, .notJSON(JSONError(.unexpectedEnd, at: 17))),
            ("plain", .notJSON(JSONError(.unexpectedByte(0x70), at: 0))),
            ("{}" + delimiter, .notJSON(JSONError(.trailingBytes, at: 2))),
        ] as [(String, AnswerError)])
    func `a gathered document that is no answer is a failure`(json: String, error: AnswerError) {
        let outcome = Outcome.of(Answer(json), mode: .buffered)
        #expect(outcome.head == nil)
        #expect(outcome.failure == .badAnswer(error))
    }

    @Test(
        arguments: [
            ("HEAD", 200, "5", "5"), ("HEAD", 200, nil, "2"), ("GET", 304, "5", "5"), ("GET", 304, nil, "2"),
            ("GET", 204, "5", nil),
        ] as [(String, Int, String?, String?)])
    func `an answer without body tells the length of the body that is not sent`(
        method: String, status: Int, stated: String?, told: String?
    ) {
        let headers = stated.map { #","headers":{"content-length":"\#($0)"}"# } ?? ""
        let outcome = Outcome.of(
            Answer(#"{"statusCode":\#(status)\#(headers),"body":"hi"}"#), mode: .buffered,
            method: Method(rawValue: method))
        #expect(outcome.head?.fields.first("content-length") == told)
        #expect(outcome.endsHere)
        #expect(outcome.body.isEmpty)
        #expect(outcome.isComplete)
    }

    @Test func `a gathered answer is bounded`() {
        let chunk = [UInt8](repeating: 0x61, count: 1_000_000)
        let fits = Answer([[ASCII.quote], chunk, [ASCII.quote]])
        #expect(Outcome.of([fits.stream], mode: .buffered).body.count == 1_000_000)
        let tooLong = Outcome.of([Answer(Array(repeating: chunk, count: 7)).stream], mode: .buffered)
        #expect(tooLong.failure == .badAnswer(.tooLong(limit: 6_291_556)))
    }

    @Test(
        arguments: [
            #""headers":{"x-long":"\#(String(repeating: "a", count: 70_000))"}"#,
            #""headers":{"x":[\#(String(repeating: "1,", count: 3000))1]}"#,
            #""multiValueHeaders":{"x":["\#(String(repeating: "a", count: 70_000))"]}"#,
            #""cookies":["\#(String(repeating: "a", count: 70_000))"]"#,
        ])
    func `the fields of an answer are bounded`(_ member: String) {
        let outcome = Outcome.of(Answer(#"{"statusCode":200,\#(member),"body":"hi"}"#), mode: .buffered)
        #expect(outcome.failure == .badAnswer(.fieldsTooLong(limit: 65_536)))
        // They are no fields where it is no answer.
        #expect(Outcome.of(Answer("{\(member)}"), mode: .buffered).isComplete)
    }

    @Test func `fields that are not too long are passed on`() {
        let value = String(repeating: "a", count: 60_000)
        let outcome = Outcome.of(Answer(#"{"statusCode":200,"headers":{"x-long":"\#(value)"}}"#), mode: .buffered)
        #expect(outcome.head?.fields.first("x-long")?.count == 60_000)
    }

    @Test func `a document of very many values is passed on`() {
        let json = "[" + String(repeating: "0, ", count: 120_000) + "0]"
        #expect(Outcome.of([Answer(json).stream], mode: .buffered).body.count == 240_003)
    }
}
