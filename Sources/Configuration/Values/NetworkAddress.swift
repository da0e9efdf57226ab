private import Bytes
private import HTTP

/// A host and a port to listen on.
package struct NetworkAddress: Sendable, Hashable {
    /// A name or an address; IPv6 addresses without brackets.
    package let host: String
    /// 0 lets the system choose.
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `0.0.0.0:443`, `[::]:443` or `localhost:8080`.
    init(parsing text: String) throws(ValueFault) {
        let example = "such as \"0.0.0.0:8080\" or \"[::]:8080\""
        guard let colon = text.utf8.lastIndex(of: ASCII.colon), text.utf8.last != ASCII.closeBracket else {
            throw ValueFault("\"\(text)\" has no port; an address is a host and a port, \(example)")
        }
        let portText = text[text.utf8.index(after: colon)...]
        guard portText.utf8.count <= 5, portText.utf8.allSatisfy(ASCII.isDigit), let port = UInt16(portText) else {
            throw ValueFault("\"\(portText)\" is no port; a port is a number up to 65535")
        }
        let host = String(text[..<colon])
        guard !host.isEmpty, host != "*" else {
            throw ValueFault("\"\(text)\" names no host; all addresses are \"0.0.0.0:\(port)\" or \"[::]:\(port)\"")
        }
        if !host.hasPrefix("["), host.contains(":") {
            throw ValueFault("an IPv6 address stands in brackets, as in \"[\(host)]:\(port)\"")
        }
        guard let authority = try? Authority(parsing: host.utf8.span), authority.port == nil,
            Self.isNameOrAddress(authority.host)
        else {
            throw ValueFault("\"\(host)\" is neither a host name nor an address, \(example)")
        }
        let isBracketed = authority.host.hasPrefix("[")
        self.host = isBracketed ? String(authority.host.dropFirst().dropLast()) : authority.host
        self.port = port
    }

    /// Narrower than an authority: letters, digits, hyphens and underscores, and an IPv4 address where the last label
    /// is a number.
    private static func isNameOrAddress(_ host: String) -> Bool {
        if host.hasPrefix("[") { return true }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let isName =
            host.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count)
                    && label.utf8.allSatisfy {
                        ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.minus || $0 == ASCII.underscore
                    }
            }
        guard isName, let last = labels.last else { return false }
        guard last.utf8.allSatisfy(ASCII.isDigit) else { return true }
        return IPAddress(parsing: host.utf8.span) != nil
    }
}

extension NetworkAddress {
    /// Whether only this machine can connect.
    var isLoopback: Bool {
        self.host == "localhost" || IPAddress(parsing: self.host.utf8.span)?.isLoopback == true
    }
}

extension NetworkAddress {
    /// Whether both can not be listened on: one is all addresses of the machine, and the other is one of them.
    func overlaps(_ other: NetworkAddress) -> Bool {
        guard self.port == other.port, self.port != 0 else { return false }
        return self.contains(other) || other.contains(self)
    }

    private func contains(_ other: NetworkAddress) -> Bool {
        let isIPv6 = other.host.utf8.contains(ASCII.colon)
        let isIPv4 = other.host.utf8.allSatisfy { ASCII.isDigit($0) || $0 == ASCII.dot }
        return switch self.host {
        // Sockets of IPv6 take no IPv4. Which addresses other names have is not known here.
        case "0.0.0.0": isIPv4 || other.host == "localhost"
        case "::": isIPv6
        default: false
        }
    }
}

extension NetworkAddress: CustomStringConvertible {
    /// `127.0.0.1:80`, `[::1]:80`.
    package var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}

/// Where connections are accepted.
package enum ListenerAddress: Sendable, Hashable {
    case network(NetworkAddress)
    /// A unix socket at this path.
    case unix(path: String)
    /// A socket that systemd handed over under this name (`FileDescriptorName=`, LISTEN_FDNAMES).
    case descriptor(name: String)

    /// Longer paths do not fit into a `sockaddr_un`.
    static let maximumPathBytes = 107

    /// Reads `host:port`, `unix:/path` or `fd:NAME`; `path` makes a path of the file one of the process.
    init(parsing text: String, path: (String) -> String) throws(ValueFault) {
        if text.hasPrefix("unix:") {
            let name = String(text.dropFirst("unix:".count))
            guard !name.isEmpty, !name.hasPrefix("@"), !name.utf8.contains(ASCII.nul), !name.hasSuffix("/") else {
                throw ValueFault("\"\(text)\" names no socket; a unix socket is \"unix:/run/sluice/http.sock\"")
            }
            let full = path(name)
            guard full.utf8.count <= Self.maximumPathBytes else {
                throw ValueFault(
                    "the path of a unix socket has at most \(Self.maximumPathBytes) bytes, this one \(full.utf8.count)")
            }
            self = .unix(path: full)
        } else if text.hasPrefix("fd:") {
            let name = String(text.dropFirst("fd:".count))
            // systemd.socket(5): names of at most 255 characters of ASCII without control characters and ":".
            let isName = name.utf8.allSatisfy { $0 > ASCII.space && $0 < ASCII.delete && $0 != ASCII.colon }
            guard (1...255).contains(name.utf8.count), isName else {
                throw ValueFault(
                    "\"\(text)\" names no descriptor; it is \"fd:\" and the socket unit's FileDescriptorName")
            }
            self = .descriptor(name: name)
        } else {
            self = .network(try NetworkAddress(parsing: text))
        }
    }
}

extension ListenerAddress {
    /// Whether both can not be listened on, though they are not the same.
    func overlaps(_ other: ListenerAddress) -> Bool {
        guard case .network(let own) = self, case .network(let others) = other else { return false }
        return own.overlaps(others)
    }
}

extension ListenerAddress: CustomStringConvertible {
    /// As the configuration has it.
    package var description: String {
        switch self {
        case .network(let address): address.description
        case .unix(let path): "unix:\(path)"
        case .descriptor(let name): "fd:\(name)"
        }
    }
}
