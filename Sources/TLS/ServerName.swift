private import Bytes

/// Names of servers, as certificates and clients write them.
enum ServerName {
    /// The longest name that DNS has.
    static let longest = 253

    /// A name in lower case without a trailing dot; `nil` where the bytes are no host name. `_` is tolerated.
    static func canonical(_ name: Span<UInt8>, allowsWildcard: Bool = false) -> String? {
        var count = name.count
        if count > 0, name[count - 1] == ASCII.dot { count -= 1 }
        guard count > 0, count <= Self.longest else { return nil }
        var buffer = ByteBuffer(capacity: count)
        var isLabelEmpty = true
        for index in 0..<count {
            let byte = name[index]
            if byte == ASCII.dot {
                if isLabelEmpty { return nil }
                isLabelEmpty = true
            } else if byte == UInt8(ascii: "*") {
                // RFC 6125 §6.4.3: only a whole left-most label is taken for a wildcard here.
                guard allowsWildcard, index == 0, count > 2, name[1] == ASCII.dot else { return nil }
                isLabelEmpty = false
            } else {
                guard
                    ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == ASCII.minus || byte == ASCII.underscore
                else { return nil }
                isLabelEmpty = false
            }
            buffer.append(ASCII.lowercased(byte))
        }
        return isLabelEmpty ? nil : buffer.string()
    }

    /// What a client asks for.
    enum Request: Equatable {
        case none
        case name(String)
        /// Something that is no host name, as it can be shown.
        case unusable(String)
    }

    /// Reads the body of a server_name extension (RFC 6066 §3). What is malformed counts as none: the library, which
    /// reads the same bytes afterwards, ends the handshake.
    static func request(inExtension body: Span<UInt8>) -> Request {
        guard body.count >= 5 else { return .none }
        guard Int(body[0]) << 8 | Int(body[1]) == body.count - 2, body[2] == 0 else { return .none }
        let count = Int(body[3]) << 8 | Int(body[4])
        guard count > 0, 5 + count <= body.count else { return .none }
        let name = body.extracting(5..<5 + count)
        if let canonical = Self.canonical(name) { return .name(canonical) }
        return .unusable(name.extracting(0..<min(count, Self.longest)).string())
    }
}
