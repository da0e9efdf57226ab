import Foundation
import HTTP
import LocalLambda
import Reactor
import TestSupport
import Testing

/// Calls over real sockets to functions in real processes.
@Suite(.fewAtOnce) struct InvocationTests {
    private static let streaming = """
        from runtime import *
        while True:
            id, event, headers = next_invocation()
            begin_stream(id)
            for index in range(3):
                chunk(f'{event.get("name")} {index};')
            end_stream()
        """

    /// Answers with its process number, after the pause that the event asks for.
    private static let pid = """
        from runtime import *
        while True:
            id, event, headers = next_invocation()
            time.sleep(event.get("pause", 0))
            respond(id, {"pid": os.getpid(), "arn": headers["lambda-runtime-invoked-function-arn"]})
        """

    @Test func `each chunk goes out before the next is written`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            begin_stream(id)
            for index in range(3):
                chunk(f'{event["name"]} {index};')
                wait_for(f'{index}-arrived')
            end_stream()
            """)
        let answer = try await fixture.call(event: #"{"name":"chunk"}"#) { chunk in
            fixture.touch("\(chunk.text.dropFirst(6).dropLast())-arrived")
        }
        #expect(answer.status == 200)
        #expect(answer.chunks.map(\.text) == ["chunk 0;", "chunk 1;", "chunk 2;"])
        #expect(answer.isComplete)
        #expect(answer.completion == [:])
        #expect(answer.head.fields.first("x-amz-executed-version") == "$LATEST")
        #expect(answer.head.fields.first("x-amzn-requestid")?.count == 36)
        #expect(answer.head.fields.first("x-amzn-trace-id")?.hasPrefix("Root=1-") == true)
    }

    @Test func `a streaming function invoked the buffered way answers in one piece`() async throws {
        let fixture = try LambdaFixture.python(Self.streaming)
        let answer = try await fixture.call(stream: false, event: #"{"name":"x"}"#)
        #expect(answer.status == 200)
        #expect(answer.text == "x 0;x 1;x 2;")
        #expect(answer.head.fields.first("x-amz-function-error") == nil)
    }

    @Test func `a child is used again`() async throws {
        let fixture = try LambdaFixture.python(Self.pid)
        let first = try await fixture.call()
        let second = try await fixture.call(stream: false)
        #expect(first.payload == second.text)
        #expect(first.completion == [:])
    }

    @Test func `calls at the same time run in processes of their own, up to the limit`() async throws {
        let fixture = try LambdaFixture.python(Self.pid, concurrency: 2)
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<4 { group.addTask { try await fixture.call(event: #"{"pause":0.2}"#).payload } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 4)
        #expect(Set(answers).count == 2)
    }

    @Test func `a call that waits too long for a child is throttled`() async throws {
        let fixture = try LambdaFixture.python(Self.pid, queueWait: .milliseconds(150))
        _ = try await fixture.call()
        async let slow = fixture.call(event: #"{"pause":0.6}"#)
        try await Task.sleep(for: .milliseconds(100))
        let refused = try await fixture.call()
        #expect(refused.status == 429)
        #expect(refused.errorType == "TooManyRequestsException")
        #expect(
            refused.text
                == #"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#
        )
        #expect(refused.head.fields.first("retry-after") == "1")
        #expect(try await slow.status == 200)
        #expect(try await fixture.call().status == 200)
    }

    @Test func `an event of which nobody awaits the answer is run later`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            while True:
                id, event, headers = next_invocation()
                print('ran with', event['n'], flush=True)
                respond(id, None)
            """)
        let answer = try await fixture.call(
            stream: false, event: #"{"n":41}"#, headers: [("X-Amz-Invocation-Type", "Event")])
        #expect(answer.status == 202)
        #expect(answer.body.isEmpty)
        #expect(try await fixture.waitForLog("ran with 41").count == 1)
    }

    @Test func `a dry run runs nothing`() async throws {
        let fixture = try LambdaFixture.python("raise Exception")
        for stream in [true, false] {
            let answer = try await fixture.call(stream: stream, headers: [("X-Amz-Invocation-Type", "DryRun")])
            #expect(answer.status == 204)
        }
        #expect(fixture.log.messages.allSatisfy { !$0.contains("process") })
    }

    @Test(arguments: [
        ("f", "", "arn:aws:lambda:eu-west-1:000000000000:function:f"),
        ("f%3Alive", "", "arn:aws:lambda:eu-west-1:000000000000:function:f:live"),
        ("f", "Qualifier=%24LATEST", "arn:aws:lambda:eu-west-1:000000000000:function:f:$LATEST"),
        ("123456789012%3Afunction%3Af", "", "arn:aws:lambda:eu-west-1:123456789012:function:f"),
        (
            "arn%3Aaws%3Alambda%3Aus-east-2%3A123456789012%3Afunction%3Af%3A7", "",
            "arn:aws:lambda:us-east-2:123456789012:function:f:7"
        ),
    ])
    func `a function is found by each form of its name`(name: String, query: String, arn: String) async throws {
        let fixture = try LambdaFixture.python(Self.pid)
        let answer = try await fixture.call(name, query: query)
        #expect(answer.status == 200)
        #expect(answer.payload.contains("\"\(arn)\""))
    }

    @Test func `an empty event becomes an empty object`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            respond(id, event)
            """)
        #expect(try await fixture.call(stream: false, event: "").text == "{}")
    }

    @Test func `what the head of a call says reaches the function`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            respond(id, [headers.get('lambda-runtime-' + name) for name in
                ('trace-id', 'client-context', 'aws-tenant-id', 'cognito-identity')]
                + [int(headers['lambda-runtime-deadline-ms']) / 1000 - time.time() > 19])
            """)
        let context = Data(#"{ "custom": {"a": "b"} }"#.utf8).base64EncodedString()
        let answer = try await fixture.call(
            stream: false,
            headers: [("X-Amz-Client-Context", context), ("X-Amz-Tenant-Id", "acme")])
        let text = answer.text
        #expect(text.contains(#""{\"custom\":{\"a\":\"b\"}}", "acme", null, true]"#))
        #expect(text.hasPrefix("[\"\(answer.head.fields.first("x-amzn-trace-id") ?? "?")\""))
    }

    @Test func `several calls go over one connection, also sent at once`() async throws {
        let fixture = try LambdaFixture.python(Self.streaming)
        let port = fixture.address.port
        let request = CallClient.request(
            path: "/2021-11-15/functions/f/response-streaming-invocations", body: Array(#"{"name":"n"}"#.utf8),
            host: "\(fixture.address)", credentials: LambdaFixture.credentials)
        let answers: [String] = try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result {
                        let descriptor = try CallClient.connect(port)
                        defer { close(descriptor) }
                        try CallClient.send(request, to: descriptor)
                        let first = try CallClient.readAnswer(from: descriptor)
                        try CallClient.send(request, to: descriptor)
                        let second = try CallClient.readAnswer(from: descriptor)
                        return [first.payload, second.payload]
                    })
            }.start()
        }
        #expect(answers == ["n 0;n 1;n 2;", "n 0;n 1;n 2;"])
    }
}
