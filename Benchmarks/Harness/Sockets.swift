import CLinux
import Glibc

/// Sockets on the loopback interface.
enum Sockets {
    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return address
    }

    private static func withAddress<T>(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
        var address = self.loopback(port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// A listening socket.
    static func listen(port: Int) -> CInt {
        let listener = socket(AF_INET, sluice_SOCK_STREAM, 0)
        var on: CInt = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        guard self.withAddress(port, { bind(listener, $0, $1) }) == 0, Glibc.listen(listener, 4096) == 0 else {
            fatal("port \(port): \(errno)")
        }
        _ = sluice_set_nonblocking(listener)
        return listener
    }

    /// A connected socket.
    static func connect(port: Int) -> CInt {
        let descriptor = socket(AF_INET, sluice_SOCK_STREAM, 0)
        guard self.withAddress(port, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            fatal("connect to port \(port): \(errno)")
        }
        self.prepare(descriptor)
        return descriptor
    }

    /// The next connection that waits, or `nil`.
    static func accept(from listener: CInt) -> CInt? {
        let descriptor = sluice_accept4(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        self.prepare(descriptor)
        return descriptor
    }

    private static func prepare(_ descriptor: CInt) {
        _ = sluice_set_nonblocking(descriptor)
        var on: CInt = 1
        setsockopt(descriptor, sluice_IPPROTO_TCP, TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
    }
}
