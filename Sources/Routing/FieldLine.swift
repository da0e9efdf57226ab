private import Bytes
private import HTTP

/// One header line of the configuration, checked: a token as name (RFC 9110 §5.1), in lower case, and a value without
/// control characters (§5.5) and without white space at its ends.
package struct FieldLine: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(name: String, value: String) throws(FieldLineError) {
        self.name = try Self.checkedName(name)
        var trimmed = Substring(value)
        while let last = trimmed.utf8.last, last == ASCII.space || last == ASCII.tab { trimmed.removeLast() }
        while let first = trimmed.utf8.first, first == ASCII.space || first == ASCII.tab { trimmed.removeFirst() }
        self.value = String(trimmed)
        guard Fields.isValue(self.value.utf8.span) else { throw .badValue(name: name) }
    }

    /// The name in lower case, if it is one.
    package static func checkedName(_ name: String) throws(FieldLineError) -> String {
        guard Fields.isName(name.utf8.span) else { throw .badName(name) }
        return name.lowercased()
    }
}

/// What is wrong with a header line of the configuration.
package enum FieldLineError: Error, Equatable, Sendable, CustomStringConvertible {
    case badName(String)
    case badValue(name: String)

    /// One line that says what is wrong.
    package var description: String {
        switch self {
        case .badName(let name): "\"\(name)\" is no name of a header"
        case .badValue(let name): "the value of \"\(name)\" holds a line break or another control character"
        }
    }
}
