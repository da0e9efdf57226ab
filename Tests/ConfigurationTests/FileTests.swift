import Configuration
import Foundation
import Testing
import TestSupport

@Suite struct FileTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    @Test func `the file for production passes`() throws {
        #expect(faults(try Self.text("config/sluice.yaml")) == [])
    }

    @Test func `the file of the demo passes`() throws {
        #expect(faults(try Self.text("config/demo/sluice.yaml")) == [])
    }

    /// Its examples are right too: what stands behind `# ` at the beginning of a line is taken in.
    @Test func `the examples in the file for production pass`() throws {
        let text = try Self.text("config/sluice.yaml")
        let example = #/^(?<indent> *)# (?<code>( *)(- )?[a-z_]+:( .*)?)$/#
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> Substring in
            guard let match = line.wholeMatch(of: example) else { return line }
            return match.indent + match.code
        }
        let whole = lines.joined(separator: "\n")
        #expect(faults(whole) == [], "\(whole)")
        #expect(try load(whole).get().functions.count == 1)
    }

    @Test func `the documentation has every key as the schema has it`() throws {
        let path = "docs/configuration.md"
        let text = try Self.text(path)
        let begin = try #require(text.range(of: "swift test --filter ConfigurationTests -->\n")).upperBound
        let end = try #require(text.range(of: "<!-- end of keys -->")).lowerBound
        let table = Self.table()
        if ProcessInfo.processInfo.environment["UPDATE_VECTORS"] == "1" {
            let updated = text.replacingCharacters(in: begin..<end, with: table)
            try updated.write(to: Self.root.appending(path: path), atomically: true, encoding: .utf8)
        } else {
            #expect(String(text[begin..<end]) == table)
        }
    }

    private static func table() -> String {
        let keys = ConfigurationSchema.keys.flatMap { $0.flattened() }
        let rows = keys.map { path, key in
            "| `\(path)` | \(Self.words(key.kind)) | \(key.defaultText ?? "") | \(key.documentation) |\n"
        }
        return "| key | holds | default | what it is for |\n|---|---|---|---|\n" + rows.joined() + "\n"
    }

    private static func words(_ kind: ValueKind) -> String {
        switch kind {
        case .text(let what): what
        case .duration(let range):
            "duration, \(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
        case .size(let range): "size, \(range.lowerBound) to \(range.upperBound)"
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        case .list(.section), .mapping(_, .section): ""
        case .list(let element): "list of \(Self.words(element))"
        case .oneOrMore(let element): "\(Self.words(element)), or a list"
        case .mapping(let name, let element): "\(name.lowercased()): \(Self.words(element))"
        case .section: ""
        case .textOrSection(let what, _): what
        case .wordOrSection(let words, _): words.map { "`\($0)`" }.joined(separator: ", ")
        }
    }

    @Test func `the examples of the documentation pass`() throws {
        let text = try Self.text("docs/configuration.md")
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        #expect(!blocks.isEmpty)
        for block in blocks { #expect(faults(block, environment: ["REGION": "eu-west-1"]) == [], "\(block)") }
    }

    /// The example of the design, which shows `command` and `handler` side by side as alternatives: what it names and
    /// does not work yet is refused as such, and nothing else is wrong.
    @Test func `the example of the design is understood`() throws {
        let expected = [
            "36:3: warning: no route calls the function \"page\"",
            "42:7: a local function has a \"command\" or a \"handler\", not both",
        ]
        #expect(faults(try Self.text("Tests/Vectors/configuration/design.yaml")) == expected)
    }

    // Nothing that a file holds may do more than make a fault.
    @Test(arguments: 0..<24)
    func `damaged files never trap`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let whole = try Self.text("config/sluice.yaml").replacing("# ", with: "") + Self.dense
        let pieces = [
            "*a", "&a ", "<<: ", "? ", "- ", ": ", "{", "}", "[", "]", "|", ">", "'", "\"", "\\", "%", "@", "`",
            "!!int ",
            "${", "}", "${X:-y}", "file:x", "\t", "\n", "\r", "\u{0}", "\u{85}", "\u{2028}", "\u{feff}", "\u{e000}",
            "é",
            "9999999999999999999", "-1", "0", "1e9", "MiB", "ms", "unix:", "fd:", "/*", "/{a}", "//", "..", "%zz",
            "null",
            "---\n", "...\n", "#", "x: y\n", "a: a\n",
        ]
        for _ in 0..<40 {
            var text = Array(Bool.random(using: &random) ? whole : Self.dense)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 0...text.count, using: &random)
                let length = Int.random(in: 0...min(12, text.count - index), using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: text.removeSubrange(index..<index + length)
                case 1:
                    text.insert(
                        contentsOf: text[index..<index + length], at: Int.random(in: 0...text.count, using: &random))
                default:
                    text.replaceSubrange(index..<index + length, with: pieces.randomElement(using: &random) ?? "")
                }
            }
            Self.check(String(text), seed)
        }
        Self.check(random.bytes(300).map { String(UnicodeScalar($0)) }.joined(), seed)
    }

    private static func check(_ text: String, _ seed: Int) {
        let found: [ConfigurationFault]
        switch load(text, environment: ["X": "1"], files: ["x": "y"]) {
        case .success(let configuration):
            found = configuration.warnings
            #expect(!configuration.listeners.isEmpty)
        case .failure(let failure):
            found = failure.faults
            #expect(found.contains { $0.severity == .error })
        }
        let positions = found.map(\.position)
        #expect(positions == positions.sorted(), "seed \(seed)")
        let breaks = text.unicodeScalars.count { "\n\r\u{85}\u{2028}\u{2029}".unicodeScalars.contains($0) }
        #expect(positions.allSatisfy { $0.line >= 1 && $0.column >= 1 && $0.line <= breaks + 2 }, "seed \(seed)")
        #expect(!found.contains { $0.message.contains("\n") }, "seed \(seed)")
    }

    private static let dense = """
        aws: { region: "${REGION:-eu-west-1}", profile: p, endpoint: "http://127.0.0.1:9000" }
        workers: 2
        listeners: [{ address: "127.0.0.1:8080" }, { address: "unix:/run/x" }, { address: "fd:web", tls: {} }]
        functions:
          chat: &chat
            function: arn:aws:lambda:eu-west-1:123456789012:function:chat
            qualifier: live
            timeouts: { connect: 1s, first_byte: 2s, idle: 3s, total: 4s }
            max_request_body: 4.5MiB
          local: { local: { command: [./server, "1"], directory: demo, environment: { A: "${B:-c}" } } }
          other: { <<: *chat, function: other }
        routes:
          - hosts: [chat.example.com, "*.example.com"]
            paths: [/v1/*, "/v1/users/{id}"]
            methods: [GET, POST]
            headers: { X-Beta: "1" }
            function: chat
            strip_prefix: /v1
            request_headers: { set: { X-From: sluice }, remove: [x-internal] }
          - { path: /old/*, redirect: { to: "https://example.com/new/*", status: 308 } }
          - { path: /robots.txt, respond: { status: 404, headers: { x-a: [b, c] }, body: "file:x" } }
          - { path: /l, function: local }
          - { path: /o, function: other }
        limits: { header_bytes: 16KiB, connections: 5, request_head: 1s }
        access_log: { format: text, output: log/access.log }

        """
}
