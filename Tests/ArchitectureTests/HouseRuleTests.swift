import Foundation
import Testing

/// Rules of the house that a reader can check, so that nobody has to.
@Suite struct HouseRuleTests {
    private static func modules() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: ImportTests.sources.path)
            .filter { !$0.hasPrefix(".") && !$0.hasPrefix("C") || $0 == "Configuration" }
    }

    /// Each place at which the compiler is told to trust us about threads. A new one is a decision, so it is written
    /// here.
    private static let knownUnchecked: [String: Int] = [
        "Bytes/ByteBuffer.swift": 1,
        "Digest/CRC32Tables.swift": 1,
        "Digest/PublicKey.swift": 1,
        "Reactor/ThreadSemaphore.swift": 1,
        "HTTP/Fields.swift": 1,
        "Reactor/LoopBound.swift": 1,
        "TLS/LibraryObject.swift": 1,
    ]

    @Test func `unchecked Sendable is counted`() throws {
        var found: [String: Int] = [:]
        for module in try Self.modules() {
            for (file, text) in try ImportTests.files(of: module) {
                let count =
                    text.components(separatedBy: "@unchecked Sendable").count - 1
                    + text.components(separatedBy: "nonisolated(unsafe)").count - 1
                if count > 0 { found["\(module)/\(file)"] = count }
            }
        }
        #expect(found == Self.knownUnchecked)
    }

    @Test func `no work is left behind in the sources`() throws {
        for module in try Self.modules() {
            for (file, text) in try ImportTests.files(of: module) {
                for word in ["FIXME", "HACK", "Placeholder"] where text.contains(word) {
                    Issue.record("\(module)/\(file) says \(word)")
                }
            }
        }
    }

    /// The formatter breaks code, and leaves comments as they are.
    @Test func `comments end where code does`() throws {
        for module in try Self.modules() {
            for (file, text) in try ImportTests.files(of: module) {
                for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                where line.count > 120 && line.drop(while: { $0 == " " }).hasPrefix("//") {
                    Issue.record("\(module)/\(file):\(number + 1) has \(line.count) characters")
                }
            }
        }
    }

    /// A fuzzer that is not built finds nothing, and one without seeds little.
    @Test func `each fuzzer is built, has seeds, and stands in the list of parsers`() throws {
        let root = ImportTests.sources.deletingLastPathComponent()
        let manager = FileManager.default
        let fuzzers = try manager.contentsOfDirectory(atPath: root.appending(path: "Tests/Fuzzing").path)
            .filter { $0.hasSuffix("Fuzzer") }
        #expect(fuzzers.count >= 13)
        let manifest = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        let list = try String(contentsOf: root.appending(path: "docs/threat-model.md"), encoding: .utf8)
        for fuzzer in fuzzers {
            #expect(manifest.contains("fuzzer(\"\(fuzzer)\""), "\(fuzzer)")
            let seeds = root.appending(path: "Tests/Fuzzing/Seeds/\(fuzzer)").path
            #expect(try !manager.contentsOfDirectory(atPath: seeds).isEmpty, "\(fuzzer)")
            #expect(list.contains("`\(fuzzer)`"), "\(fuzzer)")
        }
    }
}
