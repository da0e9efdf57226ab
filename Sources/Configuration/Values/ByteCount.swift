/// A number of bytes, so that it is not taken for any other number.
package struct ByteCount: Sendable, Hashable, Comparable {
    package let bytes: Int

    package init(_ bytes: Int) {
        self.bytes = bytes
    }

    package static func kibibytes(_ count: Int) -> ByteCount { ByteCount(count << 10) }
    package static func mebibytes(_ count: Int) -> ByteCount { ByteCount(count << 20) }
    package static func gibibytes(_ count: Int) -> ByteCount { ByteCount(count << 30) }

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// Reads `512KiB`, `4.5MiB`, `1GiB`, or a bare number of bytes.
    init(parsing text: String) throws(ValueFault) {
        guard let number = DecimalNumber(text) else {
            throw ValueFault("\"\(text)\" is no size, such as 512KiB, 6MiB or a number of bytes")
        }
        let unit: Int
        switch number.unit {
        case "", "B": unit = 1
        case "KiB": unit = 1 << 10
        case "MiB": unit = 1 << 20
        case "GiB": unit = 1 << 30
        default:
            let nearest = Nearest.word(to: number.unit + "iB", among: ["KiB", "MiB", "GiB"])
            throw ValueFault(
                "\"\(text)\" is no size; its unit is \(nearest.map { "perhaps \($0)" } ?? "B, KiB, MiB or GiB")")
        }
        guard let bytes = number.scaled(by: unit) else { throw ValueFault("\"\(text)\" is too large") }
        self.bytes = bytes
    }
}

extension ByteCount: CustomStringConvertible {
    /// `6MiB`, `1500B`: the largest unit that needs no fraction.
    package var description: String {
        for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        where self.bytes >= unit && self.bytes % unit == 0 {
            return "\(self.bytes / unit)\(name)"
        }
        return "\(self.bytes)B"
    }
}
