internal import Processes

/// What a gateway tells the one that takes its place, in a variable of the environment: who it is, and which of the
/// descriptors from `SuccessorProcess.firstDescriptor` on is what.
struct Handover {
    /// Where a socket came from.
    enum Kind: Character {
        /// The service manager, with a name.
        case named = "n"
        /// It was bound to the address that the configuration names.
        case bound = "b"
        /// As before, but the kernel chose the port.
        case boundToChosenPort = "c"
    }

    /// The gateway before, which waits for this one.
    let predecessor: PredecessorProcess
    /// For each socket.
    let kinds: [Kind]
    /// For each socket; empty for those that were bound.
    let names: [String]

    /// `PID KINDS NAME:NAME:…`; names have no colon, and may have spaces (systemd.socket(5), FileDescriptorName=).
    private static let variable = "SLUICE_HANDOVER"

    /// Variables that are meant for one process alone: sd_listen_fds(3), sd_watchdog_enabled(3), and our own.
    private static let ownVariables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", Self.variable]

    /// All variables that tell of the gateway itself, which other programs must not take for theirs.
    static let variablesOfGateway = Self.ownVariables + ["WATCHDOG_USEC", "NOTIFY_SOCKET"]

    /// What our parent said, where it was a gateway that hands over to us.
    init?(environment: [String: String]) {
        guard
            let words = environment[Self.variable]?.split(
                separator: " ", maxSplits: 2, omittingEmptySubsequences: false),
            words.count == 3, let processID = Int32(words[0]),
            let predecessor = PredecessorProcess(parent: processID)
        else { return nil }
        let kinds = words[1].compactMap(Kind.init(rawValue:))
        let names = words[2].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard kinds.count == words[1].count, kinds.isEmpty || names.count == kinds.count else { return nil }
        self.predecessor = predecessor
        self.kinds = kinds
        self.names = names
    }

    /// The environment of a gateway that takes the place of this one.
    static func environment(
        _ environment: [String: String], from processID: Int32, sockets: [HandedSocket]
    ) -> [String: String] {
        var environment = environment
        for name in Self.ownVariables { environment[name] = nil }
        let kinds = String(sockets.map(\.kind.rawValue))
        let names = sockets.map(\.name).joined(separator: ":")
        environment[Self.variable] = "\(processID) \(kinds) \(names)"
        return environment
    }
}

/// A socket that is handed over.
struct HandedSocket {
    let descriptor: Int32
    let kind: Handover.Kind
    /// Empty where it was bound.
    let name: String
}
