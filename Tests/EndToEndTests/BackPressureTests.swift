import Foundation
import Testing

/// A client that does not read stops its function, costs little memory meanwhile, and gets every byte in the end.
@Suite struct BackPressureTests {
    @Test func `a client that does not read stops the upstream, and later gets every byte`() async throws {
        let count = 40 << 20
        let function = try await FakeLambda.shared.function(.bulk(count, seed: 4, piece: 60_000), .done, .end)
        try await Gateway.run(Setup(function, "response: raw")) { gateway in
            _ = try await gateway.get("/", method: "HEAD")
            let before = gateway.child.residentMemory
            let client = try await gateway.connect(receiveBuffer: 16_384)
            try await client.send(Gateway.request())
            let call = try await self.whenNothingMoves(function)
            // What the kernel holds on both sides, not the gateway.
            #expect(call.written < 24 << 20, "\(call.written) bytes were taken from the function")
            #expect(gateway.child.residentMemory - before < 4 << 20)
            let answer = try await client.answer()
            #expect(answer.end == .whole)
            #expect(answer.body.count == count)
            try Data(answer.body).write(to: URL(fileURLWithPath: gateway.folder.path("body")))
            let hash = try await Tool.run("sha256sum", [gateway.folder.path("body")]).output.prefix(64)
            #expect(try await function.wait(for: .ended, 2).last?.sha256 == String(hash))
            #expect(gateway.child.residentMemory - before < 8 << 20)
        }
    }

    @Test func `many such clients cost little`() async throws {
        let clients = 40
        let function = try await FakeLambda.shared.function(.bulk(64 << 20, seed: 5, piece: 60_000), .done, .end)
        try await Gateway.run(Setup(function, "response: raw")) { gateway in
            _ = try await gateway.get("/", method: "HEAD")
            let before = gateway.child.residentMemory
            var open: [RawClient] = []
            for _ in 0..<clients {
                let client = try await gateway.connect(receiveBuffer: 16_384)
                try await client.send(Gateway.request())
                open.append(client)
            }
            try await function.wait(for: .calls, clients)
            try await function.wait(for: .blocked, clients)
            _ = try await self.whenNothingMoves(function)
            // 64 KiB and some for each, and what the allocator keeps.
            #expect(gateway.child.residentMemory - before < clients * 256 * 1024 + (8 << 20))
            for client in open { client.reset() }
        }
    }

    @Test func `a client that takes nothing for too long is let go`() async throws {
        let function = try await FakeLambda.shared.function(.bulk(200 << 20, seed: 6, piece: 60_000), .done, .end)
        try await Gateway.run(Setup(function, "response: raw", limits: "client_stall: 500ms")) { gateway in
            let client = try await gateway.connect(receiveBuffer: 16_384)
            try await client.send(Gateway.request())
            #expect(try await function.wait(for: .ended)[0].end == "gone")
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "client_stalled")
            client.close()
        }
    }

    /// The functions have ended, or there was none; what is left of the answers is the connection's own affair.
    @Test func `so is one that leaves the rest of its answers lying`() async throws {
        let function = try await FakeLambda.shared.function(.bulk(300_000, seed: 6, piece: 60_000), .done, .end)
        var setup = try Setup(function, "response: raw", limits: "client_stall: 500ms, idle_http1: 60s")
        setup.routes.append("{ path: /big, respond: { body: \"\(String(repeating: "x", count: 64_000))\" } }")
        try await Gateway.run(setup) { gateway in
            for path in ["/", "/big"] {
                let client = try await gateway.connect(receiveBuffer: 16_384)
                try await client.send(String(repeating: Gateway.request(path), count: 300))
                // So that it is there at all.
                _ = try await client.head()
                _ = try await eventually("the client is let go") { gateway.acceptedSockets == 0 ? true : nil }
                client.close()
            }
        }
    }

    /// Slow, but never still: neither the stall time nor the idle time may end it.
    @Test func `a slow client is none that stalls`() async throws {
        let count = 8 << 20
        let function = try await FakeLambda.shared.function(.bulk(count, seed: 7, piece: 60_000), .done, .end)
        let patience = 600 * Support.timeFactor
        try await Gateway.run(
            Setup(
                function, "response: raw, timeouts: { idle: \(patience)ms, first_byte: 20s }",
                limits: "client_stall: \(patience)ms")
        ) { gateway in
            let client = try await gateway.connect(receiveBuffer: 65_536)
            try await client.send(Gateway.request())
            var have = 0
            while have < count {
                have = min(count, have + 512 * 1024)
                #expect(try await client.body(atLeast: have).body.count >= have)
                try await Task.sleep(for: .milliseconds(120))
            }
            #expect(try await client.answer().end == .whole)
        }
    }

    /// Long before the socket has room for more, its bytes are acknowledged.
    @Test func `nor is one that takes less in that time than the socket holds`() async throws {
        let count = 6 << 20
        let function = try await FakeLambda.shared.function(.bulk(count, seed: 8, piece: 60_000), .done, .end)
        let patience = 800 * Support.timeFactor
        let limits = "client_stall: \(patience)ms"
        try await Gateway.run(Setup(function, "response: raw", limits: limits)) { gateway in
            let client = try await gateway.connect(receiveBuffer: 16_384)
            try await client.send(Gateway.request())
            var have = 0
            for _ in 0..<10 {
                have = try await client.body(atLeast: have + 8192).body.count
                try await Task.sleep(for: .milliseconds(400))
            }
            #expect(have < count / 2)
            let answer = try await client.answer()
            #expect(answer.end == .whole && answer.body.count == count)
            #expect(try await gateway.accessLog(lines: 1)[0]["end"] == "complete")
        }
    }

    /// Answers of the gateway's own have no function that could be stopped: the requests must not be read.
    @Test func `pipelined requests of a client that does not read do not pile up their answers`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        let body = String(repeating: "x", count: 64_000)
        setup.routes = ["{ path: /big, respond: { body: \"\(body)\" } }"]
        try await Gateway.run(setup) { gateway in
            #expect(try await gateway.get("/big").body.count == 64_000)
            let before = gateway.child.residentMemory
            let client = try await gateway.connect(receiveBuffer: 16_384)
            let count = 4000
            let requests = Array(String(repeating: Gateway.request("/big"), count: count).utf8)
            let sending = Task { try await client.send(requests) }
            try await Task.sleep(for: .seconds(1))
            #expect(gateway.child.residentMemory - before < 24 << 20)
            // All of them are answered once somebody reads.
            for number in 0..<count {
                let answer = try await client.answer()
                guard answer.body.count == 64_000, answer.end == .whole else {
                    Issue.record("answer \(number): \(answer.summary.prefix(300))")
                    break
                }
            }
            try await sending.value
        }
    }

    @Test func `pipelined calls of a client that does not read do not pile up either`() async throws {
        let function = try await FakeLambda.shared.function(.bulk(200_000, seed: 8, piece: 50_000), .done, .end)
        try await Gateway.run(Setup(function, "response: raw")) { gateway in
            _ = try await gateway.get()
            let before = gateway.child.residentMemory
            let client = try await gateway.connect(receiveBuffer: 16_384)
            let count = 200
            try await client.send(String(repeating: Gateway.request(), count: count))
            try await Task.sleep(for: .seconds(1))
            #expect(gateway.child.residentMemory - before < 8 << 20)
            for _ in 0..<count { #expect(try await client.answer().body.count == 200_000) }
        }
    }

    /// The answer begins when the socket is full already, of answers before it.
    @Test func `a call behind answers that are not read is stopped as well`() async throws {
        let function = try await FakeLambda.shared.function(.bulk(100_000_000, seed: 9, piece: 100_000), .done, .end)
        var setup = try Setup(function, "response: raw", limits: "client_stall: 2s")
        setup.routes.insert("{ path: /big, respond: { body: \"\(String(repeating: "x", count: 60_000))\" } }", at: 0)
        try await Gateway.run(setup) { gateway in
            #expect(try await gateway.get("/big").body.count == 60_000)
            let before = gateway.child.residentMemory
            let client = try await gateway.connect(receiveBuffer: 4096, segment: 1448)
            defer { client.close() }
            try await client.send(Gateway.request("/big") + Gateway.request())
            let line = try await gateway.accessLog(lines: 3)[2]
            #expect(line["end"] == "client_stalled")
            #expect(gateway.child.residentMemory - before < 16 << 20)
        }
    }

    /// Waits until the function's bytes have stopped going anywhere.
    private func whenNothingMoves(_ function: FakeFunction) async throws -> RecordedCall {
        try await function.wait(for: .blocked)
        var last = -1
        return try await eventually("the stream stands still") {
            try await Task.sleep(for: .milliseconds(250))
            let calls = try await function.calls()
            let written = calls.reduce(0) { $0 + $1.written }
            defer { last = written }
            return written == last ? calls.last : nil
        }
    }
}
