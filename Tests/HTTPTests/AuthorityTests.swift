import Bytes
import Testing

@testable import HTTP

@Suite struct AuthorityTests {
    private func authority(_ text: String) throws -> Authority {
        try Authority(parsing: Array(text.utf8).span)
    }

    @Test(arguments: [
        ("example.com", "example.com", UInt16?.none), ("EXAMPLE.com:443", "example.com", 443),
        ("example.com.", "example.com", nil),
        ("Example.com.:80", "example.com", 80), ("a:", "a", nil), ("a:0", "a", 0), ("a:65535", "a", 65535),
        ("a:00080", "a", 80),
        ("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]", "[::1]", nil), ("[::1]:8080", "[::1]", 8080),
        ("[2001:DB8::A]", "[2001:db8::a]", nil),
        ("[::]", "[::]", nil), ("[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", nil),
        ("[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", nil),
        ("[1:2:3:4:5:6:192.0.2.1]:1", "[1:2:3:4:5:6:192.0.2.1]", 1), ("[1::]", "[1::]", nil),
        ("[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]", nil),
        ("a_b-c~d", "a_b-c~d", nil), ("a!$&'()*+;=", "a!$&'()*+;=", nil), ("ex%41mple", "example", nil),
        ("%c3%a4", "%C3%A4", nil),
    ])
    func `hosts and ports that are taken`(text: String, host: String, port: UInt16?) throws {
        #expect(try self.authority(text) == Authority(host: host, port: port))
    }

    @Test(arguments: [
        "[1:2:3:4:5:6:7:8::]", "[1:2:3:4:5:6:7]", "[:1]", "[1:]", "[:::]", "[12345::]", "[::1.2.3]", "[::1.2.3.256]",
        "[::01.2.3.4]", "[1.2.3.4]",
        "[::1.2.3.4:1]", "[::1", "]", "[", "[]", "[::1]a", "[::1]:a", "a%2e.", "%2e", "..", "a%20", "a%7f", "",
    ])
    func `hosts that are refused`(text: String) {
        // RFC 3986 §3.2.2.
        #expect(throws: RequestFault.self) { try self.authority(text) }
    }

    @Test func `a host is written as it is read`() throws {
        for text in ["a", "a:1", "[::1]:2", "[::1]"] { #expect(try self.authority(text).text == text) }
    }
}
