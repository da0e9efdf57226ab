package import Bytes

/// Base64 with the alphabet of RFC 4648 §4.
package enum Base64 {
    /// How many characters `count` bytes become.
    package static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// What each character stands for; 255 for what is none of the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in Self.alphabet.utf8Codes.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    fileprivate static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// Appends what the text stands for. Padding may be left out, as some encoders do; anything else than the alphabet
    /// is refused, and then nothing is appended.
    package static func decode(_ text: Span<UInt8>, into buffer: inout ByteBuffer) -> Bool {
        var count = text.count
        while count > 0, text.count - count < 2, text[count - 1] == ASCII.equals { count -= 1 }
        guard count % 4 != 1, text.count == count || text.count % 4 == 0 else { return false }
        let start = buffer.count
        buffer.reserve(count / 4 * 3 + 2)
        let values = Self.values
        var index = 0
        var group: UInt32 = 0
        while index < count {
            let value = values[Int(text[index])]
            guard value < 64 else {
                buffer.truncate(to: start)
                return false
            }
            group = group << 6 | UInt32(value)
            index += 1
            if index % 4 == 0 {
                buffer.append(UInt8(truncatingIfNeeded: group >> 16))
                buffer.append(UInt8(truncatingIfNeeded: group >> 8))
                buffer.append(UInt8(truncatingIfNeeded: group))
            }
        }
        switch count % 4 {
        case 2: buffer.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3:
            buffer.append(UInt8(truncatingIfNeeded: group >> 10))
            buffer.append(UInt8(truncatingIfNeeded: group >> 2))
        default: break
        }
        return true
    }
}

extension ByteBuffer {
    /// Appends bytes as base64 with padding.
    package mutating func append(base64: Span<UInt8>) {
        let size = Base64.encodedCount(base64.count)
        if size == 0 { return }
        // SAFETY: `size` bytes are reserved and exactly those are written; the alphabet has a character for each value
        // of six bits; the source is read below its count.
        unsafe self.appendUnsafely(reserving: size) { target in
            unsafe base64.withUnsafeBytes { source in
                let alphabet = unsafe Base64.alphabet.utf8Start
                var output = 0
                var input = 0
                while input + 2 < source.count {
                    let group =
                        unsafe UInt32(source[input]) << 16 | UInt32(source[input + 1]) << 8 | UInt32(source[input + 2])
                    unsafe target[output] = alphabet[Int(group >> 18)]
                    unsafe target[output + 1] = alphabet[Int(group >> 12 & 63)]
                    unsafe target[output + 2] = alphabet[Int(group >> 6 & 63)]
                    unsafe target[output + 3] = alphabet[Int(group & 63)]
                    input += 3
                    output += 4
                }
                let rest = source.count - input
                if rest > 0 {
                    let second = unsafe rest == 2 ? source[input + 1] : 0
                    let group = unsafe UInt32(source[input]) << 16 | UInt32(second) << 8
                    unsafe target[output] = alphabet[Int(group >> 18)]
                    unsafe target[output + 1] = alphabet[Int(group >> 12 & 63)]
                    unsafe target[output + 2] = rest == 2 ? alphabet[Int(group >> 6 & 63)] : ASCII.equals
                    unsafe target[output + 3] = ASCII.equals
                }
            }
            return size
        }
    }
}

extension StaticString {
    fileprivate var utf8Codes: [UInt8] { self.withUTF8Buffer { unsafe Array($0) } }
}
