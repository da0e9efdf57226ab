private import Bytes

/// The addresses that share their first bits: `10.0.0.0/8`, `2001:db8::/32`.
package struct IPRange: Sendable, Hashable {
    /// The first address.
    package let first: IPAddress
    /// How many of the 128 bits are the same in all.
    private let bits: Int

    /// Reads an address with the number of its bits that count behind a slash, or an address alone.
    package init(parsing text: String) throws(IPRangeError) {
        let bytes = text.utf8.span
        let slash = bytes.firstIndex(of: UInt8(ascii: "/"))
        guard let address = IPAddress(parsing: bytes.extracting(0..<(slash ?? bytes.count))) else {
            throw .notAnAddress
        }
        let width = address.v4 == nil ? 128 : 32
        var length = width
        if let slash {
            let number = bytes.extracting(slash + 1..<bytes.count)
            guard let value = number.decimal(digits: 3), value <= width else { throw .badLength(most: width) }
            length = value
        }
        let bits = 128 - width + length
        let first = Self.masked(address, bits: bits)
        guard first == address else { throw .hasHostBits(first: "\(first)/\(length)") }
        self.first = first
        self.bits = bits
    }

    /// Whether an address is one of them.
    package func contains(_ address: IPAddress) -> Bool {
        Self.masked(address, bits: self.bits) == self.first
    }

    private static func masked(_ address: IPAddress, bits: Int) -> IPAddress {
        IPAddress(
            high: address.high & Self.mask(bits: min(bits, 64)), low: address.low & Self.mask(bits: max(0, bits - 64)))
    }

    private static func mask(bits: Int) -> UInt64 {
        // A shift by 64 gives 0.
        UInt64.max << UInt64(64 - bits)
    }
}

/// Why a text is no range of addresses.
package enum IPRangeError: Error, Equatable, CustomStringConvertible {
    case notAnAddress
    case badLength(most: Int)
    /// Bits that do not count are set.
    case hasHostBits(first: String)

    package var description: String {
        switch self {
        case .notAnAddress: "this is no range of addresses, such as 10.0.0.0/8 or 2001:db8::/32"
        case .badLength(let most): "behind the slash stands a number up to \(most)"
        case .hasHostBits(let first): "bits behind the prefix are set; the range is \(first)"
        }
    }
}
