private import CLinux
private import Glibc
private import Synchronization

/// A socket that is bound and listens. All loops accept from the same one, so that what waits in its queue is not lost
/// when loops come and go; it is closed when the last holder lets go of it.
package final class ListeningSocket: Sendable {
    /// The address that it is bound to, with the port that the kernel chose where 0 was asked for.
    package let address: SocketAddress
    /// For the loops, and for who hands the socket on to another process.
    package let descriptor: CInt
    /// A unix socket's file is removed with it, unless another file has taken its place.
    private let file: Mutex<(device: UInt, inode: UInt)?>
    /// What it takes to listen, until it does.
    private let listening: Mutex<(beside: [ListeningSocket], backlog: CInt)?>

    /// Binds and listens. A stale unix socket, which nobody listens on, is replaced.
    ///
    /// - Parameters:
    ///   - leaving: sockets that are about to go. One of them may have a part of the address that this one is to have,
    ///     or all of it and more; both are open for a moment, and nobody is refused.
    ///   - listens: whether connections are to wait in its queue from now on, or from `listen` on: those that wait are
    ///     reset where it is dropped.
    package init(
        bindingTo address: SocketAddress, leaving: [ListeningSocket] = [], backlog: Int = 4096, listens: Bool = true
    ) throws(SystemError) {
        let descriptor = socket(address.family, sluice_SOCK_STREAM | sluice_SOCK_CLOEXEC_NONBLOCK, 0)
        guard descriptor >= 0 else { throw SystemError("socket", code: lastErrorCode) }
        do throws(SystemError) {
            SocketOptions.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if case .v6 = address.host { SocketOptions.set(descriptor, sluice_IPPROTO_IPV6, IPV6_V6ONLY, 1) }
            // Accepted sockets inherit these.
            if address.family != AF_UNIX { SocketOptions.setForConnection(descriptor) }
            if case .unix(let path) = address.host { Self.removeStale(path, address) }
            // Addresses overlap only among sockets that all allow it, and only for as long as it takes: those that were
            // to leave may have to stay.
            let overlapping = leaving.filter { $0.address.port == address.port && address.family != AF_UNIX }
            try Self.overlap(descriptor, with: overlapping) { () throws(SystemError) in
                let bound = unsafe try address.withSystemAddress { unsafe bind(descriptor, $0, $1) }
                guard bound == 0 else { throw SystemError("bind", code: lastErrorCode) }
                guard listens else { return }
                guard Glibc.listen(descriptor, CInt(backlog)) == 0 else {
                    throw SystemError("listen", code: lastErrorCode)
                }
            }
            self.address = try Self.boundAddress(of: descriptor)
            self.listening = Mutex(listens ? nil : (overlapping, CInt(backlog)))
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.file = Mutex(Self.socketFile(of: address))
    }

    /// Listens, where it does not yet.
    package func listen() throws(SystemError) {
        let waiting = self.listening.withLock { $0 }
        guard let waiting else { return }
        // The address is looked at again.
        try Self.overlap(self.descriptor, with: waiting.beside) { () throws(SystemError) in
            guard Glibc.listen(self.descriptor, waiting.backlog) == 0 else {
                throw SystemError("listen", code: lastErrorCode)
            }
        }
        self.listening.withLock { $0 = nil }
    }

    /// Does something for which the addresses of sockets may overlap.
    private static func overlap(
        _ descriptor: CInt, with others: [ListeningSocket], _ work: () throws(SystemError) -> Void
    ) throws(SystemError) {
        let descriptors = others.isEmpty ? [] : others.map(\.descriptor) + [descriptor]
        for descriptor in descriptors { SocketOptions.set(descriptor, SOL_SOCKET, sluice_SO_REUSEPORT, 1) }
        defer { for descriptor in descriptors { SocketOptions.set(descriptor, SOL_SOCKET, sluice_SO_REUSEPORT, 0) } }
        try work()
    }

    /// Takes over a socket that somebody else bound, such as the service manager, and makes it ready for a loop. Where
    /// that fails the descriptor stays as it is.
    package init(inherited descriptor: CInt) throws(SystemError) {
        var accepting: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) == 0, accepting == 1 else {
            throw SystemError("getsockopt(SO_ACCEPTCONN)", code: accepting == 0 ? EINVAL : lastErrorCode)
        }
        guard sluice_set_nonblocking(descriptor) == 0, sluice_set_close_on_exec(descriptor) == 0 else {
            throw SystemError("fcntl", code: lastErrorCode)
        }
        self.address = try Self.boundAddress(of: descriptor)
        self.descriptor = descriptor
        self.file = Mutex(nil)
        self.listening = Mutex(nil)
        if self.address.family != AF_UNIX { SocketOptions.setForConnection(descriptor) }
    }

    deinit {
        let file = self.file.withLock { $0 }
        if let file, case .unix(let path) = self.address.host, let now = Self.socketFile(path), now == file {
            unsafe unlink(path)
        }
        close(self.descriptor)
    }

    /// A unix socket's file goes with this object from now on.
    package func adoptFile() {
        self.file.withLock { $0 = Self.socketFile(of: self.address) }
    }

    /// A unix socket's file stays when this object goes, because another process listens there.
    package func leaveFile() {
        self.file.withLock { $0 = nil }
    }

    private static func boundAddress(of descriptor: CInt) throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        guard result == 0 else { throw SystemError("getsockname", code: lastErrorCode) }
        guard let address = unsafe SocketAddress(&storage, length: length) else {
            throw SystemError("getsockname", code: EAFNOSUPPORT)
        }
        return address
    }

    /// Removes the file of a unix socket on which connecting is refused, because its owner is gone.
    private static func removeStale(_ path: String, _ address: SocketAddress) {
        // Connecting to a file that is no socket is refused too.
        guard self.socketFile(path) != nil else { return }
        let probe = socket(AF_UNIX, sluice_SOCK_STREAM | sluice_SOCK_CLOEXEC_NONBLOCK, 0)
        guard probe >= 0 else { return }
        defer { close(probe) }
        let result = try? unsafe address.withSystemAddress { unsafe connect(probe, $0, $1) }
        // A path that is too long is reported by `bind`.
        if result == -1, lastErrorCode == ECONNREFUSED { unsafe unlink(path) }
    }

    private static func socketFile(of address: SocketAddress) -> (device: UInt, inode: UInt)? {
        if case .unix(let path) = address.host { self.socketFile(path) } else { nil }
    }

    /// Which file a path names, where that is a socket.
    private static func socketFile(_ path: String) -> (device: UInt, inode: UInt)? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, unsafe sluice_is_socket(&status) != 0 else { return nil }
        return (UInt(status.st_dev), UInt(status.st_ino))
    }
}
