/// The tables with which 16 bytes are taken at once ("slicing by 16").
///
/// Table 0 says what one byte does to the register; table n what it does when n more bytes follow it.
///
/// PERF: plain memory that lives as long as the program: an array would be counted for each run of bytes.
// SAFETY: the entries are written in `init` and read from then on.
@safe struct CRC32Tables: @unchecked Sendable {
    /// 16 tables of 256 entries, one after the other.
    private let entries: UnsafePointer<UInt32>

    static let shared = CRC32Tables()

    private init() {
        let entries = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 16 * 256)
        unsafe entries.initialize(repeating: 0)
        for byte in 0..<256 {
            var register = UInt32(byte)
            for _ in 0..<8 { register = (register & 1) != 0 ? 0xedb8_8320 ^ (register >> 1) : register >> 1 }
            unsafe entries[byte] = register
        }
        for index in 256..<entries.count {
            let before = unsafe entries[index - 256]
            unsafe entries[index] = entries[Int(before & 0xff)] ^ (before >> 8)
        }
        unsafe self.entries = UnsafePointer(entries.baseAddress.unsafelyUnwrapped)
    }

    /// The register after `bytes`.
    func update(_ register: UInt32, with bytes: Span<UInt8>) -> UInt32 {
        let tables = unsafe self.entries
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
                unsafe Self.slice(first ^ UInt64(register), of: tables, from: 15)
                ^ Self.slice(second, of: tables, from: 7)
            offset += 16
        }
        if offset + 8 <= raw.byteCount {
            // SAFETY: offset + 8 lies within the span, checked above.
            let word = unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            register = unsafe Self.slice(word ^ UInt64(register), of: tables, from: 7)
            offset += 8
        }
        while offset < bytes.count {
            // SAFETY: offset is below the count, and eight bits index a table of 256.
            register =
                unsafe tables[Int((register ^ UInt32(bytes[unchecked: offset])) & 0xff)]
                ^ (register >> 8)
            offset += 1
        }
        return register
    }

    /// The register after eight bytes and no others, the first of which is the lowest of `word`.
    @inline(__always)
    func register(afterOnly word: UInt64) -> UInt32 {
        unsafe Self.slice(word ^ 0xffff_ffff, of: self.entries, from: 7)
    }

    /// What eight bytes do when the tables from `table` down to `table - 7` hold for them.
    @inline(__always)
    private static func slice(_ word: UInt64, of tables: UnsafePointer<UInt32>, from table: Int) -> UInt32 {
        // SAFETY: `table` is 15 or 7, and eight bits are added, so that each index is below 4096.
        unsafe (tables[table << 8 + Int(word & 0xff)]
            ^ tables[(table - 1) << 8 + Int(word >> 8 & 0xff)]
            ^ tables[(table - 2) << 8 + Int(word >> 16 & 0xff)]
            ^ tables[(table - 3) << 8 + Int(word >> 24 & 0xff)])
            ^ (tables[(table - 4) << 8 + Int(word >> 32 & 0xff)]
                ^ tables[(table - 5) << 8 + Int(word >> 40 & 0xff)]
                ^ tables[(table - 6) << 8 + Int(word >> 48 & 0xff)]
                ^ tables[(table - 7) << 8 + Int(word >> 56)])
    }
}
