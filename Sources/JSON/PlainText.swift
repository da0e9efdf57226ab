internal import Bytes

extension UInt64 {
    /// Of eight bytes, the top bit of each that cannot stand in a JSON string as it is, or is not ASCII: below 0x20,
    /// above 0x7f, a quote or a backslash. Only the lowest bit that is set is exact.
    @inline(__always)
    var careBits: UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = self ^ (ones &* UInt64(ASCII.quote))
        let slashes = self ^ (ones &* UInt64(ASCII.backslash))
        return ((self &- ones &* 0x20) | (quotes &- ones) | (slashes &- ones) | self) & (ones &* 0x80)
    }
}

extension UInt8 {
    /// Whether a byte can stand in a JSON string as it is, and is ASCII.
    @inline(__always)
    var isPlainInJSON: Bool {
        self &- 0x20 < 0x60 && self != ASCII.quote && self != ASCII.backslash
    }
}

extension Span where Element == UInt8 {
    /// Where, from `start` on, the first byte stands that cannot stand in a JSON string as it is, or is not ASCII; the
    /// count where none does.
    package func endOfPlainJSON(from start: Int) -> Int {
        self.endOfPlainText(from: start)
    }

    /// The same, for this module.
    @inline(__always)
    func endOfPlainText(from start: Int) -> Int {
        var index = start
        while index + 16 <= self.count {
            // SAFETY: index + 16 is not above the count, and bytes have no padding.
            guard unsafe self.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD16<Int8>.self).isPlain else {
                break
            }
            index += 16
        }
        while index + 8 <= self.count {
            // SAFETY: index + 8 is not above the count, and bytes have no padding.
            let word = unsafe UInt64(
                littleEndian: self.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            let bits = word.careBits
            if bits != 0 { return index + bits.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < self.count {
            guard unsafe self[unchecked: index].isPlainInJSON else { break }
            index += 1
        }
        return index
    }
}

/// PERF: nearly all text of a request is plain, and an event has dozens of strings, so they are looked at and copied
/// sixteen bytes at a time, the last ones as a block that overlaps the one before.
extension Span where Element == UInt8 {
    /// Copies all bytes, and answers whether none of them needs an escape and all are ASCII. Where not, what has been
    /// written means nothing, but it is never more than the count.
    @inline(__always)
    @unsafe
    func copyIfPlain(to target: UnsafeMutableRawPointer) -> Bool {
        let count = self.count
        // SAFETY: all reads and writes are below the count.
        return unsafe self.withUnsafeBytes { source in
            if count >= 16 {
                let from = unsafe source.baseAddress.unsafelyUnwrapped
                let last = count &- 16
                var index = 0
                while index < last {
                    guard unsafe Self.copyPlainBlock(from: from + index, to: target + index) else { return false }
                    index &+= 16
                }
                return unsafe Self.copyPlainBlock(from: from + last, to: target + last)
            }
            if count >= 8 {
                let first = unsafe source.loadUnaligned(as: UInt64.self)
                let last = unsafe source.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
                unsafe target.storeBytes(of: first, as: UInt64.self)
                unsafe target.storeBytes(of: last, toByteOffset: count &- 8, as: UInt64.self)
                return first.careBits | last.careBits == 0
            }
            if count >= 4 {
                let first = unsafe source.loadUnaligned(as: UInt32.self)
                let last = unsafe source.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
                unsafe target.storeBytes(of: first, as: UInt32.self)
                unsafe target.storeBytes(of: last, toByteOffset: count &- 4, as: UInt32.self)
                return (UInt64(first) << 32 | UInt64(last)).careBits == 0
            }
            var isPlain = true
            for index in 0..<count {
                let byte = unsafe source[index]
                isPlain = byte.isPlainInJSON && isPlain
                unsafe target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            }
            return isPlain
        }
    }

    /// Copies sixteen bytes, and answers whether they are plain.
    @inline(__always)
    @unsafe
    private static func copyPlainBlock(from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) -> Bool {
        let block = unsafe source.loadUnaligned(as: SIMD16<Int8>.self)
        unsafe target.storeBytes(of: block, as: SIMD16<Int8>.self)
        return block.isPlain
    }
}

extension SIMD16<Int8> {
    /// Whether no byte is below 0x20 or above 0x7f (which are negative here), a quote or a backslash.
    @inline(__always)
    fileprivate var isPlain: Bool {
        // Comparisons with a scalar, and `any`, would be compiled byte by byte.
        let low: SIMDMask<SIMD16<Int8>> = self .< SIMD16<Int8>(repeating: 0x20)
        let quotes: SIMDMask<SIMD16<Int8>> = self .== SIMD16<Int8>(repeating: 0x22)
        let slashes: SIMDMask<SIMD16<Int8>> = self .== SIMD16<Int8>(repeating: 0x5c)
        // SAFETY: a mask is sixteen bytes, each of which is 0 or -1.
        let words = unsafe unsafeBitCast(low .| quotes .| slashes, to: SIMD2<UInt64>.self)
        return words[0] | words[1] == 0
    }
}
