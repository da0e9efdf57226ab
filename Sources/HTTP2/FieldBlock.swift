internal import Bytes
internal import HTTP

/// Fields on their way to the library: all names and values in one run of bytes.
struct FieldBlock: ~Copyable {
    private(set) var bytes = ByteBuffer()
    private(set) var lines: [Line] = []

    struct Line {
        var name: Range<Int>
        var value: Range<Int>
        /// Whether it is worth a place in the table of the compression.
        var isIndexed: Bool
    }

    mutating func removeAll() {
        self.bytes.removeAll()
        self.lines.removeAll(keepingCapacity: true)
    }

    mutating func append(_ name: StaticString, decimal value: Int) {
        let start = self.bytes.count
        self.bytes.append(name)
        let middle = self.bytes.count
        self.bytes.append(decimal: value)
        self.note(start, middle)
    }

    mutating func append(_ name: StaticString, _ value: Span<UInt8>) {
        let start = self.bytes.count
        self.bytes.append(name)
        let middle = self.bytes.count
        self.bytes.append(value)
        self.note(start, middle)
    }

    mutating func append(_ name: StaticString, _ value: StaticString) {
        let start = self.bytes.count
        self.bytes.append(name)
        let middle = self.bytes.count
        self.bytes.append(value)
        self.note(start, middle)
    }

    /// A line of a request, unless HTTP/2 does not have it (RFC 9113 §8.2.2). Whoever made the head has left out what
    /// else is meant for one hop.
    mutating func append(lowercasing name: Span<UInt8>, _ value: Span<UInt8>) {
        let start = self.bytes.count
        for index in name.indices { self.bytes.append(ASCII.lowercased(name[index])) }
        let middle = self.bytes.count
        let (isDropped, isIndexed) = self.bytes.withBytes { bytes in
            let name = bytes.extracting(start..<middle)
            return (Fields.isConnectionSpecific(name), !Self.isNeverTheSame(name))
        }
        if isDropped {
            self.bytes.truncate(to: start)
            return
        }
        self.bytes.append(value)
        self.note(start, middle, isIndexed: isIndexed)
    }

    /// Whether a field has another value in each request, so that it would only push others out of the table;
    /// credentials are best kept out of it as well (RFC 7541 §7.1.3).
    private static func isNeverTheSame(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 10: name.equals("x-amz-date")
        case 12: name.equals("x-request-id")
        case 13: name.equals("authorization")
        case 14: name.equals("content-length")
        case 15: name.equals("x-amzn-trace-id")
        case 20: name.equals("x-amz-content-sha256")
        default: false
        }
    }

    /// All lines of an answer but those that are meant for one hop (RFC 9110 §7.6.1): those that HTTP/2 does not have
    /// (RFC 9113 §8.2.2) are among them.
    mutating func append(_ fields: borrowing Fields) {
        for index in fields.indices {
            let name = fields.name(at: index)
            if Fields.isHopByHop(name) { continue }
            let start = self.bytes.count
            self.bytes.append(name)
            let middle = self.bytes.count
            self.bytes.append(fields.value(at: index))
            // An id that never comes again would only push others out of the table.
            self.note(start, middle, isIndexed: !name.equals("x-request-id"))
        }
    }

    private mutating func note(_ start: Int, _ middle: Int, isIndexed: Bool = true) {
        self.lines.append(
            Line(name: start..<middle, value: middle..<self.bytes.count, isIndexed: isIndexed))
    }
}

extension ByteBuffer {
    /// The nine bytes in front of a frame (RFC 9113 §4.1).
    mutating func append(frameHeader length: Int, type: UInt8, flags: UInt8, stream: Int32) {
        self.append(bigEndian: UInt32(truncatingIfNeeded: length) << 8 | UInt32(type))
        self.append(flags)
        self.append(bigEndian: UInt32(bitPattern: stream))
    }
}
