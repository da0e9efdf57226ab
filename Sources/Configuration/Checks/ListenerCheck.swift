/// Holds the addresses that are listened on against one another.
enum ListenerCheck {
    /// The listeners, each address once.
    static func listeners(of file: FileDraft, _ reading: Reading) -> [ListenerConfiguration] {
        var lines: [ListenerAddress: Int] = [:]
        var listeners: [ListenerConfiguration] = []
        for draft in file.listeners {
            guard let address = draft.value.address else {
                if draft.value.writtenKeys["address"] == nil {
                    reading.report(draft.position, "a listener needs an \"address\", such as \"127.0.0.1:8080\"")
                }
                continue
            }
            Self.note(address.value, at: address.position, &lines, reading)
            listeners.append(ListenerConfiguration(address: address.value))
        }
        if let local = file.localLambda.address {
            Self.note(.network(local.value), at: local.position, &lines, reading)
        }
        if let admin = file.admin?.value.address { Self.note(admin.value, at: admin.position, &lines, reading) }
        return listeners
    }

    /// The admin listener. One that others than this machine can reach has to ask for a token.
    static func admin(of file: FileDraft, _ reading: Reading) -> AdminSettings? {
        guard let draft = file.admin else { return nil }
        guard let address = draft.value.address else {
            if draft.value.writtenKeys["address"] == nil {
                reading.report(draft.position, "\"admin\" needs an \"address\", such as \"127.0.0.1:9900\"")
            }
            return nil
        }
        if draft.value.writtenKeys["token"] == nil, case .network(let network) = address.value, !network.isLoopback {
            reading.report(
                address.position,
                "\"\(network)\" can be reached from other machines: give a \"token\", or listen on 127.0.0.1 or a unix socket"
            )
        }
        return AdminSettings(address: address.value, token: draft.value.token)
    }

    private static func note(
        _ address: ListenerAddress, at position: SourcePosition, _ lines: inout [ListenerAddress: Int],
        _ reading: Reading
    ) {
        // Port 0 is another port each time.
        if case .network(let network) = address, network.port == 0 { return }
        if let line = lines[address] {
            reading.report(position, "\"\(address)\" is listened on already, on line \(line)")
        } else {
            lines[address] = position.line
        }
    }
}
