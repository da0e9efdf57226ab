/// Bytes that protocols are made of, by name.
@usableFromInline
package enum ASCII {
    package static let nul: UInt8 = 0
    package static let tab: UInt8 = 9
    package static let lineFeed: UInt8 = 10
    package static let carriageReturn: UInt8 = 13
    package static let space: UInt8 = 32
    package static let quote: UInt8 = 34
    package static let percent: UInt8 = 37
    package static let plus: UInt8 = 43
    package static let comma: UInt8 = 44
    package static let minus: UInt8 = 45
    package static let dot: UInt8 = 46
    package static let slash: UInt8 = 47
    package static let zero: UInt8 = 48
    package static let colon: UInt8 = 58
    package static let semicolon: UInt8 = 59
    package static let equals: UInt8 = 61
    package static let question: UInt8 = 63
    package static let at: UInt8 = 64
    package static let openBracket: UInt8 = 91
    package static let backslash: UInt8 = 92
    package static let closeBracket: UInt8 = 93
    package static let underscore: UInt8 = 95
    package static let openBrace: UInt8 = 123
    package static let closeBrace: UInt8 = 125
    package static let delete: UInt8 = 127

    /// Whether the byte is `0`-`9`.
    @inlinable
    package static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    /// Whether the byte is `A`-`Z` or `a`-`z`.
    @inlinable
    package static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 }

    /// The byte with `A`-`Z` made lower case.
    @inlinable
    package static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }

    /// What a hexadecimal digit stands for, or `nil`.
    @inlinable
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- 48 < 10 { return byte - 48 }
        let letter = byte | 0x20
        return letter &- 97 < 6 ? letter - 87 : nil
    }

    /// `0`-`9`, `a`-`f` for 0 to 15.
    @inlinable
    package static func lowerHexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

    /// `0`-`9`, `A`-`F` for 0 to 15.
    @inlinable
    package static func upperHexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 55 + value }
}
