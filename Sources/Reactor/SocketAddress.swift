internal import CLinux
internal import Glibc

/// An address that a socket can be bound or connected to.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// The address without its port.
    package enum Host: Sendable, Hashable {
        /// In network order.
        case v4(UInt32)
        /// Sixteen bytes as two numbers in network order, and the scope of a link-local address.
        case v6(UInt64, UInt64, scope: UInt32)
        /// A path in the file system; empty for a peer that has none.
        case unix(String)
    }

    package var host: Host
    package var port: UInt16

    package init(host: Host, port: UInt16 = 0) {
        self.host = host
        self.port = port
    }

    /// An address from text: `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`. `nil` where it is no literal address.
    package init?(literal text: String, port: UInt16) {
        var name = text
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        var v4 = in_addr()
        var v6 = in6_addr()
        if unsafe inet_pton(AF_INET, name, &v4) == 1 {
            self.init(host: .v4(v4.s_addr), port: port)
        } else if unsafe inet_pton(AF_INET6, name, &v6) == 1 {
            self.init(host: Self.host(v6, scope: 0), port: port)
        } else {
            return nil
        }
    }

    /// Whether the address is of this machine's own loopback range, or a unix socket.
    package var isLoopback: Bool {
        switch self.host {
        case .v4(let address): address & 0xff == 127
        case .v6(let high, let low, _):
            self.mapped.map { $0 & 0xff == 127 } ?? (high == 0 && UInt64(bigEndian: low) == 1)
        case .unix: true
        }
    }

    /// The IPv4 address that is mapped into an IPv6 one (RFC 4291 §2.5.5.2), in network order.
    private var mapped: UInt32? {
        guard case .v6(0, let low, _) = self.host, UInt64(bigEndian: low) >> 32 == 0xffff else { return nil }
        return UInt32(truncatingIfNeeded: UInt64(bigEndian: low)).bigEndian
    }

    /// The address alone, as `X-Forwarded-For` has it: no port, no brackets. IPv4-mapped addresses as IPv4.
    package var hostText: String {
        switch self.host {
        case .v4(let address):
            return Self.text(AF_INET, address)
        case .v6(let high, let low, _):
            return self.mapped.map { Self.text(AF_INET, $0) } ?? Self.text(AF_INET6, (high, low))
        case .unix(let path):
            return path.isEmpty ? "unix:" : "unix:\(path)"
        }
    }

    /// `192.0.2.1:80`, `[2001:db8::1]:80` or `unix:/run/x.sock`.
    package var description: String {
        switch self.host {
        case .v4: "\(self.hostText):\(self.port)"
        case .v6: "[\(self.hostText)]:\(self.port)"
        case .unix: self.hostText
        }
    }

    private static func text<Value>(_ family: CInt, _ address: Value) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            unsafe withUnsafePointer(to: address) { pointer in
                guard
                    let text = unsafe inet_ntop(
                        family, pointer, buffer.baseAddress.unsafelyUnwrapped, socklen_t(buffer.count))
                else { return "?" }
                return unsafe String(cString: text)
            }
        }
    }

    private static func host(_ address: in6_addr, scope: UInt32) -> Host {
        unsafe withUnsafeBytes(of: address) { bytes in
            unsafe .v6(
                bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                scope: scope)
        }
    }
}

/// To and from what the system calls take.
extension SocketAddress {
    /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
    var family: CInt {
        switch self.host {
        case .v4: AF_INET
        case .v6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// From what `accept` or `getaddrinfo` filled in; `nil` for a family that is not known here.
    init?(_ storage: UnsafePointer<sockaddr_storage>, length: socklen_t) {
        switch CInt(unsafe storage.pointee.ss_family) {
        case AF_INET:
            let address = unsafe UnsafeRawPointer(storage).loadUnaligned(as: sockaddr_in.self)
            self.init(host: .v4(address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = unsafe UnsafeRawPointer(storage).loadUnaligned(as: sockaddr_in6.self)
            self.init(
                host: Self.host(address.sin6_addr, scope: address.sin6_scope_id),
                port: UInt16(bigEndian: address.sin6_port))
        case AF_UNIX:
            let offset = MemoryLayout<sa_family_t>.size
            let count = max(0, Int(length) - offset)
            let bytes = unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(storage) + offset, count: count)
            self.init(host: .unix(unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)))
        default:
            return nil
        }
    }

    /// Lends the address in the form that `bind` and `connect` take. A unix path that is too long is an error.
    func withSystemAddress<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws(SystemError) -> Result {
        var storage = sockaddr_storage()
        let length: Int
        switch self.host {
        case .v4(let host):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = self.port.bigEndian
            address.sin_addr = in_addr(s_addr: host)
            length = MemoryLayout<sockaddr_in>.size
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: address, as: sockaddr_in.self) }
        case .v6(let high, let low, let scope):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = self.port.bigEndian
            address.sin6_scope_id = scope
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
                unsafe bytes.storeBytes(of: high, as: UInt64.self)
                unsafe bytes.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
            }
            length = MemoryLayout<sockaddr_in6>.size
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: address, as: sockaddr_in6.self) }
        case .unix(let path):
            let offset = MemoryLayout<sa_family_t>.size
            // sun_path holds 108 bytes, the terminating NUL among them.
            guard path.utf8.count < 108 else { throw SystemError("unix:\(path)", code: ENAMETOOLONG) }
            length = offset + path.utf8.count + 1
            unsafe withUnsafeMutableBytes(of: &storage) { bytes in
                unsafe bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
                var position = offset
                for byte in path.utf8 {
                    unsafe bytes[position] = byte
                    position += 1
                }
            }
        }
        return unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(length))
            }
        }
    }
}
