import Bytes
import HTTP
import Lambda
import TestSupport
import Testing

/// `invoke: buffered`: the answer of Invoke is the payload itself.
@Suite struct PlainInvocationTests {
    private static func outcome(
        _ body: String, _ mode: ResponseMode, method: Method = .get, fields: Fields = [:], status: Int = 200,
        isCut: Bool = false, format: AnswerFormat = .functionURL
    ) -> Outcome {
        let head = ResponseHead(status: status, fields: fields)
        let bytes = Array(body.utf8)
        func run(_ pieces: [[UInt8]]) -> Outcome {
            Outcome.of(
                pieces, mode: mode, method: method, format: format, operation: .buffered, apiHead: head, isCut: isCut)
        }
        let whole = run([bytes])
        for way in Feeding.ways(of: bytes) { #expect(run(way) == whole) }
        return whole
    }

    @Test(
        arguments: [
            (#"{"statusCode":201,"body":"hi"}"#, 201, "application/json", "hi"),
            (#"{"a": 1}"#, 200, "application/json", #"{"a":1}"#), (#""hi""#, 200, "application/json", "hi"),
            ("null", 200, "application/json", "null"),
            // What a streaming function wrote.
            (#"{"statusCode":202,"headers":{"content-type":"a/b"}}"# + delimiter + "hi\0", 202, "a/b", "hi\0"),
            ("hello", 200, "application/octet-stream", "hello"), ("{not", 200, "application/octet-stream", "{not"),
        ] as [(String, Int, String, String)])
    func `the mode auto looks at the whole payload`(text: String, status: Int, type: String, body: String) {
        let outcome = Self.outcome(text, .auto)
        #expect(outcome.head?.status == status)
        #expect(outcome.head?.fields.first("content-type") == type)
        #expect(outcome.text == body)
        #expect(outcome.isComplete)
    }

    @Test func `a large answer is one answer`() {
        let body = String(repeating: "x", count: 100_000)
        let outcome = Outcome.of(
            [Array(#"{"statusCode":201,"body":"\#(body)"}"#.utf8)], mode: .auto, operation: .buffered,
            apiHead: ResponseHead(status: 200))
        #expect(outcome.head?.status == 201)
        #expect(outcome.body.count == 100_000)
    }

    @Test func `modes that are pinned are kept`() {
        #expect(Self.outcome(#"{"statusCode":201,"body":"hi"}"#, .raw).text == #"{"statusCode":201,"body":"hi"}"#)
        #expect(Self.outcome("{}" + delimiter + "hi", .prelude).text == "hi")
        #expect(Self.outcome("{}", .prelude).failure == .badAnswer(.endedInPrelude))
        #expect(Self.outcome("{}", .buffered, format: .rest(decodesBase64: false)).failure == .badAnswer(.noStatusCode))
        #expect(Self.outcome("", .auto).head == ResponseHead(status: 200, fields: ["content-length": "0"]))
    }

    @Test func `a failed function is a failure, with what it said`() {
        let report = #"{"errorType":"Boom","errorMessage":"secret"}"#
        for isCut in [false, true] {
            let outcome = Self.outcome(report, .auto, fields: ["X-Amz-Function-Error": "Unhandled"], isCut: isCut)
            #expect(outcome.head == nil)
            #expect(outcome.failure == .functionError(code: "Boom", details: report))
            #expect(outcome.failure?.status == 502)
        }
        #expect(
            Self.outcome("oops", .raw, fields: ["x-amz-function-error": "Handled"]).failure
                == .functionError(code: "Handled", details: "oops"))
    }

    @Test func `a payload that is cut is no answer`() {
        for mode in ResponseMode.allCases {
            #expect(Self.outcome(#"{"statusCode":200}"#, mode, isCut: true).failure == .truncated)
        }
    }

    @Test func `a length that was promised is held against the payload`() {
        let text = #"{"headers":{"content-length":"3"}}"# + delimiter
        #expect(Self.outcome(text + "hi", .auto).failure == .contentLength(promised: 3, sent: 2))
        #expect(Self.outcome(text + "abc", .auto).text == "abc")
        let head = Self.outcome(text + "hi", .auto, method: .head)
        #expect(head.endsHere)
        #expect(head.isComplete)
    }

    @Test func `an error of the API is one`() {
        let outcome = Self.outcome(#"{"Message":"no"}"#, .auto, status: 404)
        #expect(outcome.failure?.status == 502)
    }

    @Test(
        arguments: [
            (#"{"statusCode":200}"# + delimiter, AnswerShape.prelude), ("x", .body),
            (#"{"statusCode":200}"#, .buffered),
            (#"{"a":1}"#, .json), ("", .empty),
        ])
    func `what auto decided is known`(text: String, shape: AnswerShape) {
        for operation in [InvocationTemplate.Operation.streaming, .buffered] {
            var machine = InvocationStateMachine(mode: .auto, operation: operation)
            let isPlain = operation == .buffered
            _ = machine.receivedHead(isPlain ? ResponseHead(status: 200) : Answer.head)
            #expect(machine.shape == nil)
            var offset = 0
            let bytes = isPlain ? Array(text.utf8) : Answer(text).stream
            while machine.shape == nil {
                if case .needsMore = machine.next(bytes.span, at: &offset) {
                    _ = machine.receivedEnd()
                    break
                }
            }
            #expect(machine.shape == shape)
        }
    }

    @Test func `the end of the log is told, also of a failed function`() {
        var plain = InvocationStateMachine(mode: .auto, operation: .buffered)
        _ = plain.receivedHead(
            ResponseHead(status: 200, fields: ["x-amz-log-result": "bG9n", "x-amz-function-error": "Unhandled"]))
        _ = plain.receivedEnd()
        #expect(plain.logResult == "bG9n")
        for complete in [#"{"LogResult":"bG9n"}"#, #"{"ErrorCode":"X","LogResult":"bG9n"}"#] {
            var machine = InvocationStateMachine(mode: .auto)
            _ = machine.receivedHead(Answer.head)
            var offset = 0
            let stream = Answer(complete: complete).stream
            _ = machine.next(stream.span, at: &offset)
            #expect(machine.logResult == "bG9n")
        }
    }
}
