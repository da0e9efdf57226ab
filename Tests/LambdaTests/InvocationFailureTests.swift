import AWS
import Bytes
import HTTP
import Lambda
import TestSupport
import Testing

/// What goes wrong, before and after the first byte.
@Suite struct InvocationFailureTests {
    @Test(arguments: [
        (#"{"ErrorCode":"Unhandled","ErrorDetails":"{\"a\":1}"}"#, "Unhandled", #"{"a":1}"#),
        (#"{"ErrorCode":"Sandbox.Timedout"}"#, "Sandbox.Timedout", ""),
        (#"{"ErrorCode":"X","ErrorDetails":null,"LogResult":"eA=="}"#, "X", ""), (#"{"ErrorCode":""}"#, "", ""),
        (#"{"ErrorCode":7}"#, "7", ""),
    ])
    func `an ErrorCode is a failure, whatever was sent before`(json: String, code: String, details: String) {
        let failure = InvocationFailure.functionError(code: code, details: details)
        let before = Outcome.of(Answer(complete: json), mode: .auto)
        #expect(before.failure == failure)
        #expect(before.head == nil)
        let after = Outcome.of(Answer("body", complete: json), mode: .auto)
        #expect(after.failure == failure)
        #expect(after.text == "body")
        #expect(failure.status == 502)
        #expect(!failure.isRetryable)
    }

    @Test(arguments: [
        "", "{}", #"{"ErrorCode":null,"ErrorDetails":null,"LogResult":null}"#, #"{"LogResult":null}"#, #"{"New":1}"#,
    ])
    func `without an ErrorCode the invocation went well`(json: String) {
        let outcome = Outcome.of(Answer("body", complete: json), mode: .auto)
        #expect(outcome.end == .completed(InvokeComplete()))
    }

    @Test func `what is held of an error is no payload`() {
        for (status, fields, operation, holds) in [
            (503, Fields(), .streaming, false), (200, Fields(["x-amz-function-error": "Unhandled"]), .buffered, false),
            (200, Fields(), .buffered, true),
        ] as [(Int, Fields, InvocationTemplate.Operation, Bool)] {
            var machine = InvocationStateMachine(mode: .buffered, operation: operation)
            _ = machine.receivedHead(ResponseHead(status: status, fields: fields))
            let bytes = Array(#"{"message":"#.utf8)
            var offset = 0
            _ = machine.next(bytes.span, at: &offset)
            let isHeld = machine.holdsPayload
            #expect(isHeld == holds, "\(status)")
        }
    }

    @Test func `the log comes with the end`() {
        let outcome = Outcome.of(Answer("body", complete: #"{"LogResult":"bG9n"}"#), mode: .auto)
        #expect(outcome.end == .completed(InvokeComplete(logResult: "bG9n")))
    }

    @Test(arguments: ["[]", "null", "{", "x", #"{"ErrorCode":"#])
    func `an InvokeComplete that cannot be read is a failure`(json: String) {
        #expect(Outcome.of(Answer("body", complete: json), mode: .auto).failure == .badInvokeComplete)
    }

    @Test func `an InvokeComplete is bounded`() {
        let json = #"{"LogResult":""# + String(repeating: "x", count: 300_000) + #""}"#
        #expect(Outcome.of([Answer("body", complete: json).stream], mode: .auto).failure == .badInvokeComplete)
    }

    @Test func `a stream without InvokeComplete is a failure, at the border of a message and inside`() {
        let stream = Answer("first", "second", complete: nil).stream
        for cut in 0...stream.count {
            let outcome = Outcome.of([Array(stream[..<cut])], mode: .auto)
            let isBorder = cut == 0 || cut == stream.count || cut == Answer("first", complete: nil).stream.count
            #expect(outcome.failure == (isBorder ? .endedWithoutComplete : .truncated))
            #expect(Outcome.of([Array(stream[..<cut])], mode: .auto, isCut: true).failure == .truncated)
        }
    }

    @Test func `a wrong checksum is a failure at once`() {
        let good = Answer("first", "second").stream
        for index in good.indices {
            var bad = good
            bad[index] ^= 0x10
            let outcome = Outcome.of([bad], mode: .raw)
            #expect(!outcome.isComplete)
            #expect(outcome.failure?.status == 502)
        }
    }

    @Test func `an exception message is a failure`() throws {
        var answer = Answer("body", complete: nil)
        answer.append { $0.append(EventStreamHeader.exception("Boom", #"{"message":"why"}"#)) }
        let outcome = Outcome.of(answer, mode: .auto)
        #expect(outcome.text == "body")
        #expect(outcome.failure == .streamException(type: "Boom", message: "why"))
    }

    @Test(arguments: ["text/html", "application/json", "", nil] as [String?])
    func `a 200 that is no event stream is a failure`(type: String?) {
        var head = ResponseHead(status: 200)
        if let type { head.fields.append("Content-Type", type) }
        let outcome = Outcome.of([Array("<html>".utf8)], mode: .auto, apiHead: head)
        #expect(outcome.failure == .notEventStream(contentType: type ?? ""))
        #expect(outcome.head == nil)
    }

    @Test func `the event stream's type may have parameters`() {
        let head = ResponseHead(
            status: 200, fields: ["content-type": "Application/Vnd.Amazon.EventStream; charset=x"])
        #expect(Outcome.of([Answer("x").stream], mode: .auto, apiHead: head).isComplete)
    }

    @Test(arguments: [
        (429, "TooManyRequestsException", 429, true, true), (413, "RequestTooLargeException", 413, false, false),
        (400, "InvalidRequestContentException", 502, false, false), (403, "AccessDeniedException", 502, false, false),
        (404, "ResourceNotFoundException", 502, false, false), (408, "EFSMountTimeoutException", 502, false, false),
        (409, "SnapStartNotReadyException", 502, false, true), (500, "ServiceException", 502, false, false),
        (502, "EC2ThrottledException", 429, true, true), (502, "ResourceNotReadyException", 502, false, true),
        (502, "InvalidRuntimeException", 502, false, false), (503, "", 502, false, false), (204, "", 502, false, false),
        (301, "", 502, false, false),
    ])
    func `an error of the API is told with its name`(
        status: Int, type: String, told: Int, isThrottle: Bool, isRetryable: Bool
    ) {
        let head = ResponseHead(status: status, fields: ["x-amzn-errortype": type + ":http://x", "retry-after": "7"])
        let body = Array(#"{"Message":"why","Reason":"limit"}"#.utf8)
        for way in Feeding.ways(of: body) {
            let outcome = Outcome.of(way, mode: .auto, apiHead: head)
            let error = AWSServiceError(
                status: status, type: type, message: "why", reason: "limit", retryAfter: .seconds(7))
            #expect(outcome.failure == .service(error))
            #expect(outcome.failure?.status == told)
            #expect(outcome.failure?.isThrottle == isThrottle)
            #expect(outcome.failure?.isRetryable == isRetryable)
            #expect(outcome.head == nil)
        }
    }

    @Test func `an error's body is bounded`() {
        let head = ResponseHead(status: 503)
        let page = [UInt8](repeating: 0x20, count: 1_000_000)
        let outcome = Outcome.of(page.chunks(of: 16_384), mode: .auto, apiHead: head)
        #expect(outcome.failure == .service(AWSServiceError(status: 503, type: "", message: "")))
    }

    @Test func `every failure says something in one line`() {
        let failures: [InvocationFailure] = [
            .functionError(code: "X", details: "y"), .service(AWSServiceError(status: 500, type: "T", message: "m")),
            .streamException(type: "X", message: ""), .badAnswer(.endedInPrelude), .badAnswer(.badStatus("7")),
            .eventStream(.truncatedHeader), .notEventStream(contentType: "a/b"), .badInvokeComplete,
            .endedWithoutComplete, .truncated, .contentLength(promised: 5, sent: 6),
        ]
        for failure in failures {
            #expect(!failure.description.isEmpty)
            #expect(!failure.description.contains("\n"))
            #expect(!failure.isRetryable)
        }
    }
}
