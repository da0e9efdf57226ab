import AWS
import Configuration
import HTTP
import Lambda
import Routing
import Testing

@Suite struct ValueTests {
    @Test(arguments: [
        ("700ms", Duration.milliseconds(700)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("1h", .seconds(3600)),
        ("1.5s", .milliseconds(1500)), ("0.25h", .seconds(900)), ("0", .zero), ("0s", .zero),
        ("0.0000001s", .nanoseconds(100)), ("86400s", .seconds(86_400)),
    ])
    func `durations have units`(text: String, expected: Duration) throws {
        #expect(try load(file("drain_timeout: \(text)")).get().drainTimeout == expected)
    }

    @Test(arguments: [
        "1", "s", "1 s", "1sec", "1h30m", "-1s", "+1s", "1e3s", "1,5s", ".5s", "1.s", "١s", "9999999999999999999h",
    ])
    func `durations are nothing else`(text: String) {
        #expect(faults(file("drain_timeout: '\(text)'")).count == 1)
    }

    @Test(arguments: [
        ("512KiB", 524_288), ("6MiB", 6_291_456), ("4.5MiB", 4_718_592), ("1GiB", 1 << 30), ("65536", 65_536),
        ("65536B", 65_536), ("100.5KiB", 102_912), ("1000000.7B", 1_000_000),
    ])
    func `sizes have binary units`(text: String, expected: Int) throws {
        let text = file("limits: { request_bodies: \(text) }", function: "max_request_body: 0")
        let configuration = try load(text).get()
        #expect(configuration.limits.requestBodies.bytes == expected)
    }

    @Test(arguments: ["1KB", "1k", "1 MiB", "1mib", "MiB", "-1", "1e6", "0x10", "99999999999GiB", "1TiB"])
    func `sizes are nothing else`(text: String) {
        #expect(faults(file("limits: { request_bodies: '\(text)' }")).count == 1)
    }

    @Test(arguments: [
        ("0.0.0.0:443", ListenerAddress.network(NetworkAddress(host: "0.0.0.0", port: 443))),
        ("[::]:80", .network(NetworkAddress(host: "::", port: 80))),
        ("[2001:DB8::1]:8080", .network(NetworkAddress(host: "2001:db8::1", port: 8080))),
        ("localhost:0", .network(NetworkAddress(host: "localhost", port: 0))),
        ("Gateway.internal:65535", .network(NetworkAddress(host: "gateway.internal", port: 65_535))),
        ("unix:/run/sluice.sock", .unix(path: "/run/sluice.sock")), ("unix:s.sock", .unix(path: "etc/s.sock")),
        ("fd:web", .descriptor(name: "web")),
    ])
    func `addresses are listened on`(text: String, expected: ListenerAddress) throws {
        let configuration = try load("listeners: [{ address: '\(text)' }]", file: "etc/sluice.yaml").get()
        #expect(configuration.listeners == [ListenerConfiguration(address: expected)])
    }

    @Test(arguments: [
        "8080", ":8080", "*:8080", "::1:80", "[::1]", "[::1]:", "[::1", "a:", "a:65536", "a:-1", "a:+1", "a:http",
        "256.0.0.1:80", "1.2.3:80", "01.2.3.4:80", "a b:80", "a/b:80", "http://a:80", "a@b:80", "[zz]:80", "ä:80",
        "unix:", "unix:@a", "unix:/a/", "fd:", "fd:a:b", "fd:a b", "-:70000", "",
    ])
    func `addresses are nothing else`(text: String) {
        #expect(faults("listeners: [{ address: '\(text)' }]").count == 1)
    }

    @Test func `a unix path that no socket can have is refused`() {
        let path = "/" + String(repeating: "x", count: 107)
        #expect(faults("routes: [{ respond: {} }]\nlisteners: [{ address: 'unix:\(path)' }]").count == 1)
        #expect(faults("routes: [{ respond: {} }]\nlisteners: [{ address: 'unix:\(path.dropLast())' }]") == [])
    }

    @Test func `what is left out has its default`() throws {
        let configuration = try load(file()).get()
        #expect(configuration.aws == AWSSettings())
        #expect(configuration.workers == nil)
        #expect(configuration.drainTimeout == .seconds(900))
        #expect(configuration.drainDelay == .zero)
        #expect(configuration.limits == LimitSettings())
        #expect(configuration.localLambdaAddress == nil)
        #expect(configuration.accessLog == AccessLogSettings(format: .json, output: .standardOutput))
        let function = try #require(configuration.functions.first)
        #expect(function.name == "f")
        #expect(function.target == .lambda(try FunctionReference(parsing: "f")))
        #expect(function.response == .auto)
        #expect(function.timeouts == Timeouts())
        #expect(function.retries == 2)
        #expect(function.maxRequestBody.bytes == 6_291_456)
        #expect(function.maxConcurrency == nil)
        #expect(function.tenant == nil)
    }

    @Test func `time-outs that were not written give way to a shorter total`() throws {
        let function = try #require(try load(file(function: "timeouts: { total: 20s }")).get().functions.first)
        #expect(function.timeouts.total == .seconds(20))
        #expect(function.timeouts.idle == .seconds(20))
        #expect(function.timeouts.firstByte == .seconds(20))
        #expect(function.timeouts.connect == .seconds(3))
    }

    @Test func `a whole file becomes a configuration`() throws {
        let text = """
            aws: { region: eu-west-1, profile: p, endpoint: "http://127.0.0.1:9000" }
            workers: 2
            listeners: [{ address: "127.0.0.1:8080" }]
            functions:
              chat:
                function: arn:aws:lambda:eu-west-1:123456789012:function:chat
                qualifier: live
                tenant_id: acme
                event: v2
                response: prelude
                invoke: stream
                timeouts: { connect: 1s, first_byte: 2s, idle: 3s, total: 4s }
                retries: 1
                max_request_body: 4.5MiB
                max_concurrency: 500
              local:
                local:
                  command: [./server, --port, "1"]
                  directory: demo
                  concurrency: 3
                  memory: 64MiB
                  environment: { A: "${B:-c}" }
              node:
                local: { handler: index.handler }
            routes:
              - hosts: [chat.example.com, "*.example.com"]
                paths: [/v1/*, "/v1/users/{id}"]
                methods: [GET, POST]
                headers: { X-Beta: "1" }
                function: chat
                strip_prefix: /v1
                request_headers: { set: { X-From: sluice }, remove: [x-internal] }
                response_headers: { add: { x-a: [b, c] } }
              - path: /old/*
                redirect: { to: "https://example.com/new/*", status: 308 }
              - path: /robots.txt
                respond: { status: 404, headers: { x-a: [b, c] }, body: "no" }
              - path: /local
                function: local
              - host: node.example.com
                function: node
            drain_timeout: 60s
            drain_delay: 5s
            local_lambda: { address: "127.0.0.1:9001" }
            access_log: { format: text, output: log/access.log }
            """
        let configuration = try load(text, file: "/etc/sluice/sluice.yaml").get()
        #expect(configuration.warnings == [])
        #expect(configuration.aws.endpoint?.port == 9000)
        #expect(configuration.workers == 2)
        #expect(configuration.accessLog.output == .file(path: "/etc/sluice/log/access.log"))
        #expect(configuration.localLambdaAddress?.description == "127.0.0.1:9001")

        let chat = configuration.functions[0]
        guard case .lambda(let reference) = chat.target else {
            Issue.record("not a function of AWS")
            return
        }
        #expect(reference.qualifier == "live")
        #expect(chat.tenant == .fixed("acme"))
        #expect(chat.response == .prelude)
        let timeouts = Timeouts(connect: .seconds(1), firstByte: .seconds(2), idle: .seconds(3), total: .seconds(4))
        #expect(chat.timeouts == timeouts)
        #expect(chat.maxConcurrency == 500)
        let local = LocalFunctionConfiguration(
            program: .command(["/etc/sluice/./server", "--port", "1"]), directory: "/etc/sluice/demo", concurrency: 3,
            memory: .mebibytes(64), environment: ["A": "c"])
        #expect(configuration.functions[1].target == .local(local))
        let node = LocalFunctionConfiguration(program: .nodeHandler("index.handler"), directory: "/etc/sluice")
        #expect(configuration.functions[2].target == .local(node))

        let routes = configuration.routes.routes
        #expect(routes[0].hosts == [.exact("chat.example.com"), .wildcard(below: "example.com")])
        #expect(routes[0].action == .function(0))
        #expect(routes[0].stripPrefix?.description == "/v1")
        let edits = FieldEdits(set: [try FieldLine(name: "x-from", value: "sluice")], remove: ["x-internal"])
        #expect(routes[0].requestHeaderEdits == edits)
        #expect(routes[0].responseHeaderEdits.add.map(\.value) == ["b", "c"])
        #expect(routes[1].action == .redirect(try Redirect(to: "https://example.com/new/*", status: 308)))
        guard case .respond(let response) = routes[2].action else {
            Issue.record("no answer")
            return
        }
        let fields = Fields(["x-a": "b", "x-a": "c", "content-type": "text/plain; charset=utf-8"])
        #expect(response.head == ResponseHead(status: 404, fields: fields))
        #expect(routes[4].paths == [try PathPattern(parsing: "/*")])
    }

    @Test(arguments: ["access_log: off", "access_log: none", "access_log: { format: off }"])
    func `off is taken for none`(line: String) throws {
        #expect(try load(file(line)).get().accessLog.format == .none)
    }

    @Test(arguments: [
        ("sluice.yaml", nil, "demo"), ("etc/sluice.yaml", nil, "etc/demo"), ("/sluice.yaml", nil, "/./demo"),
        ("sluice.yaml", "/srv", "/srv/demo"),
    ])
    func `relative paths count from the file's folder`(file: String, folder: String?, expected: String) throws {
        let text = """
            listeners: [{ address: 'a:1' }]
            functions: { f: { local: { command: f, directory: demo } } }
            routes: [{ function: f }]
            """
        let result = ConfigurationLoader.load(text: text, file: file, folder: folder, environment: [:]) { _ in "" }
        guard case .local(let local) = try result.get().functions[0].target else {
            Issue.record("not local")
            return
        }
        #expect(local.directory == expected)
        #expect(local.program == .command(["f"]))
    }
}
