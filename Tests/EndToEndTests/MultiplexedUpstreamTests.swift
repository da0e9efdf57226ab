import Foundation
import Testing

/// The Lambda API and other servers over HTTP/2, spoken by python-h2: the same bytes, on few connections.
@Suite struct MultiplexedUpstreamTests {
    /// A gateway whose Lambda API is behind TLS and agrees on one of `protocols`.
    private func run<Result>(
        _ function: FakeFunction, _ keys: String = "", protocols: [String] = ["h2", "http/1.1"], streams: Int = 100,
        _ body: (Gateway) async throws -> Result
    ) async throws -> Result {
        var setup = try Setup(function, keys)
        let certificate = try await TestCertificate(for: "IP:127.0.0.1", in: setup.folder)
        let port = try await function.lambda.securePort(certificate, protocols: protocols, streams: streams)
        setup.aws =
            "{ region: eu-west-1, endpoint: \"https://127.0.0.1:\(port)\", ca_file: \"\(certificate.certificate)\" }"
        setup.more = "admin: { address: \"unix:admin\" }"
        return try await Gateway.run(setup, body)
    }

    private func metrics(_ gateway: Gateway) async throws -> [Substring] {
        let tool = try await Tool.curl("--unix-socket", gateway.folder.path("admin"), "http://admin/metrics")
        return tool.output.split(separator: "\n")
    }

    private func speaksHTTP2(_ call: RecordedCall) -> Bool {
        call.head.hasSuffix("HTTP/2") || call.head.contains(" HTTP/2\r\n")
    }

    // What is spoken.

    @Test func `HTTP2 is spoken with an endpoint that agrees on it`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await self.run(function) { (gateway: Gateway) async throws in
            for _ in 0..<5 { #expect(try await gateway.get(method: "POST", body: "x").text == "hello") }
            let lines = try await self.metrics(gateway)
            #expect(
                lines.contains { $0.hasPrefix("sluice_upstream_protocols{") && $0.hasSuffix("protocol=\"HTTP/2\"} 1") })
        }
        let calls = try await function.calls()
        #expect(calls.allSatisfy { self.speaksHTTP2($0) && $0.signature == nil })
        #expect(Set(calls.map(\.connection)).count == 1)
    }

    @Test(arguments: [["http/1.1"], []]) func `HTTP1 is spoken with one that does not`(_ protocols: [String])
        async throws
    {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await self.run(function, protocols: protocols) { (gateway: Gateway) async throws in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<10 { group.addTask { try await gateway.get().text } }
                for try await text in group { #expect(text == "hello") }
            }
        }
        #expect(try await function.calls().allSatisfy { !self.speaksHTTP2($0) })
    }

    @Test func `HTTP1 is spoken where the configuration says so`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await self.run(function, "upstream: http1") { (gateway: Gateway) async throws in
            #expect(try await gateway.get().text == "hello")
        }
        #expect(try await function.calls().allSatisfy { !self.speaksHTTP2($0) })
    }

    @Test func `an endpoint that does not agree on what the configuration says is told, and nothing is sent`()
        async throws
    {
        let function = try await FakeLambda.shared.function(.text("never"), .done, .end)
        try await self.run(function, "upstream: http2, retries: 0", protocols: ["http/1.1"]) {
            (gateway: Gateway) async throws in
            #expect(try await gateway.get().status == 502)
            try await gateway.logs("HTTP/2")
            try await gateway.logs("upstream: http2")
        }
        #expect(try await function.calls().isEmpty)
    }

    @Test func `without TLS it is spoken with prior knowledge`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function, "upstream: http2")
        let port = try await function.lambda.http2Port()
        setup.aws = "{ region: eu-west-1, endpoint: \"http://127.0.0.1:\(port)\" }"
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            for _ in 0..<3 { #expect(try await gateway.get().text == "hello") }
        }
        let calls = try await function.calls()
        #expect(calls.allSatisfy { self.speaksHTTP2($0) && $0.signature == nil })
        #expect(Set(calls.map(\.connection)).count == 1)
    }

    @Test func `other servers are spoken to as well, with bodies both ways`() async throws {
        let function = try await FakeLambda.shared.function(.plain(201, ["X-Own": "1"]), .raw(Array("made".utf8)), .end)
        var setup = try Setup(function)
        let port = try await function.lambda.http2Port()
        setup.functions = [
            ("main", "{ url: \"http://127.0.0.1:\(port)/\(function.name)\", upstream: http2, max_request_body: 10MiB }")
        ]
        let body = String(repeating: "0123456789", count: 300_000)
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            let answer = try await gateway.get("/x", method: "POST", body: body)
            #expect(answer.status == 201)
            #expect(answer.text == "made")
        }
        let call = try #require(try await function.calls().first)
        #expect(call.body == body)
    }

    // Many at once.

    @Test func `many calls share one connection`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        try await self.run(function) { (gateway: Gateway) async throws in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<60 { group.addTask { try await gateway.get().text } }
                try await function.wait(for: .gated, 60)
                try await function.release(60)
                for try await text in group { #expect(text == "begun ended") }
            }
        }
        let calls = try await function.calls()
        #expect(calls.count == 60)
        #expect(Set(calls.map(\.connection)).count == 1)
    }

    @Test func `a server that takes few streams gets more connections`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        try await self.run(function, "retries: 0", streams: 3) { (gateway: Gateway) async throws in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<12 { group.addTask { try await gateway.get().text } }
                try await function.wait(for: .gated, 12)
                try await function.release(12)
                for try await text in group { #expect(text == "begun ended") }
            }
        }
        // python-h2 ends a connection on which there is one stream too many.
        let calls = try await function.calls()
        #expect(calls.count == 12)
        #expect(Set(calls.map(\.connection)).count >= 4)
    }

    @Test func `each chunk arrives before the next is made`() async throws {
        let function = try await FakeLambda.shared.function(
            .text("one "), .gate, .text("two "), .gate, .text("three"), .done, .end)
        try await self.run(function) { (gateway: Gateway) async throws in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            for text in ["one ", "one two "] {
                #expect(try await client.body(holding: text).text == text)
                try await function.release()
            }
            #expect(try await client.answer().text == "one two three")
        }
    }

    // Sent again, or not.

    @Test func `a refused stream is sent again`() async throws {
        let function = try await FakeLambda.shared.function(calls: [[.refuse], [.text("hello"), .done, .end]])
        try await self.run(function) { (gateway: Gateway) async throws in
            #expect(try await gateway.get(method: "POST", body: "x").text == "hello")
            let lines = try await self.metrics(gateway)
            #expect(lines.contains("sluice_resent_requests_total{reason=\"refused_stream\"} 1"))
        }
        #expect(try await function.calls().count == 2)
    }

    /// RFC 9113 §7.
    @Test func `an endpoint that requires HTTP1 is spoken to so from then on`() async throws {
        let function = try await FakeLambda.shared.function(.requireHTTP1, .text("hello"), .done, .end)
        try await self.run(function, "retries: 0") { (gateway: Gateway) async throws in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<5 { group.addTask { try await gateway.get(method: "POST", body: "x").text } }
                for try await text in group { #expect(text == "hello", "\(gateway.log)") }
            }
            #expect(try await gateway.get().text == "hello")
            let lines = try await self.metrics(gateway)
            #expect(lines.contains { $0.hasPrefix("sluice_resent_requests_total{reason=\"http1_required\"}") })
        }
        let calls = try await function.calls()
        #expect(calls.filter { !self.speaksHTTP2($0) }.count == 6)
        // At first there was no more than one connection.
        #expect(Set(calls.filter { self.speaksHTTP2($0) }.map(\.connection)).count == 1)
    }

    @Test func `one that requires HTTP1 where the configuration asks for HTTP2 is not spoken to`() async throws {
        let function = try await FakeLambda.shared.function(.requireHTTP1, .text("hello"), .done, .end)
        try await self.run(function, "upstream: http2") { (gateway: Gateway) async throws in
            #expect(try await gateway.get().status == 502)
            try await gateway.logs("HTTP_1_1_REQUIRED")
        }
        #expect(try await function.calls().count == 1)
    }

    @Test func `a skewed clock costs one refused call`() async throws {
        let lambda = try await FakeLambda(clockOffset: 3600)
        let function = try await lambda.function(.text("hello"), .done, .end)
        try await self.run(function, "retries: 0") { (gateway: Gateway) async throws in
            for _ in 0..<3 { #expect(try await gateway.get().text == "hello", "\(gateway.log)") }
            #expect(try await gateway.accessLog(lines: 1)[0]["attempts"] == 1)
        }
        let calls = try await function.calls()
        #expect(calls.map { $0.signature == nil } == [false, true, true, true])
        #expect(calls.allSatisfy { self.speaksHTTP2($0) })
        #expect(Set(calls.map(\.connection)).count == 1)
    }

    /// As over HTTP/1.1: what was signed before the clock was known to be wrong is signed again each.
    @Test func `calls that were signed together are signed again each`() async throws {
        let lambda = try await FakeLambda(clockOffset: 270)
        let refusal = Step.answer(403, ["x-amzn-errortype": "InvalidSignatureException"], "{\"message\":\"no match\"}")
        let hello: [Step] = [.text("hello"), .done, .end]
        let function = try await lambda.function(calls: [[.gate, refusal], [.gate, refusal], hello, hello])
        try await self.run(function, "retries: 0") { (gateway: Gateway) async throws in
            let clients = [try await gateway.connect(), try await gateway.connect()]
            for client in clients { try await client.send(Gateway.request()) }
            try await function.wait(for: .gated, 2)
            try await function.release(2)
            for client in clients { #expect(try await client.answer().text == "hello", "\(gateway.log)") }
        }
        #expect(Set(try await function.calls().map(\.connection)).count == 1)
    }

    @Test func `a call that a GOAWAY leaves out is made on another connection`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.goAway(stays: false), .forever], [.text("hello"), .done, .end],
        ])
        try await self.run(function) { (gateway: Gateway) async throws in
            #expect(try await gateway.get(method: "POST", body: "x").text == "hello")
        }
        #expect(Set(try await function.calls().map(\.connection)).count == 2)
    }

    @Test func `a call that has begun is not harmed by a GOAWAY, and the next goes elsewhere`() async throws {
        let function = try await FakeLambda.shared.function(
            .text("begun "), .goAway(stays: true), .gate, .text("ended"), .done, .end)
        try await self.run(function, "retries: 0") { (gateway: Gateway) async throws in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            #expect(try await client.body(holding: "begun ").text == "begun ")
            try await function.wait(for: .gated)
            let other = try await gateway.connect()
            try await other.send(Gateway.request())
            try await function.wait(for: .gated, 2)
            try await function.release(2)
            #expect(try await client.answer().text == "begun ended")
            #expect(try await other.answer().text == "begun ended")
        }
        #expect(Set(try await function.calls().map(\.connection)).count == 2)
    }

    @Test func `a stream that is reset in its middle is broken for its client, and not called again`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun"), .reset)
        try await self.run(function, "retries: 5") { (gateway: Gateway) async throws in
            let answer = try await gateway.get()
            #expect(answer.end != .whole)
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "upstream_lost")
        }
        #expect(try await function.calls().count == 1)
    }

    @Test func `one that is reset before its answer is 502`() async throws {
        let function = try await FakeLambda.shared.function(.reset)
        try await self.run(function, "retries: 5") { (gateway: Gateway) async throws in
            #expect(try await gateway.get().status == 502)
        }
        #expect(try await function.calls().count == 1)
    }

    @Test func `a stream that is silent for too long is 504, and is ended`() async throws {
        let function = try await FakeLambda.shared.function(.forever)
        try await self.run(function, "timeouts: { first_byte: 300ms }") { (gateway: Gateway) async throws in
            #expect(try await gateway.get().status == 504)
            #expect(try await function.wait(for: .ended)[0].end == "gone")
        }
    }

    @Test func `a client that leaves ends its call alone`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        try await self.run(function) { (gateway: Gateway) async throws in
            let leaving = try await gateway.connect()
            try await leaving.send(Gateway.request())
            _ = try await leaving.body(holding: "begun ")
            let staying = try await gateway.connect()
            try await staying.send(Gateway.request())
            try await function.wait(for: .gated, 2)
            leaving.reset()
            #expect(try await function.wait(for: .ended)[0].end == "gone")
            try await function.release(2)
            #expect(try await staying.answer().text == "begun ended")
            #expect(try await gateway.accessLog(lines: 2).contains { $0["end"] == "client_left" })
        }
        #expect(Set(try await function.calls().map(\.connection)).count == 1)
    }

    // Back-pressure.

    @Test func `clients that do not read cost little, stop no other, and get every byte`() async throws {
        let count = 6 << 20
        let clients = 20
        let function = try await FakeLambda.shared.function(.bulk(count, seed: 8, piece: 30_000), .done, .end)
        try await self.run(function, "response: raw") { (gateway: Gateway) async throws in
            // What the first call makes once.
            _ = try await gateway.get()
            let before = gateway.child.residentMemory
            var slow: [RawClient] = []
            for _ in 0..<clients {
                let client = try await gateway.connect(receiveBuffer: 16_384)
                try await client.send(Gateway.request())
                slow.append(client)
            }
            try await function.wait(for: .calls, clients + 1)
            try await function.wait(for: .blocked, clients)
            let quick = try await gateway.get()
            #expect(quick.end == .whole)
            #expect(quick.body.count == count)
            let growth = gateway.child.residentMemory - before
            #expect(growth < Support.memoryFactor * (clients * 256 * 1024 + (8 << 20)), "\(growth)")
            for client in slow.prefix(3) {
                let answer = try await client.answer()
                #expect(answer.end == .whole)
                #expect(answer.body == quick.body)
            }
            for client in slow.dropFirst(3) { client.reset() }
        }
        #expect(Set(try await function.calls().map(\.connection)).count == 1)
    }

    @Test func `a drain lets streams end, and leaves no connection behind`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        try await self.run(function) { (gateway: Gateway) async throws in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            _ = try await client.body(holding: "begun ")
            gateway.child.signal(SIGTERM)
            try await Task.sleep(for: .milliseconds(200))
            try await function.release()
            #expect(try await client.answer().text == "begun ended")
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    /// Idle connections, as the metrics tell.
    private func idle(_ gateway: Gateway) async throws -> Int {
        try await self.metrics(gateway).compactMap { line in
            line.hasPrefix("sluice_upstream_connections{") && line.contains("state=\"idle\"")
                ? line.split(separator: " ").last.flatMap { Int($0) } : nil
        }.reduce(0, +)
    }

    @Test func `connections are kept ready from the start, and as many as a reload asks for`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function, "warm_connections: 3")
        setup.more = "admin: { address: \"unix:admin\" }"
        setup.workers = 2
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            _ = try await eventually("three connections of each worker") {
                try await self.idle(gateway) == 6 ? true : nil
            }
            setup.functions = [("main", "{ function: \(function.name), warm_connections: 5 }")]
            #expect(try await gateway.reload(setup))
            _ = try await eventually("five of each") { try await self.idle(gateway) == 10 ? true : nil }
            #expect(try await gateway.get().text == "hello")
        }
    }
}
