private import Bytes

extension Span where Element == UInt8 {
    /// Whether the bytes are an IPv6 address as URIs have it (RFC 3986 §3.2.2), without brackets and zone.
    var isIPv6Address: Bool {
        var groups = 0
        var hasGap = false
        var index = 0
        if self.count >= 2, self[0] == ASCII.colon, self[1] == ASCII.colon {
            hasGap = true
            index = 2
        }
        while index < self.count {
            let start = index
            while index < self.count, ASCII.hexValue(self[index]) != nil { index += 1 }
            if index < self.count, self[index] == ASCII.dot {
                // The last two groups may be written as an IPv4 address.
                guard self.extracting(start..<self.count).isIPv4Address else { return false }
                groups += 2
                return hasGap ? groups < 8 : groups == 8
            }
            guard (1...4).contains(index - start) else { return false }
            groups += 1
            if index == self.count { break }
            guard self[index] == ASCII.colon, index + 1 < self.count else { return false }
            index += 1
            if self[index] == ASCII.colon {
                guard !hasGap else { return false }
                hasGap = true
                index += 1
            }
        }
        return hasGap ? groups < 8 : groups == 8
    }

    /// Whether the bytes are four numbers up to 255 with dots between them.
    private var isIPv4Address: Bool {
        var parts = 0
        var index = 0
        while true {
            let start = index
            var value = 0
            while index < self.count, index - start < 4, ASCII.isDigit(self[index]) {
                value = value * 10 + Int(self[index] - ASCII.zero)
                index += 1
            }
            guard index > start, value <= 255, index - start == 1 || self[start] != ASCII.zero else { return false }
            parts += 1
            if index == self.count { return parts == 4 }
            guard self[index] == ASCII.dot else { return false }
            index += 1
        }
    }
}
