import Glibc
import Testing

@testable import Reactor

/// A connection on which nothing is said stays known to those that it passes through: NAT gateways of AWS forget it
/// after 350 s without a packet.
@Suite struct KeepAliveTests {
    @Test func `the kernel asks after 60 s, and gives up long before a connection is forgotten`() throws {
        let rig = try Rig()
        let listener = try ListeningSocket(bindingTo: SocketAddress(host: .v4(UInt32(0x7f00_0001).bigEndian)))
        let recorder = Recorder()
        let connection = try Connection(to: listener.address, on: rig.loop, handler: recorder)
        rig.adopt(connection)
        rig.turn(until: { connection.isOpen })
        let descriptors = (3..<CInt(4096)).filter { Self.peerPort(of: $0) == listener.address.port }
        let descriptor = try #require(descriptors.first)
        let tcp = CInt(IPPROTO_TCP)
        #expect(RawSocket.option(descriptor, SOL_SOCKET, SO_KEEPALIVE) == 1)
        #expect(RawSocket.option(descriptor, tcp, TCP_KEEPIDLE) == 60)
        let interval = RawSocket.option(descriptor, tcp, TCP_KEEPINTVL)
        let count = RawSocket.option(descriptor, tcp, TCP_KEEPCNT)
        #expect(60 + interval * count < 350)
    }

    private static func peerPort(of descriptor: CInt) -> UInt16? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
        }
        return result == 0 && address.sin_family == AF_INET ? UInt16(bigEndian: address.sin_port) : nil
    }
}
