import Foundation
import TestSupport
import Testing

/// Clients, functions and an API that fail in every way at the same time. Nothing may crash, hang, mix up answers or be
/// left behind. `make soak` lets it run for longer.
@Suite struct StressTests {
    private static var seconds: Double {
        ProcessInfo.processInfo.environment["SLUICE_SOAK_SECONDS"].flatMap(Double.init) ?? 4
    }

    /// What functions do, and which answers are right: a whole one of these statuses, or one that broke off.
    private static let scripts: [(name: String, steps: [Step], statuses: Set<Int>, mayBreak: Bool)] = [
        ("text", [.text("text"), .done, .end], [200], false),
        ("prelude", [.prelude("{\"statusCode\":201}"), .text("prelude"), .done, .end], [201], false),
        ("empty", [.prelude("{\"statusCode\":204}"), .pause(0.01), .text("rest"), .done, .end], [204], false),
        ("length", [.prelude("{\"headers\":{\"content-length\":\"6\"}}"), .text("length"), .done, .end], [200], false),
        ("bulk", [.bulk(300_000, seed: 1, piece: 50_000), .done, .end], [200], false),
        ("slow", [.text("sl"), .pause(0.05), .text("ow"), .done, .end], [200], false),
        ("error", [.complete(["ErrorCode": "Unhandled"]), .end], [502], false),
        ("broken", [.text("broken"), .complete(["ErrorCode": "Unhandled"]), .end], [200, 502], true),
        ("reset", [.text("reset"), .reset], [200, 502], true),
        ("close", [.close], [502], false),
        ("cut", [.text("cut"), .cut(Array("more".utf8), at: 2), .close], [200, 502], true),
        ("damaged", [.text("damaged"), .damaged(.message, Array("x".utf8)), .done, .end], [200, 502], true),
        ("nonsense", [.raw(Array("nonsense nonsense nonsense".utf8)), .end], [502], false),
        ("refused", [.answer(403, ["x-amzn-errortype": "AccessDeniedException"], "{}")], [502], false),
        ("silent", [.forever], [504], false),
    ]

    @Test(arguments: [UInt64(1), 2])
    func `everything fails at once and nothing is left behind`(_ seed: UInt64) async throws {
        let lambda = try await FakeLambda.shared
        var setup = try Setup(lambda)
        for script in Self.scripts {
            let function = try await lambda.function(calls: [script.steps])
            // Only who waits for nothing may be impatient: the machine is busy.
            let firstByte = script.statuses == [504] ? "300ms" : "20s"
            setup.add(
                function, as: script.name,
                "max_concurrency: 30, timeouts: { first_byte: \(firstByte), connect: 5s, total: 60s }")
            setup.routes.append("{ path: /\(script.name), function: \(script.name) }")
        }
        setup.routes.append("{ path: /fixed, respond: { body: fixed } }")
        setup.workers = 2
        setup.drainTimeout = "10s"
        try await Gateway.run(setup) { gateway in
            let until = ContinuousClock().now + .seconds(Self.seconds)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        var random = SeededRandom(seed: seed * 1000 + UInt64(number))
                        while ContinuousClock().now < until { try await self.session(gateway, &random) }
                    }
                }
                try await group.waitForAll()
            }
            // Every place has been given back, and every connection closed.
            for script in Self.scripts where script.statuses == [200] {
                let answer = try await gateway.get("/\(script.name)")
                #expect(answer.status == 200 && answer.end == .whole, "\(script.name): \(answer.summary)")
            }
            let memory = gateway.child.residentMemory
            #expect(memory < (200 << 20) * Support.memoryFactor)
        }
    }

    /// One connection with some requests, of which the last one may be left unanswered.
    private func session(_ gateway: Gateway, _ random: inout SeededRandom) async throws {
        let client = try await gateway.connect(receiveBuffer: Bool.random(using: &random) ? 4096 : nil)
        defer { client.close() }
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let row = Int.random(in: 0..<Self.scripts.count, using: &random)
            let script = Self.scripts[row]
            let isPost = Bool.random(using: &random)
            let body = isPost ? String(repeating: "b", count: Int.random(in: 0...20_000, using: &random)) : nil
            let request = Gateway.request("/\(script.name)", method: isPost ? "POST" : "GET", body: body)
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                // Half a request.
                try? await client.send(String(request.prefix(request.count / 2)))
                if Bool.random(using: &random) { client.reset() }
                return
            case 1:
                // A whole one, and gone.
                try? await client.send(request)
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...30, using: &random)))
                if Bool.random(using: &random) { client.reset() }
                return
            case 2:
                try? await client.send("\u{1}\u{2} nonsense\r\n\r\n")
                return
            default:
                guard (try? await client.send(request + Gateway.request("/fixed"))) != nil else { return }
                let answer = try await client.answer()
                let isRight =
                    answer.end == .whole && (script.statuses.contains(answer.status) || answer.status == 503)
                    || script.mayBreak && answer.end != .open
                #expect(isRight, "\(script.name): \(answer.summary)")
                // Nobody gets the answer of another.
                if answer.end == .whole, script.statuses == [200], script.name != "bulk" {
                    #expect(answer.text == script.name, "\(script.name): \(answer.summary)")
                }
                guard answer.end == .whole else { return }
                let fixed = try await client.answer()
                #expect(fixed.text == "fixed" && fixed.end == .whole, "behind \(script.name): \(fixed.summary)")
                guard fixed["connection"] == nil else { return }
            }
        }
    }
}
