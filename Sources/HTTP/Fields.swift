package import Bytes

/// The field lines of a message, in the order in which they came.
///
/// All of it lies in one block, so that a head costs one allocation however many lines it has. Names are kept in lower
/// case; which letters were capitals is kept beside them (for the first 64 bytes of a name), so that a writer can give
/// the name back as it came.
///
/// Each line's parts lie in the block, whose bytes never become fewer: that is what the unchecked readings rely on.
// SAFETY: a block that several values share is only read.
@frozen
@usableFromInline
package struct Fields: @unchecked Sendable {
    /// Shared by copies, until one of them is written to. There where there is a line.
    @usableFromInline var block: FieldStorage?

    /// Where the parts of a line lie among the bytes. A parser keeps its lines so while the head is still being read.
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
            // SAFETY: both counts come from positions in one block, so their sum neither overflows nor is below.
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
        self.block = nil
    }

    /// Lines from pairs of names and values, for tests and fixed answers.
    package init(_ lines: KeyValuePairs<String, String>) {
        self.init()
        for (name, value) in lines { self.append(name, value) }
    }

    /// Lines that a parser has found in these bytes, names as they came. One copy, whatever the number of lines.
    init(_ lines: consuming FoundLines, in bytes: Span<UInt8>) {
        self.block = lines.filled(with: bytes)
    }

    /// Makes room for `lines` more lines of `bytes` bytes in all.
    package mutating func reserve(lines: Int, bytes: Int) {
        self.makeRoom(lines: lines, bytes: bytes)
    }

    /// Sees to it that nobody else holds the block, and that it has room for so many more.
    @inline(__always)
    private mutating func makeRoom(lines: Int, bytes: Int) {
        if isKnownUniquelyReferenced(&self.block), let block = self.block, block.hasRoom(lines: lines, bytes: bytes) {
            return
        }
        self.block =
            self.block?.copy(addingLines: lines, bytes: bytes)
            ?? FieldStorage.make(lines: max(lines, 4), bytes: max(bytes, 120))
    }

    // Reading.

    /// How many lines there are.
    @inlinable
    package var count: Int { self.block?.header.lineCount ?? 0 }

    /// Whether there is no line.
    @inlinable
    package var isEmpty: Bool { self.count == 0 }

    /// The positions of the lines, in order.
    @inlinable
    package var indices: Range<Int> { 0..<self.count }

    /// Bytes of all names and values together.
    package var byteCount: Int {
        self.indices.reduce(0) { $0 + self.line(at: $1).name.count + self.line(at: $1).value.count }
    }

    /// Where the parts of the line at a position lie.
    @inlinable
    func line(at index: Int) -> Line {
        precondition(index >= 0 && index < self.count)
        // SAFETY: there is a line at this position, and a block where there is a line.
        return unsafe self.block.unsafelyUnwrapped.lines[index]
    }

    /// A part of a line.
    @inlinable
    @_lifetime(borrow self)
    func part(_ range: Range<Int>) -> Span<UInt8> {
        // SAFETY: a line's parts lie among the bytes of the block, which does not change while `self` is borrowed.
        let start = unsafe self.block.unsafelyUnwrapped.bytes.assumingMemoryBound(to: UInt8.self) + range.lowerBound
        return unsafe _overrideLifetime(
            Span<UInt8>(_unsafeStart: UnsafePointer(start), count: range.count), borrowing: self)
    }

    /// The name at a position, in lower case.
    @inlinable
    @_lifetime(borrow self)
    package func name(at index: Int) -> Span<UInt8> {
        self.part(self.line(at: index).name)
    }

    /// The value at a position.
    @inlinable
    @_lifetime(borrow self)
    package func value(at index: Int) -> Span<UInt8> {
        self.part(self.line(at: index).value)
    }

    /// Which letters of the name at a position came as capitals: bit n for its n-th byte.
    @inlinable
    package func capitals(at index: Int) -> UInt64 {
        self.line(at: index).capitals
    }

    /// Where a name (given in lower case) first stands at or after `start`, or `nil`.
    package func firstIndex(of name: StaticString, from start: Int = 0) -> Int? {
        precondition(start >= 0)
        guard let block = self.block else { return nil }
        let lines = unsafe block.lines
        let count = block.header.lineCount
        let wanted = UInt32(truncatingIfNeeded: name.utf8CodeUnitCount)
        var index = start
        while index < count {
            // SAFETY: the index is below the count.
            if unsafe lines[index].nameCount == wanted, self.part(unsafe lines[index].name).equals(name) {
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
        self.makeRoom(lines: 1, bytes: name.count + value.count)
        guard let block = self.block else { return }
        let start = block.header.byteCount
        let bytes = unsafe block.bytes + start
        // SAFETY: there is room for a line and its bytes, and for a word behind each of them.
        unsafe bytes.copy(name)
        unsafe (bytes + name.count).copy(value)
        var line = Line(
            nameStart: UInt32(start), nameCount: UInt32(name.count),
            valueStart: UInt32(start + name.count), valueCount: UInt32(value.count))
        unsafe line.capitals = Self.lowercase(bytes, count: name.count)
        unsafe block.lines[block.header.lineCount] = line
        block.header.lineCount += 1
        block.header.byteCount = start + name.count + value.count
    }

    /// Adds a line at the end.
    package mutating func append(_ name: String, _ value: String) {
        self.append(name: name.utf8.span, value: value.utf8.span)
    }

    /// Adds a line at the end.
    package mutating func append(_ name: StaticString, _ value: Span<UInt8>) {
        // SAFETY: the code units of a StaticString live as long as the program.
        self.append(name: unsafe Span<UInt8>(_unsafeStart: name.utf8Start, count: name.utf8CodeUnitCount), value: value)
    }

    /// Adds a line at the end.
    package mutating func append(_ name: StaticString, _ value: borrowing ShortText) {
        self.append(name, value.bytes)
    }

    /// Removes all lines of a name; capitals do not matter.
    package mutating func remove(_ name: String) {
        let wanted = Array(name.utf8.map(ASCII.lowercased))
        self.remove(where: { fields, index in fields.name(at: index).equals(wanted.span) })
    }

    /// Removes the lines for which the closure, given the fields and a position, answers yes.
    package mutating func remove(where isUnwanted: (borrowing Fields, Int) -> Bool) {
        guard let old = self.block else { return }
        let block = old.copy(addingLines: 0, bytes: 0)
        var kept = 0
        for index in self.indices where !isUnwanted(self, index) {
            // SAFETY: no more are kept than there were.
            unsafe block.lines[kept] = self.line(at: index)
            kept += 1
        }
        block.header.lineCount = kept
        self.block = block
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
    /// Makes the capital letters of a name small, and answers which there were: bit n for its n-th byte, up to its
    /// 64th.
    ///
    /// SAFETY: eight bytes may be read and written from each byte of the name on.
    @unsafe @inline(__always)
    static func lowercase(_ name: UnsafeMutableRawPointer, count: Int) -> UInt64 {
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
