private import Bytes

/// The field lines of a message, in the order in which they came.
///
/// All names and values lie in one array, so that a head costs two allocations however many lines it has. Names are kept
/// in lower case; which letters were capitals is kept beside them (for the first 64 bytes of a name), so that a writer
/// can give the name back as it came.
package struct Fields: Sendable {
    private var storage: [UInt8] = []
    private var lines: [Line] = []

    /// Where the parts of a line lie in the storage. A parser keeps its lines so while the head is still being read.
    struct Line: Sendable {
        var nameStart: UInt32
        var nameCount: UInt32
        var valueStart: UInt32
        var valueCount: UInt32
        /// Bit n: the n-th byte of the name was a capital letter.
        var capitals: UInt64 = 0

        var name: Range<Int> {
            // SAFETY: both counts come from positions in one array, so their sum neither overflows nor is below.
            unsafe Range(uncheckedBounds: (Int(self.nameStart), Int(self.nameStart &+ self.nameCount)))
        }

        var value: Range<Int> {
            // SAFETY: as above.
            unsafe Range(uncheckedBounds: (Int(self.valueStart), Int(self.valueStart &+ self.valueCount)))
        }
    }

    /// No lines.
    package init() {}

    /// Lines from pairs of names and values, for tests and fixed answers.
    package init(_ lines: KeyValuePairs<String, String>) {
        for (name, value) in lines { self.append(name, value) }
    }

    /// Lines that lie in a block of bytes, names as they came. One copy, whatever the number of lines.
    init(lines: consuming [Line], in block: Span<UInt8>) {
        var storage = block.array()
        var bytes = storage.mutableSpan
        var found = lines.mutableSpan
        for index in found.indices {
            // SAFETY: the index is one of the span's.
            unsafe found[unchecked: index].capitals = bytes.lowercase(found[unchecked: index].name)
        }
        self.lines = lines
        self.storage = storage
    }

    /// Makes room for `lines` lines of `bytes` bytes in all.
    package mutating func reserve(lines: Int, bytes: Int) {
        self.lines.reserveCapacity(lines)
        self.storage.reserveCapacity(bytes)
    }

    // Reading.

    /// How many lines there are.
    package var count: Int { self.lines.count }

    /// Whether there is no line.
    package var isEmpty: Bool { self.lines.isEmpty }

    /// The positions of the lines, in order.
    package var indices: Range<Int> { self.lines.indices }

    /// Bytes of all names and values together.
    package var byteCount: Int { self.lines.reduce(0) { $0 + Int($1.nameCount + $1.valueCount) } }

    /// The name at a position, in lower case.
    @_lifetime(borrow self)
    package func name(at index: Int) -> Span<UInt8> {
        self.storage.span.extracting(self.lines[index].name)
    }

    /// The value at a position.
    @_lifetime(borrow self)
    package func value(at index: Int) -> Span<UInt8> {
        self.storage.span.extracting(self.lines[index].value)
    }

    /// Which letters of the name at a position came as capitals: bit n for its n-th byte.
    package func capitals(at index: Int) -> UInt64 {
        self.lines[index].capitals
    }

    /// Where a name (given in lower case) first stands at or after `start`, or `nil`.
    package func firstIndex(of name: StaticString, from start: Int = 0) -> Int? {
        var index = start
        while index < self.lines.count {
            if self.lines[index].nameCount == name.utf8CodeUnitCount, self.name(at: index).equals(name) { return index }
            index += 1
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
    package static func == (left: Fields, right: Fields) -> Bool {
        guard left.count == right.count else { return false }
        return left.indices.allSatisfy {
            left.name(at: $0).equals(right.name(at: $0)) && left.value(at: $0).equals(right.value(at: $0))
        }
    }
}

extension Fields: CustomStringConvertible {
    /// One `name: value` line each.
    package var description: String {
        self.indices.map { "\(self.name(at: $0).string()): \(self.value(at: $0).string())" }.joined(separator: "\n")
    }
}

extension MutableSpan where Element == UInt8 {
    /// Makes the capital letters of a range small, and answers which there were: bit n for the range's n-th byte, up to
    /// its 64th.
    @inline(__always)
    fileprivate mutating func lowercase(_ range: Range<Int>) -> UInt64 {
        precondition(range.lowerBound >= 0 && range.upperBound <= self.count)
        var capitals: UInt64 = 0
        var index = range.lowerBound
        var shift: UInt64 = 0
        // PERF: eight bytes at a time, those behind the range masked out.
        while index < range.upperBound, index &+ 8 <= self.count {
            // SAFETY: index + 8 was checked against the count.
            let word = UInt64(
                littleEndian: unsafe self.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
            var upper = word.capitalLetters
            let left = range.upperBound &- index
            if left < 8 { upper &= UInt64.max &>> UInt64(truncatingIfNeeded: (8 &- left) &* 8) }
            if upper != 0 {
                var bytes = unsafe self.mutableBytes
                unsafe bytes.storeBytes(
                    of: (word | (upper &>> 2)).littleEndian, toUncheckedByteOffset: index, as: UInt64.self)
                // Gathers the eight high bits in one byte, the first byte's bit lowest.
                if shift < 64 { capitals |= (((upper &>> 7) &* 0x0102_0408_1020_4080) &>> 56) &<< shift }
            }
            index &+= 8
            shift &+= 8
        }
        while index < range.upperBound {
            // SAFETY: index is in the range, which was checked against the count.
            let byte = unsafe self[unchecked: index]
            let lower = ASCII.lowercased(byte)
            if lower != byte {
                unsafe self[unchecked: index] = lower
                if shift < 64 { capitals |= 1 << shift }
            }
            index += 1
            shift += 1
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
