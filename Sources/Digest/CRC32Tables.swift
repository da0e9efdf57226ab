/// The tables with which 16 bytes are taken at once ("slicing by 16").
///
/// Table 0 says what one byte does to the register; table n what it does when n more bytes follow it.
struct CRC32Tables: Sendable {
    /// 16 tables of 256 entries, one after the other.
    private let entries: [UInt32]

    static let shared = CRC32Tables()

    private init() {
        var entries = [UInt32](repeating: 0, count: 16 * 256)
        for byte in 0..<256 {
            var register = UInt32(byte)
            for _ in 0..<8 { register = (register & 1) != 0 ? 0xedb8_8320 ^ (register >> 1) : register >> 1 }
            entries[byte] = register
        }
        for index in 256..<entries.count {
            let before = entries[index - 256]
            entries[index] = entries[Int(before & 0xff)] ^ (before >> 8)
        }
        self.entries = entries
    }

    /// The register after `bytes`.
    func update(_ register: UInt32, with bytes: Span<UInt8>) -> UInt32 {
        let tables = self.entries.span
        // SAFETY: bytes of a span have no padding between them.
        let raw = unsafe bytes.bytes
        var register = register
        var offset = 0
        while offset + 16 <= raw.byteCount {
            // SAFETY: offset + 16 lies within the span, checked above.
            let first = unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            // SAFETY: as above.
            let second = unsafe UInt64(
                littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
            register =
                Self.slice(first ^ UInt64(register), of: tables, from: 15) ^ Self.slice(second, of: tables, from: 7)
            offset += 16
        }
        if offset + 8 <= raw.byteCount {
            // SAFETY: offset + 8 lies within the span, checked above.
            let word = unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            register = Self.slice(word ^ UInt64(register), of: tables, from: 7)
            offset += 8
        }
        while offset < bytes.count {
            // SAFETY: offset is below the count, and eight bits index a table of 256.
            register =
                unsafe tables[unchecked: Int((register ^ UInt32(bytes[unchecked: offset])) & 0xff)]
                ^ (register >> 8)
            offset += 1
        }
        return register
    }

    /// What eight bytes do when the tables from `table` down to `table - 7` hold for them.
    @inline(__always)
    private static func slice(_ word: UInt64, of tables: Span<UInt32>, from table: Int) -> UInt32 {
        // SAFETY: `table` is 15 or 7, and eight bits are added, so that each index is below 4096.
        unsafe (tables[unchecked: table << 8 + Int(word & 0xff)]
            ^ tables[unchecked: (table - 1) << 8 + Int(word >> 8 & 0xff)]
            ^ tables[unchecked: (table - 2) << 8 + Int(word >> 16 & 0xff)]
            ^ tables[unchecked: (table - 3) << 8 + Int(word >> 24 & 0xff)])
            ^ (tables[unchecked: (table - 4) << 8 + Int(word >> 32 & 0xff)]
                ^ tables[unchecked: (table - 5) << 8 + Int(word >> 40 & 0xff)]
                ^ tables[unchecked: (table - 6) << 8 + Int(word >> 48 & 0xff)]
                ^ tables[unchecked: (table - 7) << 8 + Int(word >> 56)])
    }
}
