import Bytes
import Digest
import TestSupport
import Testing

@Suite struct CRC32Tests {
    // The check value of the CRC catalogue ("CRC-32/ISO-HDLC") and values of zlib.crc32.
    @Test(
        arguments: [
            ("", 0), ("a", 0xe8b7_be43), ("123456789", 0xcbf4_3926),
            ("The quick brown fox jumps over the lazy dog", 0x414f_a339),
        ] as [(String, UInt32)])
    func `known texts have their known checksums`(text: String, expected: UInt32) {
        #expect(CRC32(of: text.utf8.span).value == expected)
    }

    @Test func `each length up to 1,100 gives what the tables give`() {
        var random = SeededRandom(seed: 1)
        let bytes = random.bytes(1100)
        for count in 0...1100 {
            var byTables = CRC32()
            byTables.updateWithTables(bytes.span.extracting(1100 - count..<1100))
            #expect(CRC32(of: bytes.span.extracting(1100 - count..<1100)).value == byTables.value)
        }
    }

    @Test(arguments: UInt64(0)..<32)
    func `any cut gives what the bit-by-bit definition gives`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = random.bytes(Int.random(in: 0...(seed < 28 ? 700 : 20_000), using: &random))
        var register: UInt32 = 0xffff_ffff
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = register & 1 == 1 ? 0xedb8_8320 ^ (register >> 1) : register >> 1 }
        }
        #expect(CRC32(of: bytes.span).value == ~register)
        var byTables = CRC32()
        byTables.updateWithTables(bytes.span)
        #expect(byTables.value == ~register)
        for _ in 0..<20 {
            var checksum = CRC32()
            var offset = 0
            while offset < bytes.count {
                let count = Int.random(in: 0...(bytes.count - offset), using: &random)
                checksum.update(bytes.span.extracting(offset..<offset + count))
                offset += count
            }
            #expect(checksum.value == ~register)
        }
    }
}
