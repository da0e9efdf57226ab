import Foundation
import HTTP
import LocalLambda
import Reactor
import TestSupport
import Testing

/// Unmodified Node.js handler files, as AWS documents them.
@Suite(.fewAtOnce, .enabled(if: InstalledTools.hasNode, "Node.js is not installed (`node` is not in PATH)"))
struct NodeTests {
    private static func fixture(
        _ files: [String: String], handler: String = "index.handler", timeout: Duration = .seconds(20)
    ) throws -> LambdaFixture {
        try LambdaFixture(files: files) { directory in
            [
                LocalFunction(
                    name: "f", program: .node(handler: handler), directory: directory, concurrency: 1, timeout: timeout)
            ]
        }
    }

    private static let prelude = "\0\0\0\0\0\0\0\0"

    @Test(arguments: [
        ("index.js", [:]), ("index.cjs", [:]), ("index.mjs", [:]),
        ("index.js", ["package.json": #"{"type":"module"}"#]),
    ])
    func `a streaming handler of each kind of module`(name: String, others: [String: String]) async throws {
        let isModule = name.hasSuffix(".mjs") || !others.isEmpty
        let text =
            isModule
            ? "import { setTimeout } from 'node:timers/promises';\nexport const handler ="
            : "const { setTimeout } = require('node:timers/promises');\nexports.handler ="
        let fixture = try Self.fixture(
            others.merging([
                name: """
                \(text) awslambda.streamifyResponse(async (event, responseStream, context) => {
                  const metadata = { statusCode: 201, headers: { 'x-name': event.name }, cookies: ['a=1'] };
                  responseStream = awslambda.HttpResponseStream.from(responseStream, metadata);
                  responseStream.write('first');
                  await setTimeout(20);
                  responseStream.write('second');
                  responseStream.end();
                });
                """
            ]) { $1 })
        for _ in 0..<2 {
            let answer = try await fixture.call(event: #"{"name":"n"}"#)
            #expect(
                answer.payload == #"{"statusCode":201,"headers":{"x-name":"n"},"cookies":["a=1"]}"# + Self.prelude
                    + "firstsecond")
            #expect(answer.completion == [:])
        }
    }

    @Test(.enabled(if: geteuid() == 0, "needs to make a file of another user"))
    func `a bootstrap that somebody else has put in the place of ours is not run`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "node-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let fixture = try LambdaFixture(
            files: ["index.js": "exports.handler = async event => { if (event.end) process.exit(0); return 'ours'; };"],
            environment: ["TMPDIR": folder]
        ) { directory in
            [LocalFunction(name: "f", program: .node(handler: "index.handler"), directory: directory, concurrency: 1)]
        }
        #expect(try await fixture.call(stream: false).text == "\"ours\"")
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)")
        try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
        for file in files {
            try "process.exit(1)".write(toFile: "\(folder)/\(name)/\(file)", atomically: false, encoding: .utf8)
            chown("\(folder)/\(name)/\(file)", 65534, 65534)
        }
        chown("\(folder)/\(name)", 65534, 65534)
        // The next call needs another process.
        _ = try await fixture.call(stream: false, event: #"{"end":true}"#)
        #expect(try await fixture.call(stream: false).text == "\"ours\"")
    }

    @Test func `each write goes out before the next`() async throws {
        let fixture = try Self.fixture([
            "index.mjs": """
            import { existsSync } from 'node:fs';
            import { setTimeout } from 'node:timers/promises';
            export const handler = awslambda.streamifyResponse(async (event, stream) => {
              stream.setContentType('text/plain');
              for (const word of ['one', 'two', 'three']) {
                stream.write(word);
                while (!existsSync(word)) await setTimeout(5);
              }
              stream.end();
            });
            """
        ])
        let answer = try await fixture.call { fixture.touch($0.text) }
        #expect(answer.chunks.map(\.text) == ["one", "two", "three"])
    }

    @Test func `pipelines, objects and buffers are written as they should be`() async throws {
        let fixture = try Self.fixture([
            "index.mjs": """
            import { pipeline } from 'node:stream/promises';
            import { Readable } from 'node:stream';
            export const handler = awslambda.streamifyResponse(async (event, stream) => {
              stream.write({ an: 'object' });
              stream.write(Buffer.from(' buffer '));
              stream.write(new Uint8Array([97, 98]));
              await pipeline(Readable.from([' from', ' pipeline']), stream);
            });
            """
        ])
        #expect(try await fixture.call().payload == #"{"an":"object"} buffer ab from pipeline"#)
    }

    @Test func `write says when to wait, and drain when to go on`() async throws {
        let fixture = try Self.fixture([
            "index.mjs": """
            import { once } from 'node:events';
            export const handler = awslambda.streamifyResponse(async (event, stream) => {
              for (let index = 0; index < 32; index += 1) {
                if (!stream.write(Buffer.alloc(1048576, 120))) await once(stream, 'drain');
                console.log('wrote', index);
              }
              stream.end();
            });
            """
        ])
        let descriptor = try fixture.callWithoutReading()
        defer { close(descriptor) }
        _ = try await fixture.waitForLog("wrote 0")
        try await Task.sleep(for: .milliseconds(300))
        #expect(fixture.log.messages.filter { $0.hasPrefix("wrote") }.count < 20)
        let answer = try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Result { try CallClient.readAnswer(from: descriptor) }) }.start()
        }
        #expect(answer.completion == [:])
        #expect(answer.chunks.reduce(0) { $0 + $1.text.utf8.count } == 32 * 1_048_576)
    }

    @Test func `an error before any write comes without a body`() async throws {
        let fixture = try Self.fixture([
            "index.mjs": """
            export const handler = awslambda.streamifyResponse(async (event, stream) => {
              if (event.prelude) stream = awslambda.HttpResponseStream.from(stream, { statusCode: 200 });
              null.property;
            });
            """
        ])
        for event in ["{}", #"{"prelude":true}"#] {
            let answer = try await fixture.call(event: event)
            #expect(answer.payload == "")
            #expect(answer.completion["ErrorCode"] == "TypeError")
            let details = try #require(answer.completion["ErrorDetails"])
            #expect(details.hasPrefix(#"{"errorType":"TypeError","errorMessage":"Cannot read properties of null"#))
            #expect(details.contains(#""trace":["TypeError: "#))
        }
    }

    @Test func `an error in the middle comes after what was written`() async throws {
        let fixture = try Self.fixture([
            "index.mjs": """
            export const handler = awslambda.streamifyResponse(async (event, stream) => {
              stream.write('half');
              throw new RangeError('nö\\nway');
            });
            """
        ])
        let answer = try await fixture.call()
        #expect(answer.payload == "half")
        #expect(answer.completion["ErrorCode"] == "RangeError")
        #expect(answer.completion["ErrorDetails"]?.contains(#""errorMessage":"nö\nway""#) == true)
        #expect(try await fixture.call().payload == "half")
    }

    @Test func `a stream that a pipeline has destroyed still tells the error`() async throws {
        let fixture = try Self.fixture([
            "index.mjs": """
            import { pipeline } from 'node:stream/promises';
            export const handler = awslambda.streamifyResponse(async (event, stream) => {
              async function* source() { yield 'some'; throw new Error('source broke'); }
              await pipeline(source, stream);
            });
            """
        ])
        let answer = try await fixture.call()
        #expect(answer.completion["ErrorCode"] == "Error")
        #expect(answer.completion["ErrorDetails"]?.contains("source broke") == true)
    }

    @Test func `a stream that is ended without write has no prelude, as in AWS, and the log says so`() async throws {
        let fixture = try Self.fixture([
            "index.mjs": """
            export const handler = awslambda.streamifyResponse(async (event, stream) => {
              stream = awslambda.HttpResponseStream.from(stream, { statusCode: 302 });
              if (event.text) stream.end(event.text); else stream.end();
            });
            """
        ])
        #expect(try await fixture.call().payload == "")
        #expect(try await fixture.call(event: #"{"text":"body"}"#).payload == "body")
        #expect(try await fixture.waitForLog("ended without write()").count >= 1)
    }

    @Test func `a stream that is never ended ends with its deadline`() async throws {
        let fixture = try Self.fixture(
            [
                "index.mjs": """
                export const handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('open'); });
                """
            ], timeout: .milliseconds(700))
        let answer = try await fixture.call()
        #expect(answer.payload == "open")
        #expect(answer.completion["ErrorCode"] == "Sandbox.Timedout")
    }

    @Test(arguments: [
        ("async (event) => ({ statusCode: 200, body: event.name })", #"{"statusCode":200,"body":"n"}"#),
        ("async () => {}", "null"),
        ("(event, context, callback) => { callback(null, [event.name]); }", #"["n"]"#),
        ("(event, context, callback) => { setTimeout(() => callback(null, 'late'), 10); }", #""late""#),
        ("(event, context) => { context.succeed(event); }", #"{"name":"n"}"#),
        ("() => {}", "null"),
        ("() => new Promise(() => {})", "null"),
        (
            """
            (event, context, callback) => {
              context.callbackWaitsForEmptyEventLoop = false; setTimeout(() => {}, 60000); callback(null, 'now');
            }
            """, #""now""#
        ),
    ])
    func `buffered handlers of each style`(handler: String, expected: String) async throws {
        let fixture = try Self.fixture(["index.js": "exports.handler = \(handler);"])
        for _ in 0..<2 {
            let answer = try await fixture.call(stream: false, event: #"{"name":"n"}"#)
            #expect(answer.text == expected)
            #expect(answer.head.fields.first("x-amz-function-error") == nil)
        }
        #expect(try await fixture.call(event: #"{"name":"n"}"#).payload == expected)
    }

    @Test(arguments: [
        ("async () => { throw new TypeError('bad'); }", #"{"errorType":"TypeError","errorMessage":"bad","trace":["#),
        ("() => { throw new Error('sync'); }", #"{"errorType":"Error","errorMessage":"sync","trace":["#),
        ("(e, c, callback) => { callback('text'); }", #"{"errorType":"string","errorMessage":"text","trace":[]}"#),
        ("async () => ({ big: 1n })", #"{"errorType":"Runtime.MarshalError","#),
    ])
    func `buffered handlers that fail`(handler: String, expected: String) async throws {
        let fixture = try Self.fixture(["index.js": "exports.handler = \(handler);"])
        let answer = try await fixture.call(stream: false)
        #expect(answer.text.hasPrefix(expected))
        #expect(answer.head.fields.first("x-amz-function-error") == "Unhandled")
        let streamed = try await fixture.call()
        #expect(streamed.payload == "")
        #expect(streamed.completion["ErrorCode"] == "Unhandled")
        #expect(streamed.completion["ErrorDetails"]?.hasPrefix(expected) == true)
    }

    @Test(arguments: [
        ("setTimeout(() => { throw new Error('loose'); }, 5)", #"{"errorType":"Error","errorMessage":"loose""#),
        (
            "Promise.reject(new Error('lost'))",
            #"{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost""#
        ),
    ])
    func `an error that nobody catches is told and ends the process`(line: String, expected: String) async throws {
        let fixture = try Self.fixture([
            "index.js": """
            exports.handler = async (event) => {
              if (event.ok) return process.pid;
              \(line);
              await new Promise((resolve) => setTimeout(resolve, 1000));
            };
            """
        ])
        let first = try await fixture.call(stream: false, event: #"{"ok":true}"#).text
        let answer = try await fixture.call(stream: false)
        #expect(answer.text.hasPrefix(expected))
        #expect(try await fixture.call(stream: false, event: #"{"ok":true}"#).text != first)
    }

    @Test(arguments: [
        ("index.handler", [:], "Runtime.ImportModuleError"),
        ("index.handler", ["index.js": "require('no-such-package')"], "Runtime.ImportModuleError"),
        ("index.handler", ["index.mjs": "import 'no-such-package'"], "Runtime.ImportModuleError"),
        ("index.handler", ["index.js": "exports.handler = {"], "Runtime.UserCodeSyntaxError"),
        ("index.handler", ["index.js": "exports.other = 1"], "Runtime.HandlerNotFound"),
        ("index.handler", ["index.js": "exports.handler = 1"], "Runtime.HandlerNotFound"),
        ("index", ["index.js": ""], "Runtime.MalformedHandlerName"),
        ("index.handler", ["index.js": "throw new RangeError('at start')"], "RangeError"),
    ])
    func `what cannot be loaded is told`(handler: String, files: [String: String], type: String) async throws {
        let fixture = try Self.fixture(files, handler: handler)
        let answer = try await fixture.call()
        #expect(answer.completion["ErrorCode"] == "Unhandled")
        #expect(answer.completion["ErrorDetails"]?.hasPrefix(#"{"errorType":"\#(type)""#) == true)
    }

    @Test func `handlers in folders, nested names and default exports are found`() async throws {
        let nested = try Self.fixture(
            ["src/app.js": "exports.api = { get: async () => 'nested' };"], handler: "src/app.api.get")
        #expect(try await nested.call().payload == #""nested""#)
        let fallback = try Self.fixture(["index.mjs": "export default { handler: async () => 'default' };"])
        #expect(try await fallback.call().payload == #""default""#)
    }

    @Test func `the context tells of the invocation`() async throws {
        let fixture = try Self.fixture([
            "index.js": """
            exports.handler = async (event, context) => [context.functionName, context.functionVersion,
              context.invokedFunctionArn, context.memoryLimitInMB, context.awsRequestId, context.logGroupName,
              context.logStreamName, context.clientContext.custom.a, typeof context.getRemainingTimeInMillis(),
              context.getRemainingTimeInMillis() > 19000, process.env._X_AMZN_TRACE_ID];
            """
        ])
        let context = Data(#"{"custom":{"a":"b"}}"#.utf8).base64EncodedString()
        let answer = try await fixture.call(stream: false, headers: [("X-Amz-Client-Context", context)])
        let id = answer.head.fields.first("x-amzn-requestid") ?? "?"
        let trace = answer.head.fields.first("x-amzn-trace-id") ?? "?"
        #expect(
            answer.text
                == #"["f","$LATEST","arn:aws:lambda:eu-west-1:000000000000:function:f","128","\#(id)","#
                + #""/aws/lambda/f","local/[$LATEST]1","b","number",true,"\#(trace)"]"#)
    }

    @Test func `console output goes into the log`() async throws {
        let fixture = try Self.fixture([
            "index.js": "exports.handler = async () => { console.log('to %s', 'out'); console.error('to err'); };"
        ])
        _ = try await fixture.call()
        #expect(try await fixture.waitForLog("to out").first?.metadata["stream"] == "stdout")
        #expect(try await fixture.waitForLog("to err").first?.metadata["stream"] == "stderr")
    }
}
