private import Bytes

extension Fields {
    /// Whether the bytes are a field name: a token (RFC 9110 §5.1).
    package static func isName(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count > 0 else { return false }
        for index in bytes.indices where !ByteClass.isToken(bytes[index]) { return false }
        return true
    }

    /// Whether the bytes can be written as a field value: no control byte but HTAB (RFC 9110 §5.5), no white space at
    /// either end.
    package static func isValue(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices where !ByteClass.isFieldValue(bytes[index]) { return false }
        return bytes.trimmed.count == bytes.count
    }
}
