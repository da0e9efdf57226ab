extension ASCII {
    /// Whether the byte is unreserved (RFC 3986 §2.3), so that encoding it changes nothing: a letter, a digit, `-`,
    /// `.`, `_` or `~`.
    @inlinable
    package static func isUnreserved(_ byte: UInt8) -> Bool {
        if Self.isLetter(byte) || Self.isDigit(byte) { return true }
        return byte == Self.minus || byte == Self.dot || byte == Self.underscore || byte == UInt8(ascii: "~")
    }
}

extension ByteBuffer {
    /// Appends bytes with all but RFC 3986's unreserved characters as `%XX`, and slashes where they are not to be kept.
    @inlinable
    package mutating func append(percentEncoding bytes: Span<UInt8>, keepingSlashes: Bool = false) {
        for index in bytes.indices {
            let byte = bytes[index]
            if ASCII.isUnreserved(byte) || (keepingSlashes && byte == ASCII.slash) {
                self.append(byte)
            } else {
                self.append(ASCII.percent)
                self.append(ASCII.upperHexDigit(byte >> 4))
                self.append(ASCII.upperHexDigit(byte & 15))
            }
        }
    }
}

extension String {
    /// The text with all but RFC 3986's unreserved characters as `%XX`.
    package var percentEncoded: String {
        var buffer = ByteBuffer()
        buffer.append(percentEncoding: self.utf8.span)
        return buffer.string()
    }
}
