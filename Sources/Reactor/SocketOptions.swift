private import CLinux
private import Glibc

/// The options that sockets of the gateway have.
enum SocketOptions {
    /// No delay, because a round's bytes leave in one call anyway; keepalive after 60 s, below the 350 s after which
    /// NAT gateways of AWS forget a connection.
    static func setForConnection(_ descriptor: CInt) {
        self.set(descriptor, sluice_IPPROTO_TCP, TCP_NODELAY, 1)
        self.set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        self.set(descriptor, sluice_IPPROTO_TCP, TCP_KEEPIDLE, 60)
        self.set(descriptor, sluice_IPPROTO_TCP, TCP_KEEPINTVL, 20)
        self.set(descriptor, sluice_IPPROTO_TCP, TCP_KEEPCNT, 3)
    }

    /// Closing drops what is unsent and tells the peer by a reset.
    static func setResetOnClose(_ descriptor: CInt) {
        var value = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    static func set(_ descriptor: CInt, _ level: CInt, _ name: CInt, _ value: CInt) {
        var value = value
        // An option that a kernel does not know is no reason to refuse a connection.
        _ = unsafe setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
    }
}
