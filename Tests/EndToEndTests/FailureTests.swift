import Foundation
import Testing

/// What a client gets when no answer of a function can be given to it whole.
@Suite struct FailureTests {
    @Test func `without a route there is 404`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /only, respond: { body: here } }"]
        try await Gateway.run(setup) { gateway in
            try expectProblem(await gateway.get("/other"), 404)
            #expect(try await gateway.get("/only").text == "here")
            let line = try await gateway.accessLog(lines: 2)[0]
            #expect(line["status"] == 404)
            #expect(line["end"] == "no_route")
        }
    }

    @Test func `the wrong method is told the right ones`() async throws {
        let function = try await FakeLambda.shared.function(.text("hello"), .done, .end)
        var setup = try Setup(function)
        setup.routes = ["{ path: /things, methods: [GET, POST], function: main }"]
        try await Gateway.run(setup) { gateway in
            let answer = try await gateway.get("/things", method: "DELETE")
            try expectProblem(answer, 405)
            let allowed = Set(
                (answer["allow"] ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
            #expect(allowed == ["GET", "HEAD", "POST"])
        }
        #expect(try await function.calls().isEmpty)
    }

    @Test(arguments: [
        (
            "a function error",
            [Step.complete(["ErrorCode": "Unhandled", "ErrorDetails": "{\"errorMessage\":\"secret cause\"}"]), .end]
        ),
        (
            "a function error behind an undecided beginning",
            [.text("{\"a\":"), .complete(["ErrorCode": "Runtime.ExitError"]), .end]
        ),
        ("a damaged message", [.damaged(.message, Array("{".utf8)), .done, .end]),
        ("a damaged message that would go on at once", [.damaged(.message, Array("hello".utf8)), .done, .end]),
        ("a damaged prelude of a message", [.damaged(.prelude, Array("hello".utf8)), .done, .end]),
        ("a cut stream", [.cut(Array("hello".utf8), at: -70), .close]),
        ("a stream that ends inside a message", [.cut(Array("hello".utf8), at: -70), .end]),
        ("an end without InvokeComplete", [.head, .end]),
        (
            "an exception",
            [
                .message(
                    [":message-type": "exception", ":exception-type": "ServiceException"],
                    Array("{\"message\":\"secret cause\"}".utf8)), .end,
            ]
        ),
        ("no event stream at all", [.answer(200, ["Content-Type": "text/html"], "<h1>secret cause</h1>")]),
        ("a bad prelude", [.prelude("{\"statusCode\":\"abc\"}"), .text("x"), .done, .end]),
        ("a status of its own that is interim", [.prelude("{\"statusCode\":101}"), .done, .end]),
        ("a reset", [.head, .reset]),
        ("a connection closed without an answer", [.close]),
        ("nonsense", [.raw(Array("secret cause secret cause secret cause".utf8)), .end]),
        (
            "a missing permission",
            [.answer(403, ["x-amzn-errortype": "AccessDeniedException"], "{\"message\":\"secret cause\"}")]
        ),
        (
            "a missing function",
            [.answer(404, ["x-amzn-errortype": "ResourceNotFoundException"], "{\"Message\":\"secret cause\"}")]
        ),
        (
            "a failure of Lambda",
            [.answer(500, ["x-amzn-errortype": "ServiceException"], "{\"Message\":\"secret cause\"}")]
        ),
        ("an unavailable Lambda", [.answer(503, [:], "<h1>secret cause</h1>")]),
        ("a redirect, which no SDK follows", [.answer(301, ["Location": "http://example.com/secret"], "")]),
    ])
    func `is 502 and says nothing of the cause`(_ what: String, _ steps: [Step]) async throws {
        let function = try await FakeLambda.shared.function(calls: [steps])
        try await Gateway.run(Setup(function)) { gateway in
            let answer = try await gateway.get()
            try expectProblem(answer, 502)
            #expect(!answer.text.contains("secret"))
            // Nothing of it may have run twice.
            #expect(try await function.calls().count == 1)
            try await gateway.logs(answer["x-request-id"] ?? "none")
        }
    }
}
