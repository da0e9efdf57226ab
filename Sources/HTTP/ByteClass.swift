/// What a byte may be part of, by table: one load and one comparison for each byte of a head.
///
/// A table is a literal of 256 digits, because a literal lies in the binary's constant data and is indexed without a
/// check, an initialiser or a retain.
enum ByteClass {
    /// Whether the byte may stand in a token (RFC 9110 §5.6.2), such as a method or a field name.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        let table: StaticString = """
            0000000000000000\
            0000000000000000\
            0101111100110110\
            1111111111000000\
            0111111111111111\
            1111111111100011\
            1111111111111111\
            1111111111101010\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000
            """
        // SAFETY: the table has an entry for each value of a byte.
        return unsafe table.utf8Start[Int(byte)] != 48
    }

    /// Whether the byte may stand in a host name as it is: unreserved or sub-delims (RFC 3986 §3.2.2).
    @inline(__always)
    static func isHostName(_ byte: UInt8) -> Bool {
        let table: StaticString = """
            0000000000000000\
            0000000000000000\
            0100101111111110\
            1111111111010100\
            0111111111111111\
            1111111111100001\
            0111111111111111\
            1111111111100010\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000
            """
        // SAFETY: the table has an entry for each value of a byte.
        return unsafe table.utf8Start[Int(byte)] != 48
    }

    /// What a byte means in a request target.
    enum TargetByte {
        /// A control byte, space, DEL, `#` or a byte above 0x7f.
        static let refused: UInt8 = 48
        /// Stands for itself wherever it is.
        static let plain: UInt8 = 49
        /// `/`, `%`, `?` or `\`: depends on what is around it.
        static let special: UInt8 = 50
    }

    /// What the byte means in a request target: one of the constants of `TargetByte`.
    @inline(__always)
    static func inTarget(_ byte: UInt8) -> UInt8 {
        let table: StaticString = """
            0000000000000000\
            0000000000000000\
            0110121111111112\
            1111111111111112\
            1111111111111111\
            1111111111112111\
            1111111111111111\
            1111111111111110\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000\
            0000000000000000
            """
        // SAFETY: the table has an entry for each value of a byte.
        return unsafe table.utf8Start[Int(byte)]
    }

    /// Whether the byte may stand in a field value (RFC 9110 §5.5): HTAB, SP, VCHAR or obs-text.
    @inline(__always)
    static func isFieldValue(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7f) || byte == 0x09
    }
}
