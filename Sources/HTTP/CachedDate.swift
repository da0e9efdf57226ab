package import Bytes
package import Time

/// The Date field line, rebuilt only when the second changes (RFC 9110 §6.6.1). One for each loop.
package struct CachedDate: ~Copyable {
    private var line = ByteBuffer()
    private var second = Int64.min

    package init() {}

    /// Appends `date: Sun, 06 Nov 1994 08:49:37 GMT` and CRLF.
    package mutating func append(to buffer: inout ByteBuffer, at time: WallTime) {
        if time.seconds != self.second {
            self.second = time.seconds
            self.line.removeAll()
            self.line.append("date: ")
            self.line.append(imfFixdate: time.calendar)
            self.line.append("\r\n")
        }
        buffer.append(self.line.bytes)
    }
}
