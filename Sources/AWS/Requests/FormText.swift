private import Bytes

/// A body of `application/x-www-form-urlencoded`, as the query protocol of AWS wants it.
enum FormText {
    /// Names and values in order, percent-encoded.
    static func text(_ pairs: [(name: String, value: String)]) -> String {
        pairs.map { "\(self.encoded($0.name))=\(self.encoded($0.value))" }.joined(separator: "&")
    }

    /// A text with everything encoded that is not unreserved (RFC 3986 §2.3).
    static func encoded(_ text: String) -> String {
        var buffer = ByteBuffer()
        for byte in text.utf8 {
            if ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-._~".utf8.contains(byte) {
                buffer.append(byte)
            } else {
                buffer.append(ASCII.percent)
                for digit in [byte >> 4, byte & 15] {
                    buffer.append(digit < 10 ? ASCII.zero + digit : UInt8(ascii: "A") + digit - 10)
                }
            }
        }
        return buffer.string()
    }
}
