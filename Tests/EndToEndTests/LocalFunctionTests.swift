import Foundation
import Glibc
import Testing

/// Functions that run on this machine, over the same wire.
@Suite struct LocalFunctionTests {
    private func setup(_ functions: [(String, String)]) async throws -> Setup {
        var setup = try Setup(await FakeLambda.shared)
        setup.aws = "{ }"
        setup.environment["AWS_ACCESS_KEY_ID"] = nil
        setup.environment["AWS_SECRET_ACCESS_KEY"] = nil
        setup.functions = functions.map { (name: $0.0, keys: $0.1) }
        setup.routes = functions.map { "{ path: /\($0.0)/*, function: \($0.0), strip_prefix: /\($0.0) }" }
        return setup
    }

    private static let hasNode = ["/usr/local/bin", "/usr/bin", "/bin"].contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/node")
    }

    private static let handler = """
        exports.stream = awslambda.streamifyResponse(async (event, stream) => {
          stream = awslambda.HttpResponseStream.from(stream, {
            statusCode: 201, headers: { 'content-type': 'text/plain', 'x-path': event.rawPath }, cookies: ['a=1', 'b=2'],
          });
          stream.write('first\\n');
          await new Promise(resolve => setTimeout(resolve, 300));
          stream.write('second\\n');
          stream.end();
        });
        exports.buffered = async event => ({ statusCode: 202, headers: { 'x-method': event.requestContext.http.method }, body: event.body });
        exports.fails = awslambda.streamifyResponse(async (event, stream) => {
          stream.write('first');
          await new Promise(resolve => setTimeout(resolve, 50));
          throw new Error('secret');
        });
        """

    @Test(.enabled(if: Self.hasNode, "Node.js is not installed"))
    func `an unmodified Node handler streams`() async throws {
        var setup = try await self.setup([])
        try setup.folder.write("index.js", Self.handler)
        let names = ["stream", "buffered", "fails"]
        setup.functions = names.map {
            (name: $0, keys: "{ local: { runtime: node, handler: index.\($0), concurrency: 2 } }")
        }
        setup.routes = names.map { "{ path: /\($0)/*, function: \($0), strip_prefix: /\($0) }" }
        try await Gateway.run(setup) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request("/stream/a"))
            let beginning = try await client.body(holding: "first\n")
            #expect(beginning.status == 201)
            #expect(beginning["x-path"] == "/a")
            #expect(beginning.all("set-cookie") == ["a=1", "b=2"])
            #expect(!beginning.text.contains("second"))
            #expect(try await client.answer().text == "first\nsecond\n")
            let buffered = try await gateway.get("/buffered", ["Content-Type: text/plain"], method: "POST", body: "hi")
            #expect(buffered.status == 202)
            #expect(buffered["x-method"] == "POST")
            #expect(buffered.text == "hi")
            let broken = try await gateway.get("/fails")
            #expect(broken.text == "first")
            #expect(broken.end == .cut(.closed))
        }
    }

    @Test func `awslambdaric runs a Python handler`() async throws {
        try await Tool.checkPython()
        var setup = try await self.setup([])
        try setup.folder.write(
            "handler.py",
            """
            def answer(event, context):
                if event["rawPath"] == "/fail":
                    raise ValueError("secret")
                return {"statusCode": 200, "headers": {"x-request": context.aws_request_id}, "body": "hello " + event["rawPath"]}
            """)
        setup.functions = [
            ("py", "{ local: { command: [\"\(Support.python)\", -m, awslambdaric, handler.answer], concurrency: 1 } }")
        ]
        setup.routes = ["{ path: /*, function: py }"]
        try await Gateway.run(setup) { gateway in
            for _ in 0..<3 {
                let answer = try await gateway.get("/a")
                #expect(answer.status == 200)
                #expect(answer.text == "hello /a")
            }
            let failed = try await gateway.get("/fail")
            try expectProblem(failed, 502)
            #expect(!failed.text.contains("secret"))
            #expect(try await gateway.get("/b").text == "hello /b")
        }
    }

    static let kinds = ["v2", "http_api", "v1", "alb", "alb_multi_value", "raw"]

    @Test(.enabled(if: Self.hasNode, "Node.js is not installed"), arguments: kinds)
    func `a Node handler gets each kind of event, streaming or not`(kind: String) async throws {
        var setup = try await self.setup([])
        try setup.folder.write(
            "index.js",
            """
            const tell = event => [event.rawPath ?? event.path ?? 'none', event.body ?? 'null',
              event.headers?.host ?? event.headers?.Host ?? event.multiValueHeaders?.host?.[0] ?? event.a].join(' ');
            exports.stream = awslambda.streamifyResponse(async (event, stream) => {
              stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'content-type': 'text/plain' } });
              stream.write(tell(event));
              stream.end();
            });
            exports.buffered = async event => ({ statusCode: 201, headers: { 'content-type': 'text/plain' }, body: tell(event) });
            """)
        let functions = [("stream", "stream"), ("buffered", "stream"), ("buffered", "buffered")]
        for (index, (handler, invoke)) in functions.enumerated() {
            setup.functions.append(
                (
                    "f\(index)",
                    "{ event: \(kind), invoke: \(invoke), local: { handler: index.\(handler), concurrency: 1 } }"
                ))
            setup.routes.append("{ path: /f\(index)/*, function: f\(index), strip_prefix: /f\(index) }")
        }
        try await Gateway.run(setup) { gateway in
            for index in functions.indices {
                let answer = try await gateway.get(
                    "/f\(index)/a", ["Content-Type: application/json"], method: "POST", body: #"{"a":7}"#)
                #expect(answer.status == 201)
                #expect(answer["content-type"] == "text/plain")
                #expect(answer.text == (kind == "raw" ? "none null 7" : #"/a {"a":7} example.com"#), "\(index)")
            }
        }
    }

    @Test(arguments: kinds, ["stream", "buffered"])
    func `awslambdaric gets each kind of event`(kind: String, invoke: String) async throws {
        try await Tool.checkPython()
        var setup = try await self.setup([])
        try setup.folder.write(
            "handler.py",
            """
            def answer(event, context):
                path = event.get("rawPath") or event.get("path") or "none"
                return {"statusCode": 202, "headers": {"content-type": "text/x"}, "body": path + " " + str(event.get("body"))}
            """)
        setup.functions = [
            (
                "py",
                "{ event: \(kind), invoke: \(invoke), local: { command: [\"\(Support.python)\", -m, awslambdaric, handler.answer], concurrency: 1 } }"
            )
        ]
        setup.routes = ["{ path: /*, function: py }"]
        try await Gateway.run(setup) { gateway in
            let body = kind == "raw" ? #"{"body":7}"# : "7"
            let answer = try await gateway.get("/a", ["Content-Type: text/plain"], method: "POST", body: body)
            #expect(answer.status == 202)
            #expect(answer["content-type"] == "text/x")
            #expect(answer.text == (kind == "raw" ? "none 7" : "/a 7"))
        }
    }

    @Test func `any SDK can call a local function`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.functions = [
            ("gettysburg", "{ local: { command: [sluice-demo-function, chat] } }"),
            ("page", "{ local: { command: [sluice-demo-function, page] } }"),
        ]
        setup.routes = ["{ path: /*, function: page }"]
        setup.more = "local_lambda: { address: \"127.0.0.1:0\" }"
        try await Gateway.run(setup) { gateway in
            let address = gateway.log.firstMatch(of: /local Lambda API on (http:\/\/\S+)/)?.1
            let python = try await Tool.python(
                "call_with_boto3.py", [String(address ?? "none"), "gettysburg"],
                environment: [
                    "AWS_ACCESS_KEY_ID": FakeLambda.accessKey, "AWS_SECRET_ACCESS_KEY": FakeLambda.secretKey,
                    "AWS_DEFAULT_REGION": "us-east-1",
                ])
            #expect(python.status == 0, "\(python.errors)\n\(gateway.log)")
            #expect(python.output.contains("every check passed"))
        }
    }

    @Test func `who waits too long for a process is told that too many called`() async throws {
        let command = "[\(Support.python), \(Support.file("local_function.py")), local]"
        let setup = try await self.setup([
            (
                "busy",
                "{ timeouts: { first_byte: 4s }, retries: 2, local: { command: \(command), concurrency: 1 } }"
            )
        ])
        try await Gateway.run(setup) { gateway in
            // Streams for longer than others wait.
            let first = try await gateway.connect()
            try await first.send(Gateway.request("/busy/slower"))
            _ = try await first.body(holding: "local ")
            let refused = try await gateway.get("/busy/named")
            try expectProblem(refused, 429)
            #expect(refused["retry-after"] != nil)
            #expect(try await first.answer().text.hasSuffix(" ended"))
            #expect(try await gateway.get("/busy/named").text == "local")
        }
    }

    @Test func `a program that is not there is 502, and the others go on`() async throws {
        var setup = try await self.setup([("none", "{ local: { command: [no-such-program] } }")])
        setup.routes.append("{ path: /fixed, respond: { body: fixed } }")
        try await Gateway.run(setup) { gateway in
            try expectProblem(await gateway.get("/none"), 502)
            #expect(try await gateway.get("/fixed").text == "fixed")
        }
    }

    @Test func `a program that ends without a word is 502`() async throws {
        let setup = try await self.setup([("ends", "{ local: { command: [\"true\"] } }")])
        try await Gateway.run(setup) { gateway in
            try expectProblem(await gateway.get("/ends"), 502)
        }
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `no child outlives the gateway`(_ signal: Int32) async throws {
        let setup = try await self.setup([("page", "{ local: { command: [sluice-demo-function, page] } }")])
        try await Gateway.run(setup) { gateway in
            #expect(try await gateway.get("/page").status == 200)
            let children = try await Tool.run("pgrep", ["-P", "\(gateway.child.pid)"]).output.split(separator: "\n")
                .compactMap { pid_t($0) }
            #expect(!children.isEmpty)
            gateway.child.signal(signal)
            _ = try await gateway.child.ended()
            for child in children {
                _ = try await eventually("process \(child) has gone") { kill(child, 0) != 0 ? true : nil }
            }
        }
    }

    @Test func `invoke calls a local function`() async throws {
        let setup = try await self.setup([("chat", "{ local: { command: [sluice-demo-function, chat] } }")])
        let path = try setup.folder.write("sluice.yaml", setup.text)
        let tool = try await Tool.sluice("invoke", "chat", "--config", path, environment: setup.environment)
        #expect(tool.status == 0, "\(tool.errors)")
        #expect(tool.output.contains("content-type: text/event-stream"))
        #expect(tool.output.split(separator: "\n").filter { $0.contains("chunk of") }.count > 10)
    }
}

/// `make demo`, but for the port.
@Suite struct DemoTests {
    private func demo(_ body: (Gateway) async throws -> Void) async throws {
        var setup = try Setup(await FakeLambda.shared)
        let source = "\(Support.repository)/config/demo"
        try FileManager.default.copyItem(atPath: "\(source)/gettysburg", toPath: setup.folder.path("gettysburg"))
        let text = try String(contentsOfFile: "\(source)/sluice.yaml", encoding: .utf8)
        #expect(text.contains("127.0.0.1:8080"))
        setup.wholeText = text.replacingOccurrences(of: "127.0.0.1:8080", with: "127.0.0.1:0")
        try await Gateway.run(setup, body)
    }

    @Test func `the first sentence comes after about a second, long before the last`() async throws {
        try await self.demo { gateway in
            let clock = ContinuousClock()
            let start = clock.now
            let client = try await gateway.connect()
            try await client.send(Gateway.request("/gettysburg"))
            let answer = try await client.body(holding: "created equal.\n")
            #expect(clock.now - start >= .milliseconds(900))
            #expect(clock.now - start < .seconds(6))
            #expect(answer["content-type"] == "text/plain; charset=utf-8")
            #expect(!answer.text.contains("perish"))
            let second = try await client.body(holding: "long endure.\n")
            #expect(!second.text.contains("perish"))
        }
    }

    @Test func `chat, download and page answer`() async throws {
        try await self.demo { gateway in
            let chat = try await gateway.connect()
            try await chat.send(Gateway.request("/chat"))
            let events = try await chat.body(holding: "id: 2\n")
            #expect(events["content-type"] == "text/event-stream")
            chat.close()
            let download = try await gateway.get("/download?bytes=3000000")
            #expect(download.body.count == 3_000_000)
            #expect(download["content-length"] == "3000000")
            let page = try await gateway.get("/")
            #expect(page.status == 200)
            #expect(page["content-type"]?.hasPrefix("text/html") == true)
            #expect(page.text.contains("</html>"))
        }
    }

    @Test func `its file is right`() async throws {
        let tool = try await Tool.sluice("check", "--config", "\(Support.repository)/config/demo/sluice.yaml")
        #expect(tool.status == 0, "\(tool.errors)")
    }
}
