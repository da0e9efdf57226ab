/// Eight bytes at a time, for the loops that look at every byte of a head.
///
/// Each test sets the high bit of the bytes that it finds. Bits above the lowest one that is set may be carried over
/// from it, so only the lowest is to be believed.
extension Span where Element == UInt8 {
    /// The eight bytes at `index`, the first one lowest.
    ///
    /// SAFETY: the caller has seen that `index + 8` is at most the count.
    @unsafe @inline(__always)
    func word(uncheckedAt index: Int) -> UInt64 {
        UInt64(littleEndian: unsafe self.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
    }

    /// The first byte at or after `start` that may not stand in a token (RFC 9110 §5.6.2), or `end`, which is at most
    /// the count.
    @inline(__always)
    func endOfToken(from start: Int, to end: Int) -> Int {
        var index = start
        // Letters and hyphens, of which nearly all names are made, eight at a time; the rest by table.
        while index &+ 8 <= end {
            // SAFETY: the loop's condition, and `end` is at most the count.
            let stops = unsafe self.word(uncheckedAt: index).bytesOtherThanLettersAndHyphens
            if stops != 0 {
                index &+= stops.trailingZeroBitCount &>> 3
                break
            }
            index &+= 8
        }
        // SAFETY: index < end, which is at most the count.
        while unsafe index < end && ByteClass.isToken(self[unchecked: index]) { index &+= 1 }
        return index
    }

    /// The first byte at or after `start` that may not stand in a field value (RFC 9110 §5.5), or `end`, which is at
    /// most the count.
    @inline(__always)
    func endOfFieldValue(from start: Int, to end: Int) -> Int {
        var index = start
        while true {
            while index &+ 8 <= end {
                // SAFETY: the loop's condition, and `end` is at most the count.
                let word = unsafe self.word(uncheckedAt: index)
                let stops = (word.bytesBelow(0x20) | word.bytesEqual(0x7f)) & UInt64.highBits
                if stops != 0 {
                    index &+= stops.trailingZeroBitCount &>> 3
                    break
                }
                index &+= 8
            }
            // SAFETY: index < end, which is at most the count.
            if unsafe index >= end || !ByteClass.isFieldValue(self[unchecked: index]) { return index }
            index &+= 1
        }
    }

    /// The bytes, which are known to be ASCII, as text that is not validated again.
    @unsafe
    var uncheckedASCII: String {
        unsafe String(copying: UTF8Span(unchecked: self, isKnownASCII: true))
    }

    /// Whether one of the bytes is `_`.
    @inline(__always)
    var holdsUnderscore: Bool {
        var found: UInt64 = 0
        var index = 0
        while index &+ 8 <= self.count {
            // SAFETY: the loop's condition.
            found |= unsafe self.word(uncheckedAt: index).bytesEqual(UInt8(ascii: "_")) & UInt64.highBits
            index &+= 8
        }
        // SAFETY: index is below the count.
        while index < self.count {
            if unsafe self[unchecked: index] == UInt8(ascii: "_") { return true }
            index &+= 1
        }
        return found != 0
    }

    /// The first byte at or after `start` that is not from 0x21 to 0x7e, or `end`, which is at most the count.
    @inline(__always)
    func endOfVisible(from start: Int, to end: Int) -> Int {
        var index = start
        while index &+ 8 <= end {
            // SAFETY: the loop's condition, and `end` is at most the count.
            let word = unsafe self.word(uncheckedAt: index)
            let stops = (word.bytesBelow(0x21) | word.bytesEqual(0x7f) | word) & UInt64.highBits
            if stops != 0 { return index &+ stops.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        // SAFETY: index < end, which is at most the count.
        while unsafe index < end && self[unchecked: index] &- 0x21 < 0x5e { index &+= 1 }
        return index
    }
}

extension UInt64 {
    /// The high bit of each byte.
    @inline(__always)
    static var highBits: UInt64 { 0x8080_8080_8080_8080 }

    /// Finds bytes that are neither letters nor hyphens. Exact for each byte.
    @inline(__always)
    var bytesOtherThanLettersAndHyphens: UInt64 {
        let low = (self | 0x2020_2020_2020_2020) & ~Self.highBits
        let letters = (low &+ 0x1f1f_1f1f_1f1f_1f1f) & ~(low &+ 0x0505_0505_0505_0505)
        // A hyphen differs from 0x2d by nothing; what is added carries into the high bit of all others.
        let difference = self ^ 0x2d2d_2d2d_2d2d_2d2d
        let others = ((difference & ~Self.highBits) &+ ~Self.highBits) | difference
        return ((~letters & others) | self) & Self.highBits
    }

    /// Finds bytes below `bound`, which is at most 0x80.
    @inline(__always)
    func bytesBelow(_ bound: UInt8) -> UInt64 {
        (self &- 0x0101_0101_0101_0101 &* UInt64(bound)) & ~self
    }

    /// Finds bytes that are `byte`.
    @inline(__always)
    func bytesEqual(_ byte: UInt8) -> UInt64 {
        let difference = self ^ (0x0101_0101_0101_0101 &* UInt64(byte))
        return (difference &- 0x0101_0101_0101_0101) & ~difference
    }
}
