private import Bytes

/// Writes the few forms of ASN.1's distinguished encoding (X.690 §8, §10) in which libcrypto takes keys and signatures.
enum DER {
    /// A SEQUENCE of what has been encoded.
    static func sequence(_ parts: [UInt8]...) -> [UInt8] {
        Self.value(0x30, parts.flatMap { $0 })
    }

    /// A BIT STRING of whole bytes.
    static func bitString(_ bytes: [UInt8]) -> [UInt8] {
        Self.value(0x03, [0] + bytes)
    }

    /// A number that is not negative, given with its most significant byte first.
    static func integer(_ bytes: Span<UInt8>) -> [UInt8] {
        var start = 0
        while start + 1 < bytes.count, bytes[start] == 0 { start += 1 }
        let sign: [UInt8] = bytes.isEmpty || bytes[start] >= 0x80 ? [0] : []
        return Self.value(0x02, sign + bytes.extracting(start...).array())
    }

    private static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        if count < 0x80 { return [tag, UInt8(count)] + content }
        if count < 0x100 { return [tag, 0x81, UInt8(count)] + content }
        // Nothing that is written here is longer than what two bytes count.
        return [tag, 0x82, UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)] + content
    }
}
