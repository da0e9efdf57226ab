internal import Bytes

/// Writes bytes as they stand in a JSON string, into room that is known to suffice.
///
/// Words of eight bytes that need no escape are copied as words.
@unsafe
struct JSONEscaper {
    // SAFETY: `source` has `count` bytes; `target` has room for six times as many as are escaped.
    private let source: UnsafePointer<UInt8>
    private let count: Int
    private let target: UnsafeMutableRawPointer
    /// How far the source has been read.
    private(set) var index = 0
    /// How much has been written.
    private(set) var written = 0

    @inline(__always)
    init(source: UnsafePointer<UInt8>, count: Int, target: UnsafeMutableRawPointer) {
        unsafe self.source = source
        unsafe self.count = count
        unsafe self.target = target
    }

    /// Escapes from `start` on, to `end` or to the end of the sequence that reaches over it. Answers `false` at the
    /// first byte that is no UTF-8, unless those are replaced.
    mutating func escape(from start: Int, to end: Int, replacing: Bool) -> Bool {
        unsafe self.index = start
        while unsafe self.index + 8 <= end {
            let word = unsafe UnsafeRawPointer(self.source + self.index).loadUnaligned(as: UInt64.self)
            if word.careBits == 0 {
                unsafe (self.target + self.written).storeBytes(of: word, as: UInt64.self)
                unsafe self.index += 8
                unsafe self.written += 8
            } else {
                guard unsafe self.escapeEach(to: self.index + 8, replacing: replacing) else { return false }
            }
        }
        return unsafe self.escapeEach(to: end, replacing: replacing)
    }

    private mutating func escapeEach(to end: Int, replacing: Bool) -> Bool {
        while unsafe self.index < end {
            let byte = unsafe self.source[self.index]
            if byte >= 0x80 {
                let text = unsafe Span<UInt8>(_unsafeStart: self.source, count: self.count)
                let length = unsafe text.utf8SequenceLength(at: self.index)
                if length > 0 {
                    for _ in 0..<length {
                        unsafe self.write(self.source[self.index])
                        unsafe self.index += 1
                    }
                    continue
                }
                guard replacing else { return false }
                unsafe self.write(0xef)
                unsafe self.write(0xbf)
                unsafe self.write(0xbd)
            } else if byte >= 0x20, byte != ASCII.quote, byte != ASCII.backslash {
                unsafe self.write(byte)
            } else {
                unsafe self.writeEscape(for: byte)
            }
            unsafe self.index += 1
        }
        return true
    }

    private mutating func writeEscape(for byte: UInt8) {
        unsafe self.write(ASCII.backslash)
        switch byte {
        case ASCII.quote, ASCII.backslash: unsafe self.write(byte)
        case 8: unsafe self.write(UInt8(ascii: "b"))
        case 9: unsafe self.write(UInt8(ascii: "t"))
        case 10: unsafe self.write(UInt8(ascii: "n"))
        case 12: unsafe self.write(UInt8(ascii: "f"))
        case 13: unsafe self.write(UInt8(ascii: "r"))
        default:
            unsafe self.write(UInt8(ascii: "u"))
            unsafe self.write(ASCII.zero)
            unsafe self.write(ASCII.zero)
            unsafe self.write(ASCII.lowerHexDigit(byte >> 4))
            unsafe self.write(ASCII.lowerHexDigit(byte & 0xf))
        }
    }

    @inline(__always)
    private mutating func write(_ byte: UInt8) {
        unsafe self.target.storeBytes(of: byte, toByteOffset: self.written, as: UInt8.self)
        unsafe self.written += 1
    }
}
