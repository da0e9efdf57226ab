private import Bytes

extension Fields {
    /// Whether the bytes are a field name: a token (RFC 9110 §5.1).
    package static func isName(_ bytes: Span<UInt8>) -> Bool {
        bytes.count > 0 && bytes.endOfToken(from: 0, to: bytes.count) == bytes.count
    }

    /// Whether the bytes can be written as a field value: no control byte but HTAB (RFC 9110 §5.5), no white space at
    /// either end. It is what HTTP/2 asks of those that it carries (RFC 9113 §8.2.1).
    package static func isValue(_ bytes: Span<UInt8>) -> Bool {
        bytes.endOfFieldValue(from: 0, to: bytes.count) == bytes.count && bytes.trimmed.count == bytes.count
    }
}
