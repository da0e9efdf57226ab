import Testing

/// Why the gateway exists: each piece reaches the client before the function has made the next.
@Suite struct StreamingTests {
    @Test(arguments: ["auto", "raw"])
    func `each chunk arrives before the next is made`(_ mode: String) async throws {
        let function = try await FakeLambda.shared.function(
            .text("one "), .gate, .text("two "), .gate, .text("three"), .gate, .done, .end)
        try await Gateway.run(Setup(function, "response: \(mode)")) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            for text in ["one ", "one two ", "one two three"] {
                let answer = try await client.body(holding: text)
                #expect(answer.text == text)
                #expect(answer.end == .open)
                try await function.release()
            }
            let answer = try await client.answer()
            #expect(answer.text == "one two three")
            #expect(answer.end == .whole)
        }
    }

    @Test func `the head arrives with its prelude, before any body`() async throws {
        let function = try await FakeLambda.shared.function(
            .prelude("{\"statusCode\":201,\"headers\":{\"content-type\":\"text/plain\"}}"), .gate, .text("late"), .done,
            .end)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            let head = try await client.head()
            #expect(head.status == 201)
            #expect(head["content-type"] == "text/plain")
            #expect(head.body.isEmpty)
            try await function.release()
            #expect(try await client.answer().text == "late")
        }
    }

    @Test func `bytes go on in the middle of a message`() async throws {
        let function = try await FakeLambda.shared.function(
            .cut(Array("the beginning and the end".utf8), at: 13), .gate, .rest, .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            let client = try await gateway.connect()
            try await client.send(Gateway.request())
            #expect(try await client.body(holding: "the beginning").text.count < 25)
            try await function.release()
            #expect(try await client.answer().text == "the beginning and the end")
        }
    }

    @Test func `a hundred streams run at once on one loop`() async throws {
        let count = 100
        let function = try await FakeLambda.shared.function(.text("begun "), .gate, .text("ended"), .done, .end)
        try await Gateway.run(Setup(function)) { gateway in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        let client = try await gateway.connect()
                        try await client.send(Gateway.request())
                        _ = try await client.body(holding: "begun ")
                        let answer = try await client.answer()
                        return answer.text == "begun ended" && answer.end == .whole
                    }
                }
                // All of them are under way before the first may end.
                try await function.wait(for: .gated, count)
                try await function.release(count)
                var right = 0
                for try await isRight in group where isRight { right += 1 }
                #expect(right == count)
            }
        }
    }

    @Test func `a download is the same to the byte`() async throws {
        let count = 64 * 1024 * 1024
        let function = try await FakeLambda.shared.function(.bulk(count, seed: 1, piece: 50_000), .done, .end)
        try await Gateway.run(Setup(function, "response: raw")) { gateway in
            let file = gateway.folder.path("download")
            let curl = try await Tool.curl("--output", file, "--write-out", "%{size_download}", gateway.url("/"))
            #expect(curl.status == 0)
            #expect(curl.output == "\(count)")
            let hash = try await Tool.run("sha256sum", [file]).output.prefix(64)
            #expect(try await function.wait(for: .ended)[0].sha256 == String(hash))
        }
    }
}
