internal import Bytes

extension Span where Element == UInt8 {
    /// Whether a byte stands anywhere, eight bytes at a time.
    @inline(__always)
    func holds(_ byte: UInt8) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let pattern = ones &* UInt64(byte)
        var index = 0
        while index + 8 <= self.count {
            // SAFETY: index + 8 is not above the count, and bytes have no padding.
            let word = unsafe self.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self) ^ pattern
            if (word &- ones) & ~word & tops != 0 { return true }
            index += 8
        }
        while index < self.count {
            if unsafe self[unchecked: index] == byte { return true }
            index += 1
        }
        return false
    }

    /// A number that equal runs share, and different ones hardly ever; not proof against somebody who wants a collision.
    @inline(__always)
    var fingerprint: UInt64 {
        var value = UInt64(truncatingIfNeeded: self.count)
        var index = 0
        while index + 8 <= self.count {
            // SAFETY: index + 8 is not above the count, and bytes have no padding.
            let word = unsafe self.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            value = (value ^ word) &* 0x9e37_79b9_7f4a_7c15
            value ^= value >> 32
            index += 8
        }
        var tail: UInt64 = 0
        while index < self.count {
            tail = tail << 8 | UInt64(unsafe self[unchecked: index])
            index += 1
        }
        value = (value ^ tail) &* 0x9e37_79b9_7f4a_7c15
        return value ^ value >> 32
    }
}
