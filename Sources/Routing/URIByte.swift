private import Bytes

/// The character classes of RFC 3986 that routing needs.
enum URIByte {
    /// §3.3 `pchar` without the percent sign: what a path segment may hold as it is.
    static func isAllowedInPath(_ byte: UInt8) -> Bool {
        if ASCII.isUnreserved(byte) { return true }
        switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: "*"), ASCII.plus, ASCII.comma, ASCII.semicolon, ASCII.equals, ASCII.colon,
            ASCII.at:
            return true
        default:
            return false
        }
    }

    /// Whether the byte may stand anywhere in a URI; everything else is percent-encoded before it goes into a
    /// Location field, `\` among it, which browsers take for a slash.
    static func isAllowedInURI(_ byte: UInt8) -> Bool {
        if Self.isAllowedInPath(byte) { return true }
        switch byte {
        case ASCII.slash, ASCII.question, ASCII.percent, UInt8(ascii: "#"), ASCII.openBracket, ASCII.closeBracket:
            return true
        default:
            return false
        }
    }
}

extension String {
    /// Adds text with every byte percent-encoded that a URI cannot hold.
    mutating func append(uriText text: Substring.UTF8View) {
        for byte in text {
            if URIByte.isAllowedInURI(byte) {
                self.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                self += "%"
                self.unicodeScalars.append(Unicode.Scalar(ASCII.upperHexDigit(byte >> 4)))
                self.unicodeScalars.append(Unicode.Scalar(ASCII.upperHexDigit(byte & 15)))
            }
        }
    }
}
