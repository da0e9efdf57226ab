/// What a key holds, as a value: for messages, documentation and a JSON Schema.
package indirect enum ValueKind: Sendable, Equatable {
    /// Text, and what it is the text of: `host name`.
    case text(String)
    case duration(ClosedRange<Duration>)
    case size(ClosedRange<ByteCount>)
    case integer(ClosedRange<Int>)
    case choice([String])
    case list(ValueKind)
    /// One value, or a list of them.
    case oneOrMore(ValueKind)
    /// A mapping whose keys the operator names: what they are the names of, and what they hold.
    case mapping(of: String, ValueKind)
    case section([KeyDescription])
    /// One of a few words, or a section: the words say what its first key would.
    case wordOrSection([String], [KeyDescription])
    /// Text, and what it is the text of, or a section.
    case textOrSection(String, [KeyDescription])
}

/// What there is to know about one key.
package struct KeyDescription: Sendable, Equatable {
    package let name: String
    package let kind: ValueKind
    /// A sentence or two for operators.
    package let documentation: String
    /// What holds where the key is left out; `nil` where that needs no words.
    package let defaultText: String?
    /// Whether the value is shown to nobody.
    package var isSecret = false
}

extension KeyDescription {
    /// This key and all below it, with their full names: `listeners[].address`, `functions.NAME.timeouts.idle`.
    package func flattened(below parent: String = "") -> [(path: String, key: KeyDescription)] {
        let path = parent.isEmpty ? self.name : "\(parent).\(self.name)"
        return [(path, self)] + self.kind.flattened(below: path)
    }
}

extension ValueKind {
    fileprivate func flattened(below path: String) -> [(path: String, key: KeyDescription)] {
        switch self {
        case .section(let keys), .wordOrSection(_, let keys), .textOrSection(_, let keys):
            keys.flatMap { $0.flattened(below: path) }
        case .list(let element), .oneOrMore(let element): element.flattened(below: path + "[]")
        case .mapping(let name, let element): element.flattened(below: "\(path).\(name)")
        default: []
        }
    }
}
