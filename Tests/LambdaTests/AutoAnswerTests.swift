import Bytes
import HTTP
import Lambda
import TestSupport
import Testing

/// `response: auto` where there is no prelude, and `raw`.
@Suite struct AutoAnswerTests {
    static let plain = ResponseHead(status: 200, fields: ["content-type": "application/octet-stream"])

    @Test(arguments: [
        "x", "hello, world", "\0\0\0\0\0\0\0\0body", "[1,2]", "\"x\"", " {\"statusCode\":404}", "\n", "data: x\n\n",
        // Not one object and its end.
        #"{"a":1}{"a":2}"#, "{\"a\":1}\n{\"a\":2}\n", #"{"statusCode":404}{"#, "{\"statusCode\":404}\n{\"a\":1}",
        #"{"statusCode":404} x"#, #"{"a":1}x"#, "{\"a\":1} ", "{\"a\":1}\n", "{", "{\"a\":", "{ not json", "{not}json",
        "{}\0", "{}\0\0\0\0\0\0\0", "{}\0\0\0\0\0\0\0x", "{\"statusCode\":404}\0\0", "{\"statusCode\":404}\0 ",
        "{\"a\":1}\n\0\0\0\0\0\0\0\0x", "{not}",
    ])
    func `what has no head is body, byte for byte`(text: String) {
        let outcome = Outcome.of(Answer(text), mode: .auto)
        #expect(outcome.head?.status == 200)
        #expect(outcome.head?.fields.first("content-type") == "application/octet-stream")
        #expect(outcome.text == text)
        #expect(outcome.isComplete)
    }

    @Test(arguments: ["", "x", "{}", #"{"statusCode":404}"#, "{}" + delimiter + "x"])
    func `in the mode raw every byte is body`(text: String) {
        let outcome = Outcome.of(Answer(text), mode: .raw)
        #expect(outcome.head?.status == 200)
        #expect(outcome.text == text)
        #expect(outcome.isComplete)
    }

    @Test(arguments: [ResponseMode.auto, .raw])
    func `an empty stream is a 200 without body`(mode: ResponseMode) {
        for answer in [Answer(), Answer(""), Answer("", "")] {
            let outcome = Outcome.of(answer, mode: mode)
            #expect(outcome.head == ResponseHead(status: 200, fields: ["content-length": "0"]))
            #expect(outcome.endsHere)
            #expect(outcome.body.isEmpty)
            #expect(outcome.isComplete)
        }
    }

    @Test(arguments: [
        #"{"headers":5,"cookies":{}}"#, #"{"a":1}"#, #"{ "a": "}{\"" }"#, "{}", #"{"headers":{"statusCode":1}}"#,
    ])
    func `an object without statusCode is a JSON body`(text: String) {
        let outcome = Outcome.of(Answer(text), mode: .auto)
        #expect(
            outcome.head
                == ResponseHead(
                    status: 200,
                    fields: ["content-type": "application/json", "content-length": String(text.utf8.count)]))
        #expect(outcome.text == text)
        #expect(outcome.isComplete)
    }

    @Test(arguments: ["", " ", "\r\n\t "])
    func `an object with statusCode is a buffered answer`(space: String) {
        let text = #"{"statusCode":404,"headers":{"x":"1"},"body":"not \"here\""}"#
        let outcome = Outcome.of(Answer(text + space), mode: .auto)
        #expect(
            outcome.head
                == ResponseHead(
                    status: 404, fields: ["x": "1", "content-type": "application/json", "content-length": "10"]))
        #expect(outcome.text == "not \"here\"")
        #expect(outcome.isComplete)
    }

    @Test func `a prelude may have white space behind it where there is a statusCode`() {
        let outcome = Outcome.of(Answer("{\"statusCode\":404}\r\n" + delimiter + "x"), mode: .auto)
        #expect(outcome.head?.status == 404)
        #expect(outcome.text == "x")
    }

    @Test(arguments: [
        ("x", 1), (#"{"a":1}"# + "\n", 8), (#"{"a":1}{"#, 8), (#"{"statusCode":404} x"#, 20), ("{}\0x", 4),
    ])
    func `nothing is held longer than it is undecided`(text: String, decidedAt count: Int) {
        let bytes = Array(text.utf8)
        var machine = InvocationStateMachine(mode: .auto)
        _ = machine.receivedHead(Answer.head)
        // One long message, of which one byte after the other arrives.
        let stream = Answer([bytes + [UInt8](repeating: 0x20, count: 100)]).stream
        let headers = stream.count - Answer([]).stream.count - bytes.count - 100 - 4
        var told: Int?
        for (index, byte) in stream.enumerated() where told == nil {
            var offset = 0
            if case .head = machine.next([byte].span, at: &offset) { told = index + 1 - headers }
        }
        #expect(told == count)
    }

    @Test func `an open object is held for 16 KiB and no longer`() {
        for count in [16_383, 16_384, 16_385, 100_000] {
            let text = "{" + String(repeating: "x", count: count - 1)
            for pieces in [[Answer(text).stream], Answer(text).stream.chunks(of: 777)] {
                let outcome = Outcome.of(pieces, mode: .auto)
                #expect(outcome.head?.status == 200)
                #expect(outcome.text == text)
            }
        }
        // White space behind a possible answer is bounded in the same way.
        let padded = #"{"statusCode":404}"# + String(repeating: " ", count: 20_000)
        let outcome = Outcome.of(Answer(padded).stream.chunks(of: 777), mode: .auto)
        #expect(outcome.head == Self.plain)
        #expect(outcome.text == padded)
    }

    @Test(arguments: ["", #"{"a":1}"#, #"{"statusCode":200}"#, "{", #"{"errorType":"X"}"#])
    func `an error at the end of what was held is a failure without a head`(text: String) {
        let outcome = Outcome.of(
            Answer(text, complete: #"{"ErrorCode":"Unhandled","ErrorDetails":"{}"}"#), mode: .auto)
        #expect(outcome.head == nil)
        #expect(outcome.body.isEmpty)
        #expect(outcome.failure == .functionError(code: "Unhandled", details: "{}"))
    }

    @Test(arguments: ["x", "x and more", #"{"a":1}x"#])
    func `HEAD without a prelude ends at the first payload byte`(text: String) {
        for mode in [ResponseMode.auto, .raw] {
            let outcome = Outcome.of(Answer(text, "more"), mode: mode, method: .head)
            #expect(outcome.head == Self.plain)
            #expect(outcome.endsHere)
            #expect(outcome.body.isEmpty)
            #expect(outcome.isComplete)
        }
    }
}

extension [UInt8] {
    func chunks(of count: Int) -> [[UInt8]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }
}
