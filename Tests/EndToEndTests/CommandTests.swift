import Foundation
import Testing

/// The commands besides `run`: what they print, and where; and their exit statuses.
@Suite struct CommandTests {
    private static let good = """
        listeners:
          - address: "127.0.0.1:0"
        functions:
          chat: { function: chat }
        routes:
          - { path: /v1/*, methods: [GET], function: chat }
          - { path: "/v1/{id}", function: chat }
          - { host: "*.example.com", path: /, respond: { body: hi } }

        """

    private static let bad = """
        listeners:
          - address: "127.0.0.1:0"
            tls: { }
        worker: 2
        functions:
          chat: { function: chat, timeouts: { conect: 3s, total: soon } }
        routes:
          - { path: /v1/*, function: chta }
          - { path: v1, function: chat }

        """

    private func file(_ text: String) throws -> (folder: TestFolder, path: String) {
        let folder = try TestFolder()
        return (folder, try folder.write("sluice.yaml", text))
    }

    @Test func `check passes what is right`() async throws {
        let (folder, path) = try self.file(Self.good)
        let tool = try await Tool.sluice("check", "--config", path)
        #expect(tool.status == 0, "\(tool.errors)")
        #expect(tool.output.contains("ok"))
        withExtendedLifetime(folder) {}
    }

    @Test(arguments: ["check", "run", "explain"])
    func `every fault is told with its place`(_ command: String) async throws {
        let (folder, path) = try self.file(Self.bad)
        let rest = command == "explain" ? ["GET", "/"] : []
        let tool = try await Tool.run(Support.binary, [command, "--config", path] + rest)
        #expect(tool.status == 1)
        #expect(tool.output.isEmpty)
        let lines = tool.errors.split(separator: "\n").map(String.init)
        for (place, word) in [
            ("3:10", "certificates"), ("4:1", "workers"), ("6:", "connect"), ("6:", "soon"), ("8:", "chat"),
            ("9:", "path"),
        ] {
            #expect(
                lines.contains { $0.hasPrefix("\(path):\(place)") && $0.contains(word) },
                "\(place) \(word):\n\(tool.errors)")
        }
        for line in lines { #expect(line.contains(/^.*:\d+:\d+: (error|warning): ./), "\(line)") }
        withExtendedLifetime(folder) {}
    }

    @Test func `faults of the files that it names are told with the others`() async throws {
        let text = Self.bad.replacing(
            "tls: { }", with: "tls: { certificates: [{ certificate: nowhere.pem, key: nowhere.key }] }")
        let (folder, path) = try self.file(text)
        for command in ["check", "run"] {
            let tool = try await Tool.sluice(command, "--config", path)
            #expect(tool.status == 1)
            let lines = tool.errors.split(separator: "\n")
            let first = lines.firstIndex { $0.hasPrefix("\(path):3:") && $0.contains("nowhere.pem") }
            let second = lines.firstIndex { $0.hasPrefix("\(path):4:1: error: ") && $0.contains("workers") }
            #expect((first ?? .max) < (second ?? .min), "\(tool.errors)")
        }
        withExtendedLifetime(folder) {}
    }

    @Test func `a log that is a folder is told by check, and by run with its key`() async throws {
        let (folder, path) = try self.file(Self.good + "access_log: { output: \"./logs\" }\n")
        try FileManager.default.createDirectory(atPath: folder.path("logs"), withIntermediateDirectories: false)
        let check = try await Tool.sluice("check", "--config", path)
        #expect(check.status == 1)
        #expect(
            check.errors.contains("error: access_log.output: \(folder.path("./logs")) is a folder"), "\(check.errors)")
        var environment = Support.environment
        environment["AWS_REGION"] = "eu-west-1"
        let run = try await Tool.sluice("run", "--config", path, environment: environment)
        #expect(run.status == 1)
        #expect(
            run.errors.contains("sluice: access_log.output: open \(folder.path("./logs")): Is a directory"),
            "\(run.errors)")
    }

    /// What is right in itself, on a machine where it could not run, or not well.
    @Test func `check looks at the place as well`() async throws {
        let text = """
            listeners: [{ address: "127.0.0.1:0" }, { address: "unix:nowhere/s.sock" }]
            aws: { ca_file: nowhere.pem }
            access_log: { output: nowhere/access.log }
            functions:
              away: { function: chat }
              folder: { local: { command: "true", directory: nowhere } }
              program: { local: { command: no-such-program } }
              node: { local: { handler: lost.handler } }
              there: { local: { handler: functions/here.handler } }
            routes:
              - { path: /a, function: away }
              - { path: /b, function: folder }
              - { path: /c, function: program }
              - { path: /d, function: node }
              - { path: /e, function: there }

            """
        let (folder, path) = try self.file(text)
        try FileManager.default.createDirectory(
            atPath: folder.path("functions"), withIntermediateDirectories: false)
        try folder.write("functions/here.mjs", "export const handler = 1")
        var environment = Support.environment
        environment["AWS_EC2_METADATA_DISABLED"] = "true"
        let tool = try await Tool.sluice("check", "--config", path, environment: environment)
        #expect(tool.status == 1)
        for words in [
            "error: listener unix:\(folder.path("nowhere/s.sock")): there is no folder",
            "warning: there are no credentials to call functions with (away): ",
            "error: access_log.output: there is no folder", "error: aws.ca_file: ", "error: function away: no region",
            "warning: functions.folder.local: there is no directory",
            "warning: functions.program.local: there is no program",
            "warning: functions.node.local: there is no lost.mjs, .js or .cjs",
        ] { #expect(tool.errors.contains(words), "\(words):\n\(tool.errors)") }
        #expect(!tool.errors.contains("functions.there"))
        // Where a machine of AWS may be asked for it, that is for the start to do.
        environment["AWS_EC2_METADATA_DISABLED"] = "false"
        let other = try await Tool.sluice("check", "--config", path, environment: environment)
        #expect(other.errors.contains("warning: function away: no region"))
        withExtendedLifetime(folder) {}
    }

    @Test func `a file that is not there or no YAML is a fault`() async throws {
        let missing = try await Tool.sluice("check", "--config", "/nonexistent/sluice.yaml")
        #expect(missing.status == 1)
        #expect(missing.errors.contains("/nonexistent/sluice.yaml"))
        let (folder, path) = try self.file("listeners: [\n")
        let broken = try await Tool.sluice("check", "--config", path)
        #expect(broken.status == 1)
        #expect(broken.errors.hasPrefix("\(path):"))
        let (folder2, empty) = try self.file("")
        #expect(try await Tool.sluice("check", "--config", empty).status == 1)
        withExtendedLifetime((folder, folder2)) {}
    }

    @Test func `explain says where a request is sent on to`() async throws {
        let (folder, path) = try self.file(
            """
            listeners:
              - { address: "127.0.0.1:8080", redirect_to_https: true }
            routes:
              - { path: "/old/{id}/*", redirect: { to: "https://b.example/new/{id}/*?from=old#top", status: 301 } }

            """)
        let moved = try await Tool.sluice("explain", "--config", path, "GET", "/old/7/x")
        #expect(moved.status == 0)
        #expect(moved.output.contains("redirects to https://b.example/new/{id}/*?from=old#top with 301"))
        #expect(moved.output.contains("the listener 127.0.0.1:8080 sends requests without TLS to https"))
        withExtendedLifetime(folder) {}
    }

    @Test func `explain says which route and why`() async throws {
        let (folder, path) = try self.file(Self.good)
        let taken = try await Tool.sluice("explain", "--config", path, "GET", "http://a/v1/x")
        #expect(taken.status == 0)
        #expect(taken.output.contains("/v1/{id}"))
        #expect(taken.output.contains("chat"))
        #expect(taken.output.contains("id} = x") || taken.output.contains("{id}"))
        let host = try await Tool.sluice("explain", "--config", path, "GET", "http://b.example.com/")
        #expect(host.status == 0)
        #expect(host.output.contains("200"))
        let none = try await Tool.sluice("explain", "--config", path, "GET", "/nowhere")
        #expect(none.status != 0)
        #expect(none.output.contains("404"))
        let method = try await Tool.sluice("explain", "--config", path, "POST", "/v1/a/b")
        #expect(method.status != 0)
        #expect(method.output.contains("405"))
        #expect(!method.output.contains("redirect_to_https"))
        withExtendedLifetime(folder) {}
    }

    @Test func `invoke shows each chunk with its time`() async throws {
        let function = try await FakeLambda.shared.function(
            .prelude("{\"statusCode\":201,\"headers\":{\"x-a\":\"b\"}}"), .text("first"), .pause(0.3), .text("second"),
            .done, .end)
        let setup = try Setup(function)
        let path = try setup.folder.write("sluice.yaml", setup.text)
        let tool = try await Tool.sluice(
            "invoke", "main", "/some/path?q=1", "--config", path, environment: setup.environment)
        #expect(tool.status == 0, "\(tool.errors)")
        let lines = tool.output.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.contains("201") })
        #expect(lines.contains { $0.contains("x-a: b") })
        #expect(lines.contains { $0.contains("first") && $0.contains(" s ") })
        #expect(lines.contains { $0.contains("second") })
        #expect(lines.last?.contains("end") == true)
        let event = try await function.calls()[0].event
        #expect(event["rawPath"] == "/some/path")
        #expect(event["rawQueryString"] == "q=1")
    }

    @Test func `invoke tells of failures by its status`() async throws {
        let broken = try await FakeLambda.shared.function(.text("first"), .complete(["ErrorCode": "Unhandled"]), .end)
        let setup = try Setup(broken)
        let path = try setup.folder.write("sluice.yaml", setup.text)
        let tool = try await Tool.sluice("invoke", "main", "--config", path, environment: setup.environment)
        #expect(tool.status == 2)
        #expect(tool.output.contains("first"))
        let method = try await Tool.sluice("explain", "G ET", "/", "--config", path)
        #expect(method.status == 64 && method.errors.contains("\"G ET\" is no method"))
        for arguments in [
            ["-X", "GET / HTTP/1.1\r\nA:"], ["-H", "a b: c"], ["-H", "a: b\r\nc: d"], ["-H", "a: b "],
        ] {
            let wrong = try await Tool.run(
                Support.binary, ["invoke", "main", "--config", path] + arguments, environment: setup.environment)
            #expect(wrong.status == 1 && wrong.errors.contains(" is no "), "\(arguments): \(wrong.errors)")
        }
        #expect(try await broken.calls().count == 1)
        let unknown = try await Tool.sluice("invoke", "nobody", "--config", path, environment: setup.environment)
        #expect(unknown.status == 1)
        #expect(unknown.errors.contains("main"))
    }

    @Test func `invoke wants the tenant of functions that take theirs from requests`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function.lambda)
        setup.add(function, as: "hosted", "tenant_id: { from: host }")
        setup.add(function, as: "fixed", "tenant_id: acme")
        setup.add(function, as: "first", "fallback: hosted")
        setup.routes = ["hosted", "fixed", "first"].map { "{ path: /\($0), function: \($0) }" }
        let path = try setup.folder.write("sluice.yaml", setup.text)
        func invoke(_ arguments: String...) async throws -> Tool {
            try await Tool.run(
                Support.binary, ["invoke"] + arguments + ["--config", path], environment: setup.environment)
        }
        for name in ["hosted", "first"] {
            let bare = try await invoke(name)
            #expect(bare.status == 1)
            #expect(bare.errors.contains("hosted takes its tenant from requests (tenant_id)"), "\(bare.errors)")
            #expect(bare.errors.contains("--tenant"))
        }
        #expect(try await invoke("hosted", "--tenant", "a!b").errors.contains("is no tenant"))
        #expect(try await invoke("fixed", "--tenant", "a").errors.contains("takes no tenant from requests"))
        #expect(try await function.calls().isEmpty)
        #expect(try await invoke("hosted", "--tenant", "team a").status == 0)
        #expect(try await invoke("fixed").status == 0)
        #expect(try await function.calls().map { $0.header("x-amz-tenant-id") } == ["team a", "acme"])
        #expect(try await function.calls().map(\.signature) == [nil, nil])
    }

    @Test func `version, help and completions`() async throws {
        let version = try await Tool.sluice("version")
        #expect(version.status == 0)
        #expect(version.output.contains(/^sluice \d+\.\d+\.\d+/))
        #expect(try await Tool.sluice("--version").output.contains(/\d+\.\d+\.\d+/))
        let help = try await Tool.sluice("--help")
        #expect(help.status == 0)
        for command in ["run", "check", "explain", "invoke", "version"] {
            #expect(help.output.contains("  \(command)"))
            let own = try await Tool.sluice(command, "--help")
            #expect(own.status == 0)
            #expect(own.output.contains("USAGE: sluice \(command)"))
        }
        for shell in ["bash", "zsh", "fish"] {
            let script = try await Tool.sluice("--generate-completion-script", shell)
            #expect(script.status == 0)
            #expect(script.output.contains("explain"))
        }
        let script = try await Tool.sluice("--generate-completion-script", "bash")
        let (folder, path) = try self.file(script.output)
        #expect(try await Tool.run("bash", ["-n", path]).status == 0)
        withExtendedLifetime(folder) {}
    }

    @Test func `a command line that is wrong is told, with the usage`() async throws {
        let tool = try await Tool.sluice("rnu")
        #expect(tool.status == 64)
        #expect(tool.errors.contains("Usage") || tool.errors.contains("USAGE"))
        #expect(try await Tool.sluice("run").status == 64)
    }
}
