import HTTP
private import Bytes

/// A field that a request must carry with exactly this value for a route to take it.
///
/// A request with several lines of the name has their values joined by `, ` (RFC 9110 §5.3), so that two conditions on
/// one name with different values never match the same request.
package struct HeaderCondition: Sendable, Hashable {
    /// Name, in lower case, and value.
    package let line: FieldLine

    package init(_ line: FieldLine) {
        self.line = line
    }

    /// Whether the request's fields meet the condition.
    func isMet(by fields: borrowing Fields) -> Bool {
        let name = self.line.name.utf8.span
        let wanted = self.line.value.utf8.span
        var position = 0
        var isFirst = true
        for index in fields.indices where fields.name(at: index).equals(name) {
            if !isFirst {
                guard wanted.holds(", ".utf8.span, at: position) else { return false }
                position += 2
            }
            let value = fields.value(at: index)
            guard wanted.holds(value, at: position) else { return false }
            position += value.count
            isFirst = false
        }
        return !isFirst && position == wanted.count
    }
}

extension Span where Element == UInt8 {
    /// Whether `other` stands at `position`.
    fileprivate func holds(_ other: Span<UInt8>, at position: Int) -> Bool {
        guard other.count <= self.count - position else { return false }
        return self.extracting(position..<position + other.count).equals(other)
    }
}
