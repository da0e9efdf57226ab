import Foundation
import Testing

/// Rules of the house that a reader can check, so that nobody has to.
@Suite struct HouseRuleTests {
    private static func modules() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: ImportTests.sources.path)
            .filter { !$0.hasPrefix(".") && !$0.hasPrefix("C") || $0 == "Configuration" }
    }

    /// Each place at which the compiler is told to trust us about threads. A new one is a decision, so it is written here.
    private static let knownUnchecked: [String: Int] = [
        "Bytes/ByteBuffer.swift": 1,
        "Digest/CRC32Tables.swift": 1,
        "Gateway/Semaphore.swift": 1,
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
}
