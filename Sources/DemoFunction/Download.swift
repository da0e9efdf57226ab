import Bytes

/// A large body, written as fast as the reader takes it.
///
/// The body consists of lines of 64 bytes, each beginning with its own offset in 16 hexadecimal digits, so that a
/// reader can tell a lost, doubled or displaced byte from a right one.
enum Download {
    static let defaultBytes = 256 * 1024 * 1024
    private static let limit = 1 << 40
    private static let lineBytes = 64
    private static let blockBytes = 64 * 1024

    /// Sends `?bytes=` bytes, or 256 MiB.
    static func stream(to invocation: Invocation, over connection: inout RuntimeConnection) throws(RuntimeFailure) {
        let total = min(max(invocation.number("bytes") ?? self.defaultBytes, 0), self.limit)
        connection.beginStream(
            to: invocation,
            prelude: """
                {"statusCode":200,"headers":{"content-type":"application/octet-stream","content-length":"\(total)",\
                "content-disposition":"attachment; filename=\\"sluice.bin\\""}}
                """)
        var block = self.pattern()
        var offset = 0
        while offset < total {
            self.stamp(&block, from: offset)
            let count = min(self.blockBytes, total - offset)
            try connection.send(block.span.extracting(first: count))
            offset += count
        }
        // The prelude goes out with the first piece, and an empty body has none.
        if total == 0 { try connection.send(Span()) }
        try connection.endStream()
    }

    /// One block of lines whose offsets are not written yet.
    private static func pattern() -> [UInt8] {
        let line = Array("0000000000000000 every byte in the moment in which it arrives.\n\n".utf8)
        precondition(line.count == self.lineBytes)
        return (0..<self.blockBytes / self.lineBytes).flatMap { _ in line }
    }

    private static func stamp(_ block: inout [UInt8], from offset: Int) {
        for start in stride(from: 0, to: block.count, by: self.lineBytes) {
            var rest = UInt64(offset + start)
            for digit in stride(from: start + 15, through: start, by: -1) {
                block[digit] = ASCII.lowerHexDigit(UInt8(rest & 0xf))
                rest >>= 4
            }
        }
    }
}
