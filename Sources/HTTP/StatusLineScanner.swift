private import Bytes

/// Reads a status line: version, space, three digits, and a reason phrase that nobody needs (RFC 9112 §4).
///
/// It works on a span that begins with the line's first byte, and goes on where it stopped when it is given a longer
/// one. A missing space in front of an empty phrase is let pass, as many servers leave it out.
struct StatusLineScanner {
    /// The next byte to look at; behind the line's end once that was found.
    private(set) var position = 0
    private(set) var status = 0
    /// Whether the answer is of HTTP/1.0.
    private(set) var isHTTP10 = false
    private var hasCarriageReturn = false

    /// Goes on at `position`. Answers whether the line is complete; if not, all bytes have been looked at.
    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(ResponseFault) -> Bool {
        if self.position == 0, self.scanWhole(bytes, limits: limits) { return true }
        while self.position < bytes.count {
            let byte = bytes[self.position]
            if self.position < 12 {
                try self.scanStart(byte)
            } else if self.hasCarriageReturn {
                guard byte == ASCII.lineFeed else {
                    throw ResponseFault(.message(.bareCarriageReturn(in: .statusLine)))
                }
                self.position += 1
                return true
            } else if byte == ASCII.carriageReturn {
                self.hasCarriageReturn = true
            } else if byte == ASCII.lineFeed {
                throw ResponseFault(.message(.bareLineFeed(in: .statusLine)))
            } else if self.position == 12 && byte != ASCII.space {
                throw ResponseFault(.statusLineMalformed)
            } else if self.position >= limits.requestLine {
                throw ResponseFault(.statusLineTooLong(limit: limits.requestLine))
            } else if !ByteClass.isFieldValue(byte) {
                throw ResponseFault(.message(.invalidByte(byte, in: .statusLine)))
            }
            self.position += 1
        }
        return false
    }

    /// Reads a whole and faultless line of HTTP/1.1 at one go, and otherwise nothing.
    ///
    /// PERF: byte by byte the usual line took 520 instructions.
    @inline(__always)
    private mutating func scanWhole(_ bytes: Span<UInt8>, limits: HeadLimits) -> Bool {
        guard bytes.count > 13, limits.requestLine > 13, bytes.extracting(0..<9).equals("HTTP/1.1 ") else {
            return false
        }
        // SAFETY: the count is above 13, and below `end` is what was found to be.
        let hundreds = unsafe bytes[unchecked: 9] &- ASCII.zero
        let tens = unsafe bytes[unchecked: 10] &- ASCII.zero
        let ones = unsafe bytes[unchecked: 11] &- ASCII.zero
        guard hundreds &- 1 < 5, tens < 10, ones < 10, unsafe bytes[unchecked: 12] == ASCII.space else { return false }
        let end = bytes.endOfFieldValue(from: 13, to: min(bytes.count, limits.requestLine))
        guard end + 1 < bytes.count, unsafe bytes[unchecked: end] == ASCII.carriageReturn,
            unsafe bytes[unchecked: end + 1] == ASCII.lineFeed
        else { return false }
        self.status = Int(hundreds) * 100 + Int(tens) * 10 + Int(ones)
        self.position = end + 2
        return true
    }

    /// `HTTP/1.1 200`, byte by byte.
    private mutating func scanStart(_ byte: UInt8) throws(ResponseFault) {
        switch self.position {
        case 7:
            guard byte == UInt8(ascii: "1") || byte == UInt8(ascii: "0") else {
                throw ResponseFault(.statusLineMalformed)
            }
            self.isHTTP10 = byte == UInt8(ascii: "0")
        case 9, 10, 11:
            guard ASCII.isDigit(byte) else { throw ResponseFault(.statusLineMalformed) }
            self.status = self.status * 10 + Int(byte - ASCII.zero)
            // RFC 9110 §15: values outside the range 100..599 are invalid.
            if self.position == 11, !(100...599).contains(self.status) { throw ResponseFault(.statusLineMalformed) }
        default:
            guard "HTTP/1.1 ".utf8.span[self.position] == byte else { throw ResponseFault(.statusLineMalformed) }
        }
    }
}
