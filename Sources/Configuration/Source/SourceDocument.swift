private import Yams

/// Reads YAML 1.2 text into nodes. Scalars stay text: what `on` or `0x10` means is for the key to say that holds it.
///
/// Anchors, aliases and merge keys (`<<`) are resolved; what they may blow the file up to is bounded. Keys that stand
/// twice are faults, tags and keys that are no plain text too.
struct SourceDocument {
    private let reading: Reading
    private var nodeCount = 0
    /// Keys that had to be renamed for the parser, which stops at the first repeated one, by their positions.
    private var renamedKeys: [SourcePosition: String] = [:]

    /// The most bytes a file may have.
    static let maximumBytes = 1 << 20
    /// The most nodes a file may have with its aliases resolved.
    static let maximumNodes = 250_000
    /// How deep lists and mappings may be nested.
    static let maximumDepth = 32

    private init(reading: Reading) {
        self.reading = reading
    }

    /// The root of the document; `nil` where there is none or the text could not be read at all.
    static func root(of text: String, reading: Reading) -> SourceNode? {
        guard text.utf8.count <= Self.maximumBytes else {
            reading.report(.start, "the file has \(text.utf8.count) bytes, and at most \(Self.maximumBytes) are read")
            return nil
        }
        var text = text
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        if let fault = AliasKeys.firstFault(in: text) {
            reading.report(fault.position, fault.message)
            return nil
        }
        var document = SourceDocument(reading: reading)
        return document.compose(text).flatMap { document.node($0, depth: 0) }
    }

    /// The parser's tree. Where it refuses a repeated key, the first of the two is renamed in place and the parser
    /// tried again, so that the other faults of the file are found too.
    private mutating func compose(_ text: String) -> Node? {
        var text = text
        for attempt in 0..<Self.maximumRepeatedKeys {
            do {
                return try Parser(yaml: text, resolver: .basic, constructor: .default, encoding: .utf8).singleRoot()
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let position = SourcePosition(context.mark)
                guard let key = keys.first, self.rename(key, at: position, in: &text, attempt: attempt) else {
                    let names = keys.map { "\"\($0)\"" }.joined(separator: ", ")
                    self.reading.report(position, "\(names) stands in this mapping more than once")
                    return nil
                }
            } catch {
                self.report(error, in: text)
                return nil
            }
        }
        self.reading.report(.start, "more than \(Self.maximumRepeatedKeys) keys stand in their mappings twice")
        return nil
    }

    private static let maximumRepeatedKeys = 64

    /// Replaces the first letter of a key by one from the private use area; positions stay as they are.
    private mutating func rename(
        _ key: String, at position: SourcePosition, in text: inout String, attempt: Int
    ) -> Bool {
        let scalars = text.unicodeScalars
        guard var index = SourcePosition.index(of: position, in: text), index < scalars.endIndex else { return false }
        if scalars[index] == "\"" || scalars[index] == "'" { index = scalars.index(after: index) }
        guard !key.isEmpty, scalars[index...].starts(with: key.unicodeScalars),
            let replacement = Unicode.Scalar(0xE000 + UInt32(attempt)), !self.renamedKeys.keys.contains(position)
        else { return false }
        text.unicodeScalars.replaceSubrange(index...index, with: [replacement])
        self.renamedKeys[position] = key
        return true
    }

    private func report(_ error: any Error, in text: String) {
        guard let error = error as? YamlError else {
            self.reading.report(.start, "the file cannot be read as YAML")
            return
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let before = context.map { "\($0.text.trimmed), " } ?? ""
            let hint = Self.hasVariable(onLineOf: SourcePosition(mark), in: text) ? Self.quotingHint : ""
            self.reading.report(SourcePosition(mark), "this is no YAML: \(before)\(problem.trimmed)\(hint)")
        case .reader(let problem, let offset, _, let text):
            let before = text.prefix(offset ?? 0)
            let line = before.count { $0.isNewline } + 1
            let column = before.reversed().prefix { !$0.isNewline }.count + 1
            self.reading.report(
                SourcePosition(line: line, column: column), "this is no YAML: \(problem.trimmed)")
        case .memory:
            self.reading.report(.start, "this is no YAML: lists and mappings are nested too deeply")
        default:
            self.reading.report(.start, "the file cannot be read as YAML")
        }
    }

    private static let quotingHint = "; inside { } and [ ] a value with \"${NAME}\" stands in quotes"

    private static func hasVariable(onLineOf position: SourcePosition, in text: String) -> Bool {
        let start = SourcePosition(line: position.line, column: 1)
        guard let index = SourcePosition.index(of: start, in: text) else { return false }
        return text[index...].prefix { !$0.isNewline }.contains("${")
    }

    private mutating func node(_ node: Node, depth: Int) -> SourceNode? {
        let position = node.mark.map(SourcePosition.init) ?? .start
        self.nodeCount += 1
        guard self.nodeCount <= Self.maximumNodes else {
            if self.nodeCount == Self.maximumNodes + 1 {
                self.reading.report(position, "with its aliases resolved the file is too large")
            }
            return nil
        }
        guard depth <= Self.maximumDepth else {
            self.reading.report(position, "lists and mappings are nested more than \(Self.maximumDepth) deep")
            return nil
        }
        guard Self.knownTags.contains(node.tag.rawValue) else {
            self.reading.report(position, "YAML tags such as \"\(node.tag.rawValue)\" are not used here")
            return nil
        }
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && Self.nulls.contains(scalar.string)
            return SourceNode(position: position, content: isNull ? .null : .scalar(scalar.string))
        case .sequence(let sequence):
            var items: [SourceNode] = []
            for item in sequence {
                if let item = self.node(item, depth: depth + 1) { items.append(item) }
                if self.nodeCount > Self.maximumNodes { break }
            }
            return SourceNode(position: position, content: .list(items))
        case .mapping(let mapping):
            return SourceNode(position: position, content: .mapping(self.entries(mapping, depth: depth)))
        case .alias:
            // The parser resolves aliases itself.
            return nil
        }
    }

    private static let knownTags: Set<String> = [
        "", "?", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map",
    ]

    /// YAML 1.2 §10.3.2, the core schema's nulls.
    private static let nulls: Set<String> = ["", "~", "null", "Null", "NULL"]

    private mutating func entries(_ mapping: Node.Mapping, depth: Int) -> [SourceNode.Entry] {
        var entries: [SourceNode.Entry] = []
        var lines: [String: Int] = [:]
        var merged: [SourceNode.Entry] = []
        for (keyNode, valueNode) in mapping {
            if self.nodeCount > Self.maximumNodes { break }
            let position = keyNode.mark.map(SourcePosition.init) ?? .start
            guard case .scalar(let scalar) = keyNode else {
                self.reading.report(position, "a key must be plain text")
                continue
            }
            let key = self.renamedKeys[position] ?? scalar.string
            if key == "<<", scalar.style == .plain {
                merged += self.merged(valueNode, depth: depth)
                continue
            }
            guard lines[key] == nil else {
                self.reading.report(
                    position, "\"\(key)\" stands in this mapping twice; it is on line \(lines[key] ?? 0) too")
                continue
            }
            lines[key] = position.line
            if let value = self.node(valueNode, depth: depth + 1) {
                entries.append(.init(key: key, keyPosition: position, value: value))
            }
        }
        // What stands in the mapping itself goes before what is merged in, and what is merged first before the rest.
        for entry in merged where lines[entry.key] == nil {
            lines[entry.key] = entry.keyPosition.line
            entries.append(entry)
        }
        return entries
    }

    /// The entries of a merge key's value: a mapping or a list of mappings.
    private mutating func merged(_ node: Node, depth: Int) -> [SourceNode.Entry] {
        guard let source = self.node(node, depth: depth + 1) else { return [] }
        let mappings: [SourceNode]
        if case .list(let items) = source.content { mappings = items } else { mappings = [source] }
        var entries: [SourceNode.Entry] = []
        for mapping in mappings {
            guard case .mapping(let more) = mapping.content else {
                self.reading.report(mapping.position, "\"<<\" takes a mapping or a list of mappings")
                continue
            }
            entries += more
        }
        return entries
    }
}

extension SourcePosition {
    fileprivate init(_ mark: Mark) {
        self.init(line: max(1, mark.line), column: max(1, mark.column))
    }

    /// Where a position lies in the text; lines end as YAML 1.1 has it, which is what the parser counts by.
    fileprivate static func index(of position: SourcePosition, in text: String) -> String.Index? {
        let scalars = text.unicodeScalars
        var index = scalars.startIndex
        var line = 1
        while line < position.line, index < scalars.endIndex {
            let scalar = scalars[index]
            index = scalars.index(after: index)
            switch scalar {
            case "\r":
                if index < scalars.endIndex, scalars[index] == "\n" { index = scalars.index(after: index) }
                line += 1
            case "\n", "\u{85}", "\u{2028}", "\u{2029}":
                line += 1
            default:
                break
            }
        }
        return scalars.index(index, offsetBy: position.column - 1, limitedBy: scalars.endIndex)
    }
}

extension String {
    /// Without white space at its ends.
    fileprivate var trimmed: String {
        var text = Substring(self)
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
