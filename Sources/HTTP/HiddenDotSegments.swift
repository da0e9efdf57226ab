private import Bytes

/// Finds `..` segments that show only to somebody who decodes a canonical path once more, or reads it in another way:
/// behind `%2F`, `%5C` or a backslash, encoded twice, in overlong UTF-8, or with a parameter (`..;x`).
enum HiddenDotSegments {
    /// A path that still changes after this many rounds of decoding was made to confuse.
    private static let mostRounds = 4

    /// Throws where such a segment is found.
    static func check(_ path: [UInt8]) throws(TargetFault) {
        var path = path
        for _ in 0...Self.mostRounds {
            if Self.climbs(path) { throw .hiddenDotSegment }
            guard let decoded = Self.decode(path) else { return }
            path = decoded
        }
        throw .hiddenDotSegment
    }

    /// Whether a segment, with either kind of slash around it, is `..` or begins with `..;`.
    private static func climbs(_ path: [UInt8]) -> Bool {
        var start = 0
        for index in 0...path.count {
            guard index == path.count || path[index] == ASCII.slash || path[index] == ASCII.backslash else { continue }
            if index - start >= 2, path[start] == ASCII.dot, path[start + 1] == ASCII.dot,
                index - start == 2 || path[start + 2] == ASCII.semicolon
            {
                return true
            }
            start = index + 1
        }
        return false
    }

    /// The path decoded once more, as leniently as anybody might; `nil` where that changes nothing.
    private static func decode(_ path: [UInt8]) -> [UInt8]? {
        guard path.contains(where: { $0 == ASCII.percent || $0 >= 0xc0 }) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(path.count)
        var index = 0
        while index < path.count {
            if path[index] == ASCII.percent, index + 2 < path.count, let high = ASCII.hexValue(path[index + 1]),
                let low = ASCII.hexValue(path[index + 2])
            {
                output.append(high << 4 | low)
                index += 3
            } else if let (byte, count) = Self.overlong(path[index...]) {
                output.append(byte)
                index += count
            } else {
                output.append(path[index])
                index += 1
            }
        }
        return output.count == path.count ? nil : output
    }

    /// The ASCII character that the bytes begin with in a form longer than needed (RFC 3629 §3 forbids it), and how
    /// many bytes that takes.
    private static func overlong(_ bytes: ArraySlice<UInt8>) -> (UInt8, Int)? {
        guard let first = bytes.first else { return nil }
        let count =
            switch first {
            case 0xc0, 0xc1: 2
            case 0xe0: 3
            case 0xf0: 4
            default: 0
            }
        guard count > 0, bytes.count >= count else { return nil }
        var value = UInt32(first & 0x1f)
        if count > 2 { value = 0 }
        for byte in bytes.dropFirst().prefix(count - 1) {
            guard byte & 0xc0 == 0x80 else { return nil }
            value = value << 6 | UInt32(byte & 0x3f)
        }
        return value < 0x80 ? (UInt8(value), count) : nil
    }
}
