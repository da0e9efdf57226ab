internal import Bytes

/// Walks over a JSON text, value by value, and allocates nothing.
///
///     var reader = JSONReader(bytes)
///     try reader.enterObject()
///     while let key = try reader.nextKey() {
///         if reader.text(key, equals: "status") { status = try reader.readNumber() } else { try reader.skipValue() }
///     }
///     try reader.finish()
///
/// The grammar of RFC 8259 is enforced as far as the walk goes: commas, colons, escapes, numbers, UTF-8. After
/// `nextKey` or `nextElement` has answered, exactly one value must be read or skipped.
package struct JSONReader: ~Escapable {
    private let bytes: Span<UInt8>
    /// The offset of the byte that is looked at next.
    package private(set) var position: Int
    private var depth: Int
    private var values: Int
    let limits: JSONLimits
    /// Whether an array or object was entered and nothing of it was read.
    private var isFirst: Bool

    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, limits: JSONLimits = JSONLimits()) {
        self.bytes = bytes
        self.position = 0
        self.depth = 0
        self.values = 0
        self.limits = limits
        self.isFirst = false
    }

    /// A string as it stands in the text, without its quotes.
    package struct Text: Sendable {
        /// Where the bytes between the quotes lie.
        package let range: Range<Int>
        /// Whether there are escapes in it, so that its bytes are not yet those that are meant.
        package let hasEscapes: Bool
    }

    /// The kinds of values.
    package enum Kind: Sendable {
        case null
        case bool
        case number
        case string
        case array
        case object
    }

    /// The kind of the value that comes next.
    package mutating func peek() throws(JSONError) -> Kind {
        self.skipSpace()
        // PERF: most values are strings.
        if self.position < self.bytes.count, unsafe self.bytes[unchecked: self.position] == ASCII.quote {
            return .string
        }
        guard self.position < self.bytes.count else { throw JSONError(.unexpectedEnd, at: self.position) }
        switch self.bytes[self.position] {
        case ASCII.quote: return .string
        case ASCII.openBrace: return .object
        case ASCII.openBracket: return .array
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case ASCII.minus, 48...57: return .number
        case let byte: throw JSONError(.unexpectedByte(byte), at: self.position)
        }
    }

    /// Goes into the object that comes next.
    package mutating func enterObject() throws(JSONError) {
        try self.enter(ASCII.openBrace)
    }

    /// Goes into the array that comes next.
    package mutating func enterArray() throws(JSONError) {
        try self.enter(ASCII.openBracket)
    }

    /// The key of the next member, or `nil` where the object ended.
    package mutating func nextKey() throws(JSONError) -> Text? {
        guard try self.goesOn(until: ASCII.closeBrace) else { return nil }
        let key = try self.readStringToken()
        self.skipSpace()
        try self.expect(ASCII.colon)
        return key
    }

    /// Whether another element follows; the array ended where not.
    package mutating func nextElement() throws(JSONError) -> Bool {
        try self.goesOn(until: ASCII.closeBracket)
    }

    /// Reads a string.
    package mutating func readString() throws(JSONError) -> Text {
        guard try self.peek() == .string else { throw JSONError(.unexpectedKind, at: self.position) }
        try self.count()
        return try self.readStringToken()
    }

    /// Reads a number, and gives the place of its text.
    package mutating func readNumber() throws(JSONError) -> Range<Int> {
        guard try self.peek() == .number else { throw JSONError(.unexpectedKind, at: self.position) }
        return try self.readNumberToken()
    }

    private mutating func readNumberToken() throws(JSONError) -> Range<Int> {
        try self.count()
        let start = self.position
        if self.bytes[self.position] == ASCII.minus { self.position += 1 }
        // RFC 8259 §6: a leading zero stands alone.
        if self.position < self.bytes.count, self.bytes[self.position] == ASCII.zero {
            self.position += 1
        } else {
            try self.readDigits()
        }
        if self.position < self.bytes.count, self.bytes[self.position] == ASCII.dot {
            self.position += 1
            try self.readDigits()
        }
        if self.position < self.bytes.count, self.bytes[self.position] | 0x20 == UInt8(ascii: "e") {
            self.position += 1
            if self.position < self.bytes.count,
                self.bytes[self.position] == ASCII.plus || self.bytes[self.position] == ASCII.minus
            {
                self.position += 1
            }
            try self.readDigits()
        }
        if self.position < self.bytes.count, ASCII.isDigit(self.bytes[self.position]) {
            throw JSONError(.badNumber, at: self.position)
        }
        return start..<self.position
    }

    /// Reads `true` or `false`.
    package mutating func readBool() throws(JSONError) -> Bool {
        guard try self.peek() == .bool else { throw JSONError(.unexpectedKind, at: self.position) }
        try self.count()
        if self.bytes[self.position] == UInt8(ascii: "t") {
            try self.expect("true")
            return true
        }
        try self.expect("false")
        return false
    }

    /// Reads `null`.
    package mutating func readNull() throws(JSONError) {
        guard try self.peek() == .null else { throw JSONError(.unexpectedKind, at: self.position) }
        try self.count()
        try self.expect("null")
    }

    /// Reads a value of any kind, checks all of it, and gives the place of its text.
    @discardableResult
    package mutating func skipValue() throws(JSONError) -> Range<Int> {
        let kind = try self.peek()
        let start = self.position
        switch kind {
        case .null: try self.readNull()
        case .bool: _ = try self.readBool()
        case .number:
            _ = try self.readNumberToken()
        case .string:
            try self.count()
            _ = try self.readStringToken()
        case .array:
            try self.enterArray()
            while try self.nextElement() { try self.skipValue() }
        case .object:
            try self.enterObject()
            while try self.nextKey() != nil { try self.skipValue() }
        }
        return start..<self.position
    }

    /// Checks that nothing but white space follows.
    package mutating func finish() throws(JSONError) {
        self.skipSpace()
        guard self.position == self.bytes.count else { throw JSONError(.trailingBytes, at: self.position) }
    }

    /// The bytes between the quotes, escapes and all.
    @_lifetime(copy self)
    package func source(of text: Text) -> Span<UInt8> {
        self.bytes.extracting(text.range)
    }

    /// The bytes of a part of the text.
    @_lifetime(copy self)
    package func source(at range: Range<Int>) -> Span<UInt8> {
        self.bytes.extracting(range)
    }

    /// Whether a string means the same as a literal that holds no escapes.
    package func text(_ text: Text, equals literal: StaticString) -> Bool {
        if !text.hasEscapes { return self.source(of: text).equals(literal) }
        var scratch = ByteBuffer()
        scratch.append(unescaping: self.source(of: text))
        return scratch.bytes.equals(literal)
    }

    /// A string as a `String`.
    package func string(of text: Text) -> String {
        if !text.hasEscapes { return self.source(of: text).string() }
        var scratch = ByteBuffer()
        scratch.append(unescaping: self.source(of: text))
        return scratch.string()
    }

    private mutating func enter(_ bracket: UInt8) throws(JSONError) {
        self.skipSpace()
        guard self.position < self.bytes.count else { throw JSONError(.unexpectedEnd, at: self.position) }
        guard self.bytes[self.position] == bracket else { throw JSONError(.unexpectedKind, at: self.position) }
        try self.count()
        guard self.depth < self.limits.depth else { throw JSONError(.tooDeep, at: self.position) }
        self.depth += 1
        self.position += 1
        self.isFirst = true
    }

    /// Reads the comma or the closing bracket.
    private mutating func goesOn(until bracket: UInt8) throws(JSONError) -> Bool {
        self.skipSpace()
        guard self.position < self.bytes.count else { throw JSONError(.unexpectedEnd, at: self.position) }
        let byte = self.bytes[self.position]
        if byte == bracket {
            self.position += 1
            self.depth -= 1
            self.isFirst = false
            return false
        }
        if self.isFirst {
            self.isFirst = false
            return true
        }
        guard byte == ASCII.comma else { throw JSONError(.unexpectedByte(byte), at: self.position) }
        self.position += 1
        return true
    }

    private mutating func readStringToken() throws(JSONError) -> Text {
        self.skipSpace()
        try self.expect(ASCII.quote)
        let start = self.position
        var hasEscapes = false
        while true {
            self.position = self.bytes.endOfPlainText(from: self.position)
            guard self.position < self.bytes.count else { throw JSONError(.unexpectedEnd, at: self.position) }
            let byte = self.bytes[self.position]
            if byte == ASCII.quote {
                self.position += 1
                return Text(range: start..<self.position - 1, hasEscapes: hasEscapes)
            }
            if byte == ASCII.backslash {
                hasEscapes = true
                try self.readEscape()
            } else if byte < 0x20 {
                throw JSONError(.controlByteInString, at: self.position)
            } else {
                let length = self.bytes.utf8SequenceLength(at: self.position)
                guard length > 0 else { throw JSONError(.badUTF8, at: self.position) }
                self.position += length
            }
        }
    }

    private mutating func readEscape() throws(JSONError) {
        guard self.position + 1 < self.bytes.count else { throw JSONError(.unexpectedEnd, at: self.bytes.count) }
        switch self.bytes[self.position + 1] {
        case ASCII.quote, ASCII.backslash, ASCII.slash, UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            self.position += 2
        case UInt8(ascii: "u"):
            for offset in 2..<6 {
                guard self.position + offset < self.bytes.count else {
                    throw JSONError(.unexpectedEnd, at: self.bytes.count)
                }
                guard ASCII.hexValue(self.bytes[self.position + offset]) != nil else {
                    throw JSONError(.badEscape, at: self.position + offset)
                }
            }
            self.position += 6
        default:
            throw JSONError(.badEscape, at: self.position + 1)
        }
    }

    private mutating func readDigits() throws(JSONError) {
        let start = self.position
        while self.position < self.bytes.count, ASCII.isDigit(self.bytes[self.position]) { self.position += 1 }
        guard self.position > start else { throw JSONError(.badNumber, at: self.position) }
    }

    @inline(__always)
    private mutating func skipSpace() {
        // PERF: between the values of what machines write there is none.
        if self.position < self.bytes.count, unsafe self.bytes[unchecked: self.position] > ASCII.space { return }
        self.skipSpaces()
    }

    private mutating func skipSpaces() {
        while self.position < self.bytes.count {
            switch self.bytes[self.position] {
            case ASCII.space, ASCII.tab, ASCII.lineFeed, ASCII.carriageReturn: self.position += 1
            default: return
            }
        }
    }

    private mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard self.position < self.bytes.count else { throw JSONError(.unexpectedEnd, at: self.position) }
        guard self.bytes[self.position] == byte else {
            throw JSONError(.unexpectedByte(self.bytes[self.position]), at: self.position)
        }
        self.position += 1
    }

    private mutating func expect(_ word: StaticString) throws(JSONError) {
        let count = word.utf8CodeUnitCount
        guard self.bytes.count - self.position >= count else {
            throw JSONError(.unexpectedEnd, at: self.bytes.count)
        }
        guard self.bytes.extracting(self.position..<self.position + count).equals(word) else {
            throw JSONError(.unexpectedByte(self.bytes[self.position]), at: self.position)
        }
        self.position += count
    }

    private mutating func count() throws(JSONError) {
        guard self.values < self.limits.values else { throw JSONError(.tooManyValues, at: self.position) }
        self.values += 1
    }
}
