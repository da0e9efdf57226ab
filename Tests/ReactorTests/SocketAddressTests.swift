import Glibc
import Testing

@testable import Reactor

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:80", "127.0.0.1", true),
        ("192.0.2.7", "192.0.2.7:80", "192.0.2.7", false),
        ("127.255.255.254", "127.255.255.254:80", "127.255.255.254", true),
        ("::1", "[::1]:80", "::1", true),
        ("[::1]", "[::1]:80", "::1", true),
        ("2001:db8:0::0:1", "[2001:db8::1]:80", "2001:db8::1", false),
        ("::ffff:192.0.2.7", "[192.0.2.7]:80", "192.0.2.7", false),
        ("::ffff:127.0.0.1", "[127.0.0.1]:80", "127.0.0.1", true),
        ("::", "[::]:80", "::", false),
    ])
    func `literal addresses are read and written`(
        text: String, description: String, hostText: String, isLoopback: Bool
    ) throws {
        let address = try #require(SocketAddress(literal: text, port: 80))
        #expect(address.description == description)
        #expect(address.hostText == hostText)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.256", "[::1", "::1]", "[]", "1.2.3.4:80", "::g", "1.2.3.4 "])
    func `what is no literal address is none`(text: String) {
        #expect(SocketAddress(literal: text, port: 80) == nil)
    }

    @Test(arguments: [
        loopback(port: 4711), loopback6(port: 65535),
        SocketAddress(host: .v6(UInt64(0xfe80_0000_0000_0000).bigEndian, UInt64(7).bigEndian, scope: 3), port: 1),
        SocketAddress(host: .unix("/run/sluice/socket")),
        SocketAddress(host: .unix(String(repeating: "x", count: 107))),
        SocketAddress(host: .unix("/tmp/ü")),
    ])
    func `an address survives the way through the system's form`(address: SocketAddress) throws {
        let back = try address.withSystemAddress { pointer, length in
            withUnsafeTemporaryAllocation(of: sockaddr_storage.self, capacity: 1) { storage in
                UnsafeMutableRawBufferPointer(storage).copyMemory(
                    from: UnsafeRawBufferPointer(start: pointer, count: Int(length)))
                return storage.baseAddress.flatMap { SocketAddress($0, length: length) }
            }
        }
        #expect(back == address)
    }

    @Test func `a unix path that is too long is an error`() {
        let path = String(repeating: "x", count: 108)
        #expect(throws: SystemError("unix:\(path)", code: ENAMETOOLONG)) {
            try SocketAddress(host: .unix(path)).withSystemAddress { _, _ in }
        }
        #expect(throws: SystemError("unix:\(path)", code: ENAMETOOLONG)) {
            _ = try ListeningSocket(bindingTo: SocketAddress(host: .unix(path)))
        }
    }

    @Test func `a unix peer without a path has a text`() {
        #expect(SocketAddress(host: .unix("")).description == "unix:")
        #expect(SocketAddress(host: .unix("/a")).description == "unix:/a")
        #expect(SocketAddress(host: .unix("")).isLoopback)
    }

    @Test func `an error says which call failed and why`() {
        #expect(SystemError("bind", code: EADDRINUSE).description == "bind: Address already in use")
    }
}
