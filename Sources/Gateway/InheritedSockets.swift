private import Glibc
internal import Processes
internal import Reactor

/// The sockets that were open when the process began: those of the service manager, and those of the gateway that this
/// one takes the place of.
final class InheritedSockets {
    /// With the names that the service manager gave them. They are its own, so they stay open whether or not a listener
    /// uses them, and are handed on.
    private(set) var named: [(name: String, socket: ListeningSocket)] = []
    /// Those that the gateway before bound by itself; each is taken once.
    private var bound: [BoundBefore] = []
    /// The gateway that waits for this one to be ready.
    let predecessor: PredecessorProcess?

    /// A socket that the gateway before bound.
    private struct BoundBefore {
        let socket: ListeningSocket
        /// The kernel chose the port.
        let hasChosenPort: Bool
    }

    /// Nothing was handed over.
    init() {
        self.predecessor = nil
    }

    /// What the environment says was handed over.
    init(environment: [String: String]) throws(AssemblyFaults) {
        if let handover = Handover(environment: environment) {
            self.predecessor = handover.predecessor
            var faults = AssemblyFaults()
            for (index, kind) in handover.kinds.enumerated() {
                let socket = faults.gather {
                    try ListeningSocket(inherited: SuccessorProcess.firstDescriptor + CInt(index))
                }
                guard let socket else { continue }
                switch kind {
                case .named: self.named.append((handover.names[index], socket))
                case .bound: self.bound.append(BoundBefore(socket: socket, hasChosenPort: false))
                case .boundToChosenPort: self.bound.append(BoundBefore(socket: socket, hasChosenPort: true))
                }
            }
            try faults.throwIfAny()
        } else {
            self.predecessor = nil
            self.named = try Self.fromServiceManager(environment)
        }
    }

    /// sd_listen_fds(3): descriptors from 3 on, for the process that LISTEN_PID names.
    private static func fromServiceManager(
        _ environment: [String: String]
    ) throws(AssemblyFaults) -> [(name: String, socket: ListeningSocket)] {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), (1...1024).contains(count)
        else { return [] }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
        var faults = AssemblyFaults()
        let sockets = (0..<Int(count)).compactMap { index -> (name: String, socket: ListeningSocket)? in
            // sd_listen_fds_with_names(3): "unknown" where no name was given.
            let name = index < names.count && !names[index].isEmpty ? String(names[index]) : "unknown"
            return faults.gather {
                do throws(SystemError) {
                    return (name, try ListeningSocket(inherited: CInt(3 + index)))
                } catch {
                    throw AssemblyError.noSocket(for: "fd:\(name)", error.description)
                }
            }
        }
        try faults.throwIfAny()
        return sockets
    }

    /// All sockets of a name; `listener` is what the configuration calls it.
    func sockets(named name: String, for listener: String) throws(AssemblyError) -> [ListeningSocket] {
        let matching = self.named.filter { $0.name == name }.map(\.socket)
        guard !matching.isEmpty else { throw .noInheritedSocket(listener, known: self.named.map(\.name)) }
        return matching
    }

    /// The socket that the gateway before had bound to this address.
    func takeSocket(boundTo address: SocketAddress) -> ListeningSocket? {
        let position = self.bound.firstIndex { before in
            before.hasChosenPort
                ? address.port == 0 && address.host == before.socket.address.host
                : address == before.socket.address
        }
        return position.map { self.bound.remove(at: $0).socket }
    }

    /// What the gateway before had bound, and no listener has taken yet.
    var untaken: [ListeningSocket] { self.bound.map(\.socket) }

    /// What is handed on of what was inherited.
    var handed: [HandedSocket] {
        self.named.map { HandedSocket(descriptor: $0.socket.descriptor, kind: .named, name: $0.name) }
    }

    /// Lets go of what no listener has taken.
    func releaseBound() {
        self.bound = []
    }

    /// Lets go of everything.
    func releaseAll() {
        self.bound = []
        self.named = []
    }
}
