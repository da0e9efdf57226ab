import Foundation
import TestSupport
import Testing

/// HTTP/2 with prior knowledge in front: the same answers as over HTTP/1.1, on many streams at once.
@Suite struct HTTP2Tests {
    @Test func `well-known clients get their answers`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello over two"), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            let curl = try await Tool.curl(
                "--http2-prior-knowledge", "-w", "%{http_version}", "-d", "body", gateway.url("/a?b=c"))
            #expect(curl.output == "hello over two2", "\(curl.errors)")
            let nghttp = try await Tool.run("nghttp", [gateway.url("/")])
            #expect(nghttp.output == "hello over two", "\(nghttp.errors)")
            let load = try await Tool.run("h2load", ["-n", "300", "-c", "3", "-m", "20", gateway.url("/")])
            #expect(load.output.contains("300 succeeded, 0 failed"), "\(load.output)")
            let lines = try await gateway.accessLog(lines: 302)
            #expect(lines.allSatisfy { $0["protocol"] == "HTTP/2.0" && $0["status"] == 200 && $0["end"] == "complete" })
        }
    }

    /// Agreed on by ALPN, where it is preferred.
    @Test func `over TLS it is the same`() async throws {
        let function = try await FakeLambda.shared.function(
            calls: [[.text("hello"), .done, .end], [.bulk(3_000_000, seed: 12, piece: 50_000), .done, .end]])
        var setup = try Setup(function, "response: raw")
        let authority = try await TestAuthority(in: setup.folder)
        setup.listenerKeys = authority.tls("site")
        try await Gateway.run(setup) { gateway in
            let curl = try await gateway.curl(authority, "-w", "%{http_version}", "-d", "body", "/a?b=c")
            #expect(curl.output == "hello2", "\(curl.errors)")
            let event = try await function.calls()[0].event
            #expect(event["requestContext"]?["http"]?["protocol"] == "HTTP/2.0")
            #expect(event["headers"]?["x-forwarded-proto"] == "https")
            let body = gateway.folder.path("body")
            _ = try await gateway.curl(authority, "-o", body, "/")
            let hash = try await Tool.run("sha256sum", [body]).output.prefix(64)
            #expect(try await function.wait(for: .ended, 2)[1].sha256 == String(hash))
            let load = try await Tool.run(
                "h2load", ["-n", "100", "-c", "2", "-m", "10", "https://127.0.0.1:\(gateway.port)/none"])
            #expect(load.output.contains("Application protocol: h2"), "\(load.output)")
            let old = try await gateway.curl(authority, "--http1.1", "-w", "%{http_version}", "-o", "/dev/null", "/")
            #expect(old.output == "1.1", "\(old.errors)")
            #expect(try await gateway.accessLog(lines: 1)[0]["protocol"] == "HTTP/2.0")
        }
    }

    @Test func `an independent library is content with what it sees`() async throws {
        let function = try await FakeLambda.shared.function(.bulk(300_000, seed: 3, piece: 20_000), .done, .end)
        try await Gateway.run(Setup(function, "response: raw")) { gateway in
            let script = try await Tool.run(Support.python, [Support.file("http2_client.py"), "\(gateway.port)", "20"])
            #expect(script.output == "20 answers of 300000 bytes\n", "\(script.output) \(script.errors)")
        }
    }

    @Test func `a request becomes the same event`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(
                .headers(
                    1,
                    HTTP2Client.fields(
                        "/a%20b?c=d", method: "POST",
                        [
                            ("cookie", "a=1"), ("cookie", "b=2"), ("content-type", "application/json"),
                            ("te", "trailers"),
                        ]), end: false),
                .data(1, "{\"message\":"), .data(1, "\"hi\"}", end: true))
            let answer = try await client.answer()
            #expect(answer.status == 200 && answer.text == "hello" && answer["x-request-id"]?.count == 36)
            #expect(answer["date"] != nil && answer["connection"] == nil)
            let event = try await function.calls()[0].event
            #expect(event["requestContext"]?["http"]?["protocol"] == "HTTP/2.0")
            #expect(event["requestContext"]?["domainPrefix"] == "example")
            #expect(event["headers"]?["host"] == "example.com")
            #expect(event["headers"]?["te"] == nil)
            #expect(event["cookies"] == ["a=1", "b=2"])
            #expect(event["rawPath"] == "/a%20b")
            #expect(event["body"] == "{\"message\":\"hi\"}")
            client.close()
        }
    }

    @Test func `each chunk arrives before the next is made`() async throws {
        let function = try await FakeLambda.shared.function(
            .prelude("{\"statusCode\":201}"), .gate, .text("one "), .gate, .text("two"), .gate, .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(.headers(1, HTTP2Client.get))
            for text in ["", "one ", "one two"] {
                try await client.receive(until: "\(text) comes") { $0.answers[1].map { $0.text == text } ?? false }
                #expect(client.answers[1]?.end == .open && client.answers[1]?.status == 201)
                try await function.release()
            }
            #expect(try await client.answer().end == .whole)
            client.close()
        }
    }

    @Test func `HEAD, and answers of the gateway's own`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        setup.routes = [
            "{ path: /fixed, respond: { status: 203, body: fixed } }", "{ path: /empty, respond: { status: 204 } }",
            "{ path: /f, function: main }",
        ]
        try await Gateway.run(setup) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(
                .headers(1, HTTP2Client.fields("/fixed")), .headers(3, HTTP2Client.fields("/fixed", method: "HEAD")),
                .headers(5, HTTP2Client.fields("/empty")), .headers(7, HTTP2Client.fields("/none")),
                .headers(9, HTTP2Client.fields("/f", method: "HEAD")), .headers(11, HTTP2Client.fields("/%00")),
                .headers(13, [(":method", "CONNECT"), (":authority", "a:1")], end: false))
            for stream in [1, 3, 5, 7, 9, 11, 13] as [UInt32] { try await client.answer(stream) }
            #expect(client.answers[1]?.status == 203 && client.answers[1]?.text == "fixed")
            #expect(client.answers[3]?.status == 203 && client.answers[3]?.body == [])
            #expect(client.answers[3]?["content-length"] == "5")
            #expect(client.answers[5]?.status == 204)
            try expectProblem(try #require(client.answers[7]), 404)
            #expect(client.answers[9]?.status == 200 && client.answers[9]?.body == [])
            try expectProblem(try #require(client.answers[11]), 400)
            try expectProblem(try #require(client.answers[13]), 501)
            #expect(client.goAways.isEmpty)
            client.close()
        }
    }

    @Test func `bodies that are too large are refused, and the rest is not asked for`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        try await Gateway.run(Setup(function, "max_request_body: 100000")) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(
                .headers(1, HTTP2Client.fields(method: "POST", [("content-length", "100001")]), end: false),
                .headers(3, HTTP2Client.fields(method: "POST"), end: false))
            try expectProblem(try await client.answer(1), 413)
            for _ in 0..<7 {
                try await client.send(.data(3, [UInt8](repeating: 65, count: 16_384)))
                try await client.receiveOnce(within: .milliseconds(20))
            }
            try expectProblem(try await client.answer(3), 413)
            try await client.receive(until: "both are reset") { $0.resets == [1: 0, 3: 0] }
            try await client.send(.headers(5, HTTP2Client.get))
            #expect(try await client.answer(5).text == "hello")
            client.close()
        }
    }

    // Failure.

    @Test func `an answer that breaks off is reset, never ended`() async throws {
        let function = try await FakeLambda.shared.function(.text("a part "), .gate, .close)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(.headers(1, HTTP2Client.get))
            try await client.receive(until: "the part comes") { $0.answers[1]?.text == "a part " }
            try await function.release()
            #expect(try await client.answer().end == .cut(.reset))
            #expect(client.resets == [1: 2])
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "upstream_lost")
            client.close()
        }
    }

    @Test func `a failure before the first byte is 502`() async throws {
        let function = try await FakeLambda.shared.function(.complete(["ErrorCode": "Unhandled"]), .end)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(.headers(1, HTTP2Client.get))
            try expectProblem(try await client.answer(), 502)
            client.close()
        }
    }

    @Test func `a stream that its client resets lets go of its function, and only that`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.text("first"), .forever], [.text("second"), .gate, .done, .end],
        ])
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(.headers(1, HTTP2Client.get))
            try await client.receive(until: "it has begun") { $0.answers[1]?.text == "first" }
            try await client.send(.headers(3, HTTP2Client.get))
            try await client.receive(until: "so has the other") { $0.answers[3]?.text == "second" }
            try await client.send(.reset(1))
            #expect(try await function.wait(for: .ended)[0].end == "gone")
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "client_left")
            try await function.release()
            #expect(try await client.answer(3).end == .whole)
            client.close()
        }
    }

    @Test func `a client that leaves lets go of all its functions`() async throws {
        let function = try await FakeLambda.shared.function(.text("first"), .forever)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await HTTP2Client(gateway)
            for stream in stride(from: 1, to: 20, by: 2) {
                try await client.send(.headers(UInt32(stream), HTTP2Client.get))
            }
            try await client.receive(until: "all have begun") { $0.answers.count == 10 }
            client.raw.reset()
            #expect(try await function.wait(for: .ended, 10).allSatisfy { $0.end == "gone" })
        }
    }

    // Back-pressure.

    @Test func `a stream that is not read stops its function, and not its siblings`() async throws {
        let count = 24 << 20
        let slow = try await FakeLambda.shared.function(.bulk(count, seed: 4, piece: 60_000), .done, .end)
        let fast = try await FakeLambda.shared.function(.text("fast"), .done, .end)
        var setup = try Setup(slow, "response: raw")
        setup.add(fast, as: "fast")
        setup.routes = ["{ path: /slow, function: main }", "{ path: /fast, function: fast }"]
        try await Gateway.run(setup) { gateway in
            let client = try await HTTP2Client(gateway)
            client.stalled = [1]
            try await client.send(.headers(1, HTTP2Client.fields("/slow")))
            try await client.receive(until: "the window is used up") { $0.answers[1]?.body.count == 65_535 }
            let before = gateway.child.residentMemory
            for index in 1...50 {
                let stream = UInt32(2 * index + 1)
                try await client.send(.headers(stream, HTTP2Client.fields("/fast")))
                #expect(try await client.answer(stream, within: .seconds(5)).text == "fast")
            }
            #expect(gateway.child.residentMemory - before < 4 << 20)
            #expect(try await slow.calls()[0].end == nil)
            client.stalled = []
            try await client.send(.windowUpdate(1, 65_535))
            let answer = try await client.answer(1)
            #expect(answer.end == .whole && answer.body.count == count)
            try Data(answer.body).write(to: URL(fileURLWithPath: gateway.folder.path("body")))
            let hash = try await Tool.run("sha256sum", [gateway.folder.path("body")]).output.prefix(64)
            #expect(try await slow.wait(for: .ended)[0].sha256 == String(hash))
            client.close()
        }
    }

    @Test func `a client whose socket takes nothing stops its functions`() async throws {
        let function = try await FakeLambda.shared.function(.bulk(20 << 20, seed: 5, piece: 60_000), .done, .end)
        try await Gateway.run(Setup(function, "response: raw")) { gateway in
            let client = try await HTTP2Client(gateway, settings: [(4, 0x7fff_ffff)], receiveBuffer: 16_384)
            try await client.send(.windowUpdate(0, 0x7000_0000))
            let before = gateway.child.residentMemory
            for stream in [1, 3, 5] as [UInt32] { try await client.send(.headers(stream, HTTP2Client.get)) }
            try await function.wait(for: .blocked, 3)
            #expect(gateway.child.residentMemory - before < 8 << 20)
            client.givesWindow = false
            for stream in [1, 3, 5] as [UInt32] {
                #expect(try await client.answer(stream, within: .seconds(60)).body.count == 20 << 20)
            }
            client.close()
        }
    }

    /// RFC 9113 §6.9.1: an end needs no window.
    @Test func `an answer that fills the window to the brim ends all the same`() async throws {
        let function = try await FakeLambda.shared.function(
            .bulk(65_535, seed: 6, piece: 60_000), .gate, .done, .end)
        try await Gateway.run(Setup(function, "response: raw", limits: "client_stall: 60s")) { gateway in
            let client = try await HTTP2Client(gateway)
            client.givesWindow = false
            try await client.send(.headers(1, HTTP2Client.get))
            try await client.receive(until: "the window is used up") { $0.answers[1]?.body.count == 65_535 }
            try await function.release()
            #expect(try await client.answer(1).end == .whole)
            client.close()
        }
    }

    @Test func `a stream that takes nothing for too long is reset, the connection goes on`() async throws {
        let function = try await FakeLambda.shared.function(calls: [
            [.bulk(1 << 20, seed: 6, piece: 60_000), .done, .end],
            [.bulk(100_000, seed: 6, piece: 60_000), .done, .end],
            [.bulk(10, seed: 6, piece: 10), .done, .end],
        ])
        try await Gateway.run(Setup(function, "response: raw", limits: "client_stall: 600ms")) { gateway in
            let client = try await HTTP2Client(gateway)
            client.stalled = [1, 3]
            // One whose function still runs, and one whose function has ended.
            try await client.send(.headers(1, HTTP2Client.get))
            try await client.receive(until: "it is full") { $0.answers[1]?.body.count == 65_535 }
            try await client.send(.headers(3, HTTP2Client.get))
            try await client.receive(until: "both are reset") { $0.resets == [1: 8, 3: 8] }
            try await client.send(.headers(5, HTTP2Client.get))
            #expect(try await client.answer(5).end == .whole)
            client.close()
        }
    }

    // The end.

    @Test func `a drain goes in two steps, and loses nothing`() async throws {
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        var setup = try Setup(function)
        setup.drainTimeout = "20s"
        try await Gateway.run(setup) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(.headers(1, HTTP2Client.get))
            try await client.receive(until: "it has begun") { $0.answers[1]?.text == "begun " }
            gateway.child.signal(SIGTERM)
            try await client.receive(until: "both steps are told") { $0.goAways.count == 2 }
            #expect(client.goAways.map(\.last) == [0x7fff_ffff, 1] && client.goAways.allSatisfy { $0.code == 0 })
            try await function.release()
            #expect(try await client.answer().text == "begun ended")
            try await client.end()
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    @Test func `idle connections close at once on a drain`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /, respond: { body: fixed } }"]
        try await Gateway.run(setup) { gateway in
            let client = try await HTTP2Client(gateway)
            try await client.send(.headers(1, HTTP2Client.get))
            try await client.answer()
            gateway.child.signal(SIGTERM)
            try await client.end(within: .seconds(5))
            client.close()
            #expect(client.goAways.last?.code == 0)
            #expect(try await gateway.child.ended() == .exited(0))
        }
    }

    @Test func `half of a preface is none`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /*, respond: { body: fixed } }"]
        try await Gateway.run(setup) { gateway in
            // Byte by byte, it is HTTP/2 all the same.
            let client = try await gateway.connect()
            for byte in HTTP2Frame.preface + HTTP2Frame.settings().bytes + HTTP2Frame.headers(1, HTTP2Client.get).bytes
            {
                try await client.send([byte])
            }
            var bytes: [UInt8] = []
            while !String(decoding: bytes, as: UTF8.self).contains("fixed") {
                bytes += try #require(try await client.nextBytes())
            }
            client.close()
            // And what only begins like it is HTTP/1.1.
            let other = try await gateway.connect()
            for byte in Array(Gateway.request(method: "PRIVATE").utf8) { try await other.send([byte]) }
            #expect(try await other.answer(to: "PRIVATE").text == "fixed")
            other.close()
            let refused = try await gateway.connect()
            try await refused.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
            #expect(try await refused.answer().status >= 400)
            refused.close()
        }
    }
}
