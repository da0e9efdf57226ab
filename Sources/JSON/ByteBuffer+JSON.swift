package import Bytes

/// Writing strings.
extension ByteBuffer {
    /// Appends text of any origin as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
    package mutating func append(jsonString text: Span<UInt8>) {
        self.append(ASCII.quote)
        _ = self.append(escaping: text, replacing: true)
        self.append(ASCII.quote)
    }

    /// Appends text as a JSON string with its quotes.
    package mutating func append(jsonString text: String) {
        self.append(jsonString: text.utf8.span)
    }

    /// Appends text as a JSON string has it between its quotes; bytes that are no UTF-8 become U+FFFD.
    package mutating func append(jsonEscaping text: Span<UInt8>) {
        _ = self.append(escaping: text, replacing: true)
    }

    /// Appends text as a JSON string with its quotes if all of it is UTF-8, and nothing at all if not.
    package mutating func appendIfUTF8(jsonString text: Span<UInt8>) -> Bool {
        let start = self.count
        self.append(ASCII.quote)
        guard self.append(escaping: text, replacing: false) else {
            self.truncate(to: start)
            return false
        }
        self.append(ASCII.quote)
        return true
    }

    private mutating func append(escaping text: Span<UInt8>, replacing: Bool) -> Bool {
        var index = 0
        while index < text.count {
            // What needs no escape goes out as a run.
            index = self.append(plainPrefixOf: text, from: index)
            guard index < text.count else { return true }
            let byte = text[index]
            if byte < 0x80 {
                self.append(escapeFor: byte)
                index += 1
                continue
            }
            let length = text.utf8SequenceLength(at: index)
            if length > 0 {
                self.append(text.extracting(index..<index + length))
                index += length
            } else if replacing {
                self.append("\u{FFFD}")
                index += 1
            } else {
                return false
            }
        }
        return true
    }

    /// Appends bytes from `start` on until one needs care, and answers where that is.
    @inline(__always)
    private mutating func append(plainPrefixOf text: Span<UInt8>, from start: Int) -> Int {
        var index = start
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        unsafe self.appendUnsafely(reserving: text.count - start) { target in
            unsafe text.withUnsafeBytes { source in
                while index + 8 <= source.count {
                    // PERF: eight bytes at a time; a top bit remains where a byte is below 0x20, above 0x7f, `"` or `\`.
                    let word = unsafe source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    let quotes = word ^ (ones &* UInt64(ASCII.quote))
                    let slashes = word ^ (ones &* UInt64(ASCII.backslash))
                    let odd = (word &- ones &* 0x20) | (quotes &- ones) | (slashes &- ones) | word
                    if odd & tops != 0 { break }
                    unsafe target.storeBytes(of: word, toByteOffset: index - start, as: UInt64.self)
                    index += 8
                }
                while index < source.count {
                    let byte = unsafe source[index]
                    if byte &- 0x20 >= 0x60 || byte == ASCII.quote || byte == ASCII.backslash { break }
                    unsafe target[index - start] = byte
                    index += 1
                }
            }
            return index - start
        }
        return index
    }

    private mutating func append(escapeFor byte: UInt8) {
        self.append(ASCII.backslash)
        switch byte {
        case ASCII.quote, ASCII.backslash: self.append(byte)
        case 8: self.append(UInt8(ascii: "b"))
        case 9: self.append(UInt8(ascii: "t"))
        case 10: self.append(UInt8(ascii: "n"))
        case 12: self.append(UInt8(ascii: "f"))
        case 13: self.append(UInt8(ascii: "r"))
        default:
            self.append("u00")
            self.append(ASCII.lowerHexDigit(byte >> 4))
            self.append(ASCII.lowerHexDigit(byte & 0xf))
        }
    }
}

/// Reading strings.
extension ByteBuffer {
    /// Appends what a string means that `JSONReader` has checked, given without its quotes. A surrogate without its
    /// partner becomes U+FFFD (RFC 8259 §8.2 leaves open what it means).
    package mutating func append(unescaping source: Span<UInt8>) {
        self.reserve(source.count)
        var index = 0
        while index < source.count {
            let run = source.firstIndex(of: ASCII.backslash, from: index) ?? source.count
            self.append(source.extracting(index..<run))
            guard run + 1 < source.count else { return }
            index = run + 2
            switch source[run + 1] {
            case UInt8(ascii: "b"): self.append(8)
            case UInt8(ascii: "f"): self.append(12)
            case UInt8(ascii: "n"): self.append(10)
            case UInt8(ascii: "r"): self.append(13)
            case UInt8(ascii: "t"): self.append(9)
            case UInt8(ascii: "u"):
                let unit = source.hexadecimalUnit(at: index)
                index += 4
                if unit & 0xfc00 == 0xd800, index + 6 <= source.count, source[index] == ASCII.backslash,
                    source[index + 1] == UInt8(ascii: "u"), source.hexadecimalUnit(at: index + 2) & 0xfc00 == 0xdc00
                {
                    let low = source.hexadecimalUnit(at: index + 2)
                    index += 6
                    self.append(scalar: 0x10000 + ((unit & 0x3ff) << 10 | low & 0x3ff))
                } else {
                    self.append(scalar: unit & 0xf800 == 0xd800 ? 0xfffd : unit)
                }
            case let byte: self.append(byte)
            }
        }
    }

    private mutating func append(scalar value: UInt32) {
        if value < 0x80 {
            self.append(UInt8(truncatingIfNeeded: value))
            return
        }
        if value < 0x800 {
            self.append(0xc0 | UInt8(truncatingIfNeeded: value >> 6))
        } else {
            if value < 0x10000 {
                self.append(0xe0 | UInt8(truncatingIfNeeded: value >> 12))
            } else {
                self.append(0xf0 | UInt8(truncatingIfNeeded: value >> 18))
                self.append(0x80 | UInt8(truncatingIfNeeded: value >> 12 & 0x3f))
            }
            self.append(0x80 | UInt8(truncatingIfNeeded: value >> 6 & 0x3f))
        }
        self.append(0x80 | UInt8(truncatingIfNeeded: value & 0x3f))
    }
}

extension Span where Element == UInt8 {
    fileprivate func hexadecimalUnit(at index: Int) -> UInt32 {
        guard index + 4 <= self.count else { return 0xfffd }
        var unit: UInt32 = 0
        for offset in 0..<4 { unit = unit << 4 | UInt32(ASCII.hexValue(self[index + offset]) ?? 0) }
        return unit
    }
}
