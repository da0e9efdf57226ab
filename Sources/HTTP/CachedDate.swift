package import Bytes
package import Time

/// The Date field line, rebuilt only when the second changes (RFC 9110 §6.6.1). One for each loop.
package struct CachedDate: ~Copyable {
    private var line = ByteBuffer()
    private var second = Int64.min

    package init() {}

    /// Appends `date: Sun, 06 Nov 1994 08:49:37 GMT` and CRLF.
    package mutating func append(to buffer: inout ByteBuffer, at time: WallTime) {
        self.refresh(at: time)
        buffer.append(self.line.bytes)
    }

    /// Lends `Sun, 06 Nov 1994 08:49:37 GMT`.
    package mutating func withValue<Result>(at time: WallTime, _ body: (Span<UInt8>) -> Result) -> Result {
        self.refresh(at: time)
        return self.line.withBytes { body($0.extracting(6..<$0.count - 2)) }
    }

    private mutating func refresh(at time: WallTime) {
        guard time.seconds != self.second else { return }
        self.second = time.seconds
        self.line.removeAll()
        self.line.append("date: ")
        self.line.append(imfFixdate: time.calendar)
        self.line.append("\r\n")
    }
}
