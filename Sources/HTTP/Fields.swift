private import Bytes

/// The field lines of a message, in the order in which they came.
///
/// All names and values lie in one array, so that a head costs two allocations however many lines it has. Names are kept
/// in lower case; which letters were capitals is kept beside them (for the first 64 bytes of a name), so that a writer
/// can give the name back as it came.
package struct Fields: Sendable {
    private var storage: [UInt8] = []
    private var lines: [Line] = []

    private struct Line: Sendable {
        var nameStart: UInt32
        var nameCount: UInt32
        var valueCount: UInt32
        /// Bit n: the n-th byte of the name was a capital letter.
        var capitals: UInt64

        var name: Range<Int> { Int(self.nameStart)..<Int(self.nameStart + self.nameCount) }
        var value: Range<Int> {
            Int(self.nameStart + self.nameCount)..<Int(self.nameStart + self.nameCount + self.valueCount)
        }
    }

    /// No lines.
    package init() {}

    /// Lines from pairs of names and values, for tests and fixed answers.
    package init(_ lines: KeyValuePairs<String, String>) {
        for (name, value) in lines { self.append(name, value) }
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
    package var byteCount: Int { self.storage.count }

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
        var capitals: UInt64 = 0
        for index in 0..<name.count {
            let byte = name[index]
            let lower = ASCII.lowercased(byte)
            if lower != byte, index < 64 { capitals |= 1 << UInt64(index) }
            self.storage.append(lower)
        }
        unsafe value.withUnsafeBufferPointer { unsafe self.storage.append(contentsOf: $0) }
        self.lines.append(
            Line(
                nameStart: UInt32(start), nameCount: UInt32(name.count), valueCount: UInt32(value.count),
                capitals: capitals))
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
