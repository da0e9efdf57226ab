private import Bytes
private import Lambda

/// Cuts what a child prints into lines, a line that is too long into pieces.
package struct LogLines: ~Copyable {
    /// Bytes of one line.
    private let limit: Int
    private var partial: [UInt8] = []

    package init(limit: Int = 16 * 1024) {
        self.limit = limit
    }

    /// Takes what was read, and hands out each line that is complete, without its end.
    package mutating func received(_ bytes: Span<UInt8>, _ body: (String) -> Void) {
        var start = 0
        while start < bytes.count {
            let newline = bytes.firstIndex(of: ASCII.lineFeed, from: start)
            let end = min(newline ?? bytes.count, start + self.limit - self.partial.count)
            let isWhole = end == newline
            for index in start..<end { self.partial.append(bytes[index]) }
            start = isWhole ? end + 1 : end
            if isWhole || self.partial.count == self.limit { self.finish(body) }
        }
    }

    /// The pipe has ended: hands out what was left without a line end.
    package mutating func ended(_ body: (String) -> Void) {
        if !self.partial.isEmpty { self.finish(body) }
    }

    private mutating func finish(_ body: (String) -> Void) {
        if self.partial.last == ASCII.carriageReturn { self.partial.removeLast() }
        body(String(decoding: self.partial, as: UTF8.self))
        self.partial.removeAll(keepingCapacity: true)
    }
}

/// The last 4 KiB of what an invocation has logged (`X-Amz-Log-Type: Tail`).
package struct LogTail: Sendable {
    private static let limit = 4096
    private var bytes: [UInt8] = []

    package init() {}

    package mutating func append(_ line: String) {
        self.bytes += line.utf8
        self.bytes.append(ASCII.lineFeed)
        if self.bytes.count > 2 * Self.limit { self.bytes.removeFirst(self.bytes.count - Self.limit) }
    }

    /// Base64 of the tail.
    package var encoded: String {
        var text = ByteBuffer()
        text.append(base64: self.bytes.span.extracting(last: Self.limit))
        return text.string()
    }
}
