import Bytes
import HTTP
import TestSupport
import Testing

struct ProxyHeaderTests {
    private static let signature = Array("\r\n\r\n\0\r\nQUIT\n".utf8)

    private static func endpoint(_ address: String, _ port: UInt16) -> ProxyHeader.Endpoint {
        ProxyHeader.Endpoint(address: IPAddress(parsing: Array(address.utf8).span)!, port: port)
    }

    private static func binary(
        _ versionAndCommand: UInt8, _ family: UInt8, _ block: [UInt8], length: Int? = nil
    ) -> [UInt8] {
        let length = length ?? block.count
        return self.signature + [versionAndCommand, family, UInt8(length >> 8), UInt8(length & 0xff)] + block
    }

    private static let v4Block: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb]
    private static let v6Block: [UInt8] =
        [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
        + [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [2] + [0xdc, 0x04, 0x01, 0xbb]

    // proxy-protocol.txt §2.1 and §2.2.
    static let good: [(bytes: [UInt8], header: ProxyHeader)] = [
        (
            Array("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".utf8),
            .proxied(client: endpoint("255.255.255.255", 65535), destination: endpoint("255.255.255.255", 65535))
        ),
        (
            Array("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n".utf8),
            .proxied(client: endpoint("2001:db8::1", 56324), destination: endpoint("2001:db8::2", 443))
        ),
        (Array("PROXY UNKNOWN\r\n".utf8), .local),
        (Array("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n".utf8), .local),
        (
            binary(0x21, 0x11, v4Block),
            .proxied(client: endpoint("192.0.2.1", 56324), destination: endpoint("198.51.100.2", 443))
        ),
        (
            binary(0x21, 0x21, v6Block),
            .proxied(client: endpoint("2001:db8::1", 56324), destination: endpoint("2001:db8::2", 443))
        ),
        // What stands behind the addresses is passed over.
        (
            binary(0x21, 0x11, v4Block + [0x04, 0, 3, 1, 2, 3]),
            .proxied(client: endpoint("192.0.2.1", 56324), destination: endpoint("198.51.100.2", 443))
        ),
        (binary(0x20, 0x00, []), .local),
        (binary(0x20, 0x11, v4Block), .local),
        (binary(0x21, 0x00, [1, 2, 3]), .local),
        (binary(0x21, 0x31, [UInt8](repeating: 47, count: 216)), .local),
    ]

    @Test(arguments: good.indices)
    func `a header is read to its last byte, and only when it is whole`(index: Int) throws {
        let (bytes, expected) = Self.good[index]
        for count in bytes.indices {
            let part = try ProxyHeader.parse(Array(bytes[..<count]).span)
            #expect(part == nil, "after \(count) bytes")
        }
        let followed = bytes + Array("GET / HTTP/1.1\r\n".utf8)
        let parsed = try ProxyHeader.parse(followed.span)
        let (header, count) = try #require(parsed)
        #expect(header == expected)
        #expect(count == bytes.count)
    }

    static let bad: [(bytes: [UInt8], fault: ProxyHeaderFault)] = [
        (Array("GET / HTTP/1.1\r\n".utf8), .noHeader),
        (Array("PROXX".utf8), .noHeader),
        ([0x16, 0x03, 0x01], .noHeader),
        (Array("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n".utf8), .badLine),
        (Array("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n".utf8), .badLine),
        (Array("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n".utf8), .badLine),
        (Array("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n".utf8), .badLine),
        (Array("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n".utf8), .badLine),
        (Array("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n".utf8), .badLine),
        (Array("PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n".utf8), .badLine),
        (Array("PROXY TCP4 ::1 ::1 1 2\r\n".utf8), .badLine),
        (Array("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n".utf8), .badLine),
        (Array("PROXY \r\n".utf8), .badLine),
        (Array("PROXY UNKNOWN ".utf8) + [UInt8](repeating: 97, count: 100), .tooLong),
        (Array("\r\n\r\nX".utf8), .noHeader),
        (binary(0x11, 0x11, v4Block), .unknownVersion),
        (binary(0x22, 0x11, v4Block), .unknownCommand),
        (binary(0x21, 0x11, Array(v4Block.dropLast())), .badAddresses),
        (binary(0x21, 0x21, v4Block), .badAddresses),
        (binary(0x21, 0x11, [], length: 4081), .tooLong),
    ]

    @Test(arguments: bad.indices)
    func `what is no header is refused as soon as that is sure`(index: Int) {
        let (bytes, fault) = Self.bad[index]
        #expect(throws: fault) { _ = try ProxyHeader.parse(bytes.span) }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `bytes of any kind give a header, a fault or a wish for more, the same at each length`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            let original = Self.good[Int.random(in: 0..<Self.good.count, using: &random)].bytes
            var bytes = original
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var first: Result<(ProxyHeader, Int)?, ProxyHeaderFault> = .success(nil)
            for count in 0...bytes.count {
                let result: Result<(ProxyHeader, Int)?, ProxyHeaderFault>
                do throws(ProxyHeaderFault) {
                    result = .success(try ProxyHeader.parse(Array(bytes[..<count]).span))
                } catch {
                    result = .failure(error)
                }
                // Once there is an answer, more bytes do not change it.
                switch (first, result) {
                case (.success(nil), _): first = result
                case (.success(let old?), .success(let new?)): #expect(old == new)
                case (.failure(let old), .failure(let new)): #expect(old == new)
                default: Issue.record("another answer after \(count) bytes of \(bytes)")
                }
            }
        }
    }
}
