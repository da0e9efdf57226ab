private import Bytes

/// A path in the one form in which routes and functions see it, made from a path that needs work.
///
/// 1. Percent-encoding is checked, its digits made capitals, unreserved characters decoded (RFC 3986 §6.2.2.1, 2).
/// 2. Where there are dot segments, runs of slashes are made one and the segments resolved (RFC 3986 §5.2.4).
/// 3. A `..` that somebody behind us could still find by decoding further is refused.
///
/// Canonicalising a canonical path changes nothing.
struct CanonicalPath {
    /// As functions see it.
    let path: String
    /// As routes are matched: each run of slashes made one.
    let routingPath: String

    /// `bytes` begin with a slash and hold no byte that a target may not hold.
    init(_ bytes: Span<UInt8>) throws(TargetFault) {
        let decoded = try Self.normalisePercentEncoding(bytes)
        let merged = Self.mergeSlashes(decoded)
        if Self.hasDotSegment(merged) {
            let resolved = Self.resolveDotSegments(merged)
            try HiddenDotSegments.check(resolved)
            self.path = resolved.span.string()
            self.routingPath = self.path
        } else {
            try HiddenDotSegments.check(merged)
            self.path = decoded.span.string()
            self.routingPath = merged.count == decoded.count ? self.path : merged.span.string()
        }
    }

    private static func normalisePercentEncoding(_ bytes: Span<UInt8>) throws(TargetFault) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard byte == ASCII.percent else {
                output.append(byte)
                continue
            }
            guard index + 2 <= bytes.count, let high = ASCII.hexValue(bytes[index]),
                let low = ASCII.hexValue(bytes[index + 1])
            else { throw .percentEncoding }
            let decoded = high << 4 | low
            if decoded == 0 { throw .encodedNUL }
            if ASCII.isUnreserved(decoded) {
                output.append(decoded)
            } else {
                output += [byte, ASCII.upperHexDigit(high), ASCII.upperHexDigit(low)]
            }
            index += 2
        }
        return output
    }

    private static func mergeSlashes(_ path: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(path.count)
        for byte in path where byte != ASCII.slash || output.last != ASCII.slash { output.append(byte) }
        return output
    }

    private static func hasDotSegment(_ path: [UInt8]) -> Bool {
        path.split(separator: ASCII.slash).contains { $0 == [ASCII.dot] || $0 == [ASCII.dot, ASCII.dot] }
    }

    private static func resolveDotSegments(_ path: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(path.count)
        var endsInSlash = false
        for segment in path.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false) {
            endsInSlash = true
            if segment.isEmpty || segment == [ASCII.dot] {
                continue
            } else if segment == [ASCII.dot, ASCII.dot] {
                // RFC 3986 §5.2.4: what would climb above the root stays there.
                output.removeSubrange((output.lastIndex(of: ASCII.slash) ?? 0)...)
            } else {
                output.append(ASCII.slash)
                output += segment
                endsInSlash = false
            }
        }
        if endsInSlash { output.append(ASCII.slash) }
        return output
    }
}
