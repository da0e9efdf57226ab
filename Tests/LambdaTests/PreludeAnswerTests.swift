import Bytes
import HTTP
import JSON
import Lambda
import TestSupport
import Testing

/// Answers with a head of their own, in the modes `prelude` and `auto`, which agree on them.
@Suite struct PreludeAnswerTests {
    static let octets: KeyValuePairs<String, String> = ["content-type": "application/octet-stream"]

    struct Row: Sendable, CustomTestStringConvertible {
        let json: String
        let status: Int
        let fields: Fields
        var testDescription: String { self.json }

        init(_ json: String, _ status: Int, _ fields: KeyValuePairs<String, String>) {
            self.json = json
            self.status = status
            self.fields = Fields(fields)
        }
    }

    static let rows = [
        Row(
            #"{"statusCode":201,"headers":{"content-type":"text/plain"},"cookies":["a=1; Path=/","b=2"]}"#, 201,
            ["content-type": "text/plain", "set-cookie": "a=1; Path=/", "set-cookie": "b=2"]),
        Row("{}", 200, octets),
        Row(#" {"statusCode" : 404} "#, 404, octets),
        Row(#"{"statusCode":"418"}"#, 418, octets),
        Row(#"{"statusCode":200.0}"#, 200, octets),
        Row(#"{"statusCode":null,"headers":null,"cookies":null,"multiValueHeaders":null}"#, 200, octets),
        Row(#"{"statusCode":500,"statusCode":599}"#, 599, octets),
        Row(#"{"st\u0061tusCode":203}"#, 203, octets),
        // Values that are no strings; what Rust writes where a header repeats.
        Row(
            #"{"headers":{"A":1,"b":true,"C":null,"d":["x","y",2,null],"e":-1.5e3,"f":[]}}"#, 200,
            ["a": "1", "b": "true", "d": "x", "d": "y", "d": "2", "e": "-1.5e3", "content-type": octets[0].value]),
        // multiValueHeaders are merged with headers, and win.
        Row(
            #"{"headers":{"X":"lost","Y":"kept"},"multiValueHeaders":{"x":["1","2"],"Content-Type":["a/b"]}}"#, 200,
            ["x": "1", "x": "2", "content-type": "a/b", "y": "kept"]),
        Row(
            #"{"headers":{"Set-Cookie":"a=1","set-cookie":"b=2"},"cookies":["c=3"]}"#, 200,
            ["set-cookie": "a=1", "set-cookie": "b=2", "set-cookie": "c=3", "content-type": octets[0].value]),
        // The same in every order of the members, and of a repeated one the last.
        Row(
            #"{"multiValueHeaders":{"x":["1","2"]},"headers":{"X":"lost","Y":"kept"}}"#, 200,
            ["x": "1", "x": "2", "y": "kept", "content-type": octets[0].value]),
        Row(
            #"{"cookies":["a=1"],"headers":{"set-cookie":"b=2","x":"1"},"statusCode":201}"#, 201,
            ["set-cookie": "a=1", "set-cookie": "b=2", "x": "1", "content-type": octets[0].value]),
        Row(
            #"{"cookies":["a=1"],"multiValueHeaders":{"x":["1"]},"headers":{"x":"lost","set-cookie":"b=2"}}"#, 200,
            ["set-cookie": "a=1", "x": "1", "set-cookie": "b=2", "content-type": octets[0].value]),
        Row(
            #"{"headers":{"a":"1"},"headers":{"b":"2"},"cookies":["c"],"cookies":["d"]}"#, 200,
            ["b": "2", "set-cookie": "d", "content-type": octets[0].value]),
        Row(
            #"{"multiValueHeaders":{"a":"1"},"headers":{"b":"2","a":"3"},"multiValueHeaders":{"b":"4"}}"#, 200,
            ["b": "4", "a": "3", "content-type": octets[0].value]),
        Row(#"{"headers":{"x\u002da":"b\tc \u00e9"}}"#, 200, ["x-a": "b\tc é", "content-type": octets[0].value]),
        Row(#"{"headers":{"x":"  trimmed\t "}}"#, 200, ["x": "trimmed", "content-type": octets[0].value]),
        Row(#"{"headers":{"x_y":"kept"}}"#, 200, ["x_y": "kept", "content-type": octets[0].value]),
        // Never passed.
        Row(
            #"""
            {"headers":{"Connection":"close, X-Hop","Keep-Alive":"1","Transfer-Encoding":"chunked","Upgrade":"h2c","TE":"x",
            "Trailer":"x","Proxy-Connection":"x","Proxy-Authenticate":"x","x-hop":"1","X-Request-Id":"mine","ok":"1"}}
            """#, 200, ["ok": "1", "content-type": octets[0].value]),
        Row(
            #"{"headers":{"":"1","a b":"1","a:":"1",":status":"1","a\r\nb":"1","é":"1","a\u0000":"1","ok":"1"}}"#, 200,
            ["ok": "1", "content-type": octets[0].value]),
        Row(
            #"{"headers":{"a":"x\r\nEvil: 1","b":"x\n","c":"\u0000","d":"\u007f","ok":"1"},"cookies":["a\r\nb"]}"#, 200,
            ["ok": "1", "content-type": octets[0].value]),
        // A content-length that cannot be believed is no content-length.
        Row(#"{"headers":{"content-length":"5,5"}}"#, 200, octets),
        Row(#"{"headers":{"content-length":"+5"}}"#, 200, octets),
        Row(#"{"headers":{"content-length":"-1"}}"#, 200, octets),
        Row(#"{"headers":{"content-length":""}}"#, 200, octets),
        Row(#"{"headers":{"content-length":"99999999999999999999"}}"#, 200, octets),
        Row(#"{"headers":{"content-length":"1000000000000000"}}"#, 200, octets),
        Row(#"{"headers":{"content-length":["1","2"]}}"#, 200, octets),
        Row(#"{"headers":{"content-length":["1","2"],"Content-Length":"1"}}"#, 200, octets),
        // Members that mean nothing here.
        Row(#"{"body":"ignored","isBase64Encoded":true,"deep":[{"}":[["\""]]}]}"#, 200, octets),
    ]

    @Test(arguments: rows, [ResponseMode.prelude, .auto])
    func `a prelude becomes a head`(row: Row, mode: ResponseMode) {
        guard mode == .prelude || row.json.hasPrefix("{") else { return }
        let outcome = Outcome.of(Answer(row.json + delimiter + "the body"), mode: mode)
        #expect(outcome.head == ResponseHead(status: row.status, fields: row.fields))
        #expect(!outcome.endsHere)
        #expect(outcome.text == "the body")
        #expect(outcome.isComplete)
    }

    @Test(
        arguments: [
            (#"{"statusCode":100}"#, AnswerError.badStatus("100")), (#"{"statusCode":101}"#, .badStatus("101")),
            (#"{"statusCode":199}"#, .badStatus("199")), (#"{"statusCode":600}"#, .badStatus("600")),
            (#"{"statusCode":0}"#, .badStatus("0")), (#"{"statusCode":-200}"#, .badStatus("-200")),
            (#"{"statusCode":2e2}"#, .badStatus("2e2")), (#"{"statusCode":200.5}"#, .badStatus("200.5")),
            (#"{"statusCode":"OK"}"#, .badStatus("\"OK\"")), (#"{"statusCode":""}"#, .badStatus("\"\"")),
            (#"{"statusCode":" 200"}"#, .badStatus("\" 200\"")), (#"{"statusCode":true}"#, .badStatus("true")),
            (#"{"statusCode":[200]}"#, .badStatus("[200]")), (#"{"statusCode":"200.0"}"#, .badStatus("\"200.0\"")),
            (#"{"headers":[]}"#, .badMember("headers")), (#"{"headers":"x"}"#, .badMember("headers")),
            (#"{"headers":{"a":{}}}"#, .badMember("headers")), (#"{"headers":{"a":[[1]]}}"#, .badMember("headers")),
            (#"{"multiValueHeaders":1}"#, .badMember("multiValueHeaders")),
            (#"{"cookies":"a=1"}"#, .badMember("cookies")),
            (#"{"cookies":[{}]}"#, .badMember("cookies")),
            (#"{"statusCode":200,}"#, .notJSON(JSONError(.unexpectedByte(0x7d), at: 18))),
        ] as [(String, AnswerError)], [ResponseMode.prelude, .auto])
    func `a prelude that is no head is a failure`(row: (String, AnswerError), mode: ResponseMode) {
        let outcome = Outcome.of(Answer(row.0 + delimiter + "the body"), mode: mode)
        #expect(outcome.head == nil)
        #expect(outcome.body.isEmpty)
        #expect(outcome.failure == .badAnswer(row.1))
        #expect(outcome.failure?.status == 502)
    }

    @Test(
        arguments: [
            ("", .endedInPrelude), ("x", .endedInPrelude), (#"{"statusCode":200}"#, .endedInPrelude),
            (#"{"statusCode":200}"# + String(repeating: "\0", count: 7), .endedInPrelude),
            (delimiter, .notJSON(JSONError(.unexpectedEnd, at: 0))), ("[]" + delimiter, .notObject),
            ("\"x\"" + delimiter, .notObject),
            ("{}\0\0\0x" + delimiter, .notJSON(JSONError(.trailingBytes, at: 2))),
            ("plain text" + delimiter, .notJSON(JSONError(.unexpectedByte(0x70), at: 0))),
        ] as [(String, AnswerError)])
    func `in the mode prelude, an answer without a head is a failure`(text: String, error: AnswerError) {
        #expect(Outcome.of(Answer(text), mode: .prelude).failure == .badAnswer(error))
    }

    @Test func `the delimiter is found wherever messages and pieces are cut`() {
        let json = #"{"statusCode":202,"headers":{"x":"\u0000}"}}"#
        let body = "\0\0body\0"
        let whole = Array((json + delimiter + body).utf8)
        for first in 0...whole.count {
            for second in [first, (first + whole.count) / 2, whole.count - 1] where second >= first {
                let payloads = [Array(whole[..<first]), Array(whole[first..<second]), Array(whole[second...])]
                for mode in [ResponseMode.prelude, .auto] {
                    let answer = Answer(payloads)
                    for pieces in [[answer.stream], answer.stream.map { [$0] }] {
                        let outcome = Outcome.of(pieces, mode: mode)
                        #expect(outcome.head?.status == 202)
                        #expect(outcome.text == body)
                        #expect(outcome.isComplete)
                    }
                }
            }
        }
    }

    @Test(arguments: [ResponseMode.prelude, .auto])
    func `a prelude may have 16 KiB and no more`(mode: ResponseMode) {
        func json(_ count: Int) -> String {
            let frame = #"{"headers":{"x":""}}"#
            return frame.replacing(#""""#, with: "\"" + String(repeating: "y", count: count - frame.utf8.count) + "\"")
        }
        let fits = Outcome.of([Answer(json(16_384) + delimiter + "body").stream], mode: mode)
        #expect(fits.head?.fields.first("x")?.utf8.count == 16_384 - 20)
        #expect(fits.text == "body")
        let tooLong = json(16_385) + delimiter + "body"
        for pieces in [[Answer(tooLong).stream], Answer(tooLong).stream.map { [$0] }] {
            let outcome = Outcome.of(pieces, mode: mode)
            if mode == .prelude {
                #expect(outcome.failure == .badAnswer(.noDelimiter(within: 16_384)))
            } else {
                #expect(outcome.head?.status == 200)
                #expect(outcome.text == tooLong)
            }
        }
    }

    @Test(
        arguments: [
            ("GET", #"{"statusCode":204,"headers":{"content-length":"3"}}"#, Fields()),
            (
                "GET", #"{"statusCode":304,"headers":{"content-length":"3","etag":"x"}}"#,
                ["etag": "x", "content-length": "3"]
            ),
            (
                "GET", #"{"headers":{"content-length":"0"}}"#,
                ["content-type": "application/octet-stream", "content-length": "0"]
            ),
            (
                "HEAD", #"{"headers":{"content-type":"a/b","Content-Length":7}}"#,
                ["content-type": "a/b", "content-length": "7"]
            ),
            ("HEAD", "{}", ["content-type": "application/octet-stream"]),
        ] as [(String, String, Fields)])
    func `an answer that can have no body ends at the prelude`(method: String, json: String, fields: Fields) {
        for mode in [ResponseMode.prelude, .auto] {
            for rest in ["", "unwanted"] {
                let outcome = Outcome.of(
                    Answer(json + delimiter + rest, "more"), mode: mode, method: Method(rawValue: method))
                #expect(outcome.head?.fields == fields)
                #expect(outcome.endsHere)
                #expect(outcome.body.isEmpty)
                #expect(outcome.isComplete)
            }
            // The head is told although the function goes on and fails.
            let failed = Outcome.of(
                Answer(json + delimiter, complete: #"{"ErrorCode":"X"}"#), mode: mode, method: Method(rawValue: method))
            #expect(failed.endsHere)
            #expect(failed.failure == .functionError(code: "X", details: ""))
        }
    }

    @Test func `the head is told as soon as the delimiter is there`() {
        var machine = InvocationStateMachine(mode: .auto)
        #expect(machine.receivedHead(Answer.head) == .awaitStream)
        // A PayloadChunk that is not over.
        let stream = Answer(#"{"statusCode":200}"# + delimiter + "body", complete: nil).stream
        let piece = Array(stream.dropLast(8))
        var offset = 0
        let action = machine.next(piece.span, at: &offset)
        guard case .head(let head, false) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(head.status == 200)
        let after = machine.next(piece.span, at: &offset)
        #expect(after == .needsMore)
    }

    @Test(arguments: [("5", ["hello"], true), ("5", ["hel", "lo"], true), ("5", ["hell"], false), ("5", [], false)])
    func `a content-length that is kept is passed on`(length: String, chunks: [String], isKept: Bool) {
        let prelude = #"{"headers":{"content-length":""# + length + #""}}"# + delimiter
        let outcome = Outcome.of(Answer(([prelude] + chunks).map { Array($0.utf8) }), mode: .auto)
        #expect(outcome.head?.fields.first("content-length") == length)
        #expect(outcome.text == chunks.joined())
        if isKept {
            #expect(outcome.isComplete)
        } else {
            #expect(outcome.failure == .contentLength(promised: 5, sent: chunks.joined().utf8.count))
        }
    }

    @Test func `bytes beyond the content-length never go out`() {
        let prelude = #"{"headers":{"content-length":"5"}}"# + delimiter
        let outcome = Outcome.of([Answer(prelude, "hel", "lo, HTTP/1.1 200").stream], mode: .auto)
        #expect(outcome.text == "hel")
        #expect(outcome.failure == .contentLength(promised: 5, sent: 19))
        let late = Outcome.of(Answer(prelude, "hello", "!"), mode: .auto)
        #expect(late.text == "hello")
        #expect(late.failure == .contentLength(promised: 5, sent: 6))
    }
}
