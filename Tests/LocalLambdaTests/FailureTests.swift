import Foundation
import HTTP
import LocalLambda
import TestSupport
import Testing

/// What becomes of an invocation whose function fails.
@Suite(.fewAtOnce) struct FailureTests {
    @Test func `a crash is told, and the next call gets a new process`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            while True:
                id, event, headers = next_invocation()
                if 'exit' in event: os._exit(event['exit'])
                if 'signal' in event: os.kill(os.getpid(), event['signal'])
                respond(id, 'fine')
            """)
        let crashed = try await fixture.call(event: #"{"exit":3}"#)
        #expect(crashed.status == 200)
        #expect(crashed.chunks.isEmpty)
        #expect(crashed.completion["ErrorCode"] == "Runtime.ExitError")
        let details = try #require(crashed.completion["ErrorDetails"])
        #expect(details.contains(#""errorType":"Runtime.ExitError""#))
        #expect(details.contains("Error: Runtime exited with error: exit status 3"))
        #expect(details.contains("RequestId: \(crashed.head.fields.first("x-amzn-requestid") ?? "?") Error"))

        let left = try await fixture.call(stream: false, event: #"{"exit":0}"#)
        #expect(left.status == 200)
        #expect(left.head.fields.first("x-amz-function-error") == "Unhandled")
        #expect(left.text.contains("Runtime exited without providing a reason"))

        let killed = try await fixture.call(event: #"{"signal":9}"#)
        #expect(killed.completion["ErrorDetails"]?.contains("error: signal: killed") == true)

        #expect(try await fixture.call().payload == "\"fine\"")
    }

    @Test func `a crash in the middle of a stream follows what was sent`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            begin_stream(id)
            chunk('some')
            time.sleep(0.05)
            os._exit(1)
            """)
        let answer = try await fixture.call()
        #expect(answer.payload == "some")
        #expect(answer.completion["ErrorCode"] == "Runtime.ExitError")
    }

    @Test func `a stream whose connection is lost while the process lives is truncated`() async throws {
        let fixture = try LambdaFixture.python(
            """
            import runtime
            from runtime import *
            id, event, headers = next_invocation()
            begin_stream(id)
            chunk('some')
            runtime.connection.close()
            open_connection()
            id, event, headers = next_invocation()
            respond(id, 'again')
            """)
        let answer = try await fixture.call()
        #expect(answer.payload == "some")
        #expect(answer.completion["ErrorCode"] == "Runtime.TruncatedResponse")
    }

    @Test func `the deadline kills the process and all that it has started`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            import subprocess
            while True:
                id, event, headers = next_invocation()
                if event.get('hang'):
                    child = subprocess.Popen(['sleep', '60'])
                    print('child', child.pid, flush=True)
                    time.sleep(60)
                respond(id, 'fine')
            """, timeout: .milliseconds(400))
        _ = try await fixture.call()
        let start = ContinuousClock.now
        let answer = try await fixture.call(event: #"{"hang":true}"#)
        #expect(ContinuousClock.now - start < .seconds(3))
        #expect(answer.completion["ErrorCode"] == "Sandbox.Timedout")
        #expect(answer.completion["ErrorDetails"]?.contains("Task timed out after 0.40 seconds") == true)
        let line = try #require(try await fixture.waitForLog("child ").first)
        let grandchild = try #require(Int32(line.message.dropFirst(6)))
        #expect(try await Self.hasEnded(grandchild))
        #expect(try await fixture.call().payload == "\"fine\"")
    }

    @Test func `the deadline ends a stream that has begun`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            begin_stream(id)
            chunk('begun')
            time.sleep(60)
            """, timeout: .milliseconds(400))
        let answer = try await fixture.call()
        #expect(answer.payload == "begun")
        #expect(answer.completion["ErrorCode"] == "Sandbox.Timedout")
    }

    @Test func `an error in the middle of a stream comes with its type and details`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            begin_stream(id)
            chunk('half')
            fail_stream('TypeError', '{"errorType":"TypeError","errorMessage":"no"}')
            id, event, headers = next_invocation()
            begin_stream(id)
            # The Swift runtime's body is no base64.
            end_stream('Lambda-Runtime-Function-Error-Type: Unhandled\\r\\nLambda-Runtime-Function-Error-Body: Requires base64\\r\\n')
            """)
        let answer = try await fixture.call()
        #expect(answer.payload == "half")
        #expect(
            answer.completion == [
                "ErrorCode": "TypeError", "ErrorDetails": #"{"errorType":"TypeError","errorMessage":"no"}"#,
            ])
        let plain = try await fixture.call()
        #expect(plain.completion == ["ErrorCode": "Unhandled", "ErrorDetails": "Requires base64"])
    }

    @Test func `a reported error is told both ways`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            while True:
                id, event, headers = next_invocation()
                error(id, 'ValueError', 'bad value')
            """)
        let document = #"{"errorType": "ValueError", "errorMessage": "bad value", "stackTrace": []}"#
        let streamed = try await fixture.call()
        #expect(streamed.completion == ["ErrorCode": "Unhandled", "ErrorDetails": document])
        let buffered = try await fixture.call(stream: false)
        #expect(buffered.status == 200)
        #expect(buffered.head.fields.first("x-amz-function-error") == "Unhandled")
        #expect(buffered.text == document)
    }

    @Test func `a process that reports that it cannot start fails one call`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            if os.path.exists('once'):
                id, event, headers = next_invocation()
                respond(id, 'started')
            else:
                open('once', 'w').close()
                request('POST', base + 'init/error', '{"errorType":"Runtime.Broken","errorMessage":"at start"}')
                sys.exit(1)
            """)
        let failed = try await fixture.call()
        #expect(failed.completion["ErrorCode"] == "Unhandled")
        #expect(failed.completion["ErrorDetails"] == #"{"errorType":"Runtime.Broken","errorMessage":"at start"}"#)
        #expect(try await fixture.call().payload == "\"started\"")
    }

    @Test func `a process that ends at its start fails each call that waits`() async throws {
        let fixture = try LambdaFixture.python("raise Exception('not today')")
        async let first = fixture.call()
        async let second = fixture.call(stream: false)
        #expect(try await first.completion["ErrorCode"] == "Runtime.ExitError")
        #expect(try await second.text.contains("exit status 1"))
        #expect(try await fixture.waitForLog("Exception: not today").first?.metadata["stream"] == "stderr")
    }

    @Test func `a program that does not exist is told as such`() async throws {
        let fixture = try LambdaFixture { directory in
            [
                LocalFunction(
                    name: "f", program: .command(["no-such-program"]), directory: directory, concurrency: 1),
                LocalFunction(
                    name: "g", program: .command(["sh"]), directory: directory + "/missing", concurrency: 1),
            ]
        }
        let answer = try await fixture.call()
        #expect(answer.completion["ErrorCode"] == "Runtime.InvalidEntrypoint")
        #expect(answer.completion["ErrorDetails"]?.contains("no executable file no-such-program") == true)
        let other = try await fixture.call("g")
        #expect(other.completion["ErrorDetails"]?.contains("no directory ") == true)
    }

    @Test func `a process above its memory is killed`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            data = bytearray(200 * 1024 * 1024)
            time.sleep(10)
            """, memory: 64)
        let answer = try await fixture.call()
        #expect(answer.completion["ErrorDetails"]?.contains("signal: killed") == true)
    }

    @Test func `a buffered answer above the limit is refused`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            print(respond(id, b'x' * 6291557), flush=True)
            id, event, headers = next_invocation()
            print(respond(id, b'x' * 6291556)[0], flush=True)
            """)
        let answer = try await fixture.call(stream: false)
        #expect(answer.text.contains(#""errorType":"Function.ResponseSizeTooLarge""#))
        #expect(answer.head.fields.first("x-amz-function-error") == "Unhandled")
        #expect(try await fixture.waitForLog("RequestEntityTooLarge").count == 1)
        #expect(try await fixture.call(stream: false).body.count == 6_291_556)
    }

    /// Whether a process is gone, or a zombie that nobody has waited for, within a second.
    private static func hasEnded(_ process: Int32) async throws -> Bool {
        for _ in 0..<200 {
            guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
                return true
            }
            if status.contains(") Z ") { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }
}
