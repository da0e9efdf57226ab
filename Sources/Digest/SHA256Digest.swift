package import Bytes

/// The 32 bytes that SHA-256 makes of a message.
package struct SHA256Digest: Sendable {
    fileprivate let storage: InlineArray<32, UInt8>

    init(_ storage: InlineArray<32, UInt8>) {
        self.storage = storage
    }

    /// The digest that 64 hexadecimal digits spell.
    package init?(hexadecimal digits: Span<UInt8>) {
        guard digits.count == 64 else { return nil }
        var storage = InlineArray<32, UInt8>(repeating: 0)
        for index in 0..<32 {
            guard let high = ASCII.hexValue(digits[index * 2]), let low = ASCII.hexValue(digits[index * 2 + 1]) else {
                return nil
            }
            storage[index] = high << 4 | low
        }
        self.storage = storage
    }

    /// The 32 bytes.
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.storage.span }
    }
}

extension SHA256Digest: Hashable {
    /// Compares all bytes, however early two of them differ, so that the time tells nothing of a secret.
    package static func == (left: SHA256Digest, right: SHA256Digest) -> Bool {
        var difference: UInt8 = 0
        for index in 0..<32 { difference |= left.storage[index] ^ right.storage[index] }
        return difference == 0
    }

    package func hash(into hasher: inout Hasher) {
        for index in 0..<32 { hasher.combine(self.storage[index]) }
    }
}

extension SHA256Digest: CustomStringConvertible {
    /// 64 hexadecimal digits.
    package var description: String {
        var buffer = ByteBuffer()
        buffer.append(hexadecimalOf: self)
        return buffer.string()
    }
}

extension ByteBuffer {
    /// Appends the 64 hexadecimal digits of a digest.
    package mutating func append(hexadecimalOf digest: SHA256Digest) {
        self.append(hexadecimalOf: digest.storage.span)
    }
}
