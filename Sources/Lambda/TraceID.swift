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
        var buffer = ByteBuffer(capacity: 64)
        buffer.append("Root=1-")
        buffer.append(hexadecimal: UInt64(truncatingIfNeeded: time.seconds) & 0xffff_ffff, digits: 8)
        buffer.append(ASCII.minus)
        buffer.append(hexadecimal: UInt64(high), digits: 8)
        buffer.append(hexadecimal: low, digits: 16)
        return buffer.string()
    }
}

extension ByteBuffer {
    fileprivate mutating func append(hexadecimal value: UInt64, digits: Int) {
        var shift = digits * 4
        while shift > 0 {
            shift -= 4
            self.append(ASCII.lowerHexDigit(UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 0xf))
        }
    }
}
