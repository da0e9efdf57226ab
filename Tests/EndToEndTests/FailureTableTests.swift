import Foundation
import Testing

/// The table "a call fails" of docs/invoking.md, row by row.
@Suite struct FailureTableTests {
    /// A failure, and what is said of it: whether the call is made again, whether the stand-in is called, and what a
    /// client gets where there is none.
    struct Row: Sendable, CustomTestStringConvertible {
        /// As it stands in the table.
        let what: String
        let steps: [Step]
        let isCalledAgain: Bool
        let hasStandIn: Bool
        let status: Int
        var kind = Kind.lambda
        var keys = ""

        enum Kind { case lambda, unreachable, silent, keyless, keysLate, server }

        var testDescription: String { "\(self.what) \(self.status) \(self.steps.count)" }
    }

    private static func refusal(_ status: Int, _ type: String) -> [Step] {
        [.answer(status, ["x-amzn-errortype": type], #"{"message":"said AWS"}"#)]
    }

    private static let throttled = "throttled: 429, `EC2ThrottledException`"
    private static let starting = "starting up: `ResourceNotReadyException`, `SnapStartNotReadyException`"
    private static let refused = "other errors of the API: 403, 404, 5xx"
    private static let noAnswer = "the answer is none: no prelude, bad JSON, a wrong checksum"

    static let rows: [Row] = [
        Row(
            what: "no connection", steps: [], isCalledAgain: true, hasStandIn: true, status: 502, kind: .unreachable),
        Row(
            what: "`connect` is over", steps: [], isCalledAgain: true, hasStandIn: true, status: 504, kind: .silent,
            keys: ", timeouts: { connect: 300ms }"),
        Row(
            what: throttled, steps: refusal(429, "TooManyRequestsException"), isCalledAgain: true, hasStandIn: true,
            status: 429),
        Row(
            what: throttled, steps: refusal(502, "EC2ThrottledException"), isCalledAgain: true, hasStandIn: true,
            status: 429),
        Row(
            what: starting, steps: refusal(502, "ResourceNotReadyException"), isCalledAgain: true, hasStandIn: true,
            status: 502),
        Row(
            what: starting, steps: refusal(409, "SnapStartNotReadyException"), isCalledAgain: true, hasStandIn: true,
            status: 502),
        Row(
            what: refused, steps: refusal(403, "AccessDeniedException"), isCalledAgain: false, hasStandIn: true,
            status: 502),
        Row(
            what: refused, steps: refusal(404, "ResourceNotFoundException"), isCalledAgain: false, hasStandIn: true,
            status: 502),
        Row(
            what: refused, steps: refusal(409, "ResourceConflictException"), isCalledAgain: false, hasStandIn: true,
            status: 502),
        Row(
            what: refused, steps: refusal(500, "ServiceException"), isCalledAgain: false, hasStandIn: true, status: 502),
        Row(
            what: "no credentials: there are none", steps: [], isCalledAgain: false, hasStandIn: true, status: 502,
            kind: .keyless),
        Row(
            what: "no credentials: they do not come within `first_byte`", steps: [], isCalledAgain: false,
            hasStandIn: true, status: 504, kind: .keysLate, keys: ", timeouts: { first_byte: 300ms }"),
        Row(
            what: "wrong with the request: 400, 415", steps: refusal(400, "InvalidRequestContentException"),
            isCalledAgain: false, hasStandIn: false, status: 502),
        Row(
            what: "wrong with the request: 400, 415", steps: refusal(415, "UnsupportedMediaTypeException"),
            isCalledAgain: false, hasStandIn: false, status: 502),
        Row(
            what: "too large: 413", steps: refusal(413, "RequestTooLargeException"), isCalledAgain: false,
            hasStandIn: false, status: 413),
        Row(
            what: "`first_byte` is over", steps: [.forever], isCalledAgain: false, hasStandIn: true, status: 504,
            keys: ", timeouts: { first_byte: 300ms }"),
        Row(
            what: "the function failed (`X-Amz-Function-Error`, an error in the stream)",
            steps: [.complete(["ErrorCode": "Unhandled"]), .end], isCalledAgain: false, hasStandIn: false, status: 502),
        Row(
            what: "the function failed (`X-Amz-Function-Error`, an error in the stream)",
            steps: [.answer(200, ["X-Amz-Function-Error": "Unhandled"], "{}")], isCalledAgain: false,
            hasStandIn: false, status: 502, keys: ", invoke: buffered"),
        Row(
            what: "the connection was lost after the request had been sent", steps: [.close], isCalledAgain: false,
            hasStandIn: false, status: 502),
        Row(
            what: noAnswer, steps: [.text("no prelude"), .done, .end], isCalledAgain: false, hasStandIn: false,
            status: 502, keys: ", response: prelude"),
        Row(
            what: noAnswer, steps: [.prelude(#"{"statusCode":"#), .text("x"), .done, .end], isCalledAgain: false,
            hasStandIn: false, status: 502, keys: ", response: prelude"),
        Row(
            what: noAnswer, steps: [.damaged(.message, Array("x".utf8)), .done, .end], isCalledAgain: false,
            hasStandIn: false, status: 502, keys: ", response: buffered"),
        Row(
            what: "a `url:` answers 429 or 503", steps: [.answer(429)], isCalledAgain: false, hasStandIn: true,
            status: 429, kind: .server),
        Row(
            what: "a `url:` answers 429 or 503", steps: [.answer(503)], isCalledAgain: false, hasStandIn: true,
            status: 503, kind: .server),
    ]

    @Test func `each row of the table is here`() throws {
        let page = try String(contentsOfFile: Support.repository + "/docs/invoking.md", encoding: .utf8)
        let table = try #require(
            page.components(separatedBy: "### … a call fails\n").last?.components(separatedBy: "\n\n"))
        let documented = table[0].split(separator: "\n").dropFirst(2).compactMap { line in
            line.split(separator: "|").first?.trimmingCharacters(in: .whitespaces)
        }
        #expect(Set(documented) == Set(Self.rows.map(\.what)))
    }

    @Test(arguments: Self.rows)
    func `what the table says is so`(row: Row) async throws {
        let lambda = try await FakeLambda.shared
        let standIn = try await lambda.function(.answer(200, [:], "stand-in"))
        var setup = try Setup(lambda)
        for name in ["alone", "helped"] {
            let function = try await lambda.function(calls: [row.steps])
            let target =
                row.kind == .server
                ? "url: \"http://127.0.0.1:\(lambda.port)/\(function.name)\"" : "function: \(function.name)"
            let fallback = name == "helped" ? ", fallback: other" : ""
            setup.functions.append((name, "{ \(target), retries: 1\(row.keys)\(fallback) }"))
            setup.routes.append("{ path: /\(name), function: \(name) }")
        }
        setup.functions.append(("other", "{ url: \"http://127.0.0.1:\(lambda.port)/\(standIn.name)\" }"))
        if row.kind == .unreachable { setup.aws = "{ region: eu-west-1, endpoint: \"http://127.0.0.1:1\" }" }
        // Holds the port for as long as the gateway runs.
        let silent = try ReservedPort(listens: true)
        if row.kind == .keyless || row.kind == .keysLate {
            setup.environment["AWS_ACCESS_KEY_ID"] = nil
            setup.environment["AWS_SECRET_ACCESS_KEY"] = nil
            setup.environment["AWS_EC2_METADATA_DISABLED"] = "true"
        }
        if row.kind == .keysLate {
            setup.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:\(silent.number)/keys"
        }
        if row.kind == .silent {
            setup.aws = "{ region: eu-west-1, endpoint: \"http://127.0.0.1:\(try await lambda.silentPort())\" }"
        }
        try await Gateway.run(setup) { gateway in
            let alone = try await gateway.get("/alone")
            #expect(alone.status == row.status, "\(gateway.log)")
            #expect(!alone.text.contains("said AWS"))
            let helped = try await gateway.get("/helped")
            #expect(helped.status == (row.hasStandIn ? 200 : row.status))
            #expect((helped.text == "stand-in") == row.hasStandIn)
            #expect(try await standIn.calls().count == (row.hasStandIn ? 1 : 0))
            let calls = row.isCalledAgain ? 2 : 1
            let lines = try await gateway.accessLog(lines: 2)
            #expect(lines[0]["attempts"]?.int == calls)
            #expect(lines[1]["attempts"]?.int == calls + (row.hasStandIn ? 1 : 0))
        }
        withExtendedLifetime(silent) {}
    }
}
