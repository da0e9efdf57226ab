private import CChecksum

/// The CRC-32 of IEEE 802.3, zlib and event streams: reflected polynomial 0xEDB88320, all ones before and after.
package struct CRC32: Sendable {
    /// The register, not yet inverted.
    private var register: UInt32 = 0xffff_ffff

    /// PERF: 16 KiB take 12 µs with the tables, 1.3 µs where the processor multiplies without carry, and 0.3 µs where
    /// it does so four times at once. At full speed of a stream that is the most that is done with its bytes.
    private static let canFold = sluice_crc32_can_fold() != 0
    private static let canFoldWide = sluice_crc32_can_fold_wide() != 0

    /// The checksum of no bytes.
    package init() {}

    /// The checksum of a run of bytes.
    package init(of bytes: Span<UInt8>) {
        self.update(bytes)
    }

    /// The checksum of eight bytes, the first of which is the lowest of `word`.
    package static func value(ofEight word: UInt64) -> UInt32 {
        ~CRC32Tables.shared.register(afterOnly: word)
    }

    /// The checksum of all bytes so far.
    package var value: UInt32 { ~self.register }

    /// Takes in more bytes.
    package mutating func update(_ bytes: Span<UInt8>) {
        guard bytes.count >= 16, Self.canFold else {
            self.updateWithTables(bytes)
            return
        }
        let wide = bytes.count >= 256 && Self.canFoldWide ? bytes.count & ~255 : 0
        let whole = bytes.count & ~15
        self.register = unsafe bytes.withUnsafeBufferPointer { [register = self.register] bytes in
            let start = unsafe bytes.baseAddress.unsafelyUnwrapped
            var register = register
            // SAFETY: the functions read the first `wide` bytes, a multiple of 256, and those from there to `whole`, a
            // multiple of 16, and keep nothing.
            if wide > 0 { register = unsafe sluice_crc32_fold_wide(register, start, wide) }
            if whole > wide { register = unsafe sluice_crc32_fold(register, start + wide, whole - wide) }
            return register
        }
        self.updateWithTables(bytes.extracting(whole...))
    }

    /// Takes in more bytes on a processor that does not multiply without carry. For tests, and for `update`.
    package mutating func updateWithTables(_ bytes: Span<UInt8>) {
        if bytes.isEmpty { return }
        self.register = CRC32Tables.shared.update(self.register, with: bytes)
    }
}
