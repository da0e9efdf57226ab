private import Bytes

extension Authority {
    /// A host and, where one is given, a port: `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2).
    ///
    /// Letters become small, encoded unreserved characters are decoded, one dot at the end is left out. A port may be
    /// empty, as RFC 3986 §3.2.3 has it.
    package init(parsing bytes: Span<UInt8>) throws(RequestFault) {
        self = try Self.parse(bytes)
    }

    private static func parse(_ bytes: Span<UInt8>) throws(RequestFault) -> Authority {
        do throws(AuthorityFault) {
            let end = try Self.endOfHost(bytes)
            let port = try Self.port(bytes.extracting(end..<bytes.count))
            return Authority(host: try Self.host(bytes.extracting(0..<end)), port: port)
        } catch {
            throw RequestFault(.host(error))
        }
    }

    /// Where the host ends: behind the closing bracket, at the colon, or with the bytes.
    private static func endOfHost(_ bytes: Span<UInt8>) throws(AuthorityFault) -> Int {
        if bytes.isEmpty { throw .empty }
        guard bytes[0] == ASCII.openBracket else { return bytes.firstIndex(of: ASCII.colon) ?? bytes.count }
        guard let close = bytes.firstIndex(of: ASCII.closeBracket) else { throw .addressLiteral }
        return close + 1
    }

    private static func host(_ bytes: Span<UInt8>) throws(AuthorityFault) -> String {
        guard bytes.count > 0, bytes[0] == ASCII.openBracket else { return try Self.hostName(bytes) }
        guard bytes.extracting(1..<bytes.count - 1).isIPv6Address else { throw .addressLiteral }
        return bytes.lowercasedString
    }

    /// Whether the bytes of a Host field are this very host and port, so that they need not be parsed.
    package func isWritten(as bytes: Span<UInt8>) -> Bool {
        let host = self.host.utf8.span
        guard let port = self.port else { return bytes.equals(host) }
        guard bytes.count > host.count, bytes[host.count] == ASCII.colon else { return false }
        return bytes.extracting(0..<host.count).equals(host)
            && bytes.extracting(host.count + 1..<bytes.count).decimal(digits: 5) == Int(port)
    }

    /// As a Host field has it: `host` or `host:port`.
    package var text: String {
        guard let port = self.port else { return self.host }
        return "\(self.host):\(port)"
    }

    private static func hostName(_ bytes: Span<UInt8>) throws(AuthorityFault) -> String {
        var isPlain = true
        var previous = ASCII.dot
        for index in 0..<bytes.count {
            // SAFETY: index is below the count.
            let byte = unsafe bytes[unchecked: index]
            if byte &- 97 < 26 || ASCII.isDigit(byte) {
                // What nearly all host names are made of.
            } else if byte == ASCII.dot {
                if previous == ASCII.dot { throw .emptyLabel }
            } else if ByteClass.isHostName(byte) {
                if ASCII.lowercased(byte) != byte { isPlain = false }
            } else if byte == ASCII.percent {
                isPlain = false
            } else {
                throw byte == ASCII.at ? .userInformation : .invalidByte(byte)
            }
            previous = byte
        }
        guard isPlain else { return try Self.decodedHostName(bytes) }
        let endsInDot = bytes.count > 0 && bytes[bytes.count - 1] == ASCII.dot
        let count = endsInDot ? bytes.count - 1 : bytes.count
        guard count > 0 else { throw .empty }
        // SAFETY: host names hold letters, digits and ASCII signs only, as was seen.
        return unsafe bytes.extracting(0..<count).uncheckedASCII
    }

    /// A host name with capitals or percent-encoding.
    private static func decodedHostName(_ bytes: Span<UInt8>) throws(AuthorityFault) -> String {
        var host: [UInt8] = []
        host.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard byte == ASCII.percent else {
                host.append(ASCII.lowercased(byte))
                continue
            }
            guard index + 2 <= bytes.count, let high = ASCII.hexValue(bytes[index]),
                let low = ASCII.hexValue(bytes[index + 1])
            else { throw .percentEncoding }
            let decoded = high << 4 | low
            guard decoded > 0x20, decoded != 0x7f else { throw .percentEncoding }
            if ASCII.isUnreserved(decoded) {
                host.append(ASCII.lowercased(decoded))
            } else {
                host += [byte, ASCII.upperHexDigit(high), ASCII.upperHexDigit(low)]
            }
            index += 2
        }
        if host.last == ASCII.dot { host.removeLast() }
        guard !host.isEmpty else { throw .empty }
        for index in host.indices where host[index] == ASCII.dot {
            if index == 0 || host[index - 1] == ASCII.dot || index == host.count - 1 { throw .emptyLabel }
        }
        return host.span.string()
    }

    /// Nothing, or a colon and the port's digits, which may be none.
    private static func port(_ bytes: Span<UInt8>) throws(AuthorityFault) -> UInt16? {
        guard bytes.count > 1 else {
            if bytes.count == 1, bytes[0] != ASCII.colon { throw .addressLiteral }
            return nil
        }
        guard bytes[0] == ASCII.colon else { throw .addressLiteral }
        var port: UInt32 = 0
        for index in 1..<bytes.count {
            let byte = bytes[index]
            guard byte != ASCII.at else { throw .userInformation }
            guard ASCII.isDigit(byte) else { throw .port }
            port = port * 10 + UInt32(byte - ASCII.zero)
            guard port <= UInt16.max else { throw .port }
        }
        return UInt16(port)
    }
}

extension Span where Element == UInt8 {
    fileprivate var lowercasedString: String {
        let bytes = self.array().map(ASCII.lowercased)
        return bytes.span.string()
    }
}
