internal import Configuration
internal import Reactor

/// Binds the listeners of a configuration.
enum ListenerBinding {
    /// Takes over the sockets of listeners that are there already, and those that were handed over; binds the others,
    /// which do not listen yet. Says everything that is wrong.
    static func bind(
        _ listeners: [ListenerConfiguration], tls: [ListenerTLS?], keeping current: [BoundListener],
        from source: SocketSource
    ) throws(AssemblyFaults) -> [BoundListener] {
        var rest = current
        let kept = listeners.map { configuration -> BoundListener? in
            rest.firstIndex { $0.address == configuration.address }.map { rest.remove(at: $0) }
        }
        var faults = AssemblyFaults()
        let bound = zip(zip(listeners, tls), kept).compactMap { pair, kept -> BoundListener? in
            let (configuration, tls) = pair
            let sockets =
                kept.map { $0.sockets.map(\.socket) }
                ?? faults.gather {
                    try self.sockets(
                        for: configuration.address, name: "listener \(configuration.address)", from: source)
                }
            return sockets.map { sockets in
                BoundListener(
                    address: configuration.address,
                    sockets: sockets.map { socket in
                        BoundSocket(
                            socket: socket,
                            listener: ListenerRuntime(configuration, port: socket.address.port, tls: tls))
                    })
            }
        }
        try faults.throwIfAny()
        return bound
    }

    /// One socket, or one for each address of a host name. `name` is what faults call it.
    static func sockets(
        for address: ListenerAddress, name: String, from source: SocketSource
    ) throws -> [ListeningSocket] {
        switch address {
        case .network(let network):
            return try self.addresses(of: network, name: name).map {
                try self.bind($0, name: name, from: source)
            }
        case .unix(let path):
            return [try self.bind(SocketAddress(host: .unix(path)), name: name, from: source)]
        case .descriptor(let fileDescriptorName):
            return try source.inherited.sockets(named: fileDescriptorName, for: name)
        }
    }

    /// All addresses of a host, with the port.
    static func addresses(of network: NetworkAddress, name: String) throws(AssemblyError) -> [SocketAddress] {
        if let literal = SocketAddress(literal: network.host, port: network.port) { return [literal] }
        switch Resolver.systemLookup(network.host) {
        case .success(let addresses):
            return addresses.map { SocketAddress(host: $0.host, port: network.port) }
        case .failure(let error):
            throw .noSocket(for: name, error.description)
        }
    }

    /// A socket that is bound to the address: one that was handed over or is about to go, or a new one, which does not
    /// listen yet.
    static func bind(
        _ address: SocketAddress, name: String, from source: SocketSource
    ) throws(AssemblyError) -> ListeningSocket {
        if let socket = source.socket(boundTo: address) { return socket }
        do throws(SystemError) {
            return try ListeningSocket(bindingTo: address, leaving: source.leaving, listens: false)
        } catch {
            throw .noSocket(for: name, error.description)
        }
    }
}

/// Sockets that are bound already.
final class SocketSource {
    /// Those that go unless somebody takes them: an address may be written in another way now, or be for something
    /// else.
    private var current: [ListeningSocket]
    fileprivate let inherited: InheritedSockets

    init(leaving current: [ListeningSocket] = [], inherited: InheritedSockets) {
        self.current = current
        self.inherited = inherited
    }

    fileprivate var leaving: [ListeningSocket] { self.current + self.inherited.untaken }

    /// The one that is bound to an address, which nobody else gets then.
    fileprivate func socket(boundTo address: SocketAddress) -> ListeningSocket? {
        if let socket = self.inherited.takeSocket(boundTo: address) { return socket }
        let position = self.current.firstIndex { $0.address == address }
        return position.map { self.current.remove(at: $0) }
    }
}
