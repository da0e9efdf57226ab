/// Why a text is no JSON that we take, and where.
package struct JSONError: Error, Equatable, Sendable {
    /// What is wrong.
    package let reason: Reason
    /// The offset of the byte at which it was seen.
    package let offset: Int

    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// What can be wrong with a text.
    package enum Reason: Equatable, Sendable {
        /// The text ends inside a value.
        case unexpectedEnd
        /// A byte that cannot stand there.
        case unexpectedByte(UInt8)
        /// A number with a leading zero, a lone sign or point, or an empty exponent.
        case badNumber
        /// An escape that RFC 8259 §7 does not list.
        case badEscape
        /// A byte below 0x20 in a string.
        case controlByteInString
        /// Bytes that are no UTF-8.
        case badUTF8
        /// More arrays and objects inside each other than the limit allows.
        case tooDeep
        /// More values than the limit allows.
        case tooManyValues
        /// Something after the document.
        case trailingBytes
        /// A value of another kind than the one that was asked for.
        case unexpectedKind
        /// A key that its object has already, where that is not allowed.
        case repeatedKey
    }
}

extension JSONError: CustomStringConvertible {
    /// One line for logs.
    package var description: String {
        let what =
            switch self.reason {
            case .unexpectedEnd: "the text ends inside a value"
            case .unexpectedByte(let byte): "byte \(byte) cannot stand here"
            case .badNumber: "a malformed number"
            case .badEscape: "a malformed escape"
            case .controlByteInString: "a control byte in a string"
            case .badUTF8: "bytes that are no UTF-8"
            case .tooDeep: "too many arrays and objects inside each other"
            case .tooManyValues: "too many values"
            case .trailingBytes: "something follows the document"
            case .unexpectedKind: "a value of another kind is needed"
            case .repeatedKey: "a key stands there twice"
            }
        return "JSON: \(what), at byte \(self.offset)"
    }
}

/// What a document may cost its reader.
package struct JSONLimits: Sendable, Equatable {
    /// Arrays and objects inside each other.
    package var depth: Int
    /// Values in all.
    package var values: Int
    /// Whether an object with a repeated key is refused when it is read as a value: where two readers of a document
    /// must not see different things in it.
    package var refusesRepeatedKeys: Bool

    package init(depth: Int = 64, values: Int = 100_000, refusesRepeatedKeys: Bool = false) {
        self.depth = depth
        self.values = values
        self.refusesRepeatedKeys = refusesRepeatedKeys
    }
}
