import Bytes
import Glibc

/// A blocking TCP connection, closed when it is let go.
struct Socket: ~Copyable {
    private let descriptor: CInt

    /// Connects to the first address of the host that answers.
    init(connectingTo address: RuntimeAddress) throws(RuntimeFailure) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var addresses: UnsafeMutablePointer<addrinfo>?
        // SAFETY: the list is ours from here until freeaddrinfo, and read only in between.
        let lookup = unsafe getaddrinfo(address.host, address.port, &hints, &addresses)
        guard lookup == 0 else { throw .unreachable(unsafe String(cString: gai_strerror(lookup))) }
        defer { unsafe freeaddrinfo(addresses) }

        var failure = ECONNREFUSED
        var candidate = unsafe addresses
        while let entry = unsafe candidate?.pointee {
            let descriptor = unsafe socket(entry.ai_family, entry.ai_socktype | CInt(SOCK_CLOEXEC.rawValue), 0)
            if descriptor >= 0, unsafe connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 {
                self.init(adopting: descriptor)
                return
            }
            failure = errno
            if descriptor >= 0 { close(descriptor) }
            unsafe candidate = entry.ai_next
        }
        throw .unreachable(unsafe String(cString: strerror(failure)))
    }

    private init(adopting descriptor: CInt) {
        self.descriptor = descriptor
        // Each piece is written whole, and must not wait for the acknowledgement of the one before.
        var on: CInt = 1
        unsafe setsockopt(
            descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
    }

    deinit {
        close(self.descriptor)
    }

    /// Writes everything, waiting as long as the other side makes it wait.
    borrowing func write(_ bytes: Span<UInt8>) throws(RuntimeFailure) {
        var offset = 0
        while offset < bytes.count {
            let written = unsafe bytes.extracting(droppingFirst: offset).withUnsafeBytes { rest in
                // SAFETY: the bytes are lent for the length of the call.
                unsafe Glibc.write(self.descriptor, rest.baseAddress, rest.count)
            }
            if written > 0 {
                offset += written
            } else if errno != EINTR {
                throw .connectionLost
            }
        }
    }

    /// Waits for bytes and appends what there is.
    borrowing func read(into buffer: inout ByteBuffer) throws(RuntimeFailure) {
        try unsafe buffer.appendUnsafely(reserving: 16 * 1024) { spare throws(RuntimeFailure) in
            while true {
                // SAFETY: the spare room is lent for the length of the call.
                let count = unsafe Glibc.read(self.descriptor, spare.baseAddress, spare.count)
                if count > 0 { return count }
                guard count < 0, errno == EINTR else { throw .connectionLost }
            }
        }
    }
}
