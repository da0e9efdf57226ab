/// How a node becomes a value of one type. Faults go to the reading, and then there is no value.
struct ValueType<Value>: Sendable {
    let kind: ValueKind
    let read: @Sendable (SourceNode, Reading) -> Value?

    init(_ kind: ValueKind, read: @escaping @Sendable (SourceNode, Reading) -> Value?) {
        self.kind = kind
        self.read = read
    }

    /// A type that goes on from what this one reads.
    func then<Other>(
        _ transform: @escaping @Sendable (Value, SourceNode, Reading) -> Other?
    ) -> ValueType<Other> {
        let read = self.read
        return ValueType<Other>(self.kind) { node, reading in
            read(node, reading).flatMap { transform($0, node, reading) }
        }
    }
}

/// Why a text is no value of a type, in words that follow the place of the fault.
struct ValueFault: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

extension ValueType {
    /// A single value read from its text.
    static func scalar(
        _ kind: ValueKind, allowsSecrets: Bool = true, _ parse: @escaping @Sendable (String) throws -> Value
    ) -> ValueType {
        ValueType(kind) { node, reading in
            if case .null = node.content {
                reading.report(node.position, "a value is missing here")
                return nil
            }
            guard let text = reading.text(of: node, allowsSecrets: allowsSecrets) else { return nil }
            do {
                return try parse(text)
            } catch let fault as ValueFault {
                reading.report(node.position, fault.message)
            } catch {
                reading.report(node.position, "\(error)")
            }
            return nil
        }
    }

    /// One of a few words.
    static func choice(
        _ words: KeyValuePairs<String, Value>, alias: [String: String] = [:]
    ) -> ValueType where Value: Sendable {
        let names = words.map(\.key)
        let values = Dictionary(words.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        return .scalar(.choice(names)) { text in
            if let value = values[alias[text] ?? text] { return value }
            throw ValueFault("\"\(text)\" is not known here\(Nearest.suggestion(for: text, among: names))")
        }
    }

    /// A list of values. Elements that are wrong are left out.
    static func list<Element>(
        of element: ValueType<Element>, atLeast minimum: Int = 0
    ) -> ValueType where Value == [Element] {
        ValueType(.list(element.kind)) { node, reading in
            switch node.content {
            case .null where minimum == 0:
                return []
            case .list(let items):
                if items.count < minimum { reading.report(node.position, "the list is empty") }
                return items.compactMap { element.read($0, reading) }
            default:
                reading.report(node.position, "a list is expected here, not \(node.kindText)")
                return nil
            }
        }
    }

    /// One value, or a list of at least one.
    static func oneOrMore<Element>(of element: ValueType<Element>) -> ValueType where Value == [Element] {
        let list = ValueType.list(of: element, atLeast: 1)
        return ValueType(.oneOrMore(element.kind)) { node, reading in
            if case .list = node.content { return list.read(node, reading) }
            return element.read(node, reading).map { [$0] }
        }
    }

    /// A mapping whose keys are names that the operator chose, in the order of the file.
    static func mapping<Element: Sendable>(
        of name: String, to element: ValueType<Element>,
        checkName: @escaping @Sendable (String) throws -> String = { $0 }
    ) -> ValueType where Value == [(name: Located<String>, value: Element)] {
        ValueType(.mapping(of: name, element.kind)) { node, reading in
            switch node.content {
            case .null:
                return []
            case .mapping(let entries):
                return entries.compactMap { entry in
                    var checked: String?
                    do {
                        checked = try checkName(entry.key)
                    } catch let fault as ValueFault {
                        reading.report(entry.keyPosition, fault.message)
                    } catch {
                        reading.report(entry.keyPosition, "\(error)")
                    }
                    let value = element.read(entry.value, reading)
                    guard let checked, let value else { return nil }
                    return (Located(value: checked, position: entry.keyPosition), value)
                }
            default:
                reading.report(node.position, "a mapping is expected here, not \(node.kindText)")
                return nil
            }
        }
    }

    /// A value with its position.
    static func located<Inner>(_ type: ValueType<Inner>) -> ValueType where Value == Located<Inner> {
        type.then { value, node, _ in Located(value: value, position: node.position) }
    }
}

extension ValueType where Value == String {
    /// Any text that is not empty.
    static func text(_ what: String) -> ValueType {
        .scalar(.text(what)) { text in
            if text.isEmpty { throw ValueFault("this must not be empty") }
            return text
        }
    }

    /// Any text, the empty one too.
    static let anyText = ValueType.scalar(.text("text")) { $0 }
}

extension ValueType where Value == Bool {
    /// `true` or `false`.
    static let boolean = ValueType.choice(["true": true, "false": false])
}

extension ValueType where Value == Int {
    /// A whole number within bounds.
    static func integer(_ range: ClosedRange<Int>) -> ValueType {
        .scalar(.integer(range)) { text in
            let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
                throw ValueFault("\"\(text)\" is no whole number")
            }
            // What no register holds is outside of any range.
            let number = Int(text) ?? (text.hasPrefix("-") ? .min : .max)
            guard range.contains(number) else { throw ValueFault(Self.outside(text, number, range)) }
            return number
        }
    }

    private static func outside(_ text: String, _ number: Int, _ range: ClosedRange<Int>) -> String {
        if number < range.lowerBound { return "\(text) is too small; the least is \(range.lowerBound)" }
        return "\(text) is too large; the most is \(range.upperBound)"
    }
}

extension ValueType where Value == Duration {
    /// A length of time within bounds.
    static func duration(_ range: ClosedRange<Duration> = .milliseconds(1)...(.seconds(86_400))) -> ValueType {
        .scalar(.duration(range)) { text in
            let duration = try DurationText.parse(text)
            if duration < range.lowerBound {
                throw ValueFault("\(text) is too short; the least is \(DurationText.text(range.lowerBound))")
            }
            if duration > range.upperBound {
                throw ValueFault("\(text) is too long; the most is \(DurationText.text(range.upperBound))")
            }
            return duration
        }
    }
}

extension ValueType where Value == ByteCount {
    /// A number of bytes within bounds.
    static func size(_ range: ClosedRange<ByteCount>) -> ValueType {
        .scalar(.size(range)) { text in
            let size = try ByteCount(parsing: text)
            if size < range.lowerBound { throw ValueFault("\(text) is too small; the least is \(range.lowerBound)") }
            if size > range.upperBound { throw ValueFault("\(text) is too large; the most is \(range.upperBound)") }
            return size
        }
    }
}
