private import Bytes

/// Walks over a header block and checks it on the way: each step finds the next header without copying it.
package struct EventStreamHeaderCursor {
    private var offset = 0

    /// A cursor at the first header.
    package init() {}

    /// Where in the block a header's parts lie.
    package struct Header: Equatable, Sendable {
        package let name: Range<Int>
        /// The type as it stands on the wire: 0 to 9.
        package let type: UInt8
        /// The bytes of the value, without their length.
        package let value: Range<Int>

        /// Whether the value is text (type 7).
        package var isText: Bool { self.type == 7 }
    }

    /// The next header of `block`, or `nil` at its end.
    package mutating func next(in block: Span<UInt8>) throws(EventStreamError) -> Header? {
        if self.offset == block.count { return nil }
        let nameCount = Int(block[self.offset])
        guard nameCount > 0 else { throw .emptyHeaderName }
        let name = self.offset + 1..<self.offset + 1 + nameCount
        guard name.upperBound < block.count else { throw .truncatedHeader }
        guard block.extracting(name).isUTF8 else { throw .invalidUTF8 }
        let type = block[name.upperBound]
        var valueStart = name.upperBound + 1
        let valueCount: Int
        switch type {
        case 0, 1: valueCount = 0
        case 2: valueCount = 1
        case 3: valueCount = 2
        case 4: valueCount = 4
        case 5, 8: valueCount = 8
        case 6, 7:
            guard valueStart + 2 <= block.count else { throw .truncatedHeader }
            valueCount = Int(block[valueStart]) << 8 | Int(block[valueStart + 1])
            guard valueCount <= EventStreamLimits.valueBytes else { throw .headerValueTooLong(valueCount) }
            valueStart += 2
        case 9: valueCount = 16
        default: throw .unknownHeaderType(type)
        }
        guard valueStart + valueCount <= block.count else { throw .truncatedHeader }
        let value = valueStart..<valueStart + valueCount
        if type == 7, !block.extracting(value).isUTF8 { throw .invalidUTF8 }
        self.offset = value.upperBound
        return Header(name: name, type: type, value: value)
    }
}

extension EventStreamHeader {
    /// All headers of a block, for those who need more than the kind of the message.
    package static func parse(_ block: Span<UInt8>) throws(EventStreamError) -> [EventStreamHeader] {
        var headers: [EventStreamHeader] = []
        var cursor = EventStreamHeaderCursor()
        while let header = try cursor.next(in: block) {
            let name = block.extracting(header.name).string()
            if headers.contains(where: { $0.name == name }) { throw .duplicateHeader(name: name) }
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

    /// Whether the bytes are UTF-8.
    var isUTF8: Bool {
        (try? UTF8Span(validating: self)) != nil
    }
}
