internal import Bytes
package import Time

/// The value of `X-Amzn-Trace-Id`: `Root=1-6a5145aa-290a323a5de9a2e0636377d4;Parent=..;Sampled=1`.
package enum TraceID {
    /// Whether a client's value may be passed on: pairs of names and values as X-Ray writes them, 256 bytes at most.
    package static func isValid(_ value: Span<UInt8>) -> Bool {
        guard (1...256).contains(value.count), value.count >= 5, value.extracting(0..<5).equals("Root=") else {
            return false
        }
        for index in value.indices {
            switch value[index] {
            case ASCII.equals, ASCII.semicolon, ASCII.colon, ASCII.minus, ASCII.dot, ASCII.underscore: continue
            case let byte where ASCII.isLetter(byte) || ASCII.isDigit(byte): continue
            default: return false
            }
        }
        return true
    }

    /// A new value with nothing but a root, made of the time and 96 random bits.
    package static func make(at time: WallTime, random high: UInt32, _ low: UInt64) -> String {
        // PERF: written into the string's own storage, which takes two thirds of what a buffer in between takes.
        unsafe String(unsafeUninitializedCapacity: 40) { target in
            // SAFETY: 40 bytes are written, which is what there is room for at least.
            let prefix: StaticString = "Root=1-"
            for index in 0..<7 { unsafe target.initializeElement(at: index, to: prefix.utf8Start[index]) }
            let seconds = UInt64(truncatingIfNeeded: time.seconds)
            unsafe Self.write(seconds, digits: 8, to: target, at: 7)
            unsafe target.initializeElement(at: 15, to: ASCII.minus)
            unsafe Self.write(UInt64(high), digits: 8, to: target, at: 16)
            unsafe Self.write(low, digits: 16, to: target, at: 24)
            return 40
        }
    }

    /// Writes the lowest hexadecimal digits of a number.
    @inline(__always)
    private static func write(
        _ value: UInt64, digits: Int, to target: UnsafeMutableBufferPointer<UInt8>, at offset: Int
    ) {
        var rest = value
        for index in stride(from: offset + digits - 1, through: offset, by: -1) {
            unsafe target.initializeElement(at: index, to: ASCII.lowerHexDigit(UInt8(truncatingIfNeeded: rest & 0xf)))
            rest >>= 4
        }
    }
}
