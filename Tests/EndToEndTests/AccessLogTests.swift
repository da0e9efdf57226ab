import Foundation
import Testing

/// One line for each request, however it ended, where the configuration wants them.
@Suite struct AccessLogTests {
    private func function() async throws -> FakeFunction {
        try await FakeLambda.shared.function(.text("hello"), .done, .end)
    }

    @Test func `a line says what there is to know`() async throws {
        try await Gateway.run(Setup(self.function())) { gateway in
            let answer = try await gateway.get("/a/b?c=d", ["Host: Shop.example.com:81"], method: "POST", body: "12345")
            let line = try await gateway.accessLog(lines: 1)[0]
            #expect(line["request_id"]?.string == answer["x-request-id"])
            #expect(line["client"] == "127.0.0.1")
            #expect(line["method"] == "POST")
            #expect(line["host"]?.string?.lowercased() == "shop.example.com")
            #expect(line["path"] == "/a/b")
            #expect(line["query"] == "c=d")
            #expect(line["protocol"] == "HTTP/1.1")
            #expect(line["status"] == 200)
            #expect(line["route"]?.string?.contains("/*") == true)
            #expect(line["function"] == "main")
            #expect(line["bytes_in"] == 5)
            #expect(line["bytes"] == 5)
            #expect(line["attempts"] == 1)
            #expect(line["chunks"] == 1)
            #expect(line["end"] == "complete")
            #expect(line["aws_request_id"] == "11111111-2222-3333-4444-555555555555")
            #expect(line["trace_id"]?.string?.hasPrefix("Root=1-") == true)
            #expect(line["tls"] == nil)
            guard case .number(let firstByte)? = line["first_byte_ms"],
                case .number(let duration)? = line["duration_ms"]
            else {
                Issue.record("no times: \(line)")
                return
            }
            #expect(firstByte > 0 && duration >= firstByte)
            #expect(line["time"]?.string?.hasSuffix("Z") == true)
        }
    }

    @Test func `the bytes of the gateway's own answers are those that were sent`() async throws {
        let function = try await FakeLambda.shared.function(.complete(["ErrorCode": "Unhandled"]), .end)
        var setup = try Setup(function)
        setup.routes = ["{ path: /fixed, respond: { body: hello } }", "{ path: /*, function: main }"]
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            _ = try await gateway.get("/fixed")
            _ = try await gateway.get("/fixed", method: "HEAD")
            let problem = try await gateway.get("/broken")
            try expectProblem(problem, 502)
            // Of a request that is none as well.
            let client = try await gateway.connect()
            try await client.send("GET / HTTP/1.1\r\n\r\n")
            let refusal = try await client.answer()
            let lines = try await gateway.accessLog(lines: 4)
            let counts = [problem, refusal].map { Double($0.body.count) }
            #expect(lines.map { $0["bytes"] } == [5, 0, .number(counts[0]), .number(counts[1])])
        }
    }

    @Test func `lines of text, to a file or standard error, or none`() async throws {
        for (settings, place) in [
            ("access_log: { format: text, output: stderr }", "err"),
            ("access_log: { format: text, output: FILE }", "file"),
            ("access_log: none", "none"), ("access_log: off", "none"),
        ] {
            var setup = try Setup(await self.function())
            let file = setup.folder.path("access.log")
            setup.more = settings.replacingOccurrences(of: "FILE", with: file)
            try await Gateway.run(setup) { gateway in
                let answer = try await gateway.get("/text")
                #expect(answer.text == "hello")
                try await gateway.stop()
                let inFile = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
                #expect(gateway.child.outputText.isEmpty, "\(settings)")
                #expect(gateway.log.contains("/text") == (place == "err"), "\(settings)")
                #expect(inFile.contains("/text") == (place == "file"), "\(settings)")
            }
        }
    }

    @Test func `every request has its line when the gateway ends`() async throws {
        try await Gateway.run(Setup(self.function())) { gateway in
            let client = try await gateway.connect()
            for _ in 0..<300 {
                try await client.send(Gateway.request())
                _ = try await client.answer()
            }
            client.close()
            try await gateway.stop()
            #expect(gateway.accessLog.count == 300)
            #expect(gateway.accessLog.allSatisfy { $0["status"] == 200 })
        }
    }
}
