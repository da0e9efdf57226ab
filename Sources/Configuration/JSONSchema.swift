private import Bytes
private import JSON

/// The JSON Schema of configuration files, for editors that complete and check while one writes.
///
/// Looser than the loader where a schema can not say it: values may come from `${NAME}` and `file:`, so that text is
/// allowed wherever a number is.
package enum JSONSchema {
    /// The schema (draft 2020-12), of the same source as the parser.
    package static var text: String {
        var text = ByteBuffer(capacity: 32 * 1024)
        text.append(json: Self.schema)
        text.append("\n")
        return text.string()
    }

    private static var schema: JSONValue {
        var members: [(String, JSONValue)] = [
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("title", .string("Sluice configuration")),
        ]
        members += Self.object(of: ConfigurationSchema.keys)
        members.append(("required", .array([.string("listeners")])))
        return Self.json(members)
    }

    private static func object(of keys: [KeyDescription]) -> [(String, JSONValue)] {
        let properties = keys.map { ($0.name, Self.property($0)) }
        return [
            ("type", .string("object")), ("properties", Self.json(properties)), ("additionalProperties", .bool(false)),
        ]
    }

    private static func property(_ key: KeyDescription) -> JSONValue {
        var description = key.documentation
        if let defaultText = key.defaultText { description += " Default: \(defaultText)." }
        return Self.json([("description", .string(description))] + Self.type(of: key.kind))
    }

    private static func type(of kind: ValueKind) -> [(String, JSONValue)] {
        switch kind {
        case .text, .duration, .size:
            return [("type", .array([.string("string"), .string("number"), .string("boolean")]))]
        case .integer(let range):
            return [
                ("type", .array([.string("integer"), .string("string")])), ("minimum", .number("\(range.lowerBound)")),
                ("maximum", .number("\(range.upperBound)")),
            ]
        case .choice(let words):
            // Words such as `off` and `true` are no text to every editor.
            let isWord = words.contains("true") || words.contains("none")
            if isWord { return [("type", .array([.string("string"), .string("boolean")]))] }
            // A word may be a number, and an editor takes it for one.
            let numbers = words.filter { Double($0) != nil }.map { JSONValue.number($0) }
            return [("enum", .array(words.map { .string($0) } + numbers))]
        case .list(let element):
            return [("type", .string("array")), ("items", Self.json(Self.type(of: element)))]
        case .oneOrMore(let element):
            let one = Self.json(Self.type(of: element))
            return [("anyOf", .array([one, Self.json([("type", .string("array")), ("items", one)])]))]
        case .mapping(_, let element):
            return [("type", .string("object")), ("additionalProperties", Self.json(Self.type(of: element)))]
        case .section(let keys):
            return Self.object(of: keys)
        case .textOrSection(let what, let keys):
            return [("anyOf", .array([Self.json(Self.type(of: .text(what))), Self.json(Self.object(of: keys))]))]
        case .wordOrSection(let words, let keys):
            return [("anyOf", .array([Self.json(Self.type(of: .choice(words))), Self.json(Self.object(of: keys))]))]
        }
    }

    private static func json(_ members: [(String, JSONValue)]) -> JSONValue {
        var object = JSONObject()
        for (name, value) in members { object.set(name, value) }
        return .object(object)
    }
}
