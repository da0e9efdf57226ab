import AWS
import Bytes
import TestSupport

extension EventStreamHeader {
    /// All headers of a block.
    static func parse(_ block: Span<UInt8>) throws(EventStreamError) -> [EventStreamHeader] {
        var headers: [EventStreamHeader] = []
        var cursor = EventStreamHeaderCursor()
        while let header = try cursor.next(in: block) {
            let name = block.extracting(header.name).string()
            let bytes = block.extracting(header.value)
            let value: EventStreamHeaderValue =
                switch header.type {
                case 0: .bool(true)
                case 1: .bool(false)
                case 2: .int8(Int8(truncatingIfNeeded: bytes.bigEndian))
                case 3: .int16(Int16(truncatingIfNeeded: bytes.bigEndian))
                case 4: .int32(Int32(truncatingIfNeeded: bytes.bigEndian))
                case 5: .int64(Int64(bitPattern: bytes.bigEndian))
                case 6: .bytes(bytes.array())
                case 7: .string(bytes.string())
                case 8: .timestamp(milliseconds: Int64(bitPattern: bytes.bigEndian))
                default: .uuid(high: bytes.extracting(0..<8).bigEndian, low: bytes.extracting(8..<16).bigEndian)
                }
            headers.append(EventStreamHeader(name, value))
        }
        return headers
    }
}

extension Span<UInt8> {
    /// The bytes (at most eight) as one big-endian number.
    var bigEndian: UInt64 {
        var value: UInt64 = 0
        for index in self.indices { value = value << 8 | UInt64(self[index]) }
        return value
    }
}
