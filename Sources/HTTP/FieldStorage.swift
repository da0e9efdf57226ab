private import Bytes

/// Field lines and the bytes that they are made of, in one piece of memory: room for lines first, and behind it room
/// for bytes.
///
/// PERF: as two arrays, each head cost an allocation more, and each copy of it another reference that is counted.
@usableFromInline
final class FieldStorage: ManagedBuffer<FieldStorage.Header, Fields.Line> {
    @frozen
    @usableFromInline
    struct Header {
        @usableFromInline var lineCount: Int
        @usableFromInline var byteCount: Int
        @usableFromInline let lineCapacity: Int
        /// Eight bytes less than there are, so that a word may be read and written at each byte.
        @usableFromInline let byteCapacity: Int
    }

    /// A block with room, and nothing in it.
    static func make(lines: Int, bytes: Int) -> FieldStorage {
        let stride = MemoryLayout<Fields.Line>.stride
        let elements = lines + (bytes + 8 + stride - 1) / stride
        let block = FieldStorage.create(minimumCapacity: elements) { _ in
            Header(lineCount: 0, byteCount: 0, lineCapacity: lines, byteCapacity: bytes)
        }
        // SAFETY: `create` makes an object of the class that it is called on.
        return unsafe unsafeDowncast(block, to: FieldStorage.self)
    }

    /// The lines; as many as the header says are there.
    @inlinable
    var lines: UnsafeMutablePointer<Fields.Line> {
        unsafe self.withUnsafeMutablePointerToElements { unsafe $0 }
    }

    /// The bytes; as many as the header says are there.
    @inlinable
    var bytes: UnsafeMutableRawPointer {
        unsafe UnsafeMutableRawPointer(self.lines + self.header.lineCapacity)
    }

    /// Whether there is room for so many more.
    func hasRoom(lines: Int, bytes: Int) -> Bool {
        let header = self.header
        return header.lineCount + lines <= header.lineCapacity && header.byteCount + bytes <= header.byteCapacity
    }

    /// A copy, with room for so many more.
    func copy(addingLines lines: Int, bytes: Int) -> FieldStorage {
        let header = self.header
        let copy = FieldStorage.make(
            lines: max(header.lineCount + lines, 2 * header.lineCount),
            bytes: max(header.byteCount + bytes, 2 * header.byteCount))
        // SAFETY: what was made has room for all there is.
        unsafe copy.lines.initialize(from: self.lines, count: header.lineCount)
        unsafe copy.bytes.copyMemory(from: self.bytes, byteCount: header.byteCount)
        copy.header.lineCount = header.lineCount
        copy.header.byteCount = header.byteCount
        return copy
    }
}

/// The lines that a parser has found so far, whose bytes it has not copied yet.
///
/// Not copyable, so that nobody else ever holds the block.
struct FoundLines: ~Copyable {
    private var block: FieldStorage?
    private var capacity = 0

    /// How many there are.
    private(set) var count = 0

    /// Adds a line of a head whose bytes are likely to be so many at most.
    @inline(__always)
    mutating func append(_ line: Fields.Line, ofLikely bytes: Int) {
        if self.count == self.capacity { self.makeRoom(bytes) }
        // SAFETY: there is room now.
        unsafe self.block.unsafelyUnwrapped.lines[self.count] = line
        self.count &+= 1
    }

    private mutating func makeRoom(_ bytes: Int) {
        let larger: FieldStorage
        if let block = self.block {
            block.header.lineCount = self.count
            larger = block.copy(addingLines: 1, bytes: block.header.byteCapacity)
        } else {
            // PERF: sixteen lines hold most requests' heads, and growing costs a copy.
            larger = FieldStorage.make(lines: 16, bytes: bytes)
        }
        self.capacity = larger.header.lineCapacity
        self.block = larger
    }

    /// Where the value of a line lies.
    func value(at index: Int) -> Range<Int> {
        precondition(index >= 0 && index < self.count)
        // SAFETY: as was seen.
        return unsafe self.block.unsafelyUnwrapped.lines[index].value
    }

    /// The block with the bytes to which the lines belong, names in lower case.
    ///
    /// PERF: with room for a line more, such as an identifier that a gateway adds.
    consuming func filled(with bytes: Span<UInt8>) -> FieldStorage? {
        guard var block = self.block.take() else { return nil }
        let count = bytes.count
        block.header.lineCount = self.count
        if count > block.header.byteCapacity { block = block.copy(addingLines: 1, bytes: count + 64) }
        block.header.byteCount = count
        let start = unsafe block.bytes
        // SAFETY: there is room for all bytes.
        unsafe start.copy(bytes)
        let lines = unsafe block.lines
        for index in 0..<self.count {
            let name = unsafe lines[index].name
            precondition(name.upperBound <= count && (unsafe lines[index].value.upperBound) <= count)
            // SAFETY: the name lies in the block, as was seen, and eight bytes may be touched from each of its bytes
            // on.
            unsafe lines[index].capitals = Fields.lowercase(start + name.lowerBound, count: name.count)
        }
        return block
    }
}

extension UnsafeMutableRawPointer {
    /// Writes bytes, for which there is room.
    @inline(__always)
    func copy(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe self.copyMemory(from: source, byteCount: bytes.count)
        }
    }
}
