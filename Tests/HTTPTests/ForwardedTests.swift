import Bytes
import HTTP
import TestSupport
import Testing

private func address(_ text: String) -> IPAddress? {
    IPAddress(parsing: Array(text.utf8).span)
}

struct ForwardedTests {
    private static let trusted = ["10.0.0.0/8", "2001:db8:ffff::/48"].compactMap { try? IPRange(parsing: $0) }

    private func client(_ lines: [(String, String)], peer: String = "10.0.0.1") throws -> ForwardedClient {
        var fields = Fields()
        for (name, value) in lines { fields.append(name, value) }
        let peer = try #require(address(peer))
        return fields.forwardedClient(peer: peer) { address in Self.trusted.contains { $0.contains(address) } }
    }

    static let chains: [(lines: [(String, String)], client: String)] = [
        ([], "10.0.0.1"),
        ([("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
        ([("x-forwarded-for", "192.0.2.1:4711")], "192.0.2.1"),
        ([("x-forwarded-for", "[2001:db8::1]:4711")], "2001:db8::1"),
        ([("x-forwarded-for", "2001:db8::1")], "2001:db8::1"),
        // What the client itself wrote stands further left, and is not believed.
        ([("x-forwarded-for", "1.2.3.4, 192.0.2.1, 10.0.0.9")], "192.0.2.1"),
        (
            [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "10.1.1.1")],
            "192.0.2.1"
        ),
        ([("x-forwarded-for", "10.0.0.7, 10.0.0.8")], "10.0.0.7"),
        ([("x-forwarded-for", "192.0.2.1, , 10.0.0.8 ,")], "192.0.2.1"),
        ([("x-forwarded-for", "192.0.2.1, unknown, 10.0.0.8")], "10.0.0.8"),
        ([("x-forwarded-for", "192.0.2.1, unknown")], "10.0.0.1"),
        ([("x-forwarded-for", "::ffff:192.0.2.1")], "192.0.2.1"),
        ([("forwarded", "for=192.0.2.1")], "192.0.2.1"),
        (
            [("forwarded", "for=1.2.3.4, For=\"[2001:db8::1]:4711\";proto=https;by=10.0.0.1, for=10.0.0.2")],
            "2001:db8::1"
        ),
        ([("forwarded", "for=192.0.2.1"), ("forwarded", "proto=http;for=10.0.0.3")], "192.0.2.1"),
        ([("forwarded", "for=_hidden")], "10.0.0.1"),
        ([("forwarded", "for=192.0.2.1, for=\"_a,b;c\\\"\"")], "10.0.0.1"),
        // A proxy that writes one of the two does not know what the other says.
        ([("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
    ]

    @Test(arguments: chains.indices)
    func `the client is the right-most address that is no trusted proxy's`(index: Int) throws {
        let (lines, client) = Self.chains[index]
        #expect(try self.client(lines).address.description == client)
    }

    static let schemes: [(lines: [(String, String)], isSecure: Bool?, port: UInt16?)] = [
        ([], nil, nil),
        ([("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https"), ("x-forwarded-port", "8443")], true, 8443),
        ([("x-forwarded-proto", "HTTP")], false, nil),
        ([("x-forwarded-proto", "gopher"), ("x-forwarded-port", "no")], nil, nil),
        ([("x-forwarded-port", "70000")], nil, nil),
        // Two proxies, each of which noted what it saw: the client's own word stands left of theirs.
        ([("x-forwarded-for", "1.1.1.1, 192.0.2.1, 10.0.0.2"), ("x-forwarded-proto", "http, https, http")], true, nil),
        ([("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https, http")], false, nil),
        // Written anew on the way.
        ([("x-forwarded-for", "192.0.2.1, 10.0.0.2"), ("x-forwarded-proto", "https")], true, nil),
        ([("forwarded", "for=192.0.2.1;proto=https, for=10.0.0.2;proto=http")], true, nil),
    ]

    @Test(arguments: schemes.indices)
    func `scheme and port are those that the client's proxy saw`(index: Int) throws {
        let (lines, isSecure, port) = Self.schemes[index]
        let client = try self.client(lines)
        #expect(client.isSecure == isSecure)
        #expect(client.port == port)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `whatever stands in the fields, the client is somebody who is named in them or the peer`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "192.0.2.1", "10.0.0.3", ",", ";", "for=", "\"", "[", "]", "x", " ", "2001:db8::1", "\\", "=",
        ]
        for _ in 0..<100 {
            var lines: [(String, String)] = []
            for name in ["x-forwarded-for", "forwarded", "x-forwarded-proto", "x-forwarded-port"]
            where Bool.random(using: &random) {
                let count = Int.random(in: 0..<12, using: &random)
                let separator = [",", ";", " ", "\""].randomElement(using: &random)!
                lines.append(
                    (name, (0..<count).map { _ in pieces.randomElement(using: &random)! }.joined(separator: separator)))
            }
            let client = try self.client(lines).address.description
            #expect(["10.0.0.1", "192.0.2.1", "10.0.0.3", "2001:db8::1"].contains(client), "\(lines)")
        }
    }
}

struct IPAddressTests {
    static let texts: [(text: String, canonical: String?)] = [
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("1.2.3", nil), ("1.2.3.4.5", nil),
        ("01.2.3.4", nil), ("256.1.1.1", nil), ("1.2.3.4 ", nil), ("", nil), (".", nil), ("1..2.3", nil),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::1", "2001:db8::1"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("::ffff:1.2.3.4", "1.2.3.4"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ("1:2:3:4:5:6:7:1.2.3.4", nil), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("1:2:3:4:5:6:7:8:9", nil),
        (":1", nil), ("1:", nil), (":::", nil), ("1::2::3", nil), ("12345::", nil), ("g::", nil), ("::1%eth0", nil),
        ("1:2:3:4:5:6:7", nil), ("::1.2.3", nil), ("0:0:0:0:0:0:0:0", "::"),
    ]

    @Test(arguments: texts.indices)
    func `an address is read strictly and written canonically`(index: Int) {
        let (text, canonical) = Self.texts[index]
        let parsed = address(text)
        #expect(parsed?.description == canonical, "\(text)")
        if let parsed { #expect(address(parsed.description) == parsed) }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `what is written is read again`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            func half() -> UInt64 {
                // Groups of zeros, so that gaps of all places and lengths come up.
                (0..<4).reduce(UInt64(0)) { value, _ in
                    value << 16 | (Bool.random(using: &random) ? 0 : UInt64.random(in: 0...0xffff, using: &random))
                }
            }
            let made = IPAddress(high: half(), low: half())
            #expect(address(made.description) == made)
        }
    }

    static let ranges: [(range: String, inside: [String], outside: [String])] = [
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["9.255.255.255", "11.0.0.0", "::a00:0"]),
        ("0.0.0.0/0", ["1.2.3.4", "255.255.255.255"], ["::1", "2001:db8::1"]),
        ("192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
        ("::/0", ["::1", "1.2.3.4", "ffff::"], []),
        ("2001:db8::/33", ["2001:db8:7fff::"], ["2001:db8:8000::"]),
        ("fe80::/10", ["febf::1"], ["fec0::"]),
        ("::1/128", ["::1"], ["::2"]),
    ]

    @Test(arguments: ranges.indices)
    func `a range holds the addresses with its first bits`(index: Int) throws {
        let (text, inside, outside) = Self.ranges[index]
        let range = try IPRange(parsing: text)
        for text in inside {
            #expect(range.contains(try #require(address(text))), "\(text)")
        }
        for text in outside {
            #expect(!range.contains(try #require(address(text))), "\(text)")
        }
    }

    static let wrong: [(String, IPRangeError)] = [
        ("10.0.0.0/33", .badLength(most: 32)), ("::/129", .badLength(most: 128)), ("10.0.0.0/", .badLength(most: 32)),
        ("10.0.0.0/-1", .badLength(most: 32)), ("10.0.0.1/8", .hasHostBits(first: "10.0.0.0/8")),
        ("2001:db8::1/32", .hasHostBits(first: "2001:db8::/32")), ("example.com", .notAnAddress), ("", .notAnAddress),
        ("10.0/8", .notAnAddress),
    ]

    @Test(arguments: wrong.indices)
    func `what is no range is refused, with what it may have been meant to be`(index: Int) {
        let (text, error) = Self.wrong[index]
        #expect(throws: error) { try IPRange(parsing: text) }
    }
}
