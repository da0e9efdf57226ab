package import Bytes
package import Time

/// The value of `X-Amzn-Trace-Id`: `Root=1-6a5145aa-290a323a5de9a2e0636377d4;Parent=..;Sampled=1`. A load balancer that
/// finds a root puts its own part in front of it: `Self=1-..;Root=1-..`.
package enum TraceID {
    /// Whether a client's value may be passed on: pairs of names and values as X-Ray writes them, a root among them,
    /// 256 bytes at most. A lineage has several members, with `|` between them.
    package static func isValid(_ value: Span<UInt8>) -> Bool {
        guard value.count <= 256, self.hasRoot(value) else { return false }
        for index in value.indices {
            switch value[index] {
            case ASCII.equals, ASCII.semicolon, ASCII.colon, ASCII.minus, ASCII.dot, ASCII.underscore,
                UInt8(ascii: "|"):
                continue
            case let byte where ASCII.isLetter(byte) || ASCII.isDigit(byte): continue
            default: return false
            }
        }
        return true
    }

    private static func hasRoot(_ value: Span<UInt8>) -> Bool {
        var start = 0
        while start + 5 <= value.count {
            if value.extracting(start..<start + 5).equals("Root=") { return true }
            guard let end = value.firstIndex(of: ASCII.semicolon, from: start) else { return false }
            start = end + 1
        }
        return false
    }

    /// A new value with nothing but a root, made of the time and 96 random bits.
    package static func make(at time: WallTime, random high: UInt32, _ low: UInt64) -> ShortText {
        // PERF: eight digits at a time; one by one took 840 instructions.
        unsafe ShortText(count: 40) { text in
            // SAFETY: 40 bytes are written, which is what there is room for.
            let prefix: StaticString = "Root=1-"
            unsafe text.copyMemory(from: prefix.utf8Start, byteCount: 7)
            let seconds = UInt32(truncatingIfNeeded: time.seconds)
            unsafe Self.write(seconds, to: text + 7)
            unsafe text.storeBytes(of: ASCII.minus, toByteOffset: 15, as: UInt8.self)
            unsafe Self.write(high, to: text + 16)
            unsafe Self.write(UInt32(truncatingIfNeeded: low >> 32), to: text + 24)
            unsafe Self.write(UInt32(truncatingIfNeeded: low), to: text + 32)
        }
    }

    /// Writes the eight hexadecimal digits of a number.
    @inline(__always)
    @unsafe
    private static func write(_ value: UInt32, to target: UnsafeMutableRawPointer) {
        unsafe target.storeBytes(of: value.lowerHexDigits.littleEndian, as: UInt64.self)
    }
}
