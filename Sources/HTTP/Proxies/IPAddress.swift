private import Bytes

/// An IPv4 or IPv6 address. An IPv4 address and the IPv6 one that it is mapped into (RFC 4291 §2.5.5.2) are the same.
package struct IPAddress: Sendable, Hashable {
    /// The first eight bytes, as a number.
    package let high: UInt64
    /// The last eight bytes, as a number.
    package let low: UInt64

    /// The address of sixteen bytes.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address: 127.0.0.1 is 0x7f000001.
    package init(v4: UInt32) {
        self.init(high: 0, low: 0xffff << 32 | UInt64(v4))
    }

    /// Reads `192.0.2.1` or `2001:db8::1`, without brackets, port or zone.
    package init?(parsing text: Span<UInt8>) {
        if let v4 = Self.v4(text) {
            self.init(v4: v4)
        } else {
            self.init(parsingV6: text)
        }
    }

    /// The IPv4 address, where it is one.
    package var v4: UInt32? {
        self.high == 0 && self.low >> 32 == 0xffff ? UInt32(truncatingIfNeeded: self.low) : nil
    }

    /// 127.0.0.0/8 and ::1.
    package var isLoopback: Bool {
        self.v4.map { $0 >> 24 == 127 } ?? (self.high == 0 && self.low == 1)
    }

    /// Reads an IPv6 address as URIs have it (RFC 3986 §3.2.2).
    package init?(parsingV6 text: Span<UInt8>) {
        // The groups in front of the gap and behind it, each as one number.
        var groups = SIMD8<UInt16>()
        var count = 0
        var gap: Int?
        var index = 0
        if text.count >= 2, text[0] == ASCII.colon, text[1] == ASCII.colon {
            gap = 0
            index = 2
        }
        while index < text.count {
            let start = index
            while index < text.count, ASCII.hexValue(text[index]) != nil { index += 1 }
            if index < text.count, text[index] == ASCII.dot {
                // The last two groups may be written as an IPv4 address.
                guard count <= 6, let v4 = Self.v4(text.extracting(start..<text.count)) else { return nil }
                groups[count] = UInt16(v4 >> 16)
                groups[count + 1] = UInt16(v4 & 0xffff)
                count += 2
                index = text.count
                break
            }
            guard (1...4).contains(index - start), count < 8 else { return nil }
            var group: UInt16 = 0
            for position in start..<index { group = group << 4 | UInt16(ASCII.hexValue(text[position]) ?? 0) }
            groups[count] = group
            count += 1
            if index == text.count { break }
            guard text[index] == ASCII.colon, index + 1 < text.count else { return nil }
            index += 1
            if text[index] == ASCII.colon {
                guard gap == nil else { return nil }
                gap = count
                index += 1
            }
        }
        guard gap == nil ? count == 8 : count < 8 else { return nil }
        var bytes: (high: UInt64, low: UInt64) = (0, 0)
        for position in 0..<8 {
            let missing = 8 - count
            let front = gap ?? 8
            let group: UInt16 =
                if position < front { groups[position] } else if position < front + missing { 0 } else {
                    groups[position - missing]
                }
            if position < 4 {
                bytes.high = bytes.high << 16 | UInt64(group)
            } else {
                bytes.low = bytes.low << 16 | UInt64(group)
            }
        }
        self.init(high: bytes.high, low: bytes.low)
    }

    /// Four numbers up to 255 with dots between them, without leading zeros, which some take for octal.
    private static func v4(_ text: Span<UInt8>) -> UInt32? {
        var address: UInt32 = 0
        var parts = 0
        var index = 0
        while true {
            let start = index
            var value: UInt32 = 0
            while index < text.count, index - start < 4, ASCII.isDigit(text[index]) {
                value = value * 10 + UInt32(text[index] - ASCII.zero)
                index += 1
            }
            guard index > start, value <= 255, index - start == 1 || text[start] != ASCII.zero else { return nil }
            address = address << 8 | value
            parts += 1
            if index == text.count { return parts == 4 ? address : nil }
            guard text[index] == ASCII.dot, parts < 4 else { return nil }
            index += 1
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// As RFC 5952 writes it: `192.0.2.1`, `2001:db8::1`.
    package var description: String {
        var buffer = ByteBuffer(capacity: 48)
        if let v4 = self.v4 {
            for shift: UInt32 in [24, 16, 8, 0] {
                if shift < 24 { buffer.append(ASCII.dot) }
                buffer.append(decimal: v4 >> shift & 0xff)
            }
            return buffer.string()
        }
        let groups = (0..<8).map { position in
            UInt16(truncatingIfNeeded: (position < 4 ? self.high : self.low) >> UInt64(48 - position % 4 * 16))
        }
        let gap = Self.longestRunOfZeros(in: groups)
        var position = 0
        while position < 8 {
            if position == gap.lowerBound, gap.count > 1 {
                buffer.append("::")
                position = gap.upperBound
                continue
            }
            if position > 0, position != gap.upperBound || gap.count <= 1 { buffer.append(ASCII.colon) }
            buffer.append(hexadecimal: UInt64(groups[position]))
            position += 1
        }
        return buffer.string()
    }

    /// RFC 5952 §4.2.3: the longest run, and the first of those that are equally long.
    private static func longestRunOfZeros(in groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start: Int?
        for position in 0...8 {
            if position < 8, groups[position] == 0 {
                start = start ?? position
            } else if let first = start {
                if position - first > longest.count { longest = first..<position }
                start = nil
            }
        }
        return longest
    }
}

extension Span where Element == UInt8 {
    /// Whether the bytes are an IPv6 address as URIs have it, without brackets and zone.
    var isIPv6Address: Bool { IPAddress(parsingV6: self) != nil }
}
