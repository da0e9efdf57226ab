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
            let tls = draft.value.tls.flatMap { Self.tls($0, reading) }
            Self.checkTogether(draft, reading)
            listeners.append(
                ListenerConfiguration(
                    address: address.value, tls: tls, redirectsToHTTPS: draft.value.redirectsToHTTPS,
                    speaksProxyProtocol: draft.value.speaksProxyProtocol, trustedProxies: draft.value.trustedProxies))
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

    /// What can not stand beside one another.
    private static func checkTogether(_ draft: Located<ListenerDraft>, _ reading: Reading) {
        let written = draft.value.writtenKeys
        if draft.value.redirectsToHTTPS, written["tls"] != nil {
            reading.report(
                written["redirect_to_https"] ?? draft.position,
                "a listener with \"tls\" has no requests to send on to https")
        }
        if draft.value.speaksProxyProtocol, draft.value.trustedProxies.isEmpty, written["trusted_proxies"] == nil {
            reading.report(
                written["proxy_protocol"] ?? draft.position,
                "\"proxy_protocol\" needs \"trusted_proxies\" beside it: whose headers are taken")
        }
    }

    private static func tls(_ draft: Located<TLSDraft>, _ reading: Reading) -> TLSConfiguration? {
        let written = draft.value.writtenKeys
        if written["certificates"] == nil {
            reading.report(draft.position, "\"tls\" needs \"certificates\": [{ certificate: x.pem, key: x.key }]")
        }
        if let position = written["client_certificate"], written["client_ca"] == nil {
            reading.report(position, "\"client_certificate\" needs \"client_ca\" beside it")
        }
        let certificates = draft.value.certificates.compactMap { draft -> TLSConfiguration.Certificate? in
            for name in ["certificate", "key"] where draft.value.writtenKeys[name] == nil {
                reading.report(draft.position, "a certificate needs a \"\(name)\"")
            }
            guard let certificate = draft.value.certificate, let key = draft.value.key else { return nil }
            return TLSConfiguration.Certificate(
                certificate: certificate, key: key, passphrase: draft.value.passphrase)
        }
        guard !certificates.isEmpty else { return nil }
        return TLSConfiguration(
            certificates: certificates, profile: draft.value.profile, minimumVersion: draft.value.minimumVersion,
            clientAuthorities: draft.value.clientAuthorities,
            requiresClientCertificate: draft.value.requiresClientCertificate,
            rejectsUnknownServerNames: draft.value.rejectsUnknownServerNames)
    }

    private static func note(
        _ address: ListenerAddress, at position: SourcePosition, _ lines: inout [ListenerAddress: Int],
        _ reading: Reading
    ) {
        // Port 0 is another port each time.
        if case .network(let network) = address, network.port == 0 { return }
        if let line = lines[address] {
            reading.report(position, "\"\(address)\" is listened on already, on line \(line)")
        } else if let (other, line) = lines.first(where: { $0.key.overlaps(address) }) {
            reading.report(
                position,
                "\"\(address)\" can not be listened on beside \"\(other)\" on line \(line): one has the other in it")
        } else {
            lines[address] = position.line
        }
    }
}
