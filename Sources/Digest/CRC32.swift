/// The CRC-32 of IEEE 802.3, zlib and event streams: reflected polynomial 0xEDB88320, all ones before and after.
package struct CRC32: Sendable {
    /// The register, not yet inverted.
    private var register: UInt32 = 0xffff_ffff

    /// The checksum of no bytes.
    package init() {}

    /// The checksum of a run of bytes.
    package init(of bytes: Span<UInt8>) {
        self.update(bytes)
    }

    /// The checksum of all bytes so far.
    package var value: UInt32 { ~self.register }

    /// Takes in more bytes.
    package mutating func update(_ bytes: Span<UInt8>) {
        if bytes.isEmpty { return }
        self.register = CRC32Tables.shared.update(self.register, with: bytes)
    }
}
