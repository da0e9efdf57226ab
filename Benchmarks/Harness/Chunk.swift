import Bytes

/// A server-sent event of a hundred bytes: `data: `, the time at which it was made in 16 hexadecimal digits, padding.
enum Chunk {
    static let bytes = 100
    private static let prefix = 6
    private static let empty = Array("data: 0000000000000000 \(String(repeating: "x", count: 75))\n\n".utf8)

    static func made(at time: Int) -> [UInt8] {
        var chunk = self.empty
        var rest = UInt64(time)
        for digit in stride(from: self.prefix + 15, through: self.prefix, by: -1) {
            chunk[digit] = ASCII.lowerHexDigit(UInt8(rest & 0xf))
            rest >>= 4
        }
        return chunk
    }
}

/// Finds the chunks again in the body that a client reads, however it was cut and joined on the way.
struct ChunkReader {
    private var position = 0
    private var time = 0

    /// Takes a run of body bytes, and tells the time of making of each chunk that became complete with it.
    mutating func read(_ bytes: Span<UInt8>, _ complete: (Int) -> Void) {
        var index = 0
        while index < bytes.count {
            if self.position >= 6, self.position < 22 {
                self.time = self.time << 4 | Int(ASCII.hexValue(bytes[index]) ?? 0)
                self.position += 1
                index += 1
            } else {
                let end = self.position < 6 ? 6 : Chunk.bytes
                let step = min(end - self.position, bytes.count - index)
                self.position += step
                index += step
            }
            if self.position == Chunk.bytes {
                complete(self.time)
                self.position = 0
                self.time = 0
            }
        }
    }
}
