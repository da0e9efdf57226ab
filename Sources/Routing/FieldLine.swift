private import Bytes

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
        guard trimmed.utf8.allSatisfy({ $0 >= ASCII.space && $0 != ASCII.delete || $0 == ASCII.tab }) else {
            throw .badValue(name: name)
        }
        self.value = String(trimmed)
    }

    /// The name in lower case, if it is one.
    package static func checkedName(_ name: String) throws(FieldLineError) -> String {
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else { throw .badName(name) }
        return name.lowercased()
    }

    /// RFC 9110 §5.6.2 `tchar`.
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        if ASCII.isLetter(byte) || ASCII.isDigit(byte) { return true }
        switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), ASCII.percent, UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), ASCII.plus, ASCII.minus, ASCII.dot, UInt8(ascii: "^"),
            ASCII.underscore, UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            return true
        default:
            return false
        }
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
