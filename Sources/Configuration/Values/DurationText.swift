/// Lengths of time as configurations write them: `700ms`, `30s`, `5m`, `1h`.
package enum DurationText {
    /// Reads one. A bare `0` needs no unit.
    static func parse(_ text: String) throws(ValueFault) -> Duration {
        guard let number = DecimalNumber(text) else {
            throw ValueFault("\"\(text)\" is no duration, such as 700ms, 30s, 5m or 1h")
        }
        let unit: Int
        switch number.unit {
        case "ms": unit = 1_000_000
        case "s": unit = 1_000_000_000
        case "m": unit = 60_000_000_000
        case "h": unit = 3_600_000_000_000
        case "" where text == "0": return .zero
        case "": throw ValueFault("\"\(text)\" needs a unit: \(text)ms, \(text)s, \(text)m or \(text)h")
        default: throw ValueFault("\"\(text)\" is no duration; its unit is ms, s, m or h")
        }
        guard let nanoseconds = number.scaled(by: unit) else { throw ValueFault("\"\(text)\" is too long") }
        return .nanoseconds(nanoseconds)
    }

    /// Writes one: in hours or seconds where it is a whole number of them, else in milliseconds.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        if milliseconds >= 3_600_000, milliseconds % 3_600_000 == 0 { return "\(milliseconds / 3_600_000)h" }
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}
