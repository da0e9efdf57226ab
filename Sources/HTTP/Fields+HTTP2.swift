private import Bytes

/// What HTTP/2 asks of field lines beyond HTTP/1.1 (RFC 9113 §8.2).
extension Fields {
    /// Whether the bytes are a field name as HTTP/2 carries it: a token without capitals (RFC 9113 §8.2.1).
    package static func isLowercaseName(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count > 0, bytes.endOfToken(from: 0, to: bytes.count) == bytes.count else { return false }
        for index in bytes.indices where bytes[index] &- 65 < 26 { return false }
        return true
    }

    /// Whether a name (in lower case) is one that no message of HTTP/2 may have (RFC 9113 §8.2.2).
    package static func isConnectionSpecific(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 7: name.equals("upgrade")
        case 10: name.equals("connection") || name.equals("keep-alive")
        case 16: name.equals("proxy-connection")
        case 17: name.equals("transfer-encoding")
        default: false
        }
    }
}
