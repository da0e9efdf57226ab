private import Bytes

/// Percent-encoding (RFC 3986 §2.1) of the one path segment and the one query value that the Invoke APIs have.
enum PercentCoding {
    /// The text, or `nil` where a percent sign is not followed by two digits or the bytes are no UTF-8.
    static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == ASCII.percent else {
                bytes.append(byte)
                continue
            }
            guard let first = rest.popFirst(), let second = rest.popFirst(), let high = ASCII.hexValue(first),
                let low = ASCII.hexValue(second)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
