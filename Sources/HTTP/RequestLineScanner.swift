private import Bytes

/// Reads a request line: method, one space, target, one space, version, CRLF (RFC 9112 §3).
///
/// It works on a span that begins with the line's first byte, and goes on where it stopped when it is given a longer
/// one. RFC 9112 §3.2 would let a server accept other white space; that is not done.
struct RequestLineScanner {
    /// The next byte to look at; behind the line's end once that was found.
    private(set) var position = 0
    private(set) var method = 0..<0
    private(set) var target = 0..<0
    /// Known when the line is complete.
    private(set) var version = HTTPVersion.http11
    private var phase = Phase.method

    private enum Phase {
        case method
        case target
        case version
    }

    /// ` HTTP/1.1` behind the target.
    private static let versionBytes = 9
    /// Longer than any method that was ever registered.
    private static let longestMethod = 64

    /// Goes on at `position`. Answers whether the line is complete; if not, all bytes have been looked at.
    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(RequestFault) -> Bool {
        if self.phase == .method {
            guard try self.scanMethod(bytes) else { return false }
        }
        if self.phase == .target {
            guard try self.scanTarget(bytes, limit: limits.requestLine) else { return false }
        }
        return try self.scanVersion(bytes)
    }

    private mutating func scanMethod(_ bytes: Span<UInt8>) throws(RequestFault) -> Bool {
        var position = self.position
        let end = min(bytes.count, Self.longestMethod)
        // SAFETY: position < end, which is at most the count.
        while unsafe position < end && ByteClass.isToken(bytes[unchecked: position]) { position += 1 }
        self.position = position
        guard position < bytes.count else { return false }
        let byte = bytes[position]
        guard byte == ASCII.space, position > 0 else {
            if position == Self.longestMethod, ByteClass.isToken(byte) { throw RequestFault(.methodTooLong) }
            throw Self.fault(byte)
        }
        self.method = 0..<position
        self.target = position + 1..<position + 1
        self.position = position + 1
        self.phase = .target
        return true
    }

    private mutating func scanTarget(_ bytes: Span<UInt8>, limit: Int) throws(RequestFault) -> Bool {
        var position = self.position
        let longest = max(limit - Self.versionBytes, self.target.lowerBound)
        let end = min(bytes.count, longest)
        position = bytes.endOfVisible(from: position, to: end)
        self.position = position
        guard position < bytes.count else { return false }
        let byte = bytes[position]
        guard byte == ASCII.space, position > self.target.lowerBound else {
            if position == longest, byte &- 0x21 < 0x5e { throw RequestFault(.requestLineTooLong(limit: limit)) }
            if byte == ASCII.carriageReturn || byte == ASCII.lineFeed { throw RequestFault(.missingVersion) }
            throw Self.fault(byte)
        }
        self.target = self.target.lowerBound..<position
        self.position = position + 1
        self.phase = .version
        return true
    }

    /// RFC 9112 §2.3: HTTP-version = "HTTP" "/" DIGIT "." DIGIT, case-sensitive.
    private mutating func scanVersion(_ bytes: Span<UInt8>) throws(RequestFault) -> Bool {
        let start = self.target.upperBound + 1
        if bytes.count - start >= 10, bytes.extracting(start..<start + 10).equals("HTTP/1.1\r\n") {
            self.position = start + 10
            return true
        }
        while self.position < bytes.count {
            let byte = bytes[self.position]
            switch self.position - start {
            case 0, 1, 2, 3, 4:
                guard "HTTP/".utf8.span[self.position - start] == byte else { throw RequestFault(.versionMalformed) }
            case 5, 7:
                guard ASCII.isDigit(byte) else { throw RequestFault(.versionMalformed) }
            case 6:
                guard byte == ASCII.dot else { throw RequestFault(.versionMalformed) }
            case 8:
                if byte == ASCII.lineFeed { throw RequestFault(.message(.bareLineFeed(in: .requestLine))) }
                guard byte == ASCII.carriageReturn else { throw RequestFault(.versionMalformed) }
            default:
                guard byte == ASCII.lineFeed else {
                    throw RequestFault(.message(.bareCarriageReturn(in: .requestLine)))
                }
                self.position += 1
                self.version = try Self.version(major: bytes[start + 5], minor: bytes[start + 7])
                return true
            }
            self.position += 1
        }
        return false
    }

    private static func version(major: UInt8, minor: UInt8) throws(RequestFault) -> HTTPVersion {
        guard major == UInt8(ascii: "1"), minor <= UInt8(ascii: "1") else { throw RequestFault(.versionUnsupported) }
        return minor == UInt8(ascii: "1") ? .http11 : .http10
    }

    private static func fault(_ byte: UInt8) -> RequestFault {
        switch byte {
        case ASCII.lineFeed: RequestFault(.message(.bareLineFeed(in: .requestLine)))
        default: RequestFault(.message(.invalidByte(byte, in: .requestLine)))
        }
    }
}
