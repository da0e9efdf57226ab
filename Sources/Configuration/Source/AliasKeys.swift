private import Bytes

/// Finds aliases that are keys or parts of keys, before the YAML parser sees them.
///
/// The parser compares the keys of each mapping by all that they hold. A key made of nested aliases, a line of text for
/// each level, would keep it busy for years; no configuration needs such a key. Only names that an anchor of the same
/// file has are looked at, so that stars in other text are none of our business.
enum AliasKeys {
    /// Where the first such key stands, and what to say of it.
    static func firstFault(in text: String) -> (position: SourcePosition, message: String)? {
        guard text.utf8.contains(UInt8(ascii: "&")), text.utf8.contains(UInt8(ascii: "*")) else { return nil }
        let bytes = Array(text.utf8)
        let anchors = Set(Self.names(after: UInt8(ascii: "&"), in: bytes).map { bytes[$0] })
        if anchors.isEmpty { return nil }
        let aliases = Self.names(after: UInt8(ascii: "*"), in: bytes).filter { anchors.contains(bytes[$0]) }
        if aliases.isEmpty { return nil }
        if let alias = aliases.first(where: { Self.isInImplicitKey($0.upperBound, bytes) }) {
            return (Self.position(of: alias.lowerBound - 1, in: bytes), "an alias cannot be part of a key")
        }
        if let index = Self.firstExplicitKey(bytes) {
            return (Self.position(of: index, in: bytes), "a key with \"?\" cannot stand in a file with aliases")
        }
        return nil
    }

    /// The ranges of names that follow the mark where a token can begin.
    private static func names(after mark: UInt8, in bytes: [UInt8]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for index in bytes.indices where bytes[index] == mark {
            guard index == 0 || Self.canPrecedeToken(bytes[index - 1]) else { continue }
            var end = index + 1
            while end < bytes.count, Self.isNameByte(bytes[end]) { end += 1 }
            if end > index + 1 { ranges.append(index + 1..<end) }
        }
        return ranges
    }

    private static func canPrecedeToken(_ byte: UInt8) -> Bool {
        byte <= ASCII.space || byte >= 0x80 || byte == ASCII.openBracket || byte == ASCII.openBrace
            || byte == ASCII.comma || byte == ASCII.colon
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == ASCII.underscore || byte == ASCII.minus
    }

    /// Where a question mark first stands that begins a key.
    private static func firstExplicitKey(_ bytes: [UInt8]) -> Int? {
        for index in bytes.indices where bytes[index] == ASCII.question {
            guard index + 1 == bytes.count || bytes[index + 1] <= ASCII.space else { continue }
            var before = index - 1
            while before >= 0, bytes[before] == ASCII.space || bytes[before] == ASCII.tab { before -= 1 }
            if before < 0 { return index }
            switch bytes[before] {
            case ASCII.lineFeed, ASCII.carriageReturn, ASCII.minus, ASCII.question, ASCII.openBracket, ASCII.openBrace,
                ASCII.comma, ASCII.colon:
                return index
            case _ where bytes[before] >= 0x80:
                return index
            default:
                continue
            }
        }
        return nil
    }

    /// Whether a colon follows the alias, or a bracket that closes around it and then a colon, on the same line.
    private static func isInImplicitKey(_ end: Int, _ bytes: [UInt8]) -> Bool {
        var depth = 0
        var isAtEnd = true
        for index in end..<bytes.count {
            switch bytes[index] {
            case ASCII.lineFeed, ASCII.carriageReturn: return false
            case ASCII.space, ASCII.tab: continue
            case ASCII.colon where isAtEnd: return true
            case ASCII.openBracket, ASCII.openBrace:
                depth += 1
                isAtEnd = false
            case ASCII.closeBracket, ASCII.closeBrace:
                depth -= 1
                isAtEnd = depth < 0
                depth = max(depth, 0)
            default: isAtEnd = false
            }
        }
        return false
    }

    private static func position(of index: Int, in bytes: [UInt8]) -> SourcePosition {
        let before = bytes[..<index]
        let lineStart = before.lastIndex(of: ASCII.lineFeed).map { $0 + 1 } ?? 0
        let line = before.count { $0 == ASCII.lineFeed } + 1
        let column = bytes[lineStart..<index].count { $0 & 0xC0 != 0x80 } + 1
        return SourcePosition(line: line, column: column)
    }
}
