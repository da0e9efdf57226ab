import Foundation
import Testing

/// What operators ask a running gateway, and what it answers.
@Suite struct AdminTests {
    private func function() async throws -> FakeFunction {
        try await FakeLambda.shared.function(.text("hello"), .done, .end)
    }

    /// Gets a page of the admin listener, which these tests put on a unix socket.
    private func get(_ path: String, of gateway: Gateway, _ arguments: String...) async throws -> (
        status: Int, body: String
    ) {
        let tool = try await Tool.run(
            "curl",
            [
                "--silent", "--show-error", "--max-time", "10", "--unix-socket", gateway.folder.path("admin"), "-w",
                "\n%{http_code}",
            ]
                + arguments + ["http://admin\(path)"])
        try #require(tool.status == 0, "\(tool.errors)")
        let end = try #require(tool.output.lastIndex(of: "\n"))
        return (Int(tool.output[tool.output.index(after: end)...]) ?? 0, String(tool.output[..<end]))
    }

    private func setup(_ function: FakeFunction, _ keys: String = "") throws -> Setup {
        var setup = try Setup(function)
        setup.more = "admin: { address: \"unix:admin\"\(keys.isEmpty ? "" : ", ")\(keys) }"
        return setup
    }

    @Test func `what auto has taken answers for is counted, over reloads too`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.prelude("{}"), .text("x"), .done, .end], [.text("body"), .done, .end],
            [.text(#"{"statusCode":200,"body":"x"}"#), .done, .end], [.text(#"{"a":1}"#), .done, .end], [.done, .end],
            [.text("body"), .done, .end],
        ])
        let pinned = try await self.function()
        var setup = try self.setup(function)
        setup.add(pinned, as: "pinned", "response: raw")
        setup.routes.append("{ path: /pinned, function: pinned }")
        setup.workers = 2
        try await Gateway.run(setup) { gateway in
            func counts() async throws -> [String: String] {
                let lines = try await self.get("/metrics", of: gateway).body.split(separator: "\n")
                let parts = lines.filter { $0.hasPrefix("sluice_auto_answers_total{function=\"main\"") }.map {
                    $0.split(separator: "\"", omittingEmptySubsequences: false)
                }
                return Dictionary(uniqueKeysWithValues: parts.map { (String($0[3]), String($0[4].dropFirst(2))) })
            }
            for _ in 0..<5 { #expect(try await gateway.get("/").status == 200) }
            #expect(try await gateway.get("/pinned").status == 200)
            let shapes = ["prelude": "1", "body": "1", "buffered": "1", "json": "1", "empty": "1"]
            #expect(try await counts() == shapes)
            #expect(try await gateway.reload(setup))
            #expect(try await gateway.get("/").text == "body")
            #expect(try await counts() == shapes.merging(["body": "2"]) { $1 })
            // What is pinned is not counted.
            let body = try await self.get("/metrics", of: gateway).body
            #expect(!body.contains("sluice_auto_answers_total{function=\"pinned\",shape=\"body\"} 1"))
        }
    }

    @Test func `requests are counted by route, function, status and end`() async throws {
        var setup = try self.setup(await self.function())
        setup.workers = 2
        setup.routes.append("{ path: /fixed, respond: { status: 418, body: tea } }")
        try await Gateway.run(setup) { gateway in
            // Each metric is there from the beginning.
            let first = try await self.get("/metrics", of: gateway).body
            #expect(first.contains("# TYPE sluice_requests_total counter\n"))
            #expect(first.contains("sluice_connections{protocol=\"HTTP/1.1\"} 0\n"))
            #expect(first.contains("sluice_connections{protocol=\"HTTP/2\"} 0\n"))
            for _ in 0..<3 { #expect(try await gateway.get("/a").text == "hello") }
            #expect(try await gateway.get("/fixed").status == 418)
            let metrics = try await self.get("/metrics", of: gateway)
            #expect(metrics.status == 200)
            let lines = metrics.body.split(separator: "\n")
            #expect(
                lines.contains {
                    $0.hasPrefix("sluice_requests_total{")
                        && $0.contains("function=\"main\",status=\"2xx\",end=\"complete\"} 3")
                })
            #expect(
                lines.contains {
                    $0.hasPrefix("sluice_requests_total{") && $0.contains("status=\"4xx\"") && $0.hasSuffix(" 1")
                })
            #expect(lines.contains("sluice_first_byte_seconds_count{function=\"main\"} 3"))
            #expect(lines.contains("sluice_response_bytes_total 15"))
            #expect(lines.contains("sluice_open_streams 0"))
            #expect(lines.contains { $0.hasPrefix("sluice_loop_lag_seconds{loop=\"1\"}") })
            let open = try await self.get(
                "/metrics", of: gateway, "-H", "Accept: application/openmetrics-text; version=1.0.0", "-D",
                gateway.folder.path("head"))
            #expect(open.body.hasSuffix("\n# EOF\n"))
            #expect(open.body.contains("# TYPE sluice_requests counter\n"))
            let head = try String(contentsOfFile: gateway.folder.path("head"), encoding: .utf8)
            #expect(head.contains("application/openmetrics-text; version=1.0.0; charset=utf-8"))
            let promtool = try await Tool.run(
                "/bin/sh",
                [
                    "-c",
                    "curl -s --unix-socket \(gateway.folder.path("admin")) http://a/metrics | promtool check metrics",
                ])
            #expect(promtool.status == 0, "\(promtool.output)\(promtool.errors)")
        }
    }

    @Test func `a stream that is under way is listed until it ends`() async throws {
        let function = try await FakeLambda.shared.function(.text("first"), .gate, .text("last"), .done, .end)
        try await Gateway.run(self.setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request("/long?secret=1"))
            _ = try await client.body(holding: "first")
            let page = try await self.get("/streams", of: gateway)
            let streams = try #require(try JSONDocument(parsing: page.body)["streams"])
            #expect(streams[0]?["path"] == "/long")
            #expect(streams[0]?["function"] == "main")
            #expect(streams[0]?["status"] == 200)
            #expect(streams[0]?["bytes"] == 5)
            let age = try #require(streams[0]?["age_ms"]?.int)
            let idle = try #require(streams[0]?["idle_ms"]?.int)
            #expect(idle <= age)
            // Both grow while nothing comes.
            try await Task.sleep(for: .milliseconds(60))
            let later = try JSONDocument(parsing: try await self.get("/streams", of: gateway).body)["streams"]?[0]
            #expect(try #require(later?["age_ms"]?.int) >= age + 50)
            #expect(try #require(later?["idle_ms"]?.int) >= idle + 50)
            #expect(!page.body.contains("secret"))
            let status = try await Tool.sluice("status", "--once", "--config", gateway.folder.path("sluice.yaml"))
            #expect(status.output.contains("streams under way: 1"), "\(status.output)\(status.errors)")
            #expect(status.output.contains("/long"))
            try await function.release()
            _ = try await client.body(holding: "last")
            client.close()
            try await eventually("the stream is gone") {
                try await self.get("/streams", of: gateway).body.contains("/long") ? nil : ()
            }
        }
    }

    @Test func `health, and readiness with and without credentials`() async throws {
        try await Gateway.run(self.setup(self.function())) { gateway in
            let health = try await self.get("/healthz", of: gateway)
            #expect(health == (200, "ok\n"))
            let readiness = try await self.get("/readyz", of: gateway)
            #expect(readiness == (200, "ready\n"))
            #expect(try await self.get("/", of: gateway).body.contains("/metrics"))
            #expect(try await self.get("/nothing", of: gateway).status == 404)
            #expect(try await self.get("/healthz", of: gateway, "-X", "POST").status == 405)
        }
        var setup = try self.setup(await self.function())
        setup.environment["AWS_ACCESS_KEY_ID"] = nil
        setup.environment["AWS_SECRET_ACCESS_KEY"] = nil
        setup.environment["AWS_EC2_METADATA_DISABLED"] = "true"
        try await Gateway.run(setup) { gateway in
            let answer = try await self.get("/readyz", of: gateway)
            #expect(answer.status == 503)
            #expect(answer.body.contains("function main: "))
            // Before any client has come.
            let warning = gateway.log.split(separator: "\n").first {
                $0.contains("no credentials to call functions with")
            }
            #expect(warning?.contains(" warning ") == true, "\(gateway.log)")
            #expect(warning?.contains("functions=main") == true)
            #expect(try await self.get("/healthz", of: gateway).status == 200)
            #expect(try await self.get("/metrics", of: gateway).body.contains("\nsluice_ready 0\n"))
        }
    }

    @Test func `readiness goes down before connections are refused`() async throws {
        var setup = try self.setup(await self.function())
        setup.more += "\ndrain_delay: 3s"
        try await Gateway.run(setup, drains: false) { gateway in
            #expect(try await self.get("/readyz", of: gateway).status == 200)
            gateway.child.signal(SIGTERM)
            try await eventually("readiness goes down") {
                try await self.get("/readyz", of: gateway).status == 503 ? () : nil
            }
            #expect(try await gateway.get("/still").text == "hello")
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    @Test func `a token is asked for, but not by those who look after health`() async throws {
        let token = "0123456789abcdef0123456789abcdef"
        var setup = try self.setup(await self.function(), "token: \"file:token\"")
        try setup.folder.write("token", token + "\n")
        try await Gateway.run(setup) { gateway in
            #expect(try await self.get("/healthz", of: gateway).status == 200)
            #expect(try await self.get("/metrics", of: gateway).status == 401)
            #expect(try await self.get("/config", of: gateway, "-H", "Authorization: Bearer \(token)x").status == 401)
            let answer = try await self.get("/config", of: gateway, "-H", "Authorization: Bearer \(token)")
            #expect(answer.status == 200)
            #expect(!answer.body.contains(token))
            #expect(answer.body.contains("file:token"))
            let document = try JSONDocument(parsing: answer.body)
            #expect(document["limits"]?["client_stall"] == "60s")
        }
        setup.wholeText = "listeners: [{ address: \"127.0.0.1:0\" }]\nadmin: { address: \"0.0.0.0:9900\" }\n"
        let file = try setup.folder.write("open.yaml", setup.text)
        let check = try await Tool.sluice("check", "--config", file)
        #expect(check.status == 1)
        #expect(check.errors.contains("can be reached from other machines"))
    }

    @Test func `who asks without taking answers is not read any more`() async throws {
        try await Gateway.run(self.setup(self.function())) { gateway in
            let client = try await RawClient(unixSocket: gateway.folder.path("admin"))
            let request = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"
            let flood = Array(String(repeating: request, count: 200_000).utf8)
            let sent = try await client.sendWhileTaken(flood)
            #expect(sent < 2 << 20, "\(sent) bytes were taken")
            #expect(try await self.get("/readyz", of: gateway) == (200, "ready\n"))
            // Each request that it has taken is answered when that is wanted.
            let expected = sent / request.utf8.count
            var count = 0
            while count < expected, let bytes = try await client.nextBytes(), !bytes.isEmpty {
                count += String(decoding: bytes, as: UTF8.self).components(separatedBy: "ready\n").count - 1
            }
            #expect(count >= expected - 1, "\(count) of \(expected)")
        }
    }

    @Test func `silent connections shut nobody out`() async throws {
        try await Gateway.run(self.setup(self.function())) { gateway in
            var silent: [RawClient] = []
            for _ in 0..<100 { silent.append(try await RawClient(unixSocket: gateway.folder.path("admin"))) }
            for _ in 0..<3 { #expect(try await self.get("/readyz", of: gateway) == (200, "ready\n")) }
            // The oldest have given way.
            #expect(try await silent[0].ending() == .closed)
            silent = []
        }
    }

    /// The rules and the dashboard ask for nothing that is not there.
    @Test func `alerts and dashboard name metrics that exist`() async throws {
        let rules = Support.repository + "/deploy/prometheus/sluice.rules.yml"
        let check = try await Tool.run("promtool", ["check", "rules", rules])
        #expect(check.status == 0, "\(check.output)\(check.errors)")
        let trial = try await Tool.run("promtool", ["test", "rules", Support.file("alert_rules.test.yml")])
        #expect(trial.status == 0, "\(trial.output)\(trial.errors)")
        let documentation = try String(contentsOfFile: Support.repository + "/docs/monitoring.md", encoding: .utf8)
        for file in [rules, Support.repository + "/deploy/grafana/sluice.json"] {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            for match in text.matches(of: /sluice_[a-z_]+/) {
                let name = match.output.replacingOccurrences(of: "_bucket", with: "")
                #expect(documentation.contains("`\(name)`"), "\(name)")
            }
        }
    }

    @Test func `a real Prometheus scrapes it`() async throws {
        var setup = try Setup(await self.function())
        setup.more = "admin: { address: \"127.0.0.1:0\" }"
        try await Gateway.run(setup) { gateway in
            #expect(try await gateway.get("/a").status == 200)
            let address = try await eventually("the admin listener is open") {
                gateway.log.split(separator: "\n").first { $0.hasSuffix("the admin listener is open") }.flatMap {
                    line in
                    line.split(separator: " ").first { $0.hasPrefix("address=") }.map { $0.dropFirst(8) }
                }
            }
            let file = try setup.folder.write(
                "prometheus.yml",
                """
                global: { scrape_interval: 1s }
                scrape_configs:
                  - job_name: sluice
                    static_configs: [{ targets: ["\(address)"] }]
                """)
            var port = 0
            var prometheus: Child?
            let value = try await eventually("Prometheus has the counter", within: .seconds(180)) {
                if prometheus?.end != nil { prometheus = nil }
                if prometheus == nil {
                    // It takes no port 0. One that is taken ends it at once; the kernel gives out none of these by itself.
                    port = Int.random(in: 10_000..<30_000)
                    prometheus = try Child(
                        "prometheus",
                        [
                            "--config.file=\(file)", "--storage.tsdb.path=\(setup.folder.path("data"))",
                            "--web.listen-address=127.0.0.1:\(port)",
                        ], environment: Support.environment, folder: setup.folder, name: "prometheus")
                }
                let tool = try await Tool.curl("http://127.0.0.1:\(port)/api/v1/query?query=sluice_requests_total")
                let result = (try? JSONDocument(parsing: tool.output))?["data"]?["result"]
                return result?[0]?["value"]?[1]?.string
            }
            #expect(value == "1")
            prometheus?.signal(SIGTERM)
            _ = try await prometheus?.ended()
        }
    }
}
