internal import Bytes

extension Span where Element == UInt8 {
    /// Where a byte first stands, or `nil`; eight bytes at a time.
    @inline(__always)
    func fastIndex(of byte: UInt8) -> Int? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let pattern = ones &* UInt64(byte)
        var index = 0
        while index + 8 <= self.count {
            // SAFETY: index + 8 is not above the count, and bytes have no padding.
            let word =
                unsafe UInt64(
                    littleEndian: self.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ pattern
            let hits = (word &- ones) & ~word & tops
            if hits != 0 { return index + hits.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < self.count {
            if unsafe self[unchecked: index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// Whether a byte stands anywhere.
    @inline(__always)
    func holds(_ byte: UInt8) -> Bool {
        self.fastIndex(of: byte) != nil
    }

    /// A number that equal names share, and different ones hardly ever (not proof against somebody who wants a collision).
    @inline(__always)
    var nameFingerprint: UInt64 {
        let prime: UInt64 = 0x9e37_79b9_7f4a_7c15
        var value = UInt64(truncatingIfNeeded: self.count) &* prime
        // SAFETY: all loads are below the count, and bytes have no padding. The last words overlap the ones before.
        if self.count >= 8 {
            var index = 0
            let last = self.count &- 8
            while index < last {
                value =
                    (value ^ (unsafe self.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))) &* prime
                value ^= value >> 29
                index &+= 8
            }
            value ^= unsafe self.bytes.unsafeLoadUnaligned(fromByteOffset: last, as: UInt64.self)
        } else if self.count >= 4 {
            let first = unsafe self.bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
            let last = unsafe self.bytes.unsafeLoadUnaligned(fromByteOffset: self.count &- 4, as: UInt32.self)
            value ^= UInt64(first) << 32 | UInt64(last)
        } else {
            for index in self.indices { value = value << 8 ^ UInt64(unsafe self[unchecked: index]) }
        }
        value = value &* prime
        return value ^ value >> 29
    }
}
