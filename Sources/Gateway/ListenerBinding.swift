internal import Configuration
private import Glibc
internal import Reactor

/// Binds the listeners of a configuration.
enum ListenerBinding {
    static func bind(
        _ listeners: [ListenerConfiguration], environment: [String: String]
    ) throws -> [(socket: ListeningSocket, listener: ListenerRuntime)] {
        try listeners.flatMap { configuration in
            try self.sockets(for: configuration.address, environment: environment).map { socket in
                (
                    socket,
                    ListenerRuntime(
                        name: configuration.address.description, port: socket.address.port, scheme: "http")
                )
            }
        }
    }

    /// One socket, or one for each address of a host name.
    static func sockets(
        for address: ListenerAddress, environment: [String: String]
    ) throws -> [ListeningSocket] {
        switch address {
        case .network(let network):
            return try self.addresses(host: network.host, port: network.port).map {
                try self.bind($0, name: address.description)
            }
        case .unix(let path):
            return [try self.bind(SocketAddress(host: .unix(path)), name: address.description)]
        case .descriptor(let name):
            return try self.inherited(name, environment: environment)
        }
    }

    private static func addresses(host: String, port: UInt16) throws -> [SocketAddress] {
        if let literal = SocketAddress(literal: host, port: port) { return [literal] }
        switch Resolver.systemLookup(host) {
        case .success(let addresses):
            return addresses.map { SocketAddress(host: $0.host, port: port) }
        case .failure(let error):
            throw AssemblyError.unresolvedListener("\(host):\(port)", error.description)
        }
    }

    private static func bind(_ address: SocketAddress, name: String) throws -> ListeningSocket {
        do throws(SystemError) {
            return try ListeningSocket(bindingTo: address)
        } catch {
            throw AssemblyError.unresolvedListener(name, error.description)
        }
    }

    /// Sockets that the service manager handed over under this name: sd_listen_fds(3).
    private static func inherited(_ name: String, environment: [String: String]) throws -> [ListeningSocket] {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0
        else { throw AssemblyError.noInheritedSocket(name, known: []) }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
            .map(String.init)
        let matching = (0..<Int(count)).filter { $0 < names.count && names[$0] == name }
        guard !matching.isEmpty else { throw AssemblyError.noInheritedSocket(name, known: names) }
        return try matching.map { index in
            do throws(SystemError) {
                return try ListeningSocket(inherited: CInt(3 + index))
            } catch {
                throw AssemblyError.unresolvedListener("fd:\(name)", error.description)
            }
        }
    }
}
