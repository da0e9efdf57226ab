extension Span where Element == UInt8 {
    /// A copy of the bytes.
    package func array() -> [UInt8] {
        unsafe self.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// The bytes as text, with U+FFFD in place of what is no UTF-8.
    package func string() -> String {
        unsafe self.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// Whether the bytes are those of a literal.
    @inlinable
    package func equals(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard self.count == count else { return false }
        let other = unsafe text.utf8Start
        for index in 0..<count where unsafe self[unchecked: index] != other[index] { return false }
        return true
    }

    /// Whether the bytes are those of a literal in lower case, where upper-case letters count as lower case.
    @inlinable
    package func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        let count = lowercase.utf8CodeUnitCount
        guard self.count == count else { return false }
        let other = unsafe lowercase.utf8Start
        for index in 0..<count where unsafe ASCII.lowercased(self[unchecked: index]) != other[index] { return false }
        return true
    }

    /// Whether two runs hold the same bytes.
    @inlinable
    package func equals(_ other: Span<UInt8>) -> Bool {
        guard self.count == other.count else { return false }
        for index in 0..<self.count where unsafe self[unchecked: index] != other[unchecked: index] { return false }
        return true
    }

    /// Where `byte` first stands at or after `start`, or `nil`.
    @inlinable
    package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        var index = start
        while index < self.count {
            if unsafe self[unchecked: index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// The bytes without spaces and tabs at either end.
    package var trimmed: Span<UInt8> {
        @_lifetime(copy self)
        get {
            var start = 0
            var end = self.count
            while start < end, self[start] == ASCII.space || self[start] == ASCII.tab { start += 1 }
            while end > start, self[end - 1] == ASCII.space || self[end - 1] == ASCII.tab { end -= 1 }
            return self.extracting(start..<end)
        }
    }
}
