import Foundation
import Testing

@testable import AWS
@testable import Gateway
@testable import Lambda
@testable import Relay

/// The words that the access log and the metrics have for the end of a request: those of the code, of the documentation
/// and of the alerts.
@Suite struct EndWordTests {
    private static func text(of file: String) throws -> String {
        try String(
            contentsOfFile: #filePath.replacing("Tests/GatewayTests/EndWordTests.swift", with: file), encoding: .utf8)
    }

    /// All that stand in the code: at `end:`, and in what names the ends of failures.
    private static func wordsOfCode() throws -> Set<String> {
        var words: Set<String> = []
        let root = #filePath.replacing("Tests/GatewayTests/EndWordTests.swift", with: "Sources")
        for folder in ["Gateway", "Relay"] {
            let files = try #require(FileManager.default.enumerator(atPath: "\(root)/\(folder)"))
            for case let file as String in files where file.hasSuffix(".swift") {
                let text = try String(contentsOfFile: "\(root)/\(folder)/\(file)", encoding: .utf8)
                let places =
                    text.matches(of: /\bend: [^\n,]*/).map { String($0.output) }
                    + text.matches(of: /var endName: String \{[\s\S]*?\n    \}/).map { String($0.output) }
                for place in places {
                    words.formUnion(place.matches(of: /"([a-z_]+)"/).map { String($0.output.1) })
                }
            }
        }
        return words
    }

    /// Those of which more than a few wake somebody.
    private static func wordsOfAlert() throws -> Set<String> {
        let rules = try Self.text(of: "deploy/prometheus/sluice.rules.yml")
        let match = try #require(rules.firstMatch(of: /alert: SluiceBrokenAnswers\s[\s\S]*?end=~"([a-z_|]+)"/))
        return Set(match.output.1.split(separator: "|").map(String.init))
    }

    @Test func `the documentation has them all, and no others`() throws {
        let documentation = try Self.text(of: "docs/monitoring.md")
        let section = try #require(documentation.firstMatch(of: /### How requests end\n\n\|[\s\S]*?\n\n/))
        let rows = section.output.split(separator: "\n").dropFirst(3).compactMap { $0.split(separator: "|").first }
        let documented = rows.flatMap { row in row.matches(of: /`([a-z_]+)`/).map { String($0.output.1) } }
        #expect(Set(documented).count == documented.count)
        #expect(Set(documented) == (try Self.wordsOfCode()))
    }

    @Test func `alerts ask for words that exist`() throws {
        let words = try Self.wordsOfCode()
        let rules = try Self.text(of: "deploy/prometheus/sluice.rules.yml")
        let dashboard = try Self.text(of: "deploy/grafana/sluice.json")
        for match in (rules + dashboard).matches(of: /end[=!]~?\\?"([a-z_|]+)\\?"/) {
            for word in match.output.1.split(separator: "|") { #expect(words.contains(String(word)), "\(word)") }
        }
    }

    private static let failures: [ExchangeFailure] = [
        .unreachable(""), .connectTimedOut, .noCredentials(""), .credentialsTimedOut(source: ""), .staleConnection,
        .unprocessed(.refused), .connectionLost(""), .badUpstreamAnswer(""), .firstByteTimedOut, .idleTimedOut,
        .totalTimedOut, .circuitOpen(retryAfter: .seconds(1)), .refusedByUpstream(status: 502),
        .invocation(.functionError(code: "", details: "")), .invocation(.truncated), .invocation(.badInvokeComplete),
        .invocation(.service(AWSServiceError(status: 403, type: "AccessDeniedException", message: ""))),
    ]

    @Test(arguments: Self.failures)
    func `a function that fails so wakes somebody`(failure: ExchangeFailure) throws {
        #expect(try Self.wordsOfAlert().contains(failure.endName))
    }
}
