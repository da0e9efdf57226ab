private import Bytes
private import JSON

/// A configuration as it holds, for those who ask a running gateway: what the file says, and the defaults of what it
/// does not say.
enum EffectiveConfiguration {
    /// The configuration as JSON. Secrets, and what stands in files that `file:` names, are not in it.
    static func text(of root: SourceNode, _ reading: Reading) -> String {
        var text = ByteBuffer(capacity: 4096)
        text.append(json: Self.section(ConfigurationSchema.keys, root, reading))
        text.append("\n")
        return text.string()
    }

    private static func section(_ keys: [KeyDescription], _ node: SourceNode?, _ reading: Reading) -> JSONValue {
        var written: [String: SourceNode] = [:]
        if case .mapping(let entries) = node?.content {
            for entry in entries { written[entry.key] = entry.value }
        }
        var object = JSONObject()
        for key in keys {
            if let node = written[key.name] {
                object.set(key.name, key.isSecret ? Self.hidden(node) : Self.value(key.kind, node, reading))
            } else if let text = key.defaultText {
                object.set(key.name, Self.defaultValue(key.kind, text))
            } else if let below = Self.defaults(of: key.kind) {
                object.set(key.name, Self.section(below, nil, reading))
            }
        }
        return .object(object)
    }

    /// What holds where nothing is written; `null` where that depends on something else and is told in words.
    private static func defaultValue(_ kind: ValueKind, _ text: String) -> JSONValue {
        switch kind {
        case .integer: Int(text).map { .integer($0) } ?? .null
        case .choice(let words): words.contains(text) ? Self.word(text, of: words) : .null
        case .list where Self.emptiness.contains(text), .oneOrMore where Self.emptiness.contains(text): .array([])
        case .text, .duration, .size, .list, .oneOrMore, .mapping, .section, .textOrSection, .wordOrSection:
            text.contains(" ") ? .null : .string(text)
        }
    }

    /// How the schema says that a list has nothing in it.
    private static let emptiness = ["none", "nobody"]

    private static func word(_ text: String, of words: [String]) -> JSONValue {
        guard words.contains("true"), words.contains("false"), let value = Bool(text) else { return .string(text) }
        return .bool(value)
    }

    /// The keys of a section that holds without being written: one that has a default for each of them. Others are
    /// alternatives, such as the redirect of a route.
    private static func defaults(of kind: ValueKind) -> [KeyDescription]? {
        switch kind {
        case .section(let keys), .wordOrSection(_, let keys), .textOrSection(_, let keys):
            keys.allSatisfy { $0.defaultText != nil } ? keys : nil
        default: nil
        }
    }

    private static func value(_ kind: ValueKind, _ node: SourceNode, _ reading: Reading) -> JSONValue {
        switch (kind, node.content) {
        case (_, .null):
            return .null
        case (.section(let keys), .mapping), (.wordOrSection(_, let keys), .mapping),
            (.textOrSection(_, let keys), .mapping):
            return Self.section(keys, node, reading)
        case (.list(let element), .list(let items)), (.oneOrMore(let element), .list(let items)):
            return .array(items.map { Self.value(element, $0, reading) })
        case (.oneOrMore(let element), _):
            return Self.value(element, node, reading)
        case (.mapping(_, let element), .mapping(let entries)):
            var object = JSONObject()
            for entry in entries { object.set(entry.key, Self.value(element, entry.value, reading)) }
            return .object(object)
        case (.integer, .scalar):
            guard let number = reading.text(of: node, allowsSecrets: false).flatMap({ Int($0) }) else {
                return Self.hidden(node)
            }
            return .integer(number)
        case (.choice(let words), .scalar(let text)):
            return Self.word(text, of: words)
        case (_, .scalar(let text)):
            // As it is written: variables may hold secrets too.
            return .string(text)
        case (_, .list), (_, .mapping):
            // The loader has refused these before.
            return .null
        }
    }

    /// A secret: where it comes from, if that says nothing of it.
    private static func hidden(_ node: SourceNode) -> JSONValue {
        if case .scalar(let text) = node.content, text.hasPrefix("file:") { return .string(text) }
        return .string("(hidden)")
    }
}
