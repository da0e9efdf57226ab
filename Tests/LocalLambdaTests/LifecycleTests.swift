import Foundation
import HTTP
import LocalLambda
import Reactor
import Synchronization
import TestSupport
import Testing

/// Something that has happened, on whatever thread.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { self.value.load(ordering: .acquiring) }

    func raise() {
        self.value.store(true, ordering: .releasing)
    }
}

/// Logs, leaving callers, slow callers, changed functions and the end.
@Suite(.fewAtOnce) struct LifecycleTests {
    private static let printing = """
        from runtime import *
        while True:
            id, event, headers = next_invocation()
            print('to stdout', flush=True)
            print('to stderr', file=sys.stderr, flush=True)
            respond(id, os.getpid())
        """

    @Test func `what a child prints goes into the log with its function and invocation`() async throws {
        let fixture = try LambdaFixture.python(Self.printing)
        let answer = try await fixture.call()
        let output = try #require(try await fixture.waitForLog("to stdout").first)
        #expect(output.metadata["function"] == "f")
        #expect(output.metadata["stream"] == "stdout")
        #expect(output.metadata["request_id"] == answer.head.fields.first("x-amzn-requestid"))
        #expect(try await fixture.waitForLog("to stderr").first?.metadata["stream"] == "stderr")
    }

    @Test(arguments: [true, false])
    func `the end of the log is sent to who asks for it`(stream: Bool) async throws {
        let fixture = try LambdaFixture.python(Self.printing)
        let answer = try await fixture.call(stream: stream, headers: [("X-Amz-Log-Type", "Tail")])
        let encoded = try #require(
            stream ? answer.completion["LogResult"] : answer.head.fields.first("x-amz-log-result"))
        let tail = String(decoding: try #require(Data(base64Encoded: encoded)), as: UTF8.self)
        let id = try #require(answer.head.fields.first("x-amzn-requestid"))
        #expect(tail.hasPrefix("START RequestId: \(id) Version: $LATEST\n"))
        #expect(tail.contains("to stdout\n"))
        #expect(tail.contains("to stderr\n"))
        #expect(tail.contains("END RequestId: \(id)\nREPORT RequestId: \(id)\tDuration: "))
    }

    @Test func `the address of the API is logged`() async throws {
        let fixture = try LambdaFixture.python("")
        #expect(fixture.log.messages.contains("local Lambda API on http://\(fixture.address)"))
    }

    @Test func `a function goes on when its caller leaves`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            while True:
                id, event, headers = next_invocation()
                begin_stream(id)
                chunk('x')
                print('began', flush=True)
                time.sleep(event.get('pause', 0))
                for _ in range(50): chunk(b'y' * 65536)
                print('finished', end_stream()[0], flush=True)
            """)
        let port = fixture.address.port
        let request = CallClient.request(
            path: "/2021-11-15/functions/f/response-streaming-invocations", body: Array(#"{"pause":0.2}"#.utf8),
            host: "\(fixture.address)", credentials: LambdaFixture.credentials)
        let descriptor = try CallClient.connect(port)
        try CallClient.send(request, to: descriptor)
        _ = try await fixture.waitForLog("began")
        close(descriptor)
        #expect(try await fixture.waitForLog("finished 202").count == 1)
        #expect(try await fixture.call().isComplete)
    }

    @Test func `a slow caller holds the function back, and gets everything`() async throws {
        let total = 32
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            id, event, headers = next_invocation()
            begin_stream(id)
            for index in range(\(total)):
                chunk(b'z' * 1048576)
                print('wrote', index, flush=True)
            end_stream()
            """)
        let descriptor = try fixture.callWithoutReading()
        defer { close(descriptor) }
        _ = try await fixture.waitForLog("wrote 0")
        try await Task.sleep(for: .milliseconds(500))
        let before = fixture.log.messages.filter { $0.hasPrefix("wrote") }.count
        // What lies in the sockets of loopback, and little more.
        #expect(before < 20)
        let answer = try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Result { try CallClient.readAnswer(from: descriptor) }) }.start()
        }
        #expect(answer.isComplete)
        #expect(answer.completion == [:])
        #expect(answer.chunks.reduce(0) { $0 + $1.text.utf8.count } == total * 1_048_576)
    }

    @Test func `a call whose caller has left while it waited is not run`() async throws {
        let fixture = try LambdaFixture.python(
            """
            import os
            from runtime import *
            while True:
                id, event, headers = next_invocation()
                print('ran', event.get('name'), flush=True)
                while 'until' in event and not os.path.exists(event['until']): time.sleep(0.01)
                respond(id, None)
            """)
        _ = try await fixture.call(event: #"{"name":"warm"}"#)
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: file) }
        async let slow = fixture.call(event: "{\"name\":\"slow\",\"until\":\"\(file)\"}")
        _ = try await fixture.waitForLog("ran slow")
        let descriptor = try CallClient.connect(fixture.address.port)
        try CallClient.send(
            CallClient.request(
                path: "/2021-11-15/functions/f/response-streaming-invocations", body: Array(#"{"name":"left"}"#.utf8),
                host: "\(fixture.address)", credentials: LambdaFixture.credentials), to: descriptor)
        try await Task.sleep(for: .milliseconds(100))
        close(descriptor)
        // Time for the host to notice, while the one before is still under way.
        try await Task.sleep(for: .milliseconds(300))
        try Data().write(to: URL(filePath: file))
        _ = try await slow
        _ = try await fixture.call(event: #"{"name":"last"}"#)
        _ = try await fixture.waitForLog("ran last")
        #expect(!fixture.log.messages.contains("ran left"))
    }

    @Test func `functions that did not change keep their children when others do`() async throws {
        let fixture = try LambdaFixture(files: ["runtime.py": PythonRuntime.source, "f.py": Self.printing]) {
            [Self.function("kept", $0), Self.function("changed", $0), Self.function("removed", $0)]
        }
        let before = try await (fixture.call("kept").payload, fixture.call("changed").payload)
        _ = try await fixture.call("removed")
        var changed = Self.function("changed", fixture.directory)
        changed.environment["NEW"] = "1"
        fixture.lambda.update(functions: [Self.function("kept", fixture.directory), changed])
        let after = try await (fixture.call("kept").payload, fixture.call("changed").payload)
        #expect(before.0 == after.0)
        #expect(before.1 != after.1)
        #expect(try await fixture.call("removed").status == 404)
    }

    @Test func `children end with the local Lambda, those that will not by force`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            import signal
            signal.signal(signal.SIGTERM, lambda *_: (print('told to end', flush=True), sys.exit(0)))
            id, event, headers = next_invocation()
            respond(id, os.getpid())
            next_invocation()
            """)
        let process = try #require(Int32(try await fixture.call().payload))
        #expect(kill(process, 0) == 0)
        fixture.lambda.stop()
        #expect(kill(process, 0) == -1)
        #expect(fixture.log.messages.contains("told to end"))
    }

    @Test(arguments: [false, true])
    func `a slow caller does not keep the place of a process that was killed at its deadline`(stops: Bool) async throws
    {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            while True:
                id, event, headers = next_invocation()
                begin_stream(id)
                print('began', flush=True)
                while not event.get('brief'): chunk(b'z' * 1048576)
                end_stream()
            """, timeout: .seconds(1))
        let descriptor = try fixture.callWithoutReading()
        defer { close(descriptor) }
        _ = try await fixture.waitForLog("began")
        #expect(try await fixture.waitForLog("the invocation failed").count == 1)
        if stops {
            let lambda = fixture.lambda
            let stopped = Task.detached { lambda.stop() }
            await stopped.value
        } else {
            let answer = try await fixture.call(event: #"{"brief":true}"#)
            #expect(answer.status == 200)
            #expect(answer.isComplete)
        }
    }

    @Test func `calls of others end before they are let go of, and no new ones are taken`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            while True:
                id, event, headers = next_invocation()
                begin_stream(id)
                chunk('begun ')
                wait_for('goes-on')
                chunk('ended')
                end_stream()
            """)
        let socket = try ListeningSocket(bindingTo: try #require(SocketAddress(literal: "127.0.0.1", port: 0)))
        fixture.lambda.listen(alsoOn: socket)
        let call = CallClient.request(
            path: "/2021-11-15/functions/f/response-streaming-invocations", body: Array("{}".utf8),
            host: "\(socket.address)", credentials: LambdaFixture.credentials)
        let (port, drained, begun) = (socket.address.port, Flag(), Flag())
        let idle = try CallClient.connect(port)
        defer { close(idle) }
        async let answer: CallAnswer = withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result {
                        try CallClient.exchange(call, port: port) { _ in begun.raise() }
                    })
            }.start()
        }
        while !begun.isRaised { try await Task.sleep(for: .milliseconds(5)) }
        fixture.lambda.drainOthers(leavingQueue: false) { drained.raise() }
        // One that has connected and not called is let go of after a moment.
        _ = await Task.detached {
            var byte: UInt8 = 0
            return recv(idle, &byte, 1, 0)
        }.value
        #expect(!drained.isRaised)
        fixture.touch("goes-on")
        #expect(try await answer.payload == "begun ended")
        while !drained.isRaised { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test func `a process that has ended while it was idle is given no call`() async throws {
        let fixture = try LambdaFixture.python(
            """
            from runtime import *
            while True:
                id, event, headers = next_invocation()
                # Somebody else holds the connection, so that it outlives the process.
                if event.get('fork') and os.fork() == 0:
                    os.setsid()
                    time.sleep(3)
                    os._exit(0)
                respond(id, os.getpid())
            """)
        let first = try await fixture.call(event: #"{"fork":true}"#)
        let process = try #require(Int32(first.payload))
        for _ in 0..<3 {
            let last = try #require(Int32(try await fixture.call().payload))
            kill(last, SIGKILL)
            while !Self.hasEnded(last) { try await Task.sleep(for: .milliseconds(1)) }
            let next = try await fixture.call()
            #expect(next.completion == [:])
            #expect(Int32(next.payload) != last)
        }
        #expect(kill(process, 0) != 0)
    }

    /// Whether a process is no more, or nobody has asked yet how it ended.
    private static func hasEnded(_ process: Int32) -> Bool {
        guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return true }
        return String(decoding: data, as: UTF8.self).split(separator: ")").last?.hasPrefix(" Z") ?? true
    }

    private static func function(_ name: String, _ directory: String) -> LocalFunction {
        LocalFunction(
            name: name, program: .command(["python3", "-S", "-E", "f.py"]), directory: directory, concurrency: 1)
    }
}
