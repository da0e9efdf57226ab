internal import Bytes

extension Span where Element == UInt8 {
    /// Whether a byte stands anywhere.
    @inline(__always)
    func holds(_ byte: UInt8) -> Bool {
        self.firstIndex(of: byte) != nil
    }

    /// A number that equal names share, and different ones hardly ever (not proof against somebody who wants a
    /// collision).
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
