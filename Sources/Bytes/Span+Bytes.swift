extension Span where Element == UInt8 {
    /// A copy of the bytes.
    package func array() -> [UInt8] {
        unsafe self.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// The bytes as text, with U+FFFD in place of what is no UTF-8.
    package func string() -> String {
        unsafe self.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// Whether the bytes are those of a literal.
    @inlinable
    package func equals(_ text: StaticString) -> Bool {
        guard self.count == text.utf8CodeUnitCount else { return false }
        return unsafe self.withUnsafeBytes { bytes in
            unsafe Span.areEqual(bytes, UnsafeRawBufferPointer(start: text.utf8Start, count: bytes.count))
        }
    }

    /// Whether the bytes are those of a literal in lower case, where upper-case letters count as lower case.
    @inlinable
    package func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        guard self.count == lowercase.utf8CodeUnitCount else { return false }
        return unsafe self.withUnsafeBytes { unsafe Span.areEqualIgnoringCase($0, lowercase.utf8Start) }
    }

    /// Whether the bytes are those of a run in lower case, where upper-case letters count as lower case.
    package func equalsIgnoringCase(_ lowercase: Span<UInt8>) -> Bool {
        guard self.count == lowercase.count, self.count > 0 else { return self.count == lowercase.count }
        return unsafe self.withUnsafeBytes { bytes in
            // SAFETY: it holds as many bytes, and there are some.
            unsafe lowercase.withUnsafeBufferPointer { other in
                unsafe Span.areEqualIgnoringCase(bytes, other.baseAddress.unsafelyUnwrapped)
            }
        }
    }

    /// PERF: eight bytes at a time, capitals or not: the names of an answer's head took 530 instructions byte by
    /// byte, and take 360.
    @usableFromInline
    static func areEqualIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ lowercase: UnsafePointer<UInt8>) -> Bool {
        // SAFETY: both hold `count` bytes, and no load passes it.
        let count = bytes.count
        let other = unsafe UnsafeRawPointer(lowercase)
        guard count >= 8 else {
            for index in 0..<count where unsafe ASCII.lowercased(bytes[index]) != lowercase[index] { return false }
            return true
        }
        var index = 0
        while true {
            let wanted = unsafe other.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let difference = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ wanted
            // A letter may differ by the bit that makes it a capital, and nothing else may.
            let low = wanted & 0x7f7f_7f7f_7f7f_7f7f
            let letters = (low &+ 0x1f1f_1f1f_1f1f_1f1f) & ~(low &+ 0x0505_0505_0505_0505) & ~wanted
            if difference & ~((letters & 0x8080_8080_8080_8080) &>> 2) != 0 { return false }
            if index &+ 8 == count { return true }
            // The last word overlaps the one before.
            index = Swift.min(index &+ 8, count &- 8)
        }
    }

    @usableFromInline
    static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        // PERF: from a word on, in words or pairs of them, the last of which overlaps the one before. What is compared
        // is of the same length and so is nearly always the same: no difference is looked for before the end.
        // SAFETY: both hold `count` bytes, and no load passes it.
        let count = left.count
        if count >= 16 {
            var difference = SIMD2<UInt64>.zero
            var index = 0
            while index < count &- 16 {
                difference |= unsafe Self.difference(left, right, at: index, as: SIMD2<UInt64>.self)
                index &+= 16
            }
            difference |= unsafe Self.difference(left, right, at: count &- 16, as: SIMD2<UInt64>.self)
            return difference[0] | difference[1] == 0
        }
        if count >= 8 {
            let first = unsafe Self.difference(left, right, at: 0, as: UInt64.self)
            return unsafe first | Self.difference(left, right, at: count &- 8, as: UInt64.self) == 0
        }
        for index in 0..<count where unsafe left[index] != right[index] { return false }
        return true
    }

    /// The bits in which two words differ.
    @inline(__always)
    private static func difference(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, at index: Int, as: UInt64.Type
    ) -> UInt64 {
        unsafe left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            ^ right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
    }

    /// The bits in which two pairs of words differ.
    @inline(__always)
    private static func difference(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, at index: Int, as: SIMD2<UInt64>.Type
    ) -> SIMD2<UInt64> {
        unsafe left.loadUnaligned(fromByteOffset: index, as: SIMD2<UInt64>.self)
            ^ right.loadUnaligned(fromByteOffset: index, as: SIMD2<UInt64>.self)
    }

    /// Whether two runs hold the same bytes.
    @inlinable
    package func equals(_ other: Span<UInt8>) -> Bool {
        guard self.count == other.count else { return false }
        return unsafe self.withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in unsafe Span.areEqual(left, right) }
        }
    }

    /// The number that the bytes are in decimal digits; `nil` where they are anything else, or more digits than
    /// `limit`, which is 18 at most so that every number fits.
    package func decimal(digits limit: Int = 18) -> Int? {
        guard (1...limit).contains(self.count) else { return nil }
        var value = 0
        for index in self.indices {
            guard ASCII.isDigit(self[index]) else { return nil }
            value = value * 10 + Int(self[index] - ASCII.zero)
        }
        return value
    }

    /// Where `byte` first stands at or after `start`, or `nil`; eight bytes at a time.
    @inlinable
    package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let pattern = ones &* UInt64(byte)
        var index = start
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

    /// The bytes without spaces and tabs at either end.
    package var trimmed: Span<UInt8> {
        @_lifetime(copy self)
        get {
            var start = 0
            var end = self.count
            while start < end, self[start] == ASCII.space || self[start] == ASCII.tab { start += 1 }
            while end > start, self[end - 1] == ASCII.space || self[end - 1] == ASCII.tab { end -= 1 }
            return self.extracting(start..<end)
        }
    }
}
