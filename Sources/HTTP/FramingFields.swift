private import Bytes

/// What the fields of a head say about the message's frame and its connection, noted line by line as they are read.
///
/// A second Content-Length or Transfer-Encoding is a fault even where it repeats the first, as is any value that two
/// readers could take differently: that is what request smuggling is made of (RFC 9112 §11.2).
struct FramingFields {
    /// The value of Content-Length, or -1 without one.
    private(set) var contentLength = -1
    /// Whether there is a Transfer-Encoding, which then is `chunked`.
    private(set) var isChunked = false
    /// Whether Connection has `close`.
    private(set) var closes = false
    /// Whether Connection has `keep-alive`.
    private(set) var keepsAlive = false
    /// The line on which Host stands, or -1.
    private(set) var hostLine = -1
    /// Whether Host stands on more than one line.
    private(set) var repeatsHost = false
    /// Whether Expect is `100-continue`.
    private(set) var expectsContinue = false
    /// Whether Expect is something else.
    private(set) var expectsOther = false

    /// Whether a name of this length and with this first byte can be one that matters. Most lines are dismissed by it.
    @inline(__always)
    static func mayMatter(nameCount: Int, first: UInt8) -> Bool {
        let expected: UInt8 =
            switch nameCount {
            case 4: UInt8(ascii: "h")
            case 6: UInt8(ascii: "e")
            case 10, 14: UInt8(ascii: "c")
            case 17: UInt8(ascii: "t")
            default: 0
            }
        return first | 0x20 == expected
    }

    /// Takes notice of one line.
    mutating func note(name: Span<UInt8>, value: Span<UInt8>, line: Int) throws(MessageFault) {
        switch name.count {
        case 4 where name.equalsIgnoringCase("host"):
            if self.hostLine >= 0 { self.repeatsHost = true }
            self.hostLine = line
        case 6 where name.equalsIgnoringCase("expect"):
            // RFC 9110 §10.1.1: The Expect field value is case-insensitive.
            if value.equalsIgnoringCase("100-continue") {
                self.expectsContinue = true
            } else {
                self.expectsOther = true
            }
        case 10 where name.equalsIgnoringCase("connection"):
            self.noteConnection(value)
        case 14 where name.equalsIgnoringCase("content-length"):
            guard self.contentLength < 0 else { throw .contentLengthRepeated }
            guard let length = value.decimal(digits: Fields.contentLengthDigits) else { throw .contentLengthInvalid }
            self.contentLength = length
            if self.isChunked { throw .transferEncodingWithContentLength }
        case 17 where name.equalsIgnoringCase("transfer-encoding"):
            if self.isChunked { throw .transferEncodingRepeated }
            // RFC 9112 §7: All transfer-coding names are case-insensitive.
            guard value.equalsIgnoringCase("chunked") else { throw .transferEncodingUnsupported }
            self.isChunked = true
            if self.contentLength >= 0 { throw .transferEncodingWithContentLength }
        default:
            break
        }
    }

    /// Reads the members of a Connection field (RFC 9112 §9.6).
    private mutating func noteConnection(_ value: Span<UInt8>) {
        // What nearly every client sends.
        if value.equalsIgnoringCase("keep-alive") {
            self.keepsAlive = true
            return
        }
        var start = 0
        while let member = value.nextListMember(from: &start) {
            if member.equalsIgnoringCase("close") { self.closes = true }
            if member.equalsIgnoringCase("keep-alive") { self.keepsAlive = true }
        }
    }
}

extension Span where Element == UInt8 {
    /// The next member of a comma-separated list, white space around it left out, or `nil` at its end. Empty members
    /// are skipped (RFC 9110 §5.6.1.2).
    @_lifetime(copy self)
    func nextListMember(from start: inout Int) -> Span<UInt8>? {
        while start < self.count {
            let end = self.firstIndex(of: ASCII.comma, from: start) ?? self.count
            let member = self.extracting(start..<end).trimmed
            start = end + 1
            if member.count > 0 { return member }
        }
        return nil
    }
}
