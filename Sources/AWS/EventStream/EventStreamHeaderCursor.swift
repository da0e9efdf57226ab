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

extension Span<UInt8> {
    /// Whether the bytes are UTF-8.
    var isUTF8: Bool {
        (try? UTF8Span(validating: self)) != nil
    }
}
