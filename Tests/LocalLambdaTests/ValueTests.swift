import AWS
import Bytes
import HTTP
import Lambda
import LocalLambda
import Processes
import TestSupport
import Testing
import Time

/// The values that the machines are made of.
@Suite struct RuntimeCallTests {
    @Test(arguments: [
        ("GET", "/2018-06-01/runtime/invocation/next", RuntimeCall.next),
        ("POST", "/2018-06-01/runtime/invocation/abc/response", .response(InvocationID("abc"))),
        ("POST", "/2018-06-01/runtime/invocation/abc/error", .error(InvocationID("abc"))),
        ("POST", "/2018-06-01/runtime/init/error", .initError),
        ("GET", "/2018-06-01/ping", .ping),
        ("GET", "/ping", .ping),
        ("POST", "/2018-06-01/runtime/invocation/next", .refused(.methodNotAllowed)),
        ("GET", "/2018-06-01/runtime/invocation/abc/response", .refused(.methodNotAllowed)),
        ("GET", "/2018-06-01/runtime/invocation/next/", .refused(.unknownPath)),
        ("GET", "/2018-06-01/runtime", .refused(.unknownPath)),
        ("GET", "/2018-06-01/runtime/invocation/a/b/response", .refused(.unknownPath)),
        ("GET", "/2019-01-01/runtime/invocation/next", .refused(.unknownPath)),
        ("GET", "/", .refused(.unknownPath)),
    ])
    func `a request line means a call`(method: String, path: String, call: RuntimeCall) {
        #expect(RuntimeCall(method: Method(rawValue: method), path: path) == call)
    }

    @Test(arguments: [
        (["Lambda-Runtime-Function-Response-Mode: streaming"], RuntimeResponseMode.streaming),
        (["Lambda-Runtime-Function-Response-Mode: buffered"], nil),
        (["Lambda-Runtime-Function-Response-Mode: "], nil),
        (["Content-Type: application/vnd.awslambda.http-integration-response"], .streaming),
        (["Content-Type: application/octet-stream", "Transfer-Encoding: chunked"], .streaming),
        (["Content-Type: application/octet-stream; x=y", "Transfer-Encoding: chunked"], .streaming),
        (["Content-Type: application/octet-stream", "Content-Length: 5"], .buffered),
        (["Content-Type: application/json", "Transfer-Encoding: chunked"], .buffered),
        ([], .buffered),
    ])
    func `a head says how the answer comes`(lines: [String], mode: RuntimeResponseMode?) {
        var fields = Fields()
        for line in lines {
            let parts = line.split(separator: ": ", maxSplits: 1, omittingEmptySubsequences: false)
            fields.append(String(parts[0]), String(parts[1]))
        }
        #expect(RuntimeResponseMode(fields) == mode)
    }

    @Test func `an invocation is handed over with the headers that have a value`() {
        var output = ByteBuffer()
        RuntimeAnswers.append(
            RuntimeAnswers.Delivery(
                id: InvocationID("i"), deadline: WallTime(milliseconds: 42), functionARN: "arn", traceID: "",
                clientContext: nil, tenantID: "t"), event: Array(#"{"a":1}"#.utf8).span, to: &output)
        #expect(
            output.string()
                == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: i\r\n"
                + "Lambda-Runtime-Deadline-Ms: 42\r\nLambda-Runtime-Invoked-Function-Arn: arn\r\n"
                + "Lambda-Runtime-Aws-Tenant-Id: t\r\nContent-Length: 7\r\n\r\n{\"a\":1}")
    }
}

@Suite struct LogLinesTests {
    @Test func `lines come out whole however they came in`() {
        let input = Array("one\n\ntwo\r\nthree\nunfinished".utf8)
        for way in Feeding.ways(of: input) {
            var lines = LogLines()
            var found: [String] = []
            for piece in way { lines.received(piece.span) { found.append($0) } }
            lines.ended { found.append($0) }
            #expect(found == ["one", "", "two", "three", "unfinished"])
        }
    }

    @Test func `a line that is too long comes in pieces`() {
        for way in Feeding.ways(of: Array("abcdefghij\nkl\n".utf8)) {
            var lines = LogLines(limit: 4)
            var found: [String] = []
            for piece in way { lines.received(piece.span) { found.append($0) } }
            #expect(found == ["abcd", "efgh", "ij", "kl"])
        }
    }

    @Test func `bytes that are no text are replaced`() {
        var lines = LogLines()
        var found: [String] = []
        lines.received([0xff, 0x41, 0x0a].span) { found.append($0) }
        #expect(found == ["\u{fffd}A"])
    }

    @Test func `the tail is the last four kibibytes`() {
        var tail = LogTail()
        for index in 0..<2000 { tail.append("line \(index)") }
        let text = tail.encoded
        #expect(text.utf8.count == (4096 + 2) / 3 * 4)
        var decoded = ByteBuffer()
        decoded.append(base64Decoded: text)
        #expect(decoded.count == 4096)
        #expect(decoded.string().hasSuffix("line 1998\nline 1999\n"))
    }
}

@Suite struct FunctionErrorTests {
    private static let id = InvocationID("r")

    @Test func `errors say what Lambda says`() {
        #expect(
            FunctionError.exited(.exited(code: 2), id: Self.id)
                == FunctionError(
                    code: "Runtime.ExitError",
                    details: #"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited "#
                        + #"with error: exit status 2"}"#))
        #expect(
            FunctionError.exited(.exited(code: 0), id: Self.id).details.contains("exited without providing a reason"))
        #expect(
            FunctionError.timedOut(after: .milliseconds(3050), id: Self.id)
                == FunctionError(
                    code: "Sandbox.Timedout",
                    details: #"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out "#
                        + #"after 3.05 seconds"}"#))
        #expect(
            FunctionError.reported(body: Span(), headerType: nil)
                == FunctionError(code: "Unhandled", details: #"{"errorType":"Runtime.Unknown","errorMessage":""}"#))
    }
}

@Suite struct ChildEnvironmentTests {
    private static let environment = ChildEnvironment(
        inheriting: [
            "PATH": "/bin", "HOME": "/root", "NOTIFY_SOCKET": "/run/n", "LISTEN_FDS": "1",
            "AWS_LAMBDA_RUNTIME_API": "x",
            "_HANDLER": "y", "AWS_ACCESS_KEY_ID": "k",
        ], region: "eu-west-1")

    @Test func `a child gets what a Lambda function gets, and nothing of the gateway's own affairs`() {
        let function = LocalFunction(
            name: "chat", program: .node(handler: "index.handler"), directory: "/srv/chat", concurrency: 1, memory: 512,
            environment: ["HOME": "/home", "AWS_LAMBDA_RUNTIME_API": "evil", "TZ": "Europe/Berlin"])
        let variables = Self.environment.variables(for: function, endpoint: "127.0.0.1:9", child: ChildID(3))
        #expect(
            variables == [
                "PATH": "/bin", "HOME": "/home", "AWS_ACCESS_KEY_ID": "k", "AWS_REGION": "eu-west-1",
                "AWS_DEFAULT_REGION": "eu-west-1", "TZ": "Europe/Berlin", "AWS_EXECUTION_ENV": "AWS_Lambda_local",
                "AWS_LAMBDA_FUNCTION_NAME": "chat", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/chat",
                "AWS_LAMBDA_LOG_STREAM_NAME": "local/[$LATEST]3", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
                "LAMBDA_TASK_ROOT": "/srv/chat", "LAMBDA_RUNTIME_DIR": "/srv/chat", "_HANDLER": "index.handler",
                "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9",
            ])
    }

    @Test func `a command is looked for, and what is missing named`() throws {
        let function = LocalFunction(
            name: "f", program: .command(["sh", "-c", "x"]), directory: "/srv", concurrency: 1)
        let description = try Self.environment.description(
            of: function, endpoint: "e", child: ChildID(1), nodeBootstrap: nil)
        #expect(description.executable == "/bin/sh")
        #expect(description.arguments == ["-c", "x"])
        #expect(description.directory == "/srv")
        let node = LocalFunction(name: "f", program: .node(handler: "i.h"), directory: "/srv", concurrency: 1)
        let empty = ChildEnvironment(inheriting: ["PATH": "/nowhere"], region: "r")
        #expect(throws: SpawnError.noSuchExecutable("node")) {
            try empty.description(of: node, endpoint: "e", child: ChildID(1), nodeBootstrap: "b.cjs")
        }
    }
}

@Suite struct InvokeAnswerTests {
    private static let identity = InvokeAnswer.Identity(
        requestID: InvocationID("rid"), traceID: "Root=1", keepsAlive: true)
    private static let time = WallTime(seconds: 784_111_777)
    private static let common =
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nx-amzn-RequestId: rid\r\nX-Amzn-Trace-Id: Root=1\r\n"

    @Test func `a stream's head goes out when it begins, each piece as a message, and the completion at the end`() {
        var answer = InvokeAnswer(operation: .stream, identity: Self.identity)
        var output = ByteBuffer()
        answer.began(at: Self.time, to: &output)
        #expect(
            output.string()
                == "HTTP/1.1 200 OK\r\n\(Self.common)Content-Type: application/vnd.amazon.eventstream\r\n"
                + "X-Amz-Executed-Version: $LATEST\r\nTransfer-Encoding: chunked\r\n\r\n")
        output.removeAll()
        answer.received(Array("hello".utf8).span, at: Self.time, to: &output)
        var message = ByteBuffer()
        EventStreamEncoder.append(payloadChunk: Array("hello".utf8).span, to: &message)
        #expect(output.array() == Array("6f\r\n".utf8) + message.array() + Array("\r\n".utf8))
        output.removeAll()
        answer.ended(error: nil, logTail: nil, at: Self.time, to: &output)
        message.removeAll()
        EventStreamEncoder.append(invokeComplete: Array("{}".utf8).span, to: &message)
        #expect(output.array() == Array("66\r\n".utf8) + message.array() + Array("\r\n0\r\n\r\n".utf8))
        #expect(answer.isFinished == true)
        output.removeAll()
        answer.received(Array("late".utf8).span, at: Self.time, to: &output)
        answer.ended(error: nil, logTail: nil, at: Self.time, to: &output)
        #expect(output.isEmpty == true)
    }

    @Test func `a buffered answer comes at once at the end`() {
        var answer = InvokeAnswer(operation: .buffered, identity: Self.identity)
        var output = ByteBuffer()
        answer.began(at: Self.time, to: &output)
        answer.received(Array("{\"a\":".utf8).span, at: Self.time, to: &output)
        answer.received(Array("1}".utf8).span, at: Self.time, to: &output)
        #expect(output.isEmpty == true)
        answer.ended(error: nil, logTail: "TG9n", at: Self.time, to: &output)
        #expect(
            output.string()
                == "HTTP/1.1 200 OK\r\n\(Self.common)Content-Type: application/json\r\n"
                + "X-Amz-Executed-Version: $LATEST\r\nX-Amz-Log-Result: TG9n\r\nContent-Length: 7\r\n\r\n{\"a\":1}")
    }

    @Test func `a buffered answer that failed is the error alone`() {
        var answer = InvokeAnswer(operation: .buffered, identity: Self.identity)
        var output = ByteBuffer()
        answer.received(Array("half".utf8).span, at: Self.time, to: &output)
        answer.ended(
            error: FunctionError(code: "X", details: "{}"), logTail: nil, at: Self.time, to: &output)
        #expect(output.string().hasSuffix("X-Amz-Function-Error: Unhandled\r\nContent-Length: 2\r\n\r\n{}"))
    }

    @Test func `a buffered answer above the limit fails, whatever came`() {
        var answer = InvokeAnswer(operation: .buffered, identity: Self.identity)
        var output = ByteBuffer()
        let piece = [UInt8](repeating: 120, count: 1_000_000)
        for _ in 0..<7 { answer.received(piece.span, at: Self.time, to: &output) }
        answer.ended(error: nil, logTail: nil, at: Self.time, to: &output)
        #expect(output.string().contains("Function.ResponseSizeTooLarge"))
        #expect(output.count < 1000)
    }

    @Test func `refusals and acceptances`() {
        var output = ByteBuffer()
        var refused = InvokeAnswer(
            operation: .stream,
            identity: InvokeAnswer.Identity(requestID: InvocationID("rid"), traceID: nil, keepsAlive: false))
        refused.refused(.throttled, at: Self.time, to: &output)
        #expect(
            output.string()
                == "HTTP/1.1 429 Too Many Requests\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nx-amzn-RequestId: rid\r\n"
                + "Connection: close\r\nContent-Type: application/json\r\nx-amzn-ErrorType: TooManyRequestsException\r\n"
                + "Retry-After: 1\r\nContent-Length: 103\r\n\r\n"
                + #"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#
        )
        for (status, end) in [(202, "Content-Length: 0\r\n\r\n"), (204, "$LATEST\r\n\r\n")] {
            output.removeAll()
            var answer = InvokeAnswer(operation: .buffered, identity: Self.identity)
            answer.accepted(status: status, at: Self.time, to: &output)
            #expect(output.string().hasSuffix(end))
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func append(base64Decoded text: String) {
        let isDecoded = Base64.decode(text.utf8.span, into: &self)
        #expect(isDecoded)
    }
}
