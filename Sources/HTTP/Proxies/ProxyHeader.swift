private import Bytes

/// What a proxy says in front of a connection about whom it speaks for: the PROXY protocol, version 1 (a line) and
/// version 2 (binary), as HAProxy's `proxy-protocol.txt` defines them.
package enum ProxyHeader: Sendable, Equatable {
    /// The proxy speaks for a client that connected to this destination.
    case proxied(client: Endpoint, destination: Endpoint)
    /// The proxy speaks for itself, as in health checks, or does not know for whom.
    case local

    /// An address and a port.
    package struct Endpoint: Sendable, Equatable {
        package let address: IPAddress
        package let port: UInt16

        package init(address: IPAddress, port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    /// Bytes of the longest header that is taken; those of version 2 may carry more about the client behind the
    /// addresses.
    package static let longest = 4096

    /// Reads a header at the beginning of bytes. Answers it with its length, or `nil` while it is not whole.
    package static func parse(_ bytes: Span<UInt8>) throws(ProxyHeaderFault) -> (header: ProxyHeader, count: Int)? {
        guard !bytes.isEmpty else { return nil }
        return bytes[0] == ASCII.carriageReturn ? try Self.parseBinary(bytes) : try Self.parseLine(bytes)
    }

    // Version 1.

    /// §2.1: a 108-byte buffer is always enough to store all the line and a trailing zero.
    private static let longestLine = 107

    private static func parseLine(_ bytes: Span<UInt8>) throws(ProxyHeaderFault) -> (header: ProxyHeader, count: Int)? {
        let word: StaticString = "PROXY "
        for index in 0..<min(bytes.count, word.utf8CodeUnitCount)
        where unsafe bytes[index] != word.utf8Start[index] { throw .noHeader }
        guard let end = bytes.firstIndex(of: ASCII.lineFeed) else {
            if bytes.count >= Self.longestLine { throw .tooLong }
            return nil
        }
        guard end < Self.longestLine else { throw .tooLong }
        guard end > word.utf8CodeUnitCount, bytes[end - 1] == ASCII.carriageReturn else { throw .badLine }
        var rest = bytes.extracting(word.utf8CodeUnitCount..<end - 1)
        let family = Self.takeWord(&rest)
        if family.equals("UNKNOWN") { return (.local, end + 1) }
        guard family.equals("TCP4") || family.equals("TCP6") else { throw .badLine }
        let client = IPAddress(parsing: Self.takeWord(&rest))
        let destination = IPAddress(parsing: Self.takeWord(&rest))
        guard
            let client, let destination,
            let clientPort = Self.port(Self.takeWord(&rest)), let destinationPort = Self.port(rest),
            !family.equals("TCP4") || client.v4 != nil && destination.v4 != nil
        else { throw .badLine }
        return (
            .proxied(
                client: Endpoint(address: client, port: clientPort),
                destination: Endpoint(address: destination, port: destinationPort)), end + 1
        )
    }

    /// Takes what stands in front of the next space, and the space.
    @_lifetime(copy rest)
    private static func takeWord(_ rest: inout Span<UInt8>) -> Span<UInt8> {
        let end = rest.firstIndex(of: ASCII.space) ?? rest.count
        let word = rest.extracting(0..<end)
        rest = rest.extracting(min(end + 1, rest.count)..<rest.count)
        return word
    }

    private static func port(_ text: Span<UInt8>) -> UInt16? {
        guard text.count == 1 || text.count > 1 && text[0] != ASCII.zero else { return nil }
        return text.decimal(digits: 5).flatMap { UInt16(exactly: $0) }
    }

    // Version 2.

    /// §2.2: the signature, version and command, family and transport, and the length of what follows.
    private static let binaryHead = 16

    private static func parseBinary(_ bytes: Span<UInt8>) throws(ProxyHeaderFault) -> (header: ProxyHeader, count: Int)?
    {
        let signature: StaticString = "\r\n\r\n\0\r\nQUIT\n"
        for index in 0..<min(bytes.count, signature.utf8CodeUnitCount)
        where unsafe bytes[index] != signature.utf8Start[index] { throw .noHeader }
        guard bytes.count >= Self.binaryHead else { return nil }
        // The upper four bits are the version, 2 and nothing else; the lower four the command.
        guard bytes[12] >> 4 == 2 else { throw .unknownVersion }
        let command = bytes[12] & 0xf
        guard command <= 1 else { throw .unknownCommand }
        let length = Int(bytes[14]) << 8 | Int(bytes[15])
        let end = Self.binaryHead + length
        guard end <= Self.longest else { throw .tooLong }
        guard bytes.count >= end else { return nil }
        if command == 0 { return (.local, end) }
        let block = bytes.extracting(Self.binaryHead..<end)
        switch bytes[13] {
        case 0x11:
            guard length >= 12 else { throw .badAddresses }
            return (
                Self.proxied(
                    IPAddress(v4: UInt32(Self.number(block, at: 0, bytes: 4))),
                    IPAddress(v4: UInt32(Self.number(block, at: 4, bytes: 4))), ports: block, at: 8), end
            )
        case 0x21:
            guard length >= 36 else { throw .badAddresses }
            return (Self.proxied(Self.v6(block, at: 0), Self.v6(block, at: 16), ports: block, at: 32), end)
        default:
            // §2.2: other values are unspecified; the receiver is free to use the real connection's addresses. Families
            // without an IP address mean the same here.
            return (.local, end)
        }
    }

    private static func proxied(
        _ client: IPAddress, _ destination: IPAddress, ports: Span<UInt8>, at offset: Int
    ) -> ProxyHeader {
        .proxied(
            client: Endpoint(address: client, port: UInt16(Self.number(ports, at: offset, bytes: 2))),
            destination: Endpoint(address: destination, port: UInt16(Self.number(ports, at: offset + 2, bytes: 2))))
    }

    private static func v6(_ block: Span<UInt8>, at offset: Int) -> IPAddress {
        IPAddress(high: Self.number(block, at: offset, bytes: 8), low: Self.number(block, at: offset + 8, bytes: 8))
    }

    /// A number in network order.
    private static func number(_ block: Span<UInt8>, at offset: Int, bytes count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in offset..<offset + count { value = value << 8 | UInt64(block[index]) }
        return value
    }
}

/// Why bytes are no header of the PROXY protocol.
package enum ProxyHeaderFault: Error, Sendable, Equatable {
    /// The connection begins with something else.
    case noHeader
    /// A line of version 1 that is not as it should be.
    case badLine
    case unknownVersion
    case unknownCommand
    /// Fewer bytes than the family's addresses have.
    case badAddresses
    case tooLong
}

extension ProxyHeaderFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noHeader: "the connection does not begin with a PROXY header"
        case .badLine: "a malformed line of PROXY version 1"
        case .unknownVersion: "a PROXY version other than 1 and 2"
        case .unknownCommand: "an unknown PROXY command"
        case .badAddresses: "a PROXY header without its addresses"
        case .tooLong: "a PROXY header that is too long"
        }
    }
}
