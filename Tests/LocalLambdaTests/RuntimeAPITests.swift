import Foundation
import HTTP
import LocalLambda
import TestSupport
import Testing

/// What the Runtime API says to children that do not do as they should, or do it in their own way.
@Suite(.fewAtOnce) struct RuntimeAPITests {
    /// Runs Python lines with one invocation (`id`, `event`, `headers`) and answers with what they put into `result`.
    private static func result(of lines: String, event: String = "{}") async throws -> String {
        let body = lines.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n")
        let fixture = try LambdaFixture.python(
            "from runtime import *\nid, event, headers = next_invocation()\n\(body)\nrespond(id, result)\n")
        return try await fixture.call(stream: false, event: event).text
    }

    @Test func `wrong ids are refused`() async throws {
        let text = try await Self.result(
            of: """
                status, _, body = respond('00000000-0000-0000-0000-000000000000', 1)
                other, _, more = error('x', 'T', 'm')
                result = [status, json.loads(body), other, json.loads(more)['errorType']]
                """)
        #expect(
            text
                == #"[400, {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}, 400, "InvalidRequestID"]"#
        )
    }

    @Test func `a request that is cut off is refused, and its invocation fails`() async throws {
        let fixture = try LambdaFixture.python(
            """
            import runtime
            from runtime import *
            id, event, headers = next_invocation()
            send(f'POST {base}invocation/{id}/response HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 100\\r\\n\\r\\nhalf')
            runtime.connection.shutdown(socket.SHUT_WR)
            status, headers, body = read_answer()
            open_connection()
            id, event, headers = next_invocation()
            respond(id, [status, json.loads(body)['errorType']])
            """)
        #expect(try await fixture.call(stream: false).text.contains("Runtime.TruncatedResponse"))
        #expect(try await fixture.call(stream: false).text == #"[400, "TruncatedHTTPRequest"]"#)
    }

    @Test(
        arguments: [
            ("Runtime.ExitError", "Runtime.ExitError"),
            ("Function.ResponseSizeTooLarge", "Function.ResponseSizeTooLarge"),
            (nil, "Runtime.Unknown"), ("unhandled", "Runtime.Unknown"), ("Runtime.", "Runtime.Unknown"),
            ("Runtime.X", "Runtime.Unknown"), ("Runtime.exit", "Runtime.Unknown"), ("Other.Error", "Runtime.Unknown"),
            ("Runtime.A.B", "Runtime.Unknown"), ("Runtime.Ab1", "Runtime.Unknown"),
        ] as [(String?, String)])
    func `of an error without a body only types of the platform are told`(header: String?, type: String) {
        let nothing: [UInt8] = []
        let error = FunctionError.reported(body: nothing.span, headerType: header)
        #expect(error.details == "{\"errorType\":\"\(type)\",\"errorMessage\":\"\"}")
        // The runtime's own document is handed on as it is.
        let own = FunctionError.reported(body: Array("{}".utf8).span, headerType: header)
        #expect(own.details == "{}")
    }

    @Test func `an invocation is answered once`() async throws {
        let text = try await Self.result(
            of: """
                accepted = respond(id, 1)
                again = respond(id, 2)
                late = error(id, 'T', 'm')
                id, event, headers = next_invocation()
                result = [accepted[0], json.loads(accepted[2]), again[0], late[0]]
                """)
        #expect(text == "1")
    }

    @Test func `what was answered says so`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            accepted = respond(id, 1)
            again = respond(id, 2)
            late = error(id, 'T', 'm')
            id, event, headers = next_invocation()
            respond(id, [accepted[0], json.loads(accepted[2]), again[0], late[0]])
            """)
        #expect(try await fixture.call(stream: false).text == "1")
        #expect(try await fixture.call(stream: false).text == #"[202, {"status": "OK"}, 400, 400]"#)
    }

    @Test func `an error cannot be reported once the answer has begun`() async throws {
        let fixture = try LambdaFixture.python(
            """
            import runtime
            from runtime import *
            id, event, headers = next_invocation()
            begin_stream(id)
            chunk('body')
            time.sleep(0.05)
            streaming = runtime.connection
            open_connection()
            status, _, body = error(id, 'T', 'm')
            runtime.connection = streaming
            chunk(f' {status} {json.loads(body)["errorType"]}')
            end_stream()
            """)
        let answer = try await fixture.call()
        #expect(answer.payload == "body 403 InvalidStateTransition")
        #expect(answer.completion == [:])
    }

    @Test func `the same invocation is given again to a child that asks while it runs`() async throws {
        let text = try await Self.result(
            of: """
                second, sameEvent, _ = next_invocation()
                result = [second == id, sameEvent]
                """, event: #"{"a":1}"#)
        #expect(text == #"[true, {"a": 1}]"#)
    }

    @Test func `paths, methods and modes that do not exist are refused`() async throws {
        let text = try await Self.result(
            of: """
                result = [request('GET', '/2018-06-01/runtime/nothing')[0],
                    request('POST', base + 'invocation/next')[0],
                    respond(id, 1, 'Lambda-Runtime-Function-Response-Mode: sideways\\r\\n')[0],
                    request('GET', '/2018-06-01/ping')[2].decode(), request('GET', '/ping')[0],
                    request('POST', base + 'init/error', '{}')[0]]
                """)
        #expect(text == #"[404, 405, 400, "pong", 200, 403]"#)
    }

    @Test func `an error's cause may be nearly a mebibyte of header`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            print('status', request('POST', base + f'invocation/{id}/error', '{"errorType":"E"}',
                'Lambda-Runtime-Function-XRay-Error-Cause: ' + 'x' * 1000000 + '\\r\\n')[0], flush=True)
            """)
        #expect(try await fixture.call().completion["ErrorDetails"] == #"{"errorType":"E"}"#)
        #expect(try await fixture.waitForLog("status 202").count == 1)
    }

    @Test(arguments: ["application/octet-stream", "application/vnd.awslambda.http-integration-response"])
    func `a chunked answer without a mode streams by its content type, as the Go runtime needs it`(
        type: String
    ) async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            begin_stream(id, '\(type)', '')
            chunk('early')
            wait_for('early-arrived')
            chunk('late')
            end_stream()
            """)
        let answer = try await fixture.call { if $0.text == "early" { fixture.touch("early-arrived") } }
        #expect(answer.chunks.map(\.text) == ["early", "late"])
    }

    @Test func `a chunked document without a mode is passed on when it is whole`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            begin_stream(id, 'application/json', '')
            chunk('{"a":')
            time.sleep(0.05)
            chunk('1}')
            end_stream()
            """)
        #expect(try await fixture.call().chunks.map(\.text) == [#"{"a":1}"#])
    }

    @Test func `a child may send its body only after it was told to go on`() async throws {
        let text = try await Self.result(
            of: """
                import runtime
                send(f'POST {base}invocation/x/response HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 2\\r\\nExpect: 100-continue\\r\\n\\r\\n')
                interim = runtime.connection.recv(1000).decode()
                send('{}')
                result = [interim, read_answer()[0]]
                """)
        #expect(text == #"["HTTP/1.1 100 Continue\r\n\r\n", 400]"#)
    }

    @Test func `a child that speaks no HTTP is refused`() async throws {
        let text = try await Self.result(
            of: """
                import runtime
                good = runtime.connection
                open_connection()
                send('HELO there\\r\\n\\r\\n')
                status = read_answer()[0]
                gone = runtime.connection.recv(10) == b''
                runtime.connection = good
                result = [status, gone]
                """)
        #expect(text == "[400, true]")
    }

    @Test func `a child that closes and connects anew is served`() async throws {
        let fixture = try LambdaFixture.python(
            """
            import runtime, threading
            from runtime import *
            # Asks, gives up, and asks again on another connection.
            send(f'GET {base}invocation/next HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n')
            time.sleep(0.1)
            runtime.connection.close()
            open_connection()
            id, event, headers = next_invocation()
            respond(id, 'served')
            """)
        #expect(try await fixture.call().payload == "\"served\"")
    }
}
