/// A mapping with fixed keys, which fill in a value that begins with its defaults.
struct Section<Root>: Sendable {
    let initial: @Sendable () -> Root
    let keys: [Key<Root>]
    /// Notes in the value which key was written, and where.
    private let note: (@Sendable (inout Root, String, SourcePosition) -> Void)?
    private let positions: [String: Int]

    private init(
        initial: @escaping @Sendable () -> Root, keys: [Key<Root>],
        note: (@Sendable (inout Root, String, SourcePosition) -> Void)?
    ) {
        self.initial = initial
        self.keys = keys
        self.note = note
        self.positions = Dictionary(
            keys.enumerated().map { ($0.element.description.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }

    init(_ initial: @escaping @Sendable () -> Root, keys: [Key<Root>]) {
        self.init(initial: initial, keys: keys, note: nil)
    }

    init(noting initial: @escaping @Sendable () -> Root, keys: [Key<Root>]) where Root: KeyNoting {
        self.init(initial: initial, keys: keys) { root, name, position in root.writtenKeys[name] = position }
    }

    /// The keys without what they fill in.
    var descriptions: [KeyDescription] { self.keys.map(\.description) }

    /// Reads all keys of a mapping, known or not, whatever is wrong with some of them.
    func read(_ node: SourceNode, _ reading: Reading) -> Root? {
        var root = self.initial()
        switch node.content {
        case .null:
            return root
        case .mapping(let entries):
            for entry in entries { self.read(entry, into: &root, reading) }
            return root
        default:
            reading.report(
                node.position,
                "a mapping is expected here, not \(node.kindText); its keys are "
                    + self.descriptions.map { "\"\($0.name)\"" }.joined(separator: ", "))
            return nil
        }
    }

    private func read(_ entry: SourceNode.Entry, into root: inout Root, _ reading: Reading) {
        guard let position = self.positions[entry.key] else {
            reading.report(entry.keyPosition, "unknown key \"\(entry.key)\"\(self.advice(for: entry.key))")
            if let meant = Nearest.word(to: entry.key, among: self.keys.map(\.description.name)) {
                self.note?(&root, meant, entry.keyPosition)
            }
            return
        }
        self.note?(&root, entry.key, entry.keyPosition)
        self.keys[position].read(entry, reading, &root)
    }

    /// The key that may have been meant: one of this section that is spelt nearly so, one of a section below, or any.
    private func advice(for name: String) -> String {
        let names = self.descriptions.map(\.name)
        // One letter beside a key of this section is nearer than the same word in another.
        if let near = Nearest.word(to: name, among: names), Nearest.distance(Array(name.utf8), Array(near.utf8)) == 1 {
            return Nearest.suggestion(for: name, among: names)
        }
        for key in self.descriptions {
            switch key.kind {
            case .section(let below), .wordOrSection(_, let below), .textOrSection(_, let below):
                if below.contains(where: { $0.name == name }) { return "; it belongs into \"\(key.name)\"" }
            default: break
            }
        }
        return Nearest.suggestion(for: name, among: names, listing: names)
    }
}

/// A value that knows which keys of its section were written and where, be they faulty; a misspelt
/// key counts as the one that it is near to. So none of them is called missing on top of what is wrong with it.
protocol KeyNoting: SendableMetatype {
    var writtenKeys: [String: SourcePosition] { get set }
}

/// One key of a section.
struct Key<Root>: Sendable {
    private(set) var description: KeyDescription
    /// Reads the key's value into the section's.
    let read: @Sendable (SourceNode.Entry, Reading, inout Root) -> Void

    /// A key that fills in a property.
    init<Value>(
        _ name: String, _ property: any WritableKeyPath<Root, Value> & Sendable, _ type: ValueType<Value>,
        default defaultText: String? = nil, _ documentation: String
    ) {
        self.description = KeyDescription(
            name: name, kind: type.kind, documentation: documentation, defaultText: defaultText)
        self.read = { entry, reading, root in
            if let value = type.read(entry.value, reading) { root[keyPath: property] = value }
        }
    }

    /// A key that fills in a property that is `nil` without it.
    init<Value>(
        _ name: String, _ property: any WritableKeyPath<Root, Value?> & Sendable, _ type: ValueType<Value>,
        default defaultText: String? = nil, _ documentation: String
    ) {
        self.description = KeyDescription(
            name: name, kind: type.kind, documentation: documentation, defaultText: defaultText)
        self.read = { entry, reading, root in
            if let value = type.read(entry.value, reading) { root[keyPath: property] = value }
        }
    }

    /// The same key, whose value is shown to nobody.
    var secret: Key {
        var key = self
        key.description.isSecret = true
        return key
    }
}

extension ValueType {
    /// A mapping with fixed keys.
    static func section(_ section: Section<Value>) -> ValueType {
        ValueType(.section(section.descriptions)) { node, reading in section.read(node, reading) }
    }
}
