/// Bytes that protocols are made of, by name. Computed and inlinable: a stored constant of another module is read
/// through a call, once for each byte that is compared with it.
@usableFromInline
package enum ASCII {
    @inlinable package static var nul: UInt8 { 0 }
    @inlinable package static var tab: UInt8 { 9 }
    @inlinable package static var lineFeed: UInt8 { 10 }
    @inlinable package static var carriageReturn: UInt8 { 13 }
    @inlinable package static var space: UInt8 { 32 }
    @inlinable package static var quote: UInt8 { 34 }
    @inlinable package static var percent: UInt8 { 37 }
    @inlinable package static var plus: UInt8 { 43 }
    @inlinable package static var comma: UInt8 { 44 }
    @inlinable package static var minus: UInt8 { 45 }
    @inlinable package static var dot: UInt8 { 46 }
    @inlinable package static var slash: UInt8 { 47 }
    @inlinable package static var zero: UInt8 { 48 }
    @inlinable package static var colon: UInt8 { 58 }
    @inlinable package static var semicolon: UInt8 { 59 }
    @inlinable package static var equals: UInt8 { 61 }
    @inlinable package static var question: UInt8 { 63 }
    @inlinable package static var at: UInt8 { 64 }
    @inlinable package static var openBracket: UInt8 { 91 }
    @inlinable package static var backslash: UInt8 { 92 }
    @inlinable package static var closeBracket: UInt8 { 93 }
    @inlinable package static var underscore: UInt8 { 95 }
    @inlinable package static var openBrace: UInt8 { 123 }
    @inlinable package static var closeBrace: UInt8 { 125 }
    @inlinable package static var delete: UInt8 { 127 }

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

extension UInt32 {
    /// The eight lower-case hexadecimal digits of a number, the highest in the lowest byte.
    @inlinable
    package var lowerHexDigits: UInt64 {
        // Each byte apart, then its high digit in front of its low one.
        var spread = UInt64(self.byteSwapped)
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        let digits = (spread >> 4 | spread << 8) & 0x0f0f_0f0f_0f0f_0f0f
        // 1 in each byte that holds more than 9.
        let letters = (digits + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }
}
