private import Bytes

/// The field lines of a message, in the order in which they came.
///
/// All names and values lie in one array, so that a head costs two allocations however many lines it has. Names are kept
/// in lower case; which letters were capitals is kept beside them (for the first 64 bytes of a name), so that a writer
/// can give the name back as it came.
///
/// Each line's parts lie in the storage, which is never made shorter: that is what the unchecked readings rely on.
@frozen
@usableFromInline
package struct Fields: Sendable {
    @usableFromInline var storage: [UInt8]
    @usableFromInline var lines: [Line]

    /// Where the parts of a line lie in the storage. A parser keeps its lines so while the head is still being read.
    @frozen
    @usableFromInline
    struct Line: Sendable {
        @usableFromInline var nameStart: UInt32
        @usableFromInline var nameCount: UInt32
        @usableFromInline var valueStart: UInt32
        @usableFromInline var valueCount: UInt32
        /// Bit n: the n-th byte of the name was a capital letter.
        @usableFromInline var capitals: UInt64 = 0

        @inlinable var name: Range<Int> {
            // SAFETY: both counts come from positions in one array, so their sum neither overflows nor is below.
            unsafe Range(uncheckedBounds: (Int(self.nameStart), Int(self.nameStart &+ self.nameCount)))
        }

        @inlinable var value: Range<Int> {
            // SAFETY: as above.
            unsafe Range(uncheckedBounds: (Int(self.valueStart), Int(self.valueStart &+ self.valueCount)))
        }
    }

    /// No lines.
    @inlinable
    package init() {
        self.storage = []
        self.lines = []
    }

    /// Lines from pairs of names and values, for tests and fixed answers.
    package init(_ lines: KeyValuePairs<String, String>) {
        self.init()
        for (name, value) in lines { self.append(name, value) }
    }

    /// Lines that lie in a block of bytes, names as they came. One copy, whatever the number of lines.
    ///
    /// PERF: with room for a line more, such as an identifier that a gateway adds, and for words that are read past the
    /// end of a name: seven lines took 860 instructions through checked spans, and a line added to them 700.
    init(lines: consuming [Line], in block: Span<UInt8>) {
        let count = block.count
        var storage: [UInt8] = []
        storage.reserveCapacity(count + Self.spareBytes)
        unsafe block.withUnsafeBufferPointer { unsafe storage.append(contentsOf: $0) }
        var found = lines.mutableSpan
        unsafe storage.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            for index in found.indices {
                // SAFETY: the index is one of the span's, and the line lies in the block. Bytes of the spare room behind
                // the block may be read as parts of words, and are masked out.
                let name = unsafe found[unchecked: index].name
                let value = unsafe found[unchecked: index].value
                precondition(name.upperBound <= count && value.upperBound <= count)
                unsafe found[unchecked: index].capitals = Self.lowercase(start + name.lowerBound, count: name.count)
            }
        }
        self.storage = storage
        self.lines = lines
    }

    /// Room behind the lines of a parsed head; eight bytes at least.
    private static var spareBytes: Int { 64 }

    /// Makes room for `lines` lines of `bytes` bytes in all.
    package mutating func reserve(lines: Int, bytes: Int) {
        self.lines.reserveCapacity(lines)
        self.storage.reserveCapacity(bytes)
    }

    // Reading.

    /// How many lines there are.
    @inlinable
    package var count: Int { self.lines.count }

    /// Whether there is no line.
    @inlinable
    package var isEmpty: Bool { self.lines.isEmpty }

    /// The positions of the lines, in order.
    @inlinable
    package var indices: Range<Int> { self.lines.indices }

    /// Bytes of all names and values together.
    package var byteCount: Int { self.lines.reduce(0) { $0 + Int($1.nameCount + $1.valueCount) } }

    /// The name at a position, in lower case.
    @inlinable
    @_lifetime(borrow self)
    package func name(at index: Int) -> Span<UInt8> {
        // SAFETY: a line's parts lie in the storage.
        unsafe self.storage.span.extracting(unchecked: self.lines[index].name)
    }

    /// The value at a position.
    @inlinable
    @_lifetime(borrow self)
    package func value(at index: Int) -> Span<UInt8> {
        // SAFETY: a line's parts lie in the storage.
        unsafe self.storage.span.extracting(unchecked: self.lines[index].value)
    }

    /// Which letters of the name at a position came as capitals: bit n for its n-th byte.
    @inlinable
    package func capitals(at index: Int) -> UInt64 {
        self.lines[index].capitals
    }

    /// Where a name (given in lower case) first stands at or after `start`, or `nil`.
    package func firstIndex(of name: StaticString, from start: Int = 0) -> Int? {
        precondition(start >= 0)
        let lines = self.lines.span
        let storage = self.storage.span
        var index = start
        while index < lines.count {
            // SAFETY: the index is below the count, and a line's parts lie in the storage.
            let line = unsafe lines[unchecked: index]
            if Int(line.nameCount) == name.utf8CodeUnitCount,
                unsafe storage.extracting(unchecked: line.name).equals(name)
            {
                return index
            }
            index &+= 1
        }
        return nil
    }

    /// Whether a name (given in lower case) stands on any line.
    package func contains(_ name: StaticString) -> Bool {
        self.firstIndex(of: name) != nil
    }

    /// The value of the first line of a name (given in lower case), as text.
    package func first(_ name: StaticString) -> String? {
        guard let index = self.firstIndex(of: name) else { return nil }
        return self.value(at: index).string()
    }

    /// The values of all lines of a name, in order, as text; capitals do not matter.
    package func all(_ name: String) -> [String] {
        let wanted = Array(name.utf8.map(ASCII.lowercased))
        return self.indices.filter { self.name(at: $0).equals(wanted.span) }.map { self.value(at: $0).string() }
    }

    // Writing.

    /// Adds a line at the end. The name may hold capitals.
    package mutating func append(name: Span<UInt8>, value: Span<UInt8>) {
        let start = self.storage.count
        let needed = start + name.count + value.count
        if needed > self.storage.capacity { self.storage.reserveCapacity(max(needed, 2 * self.storage.capacity)) }
        // SAFETY: the arrays take copies, and the pointers do not leave the closures.
        unsafe name.withUnsafeBufferPointer { unsafe self.storage.append(contentsOf: $0) }
        unsafe value.withUnsafeBufferPointer { unsafe self.storage.append(contentsOf: $0) }
        var line = Line(
            nameStart: UInt32(start), nameCount: UInt32(name.count),
            valueStart: UInt32(start + name.count), valueCount: UInt32(value.count))
        var bytes = self.storage.mutableSpan
        line.capitals = bytes.lowercase(line.name)
        self.lines.append(line)
    }

    /// Adds a line at the end.
    package mutating func append(_ name: String, _ value: String) {
        self.append(name: name.utf8.span, value: value.utf8.span)
    }

    /// Removes all lines of a name; capitals do not matter.
    package mutating func remove(_ name: String) {
        let wanted = Array(name.utf8.map(ASCII.lowercased))
        self.remove(where: { fields, index in fields.name(at: index).equals(wanted.span) })
    }

    /// Removes the lines for which the closure, given the fields and a position, answers yes.
    package mutating func remove(where isUnwanted: (borrowing Fields, Int) -> Bool) {
        var kept: [Line] = []
        for index in self.lines.indices where !isUnwanted(self, index) { kept.append(self.lines[index]) }
        self.lines = kept
    }

    /// Replaces all lines of a name by one.
    package mutating func set(_ name: String, _ value: String) {
        self.remove(name)
        self.append(name, value)
    }
}

extension Fields: Equatable {
    /// Whether both hold the same names (capitals aside) and values in the same order.
    @usableFromInline
    package static func == (left: Fields, right: Fields) -> Bool {
        guard left.count == right.count else { return false }
        return left.indices.allSatisfy {
            left.name(at: $0).equals(right.name(at: $0)) && left.value(at: $0).equals(right.value(at: $0))
        }
    }
}

extension Fields: CustomStringConvertible {
    /// One `name: value` line each.
    @usableFromInline
    package var description: String {
        self.indices.map { "\(self.name(at: $0).string()): \(self.value(at: $0).string())" }.joined(separator: "\n")
    }
}

extension Fields {
    /// Makes the capital letters of a name small, and answers which there were: bit n for its n-th byte, up to its 64th.
    ///
    /// SAFETY: eight bytes may be read and written from each byte of the name on.
    @unsafe @inline(__always)
    private static func lowercase(_ name: UnsafeMutableRawPointer, count: Int) -> UInt64 {
        var capitals: UInt64 = 0
        var index = 0
        // PERF: eight bytes at a time, those behind the name masked out.
        while index < count {
            let word = UInt64(littleEndian: unsafe name.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            var upper = word.capitalLetters
            if upper != 0 {
                let left = count &- index
                if left < 8 { upper &= UInt64.max &>> UInt64(truncatingIfNeeded: (8 &- left) &* 8) }
                unsafe name.storeBytes(of: (word | (upper &>> 2)).littleEndian, toByteOffset: index, as: UInt64.self)
                // Gathers the eight high bits in one byte, the first byte's bit lowest.
                if index < 64 {
                    capitals |= (((upper &>> 7) &* 0x0102_0408_1020_4080) &>> 56) &<< UInt64(truncatingIfNeeded: index)
                }
            }
            index &+= 8
        }
        return capitals
    }
}

extension MutableSpan where Element == UInt8 {
    /// Makes the capital letters of a range small, and answers which there were: bit n for the range's n-th byte, up to
    /// its 64th.
    fileprivate mutating func lowercase(_ range: Range<Int>) -> UInt64 {
        precondition(range.lowerBound >= 0 && range.upperBound <= self.count)
        var capitals: UInt64 = 0
        for index in range {
            // SAFETY: the range was checked against the count.
            let byte = unsafe self[unchecked: index]
            let lower = ASCII.lowercased(byte)
            if lower != byte {
                unsafe self[unchecked: index] = lower
                let shift = index &- range.lowerBound
                if shift < 64 { capitals |= 1 << UInt64(shift) }
            }
        }
        return capitals
    }
}

extension UInt64 {
    /// The high bit of each byte that is a letter from A to Z.
    @inline(__always)
    fileprivate var capitalLetters: UInt64 {
        let low = self & ~Self.highBits
        let fromA = low &+ 0x3f3f_3f3f_3f3f_3f3f
        let aboveZ = low &+ 0x2525_2525_2525_2525
        return fromA & ~aboveZ & ~self & Self.highBits
    }
}
