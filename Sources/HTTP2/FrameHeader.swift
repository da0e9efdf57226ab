/// The nine bytes in front of each frame (RFC 9113 §4.1).
struct FrameHeader: Equatable {
    static let size = 9

    var length: Int
    var type: UInt8
    var flags: Flags
    /// Without the reserved bit.
    var stream: Int32

    struct Flags: OptionSet {
        let rawValue: UInt8

        /// END_STREAM of DATA and HEADERS, ACK of SETTINGS and PING: the same bit.
        static let endStream = Flags(rawValue: 0x1)
        static let acknowledgement = Flags(rawValue: 0x1)
        static let endHeaders = Flags(rawValue: 0x4)
    }

    /// What a type of frame is called, for those that have a name.
    enum Kind {
        case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
        case priorityUpdate
        case unknown
    }

    /// `bytes` are nine at least.
    init(_ bytes: Span<UInt8>) {
        self.length = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
        self.type = bytes[3]
        self.flags = Flags(rawValue: bytes[4])
        self.stream = Int32(bytes[5] & 0x7f) << 24 | Int32(bytes[6]) << 16 | Int32(bytes[7]) << 8 | Int32(bytes[8])
    }

    var kind: Kind {
        switch self.type {
        case 0x0: .data
        case 0x1: .headers
        case 0x2: .priority
        case 0x3: .reset
        case 0x4: .settings
        case 0x5: .pushPromise
        case 0x6: .ping
        case 0x7: .goAway
        case 0x8: .windowUpdate
        case 0x9: .continuation
        case 0x10: .priorityUpdate
        default: .unknown
        }
    }
}
