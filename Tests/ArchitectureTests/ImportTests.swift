import Foundation
import Testing

/// Holds the import lines of the sources against the arrows of docs/architecture.md.
@Suite struct ImportTests {
    /// What each module may import directly; it may also import what it reaches through these arrows.
    private static let arrows: [String: Set<String>] = [
        "CLinux": [], "COpenSSL": [], "CNGHTTP2": [], "CChecksum": [], "CSpawn": [],
        "Bytes": [],
        "Time": ["Bytes"],
        "JSON": ["Bytes"],
        "HTTP": ["Bytes", "Time"],
        "HTTP2": ["HTTP", "CNGHTTP2"],
        "Digest": ["Bytes", "COpenSSL", "CChecksum"],
        "TLS": ["Bytes", "Time", "COpenSSL"],
        "Tokens": ["Bytes", "Time", "JSON", "Digest"],
        "AWS": ["HTTP", "Digest", "JSON", "Time"],
        "Lambda": ["HTTP", "AWS", "JSON"],
        "Routing": ["HTTP"],
        "Relay": ["HTTP", "Lambda", "Routing"],
        "Configuration": ["Routing", "HTTP", "Lambda", "AWS", "Tokens", "Yams", "Foundation"],
        "Reactor": ["Bytes", "Time", "CLinux"],
        "Processes": ["CSpawn"],
        "LocalLambda": ["Reactor", "HTTP", "AWS", "Lambda", "Processes", "Logging"],
        "Gateway": ["Reactor", "TLS", "HTTP2", "Relay", "Configuration", "LocalLambda", "Processes", "Logging"],
        "sluice": ["Configuration", "Gateway", "LocalLambda", "ArgumentParser", "Logging"],
        "DemoFunction": ["Bytes"],
    ]

    /// The standard library's own, and the C library, which any module that touches the world may use.
    private static let standard: Set<String> = ["Swift", "Synchronization"]
    private static let touchesTheWorld: Set<String> = [
        "Reactor", "TLS", "Processes", "LocalLambda", "Gateway", "sluice", "DemoFunction",
    ]

    /// Libraries that only the module with the arrow itself may import, whoever reaches it.
    private static let private_: Set<String> = [
        "CLinux", "COpenSSL", "CChecksum", "CSpawn", "CNGHTTP2", "Yams", "Foundation", "Logging", "ArgumentParser",
    ]

    static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    @Test func `every module of Sources has its arrows`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path).filter {
            !$0.hasPrefix(".")
        }
        #expect(Set(folders) == Set(Self.arrows.keys))
    }

    @Test(arguments: ImportTests.arrows.keys.sorted())
    func `a module imports only what its arrows reach`(module: String) throws {
        let allowed = Self.reachable(from: module)
        for (file, imports) in try Self.imports(of: module) {
            for name in imports where !allowed.contains(name) {
                Issue.record("\(module)/\(file) imports \(name), which no arrow of \(module) reaches")
            }
        }
    }

    @Test func `C libraries are imported privately`() throws {
        for module in Self.arrows.keys.sorted() {
            for (file, text) in try Self.files(of: module) {
                for line in text.split(separator: "\n") {
                    let words = line.split(separator: " ")
                    guard words.count >= 2, words[words.count - 2] == "import", let name = words.last else { continue }
                    guard ["COpenSSL", "CChecksum", "CSpawn", "CNGHTTP2"].contains(name) else { continue }
                    #expect(words.first == "private", "\(module)/\(file): \(line)")
                }
            }
        }
    }

    private static func reachable(from module: String) -> Set<String> {
        var reached: Set<String> = []
        var next = [module]
        while let current = next.popLast() {
            for target in self.arrows[current] ?? [] {
                if self.private_.contains(target), current != module { continue }
                if reached.insert(target).inserted { next.append(target) }
            }
        }
        reached.formUnion(self.standard)
        if self.touchesTheWorld.contains(module) { reached.insert("Glibc") }
        return reached
    }

    private static func imports(of module: String) throws -> [(file: String, names: [String])] {
        try self.files(of: module).map { file, text in
            let names = text.split(separator: "\n").compactMap { line -> String? in
                let words = line.split(separator: " ")
                guard let position = words.firstIndex(of: "import"), position + 1 < words.count else { return nil }
                let modifiers: Set<Substring> = [
                    "private", "internal", "package", "public", "@preconcurrency", "fileprivate",
                ]
                guard words[..<position].allSatisfy({ modifiers.contains($0) }) else { return nil }
                let last = words[words.count - 1]
                return String(last.split(separator: ".").first ?? last)
            }
            return (file, names)
        }
    }

    static func files(of module: String) throws -> [(file: String, text: String)] {
        let folder = self.sources.appending(path: module)
        let enumerator = FileManager.default.enumerator(atPath: folder.path)
        var files: [(String, String)] = []
        while let path = enumerator?.nextObject() as? String {
            guard path.hasSuffix(".swift") else { continue }
            files.append((path, try String(contentsOf: folder.appending(path: path), encoding: .utf8)))
        }
        return files
    }
}
