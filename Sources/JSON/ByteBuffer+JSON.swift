package import Bytes

/// Writing strings.
extension ByteBuffer {
    /// Appends text of any origin as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
    package mutating func append(jsonString text: Span<UInt8>) {
        if self.appendIfPlain(text, quoteCount: 1) { return }
        self.append(ASCII.quote)
        _ = self.append(escaping: text, replacing: true)
        self.append(ASCII.quote)
    }

    /// Appends text as a JSON string with its quotes.
    package mutating func append(jsonString text: String) {
        // PERF: lending the storage costs a quarter of what asking for a span does, for short strings.
        let isDone: Void? = unsafe text.utf8.withContiguousStorageIfAvailable {
            // SAFETY: the span does not leave the closure.
            self.append(jsonString: unsafe Span(_unsafeElements: $0))
        }
        if isDone == nil { self.append(jsonString: text.utf8.span) }
    }

    /// Appends text as a JSON string with its quotes.
    package mutating func append(jsonString text: borrowing ShortText) {
        self.append(jsonString: text.bytes)
    }

    /// Appends text as a JSON string has it between its quotes; bytes that are no UTF-8 become U+FFFD.
    package mutating func append(jsonEscaping text: Span<UInt8>) {
        if self.appendIfPlain(text, quoteCount: 0) { return }
        _ = self.append(escaping: text, replacing: true)
    }

    /// Appends text as a JSON string with its quotes if all of it is UTF-8, and nothing at all if not.
    package mutating func appendIfUTF8(jsonString text: Span<UInt8>) -> Bool {
        if self.appendIfPlain(text, quoteCount: 1) { return true }
        let start = self.count
        self.append(ASCII.quote)
        guard self.append(escaping: text, replacing: false) else {
            self.truncate(to: start)
            return false
        }
        self.append(ASCII.quote)
        return true
    }

    /// Appends a comma and a member: `,"key":"text"`.
    ///
    /// PERF: for the headers of an event; one look at the room that is left instead of seven.
    package mutating func append(jsonMember key: Span<UInt8>, _ text: Span<UInt8>) {
        var isPlain = false
        unsafe self.appendUnsafely(reserving: key.count &+ text.count &+ 6) { room in
            // SAFETY: the two copies write as many bytes as they are given, and six are reserved besides.
            let target = unsafe room.baseAddress.unsafelyUnwrapped
            let middle = unsafe target + (key.count &+ 2)
            unsafe target.storeBytes(of: UInt16(0x222c).littleEndian, as: UInt16.self)
            isPlain = unsafe key.copyIfPlain(to: target + 2)
            unsafe middle.storeBytes(of: UInt16(0x3a22).littleEndian, as: UInt16.self)
            unsafe middle.storeBytes(of: ASCII.quote, toByteOffset: 2, as: UInt8.self)
            isPlain = unsafe text.copyIfPlain(to: middle + 3) && isPlain
            unsafe middle.storeBytes(of: ASCII.quote, toByteOffset: 3 &+ text.count, as: UInt8.self)
            return isPlain ? key.count &+ text.count &+ 6 : 0
        }
        if isPlain { return }
        self.append(ASCII.comma)
        self.append(jsonString: key)
        self.append(ASCII.colon)
        self.append(jsonString: text)
    }

    /// Appends text, with as many quotes at either end, if none of it needs an escape or is anything but ASCII; nothing
    /// at all if not.
    private mutating func appendIfPlain(_ text: Span<UInt8>, quoteCount: Int) -> Bool {
        let count = text.count
        var isPlain = true
        unsafe self.appendUnsafely(reserving: count &+ 2) { room in
            // SAFETY: the copy writes `count` bytes, and two are reserved besides.
            let target = unsafe room.baseAddress.unsafelyUnwrapped + quoteCount
            isPlain = unsafe text.copyIfPlain(to: target)
            if quoteCount > 0 {
                unsafe room.baseAddress.unsafelyUnwrapped.storeBytes(of: ASCII.quote, as: UInt8.self)
                unsafe target.storeBytes(of: ASCII.quote, toByteOffset: count, as: UInt8.self)
            }
            return isPlain ? count &+ quoteCount &* 2 : 0
        }
        return isPlain
    }

    /// Escapes in slices, so that room for the worst case is needed for one slice and not for megabytes.
    private mutating func append(escaping text: Span<UInt8>, replacing: Bool) -> Bool {
        var index = 0
        while index < text.count {
            let end = min(index + 4096, text.count)
            var isValid = true
            // A byte becomes six at most, and a sequence may reach three bytes beyond the slice.
            unsafe self.appendUnsafely(reserving: (end - index + 3) * 6) { target in
                unsafe text.withUnsafeBufferPointer { source in
                    // SAFETY: reads stay below the count of the source, writes below what is reserved.
                    var escaper = unsafe JSONEscaper(
                        source: source.baseAddress.unsafelyUnwrapped, count: source.count,
                        target: target.baseAddress.unsafelyUnwrapped)
                    isValid = unsafe escaper.escape(from: index, to: end, replacing: replacing)
                    index = unsafe escaper.index
                    return unsafe escaper.written
                }
            }
            guard isValid else { return false }
        }
        return true
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
