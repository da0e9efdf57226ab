import TLS
import Testing
import Time

@Suite struct ClientCertificateTests {
    private func policy(_ file: String = "clients", isRequired: Bool) -> ClientCertificatePolicy {
        ClientCertificatePolicy(
            authorities: Certificates.bytes("\(file).pem"), authoritiesFile: "\(file).pem", isRequired: isRequired)
    }

    private func connect(
        _ server: TLSServerContext, certificate: String?, options: [String] = []
    ) throws -> Peer {
        var arguments = options
        if let certificate {
            arguments += [
                "-cert", Certificates.path("\(certificate).pem"), "-key", Certificates.path("\(certificate).key"),
            ]
        }
        return try CommandClient(arguments: arguments).run(against: TLSSession(server, at: start))
    }

    @Test(arguments: ["-tls1_3", "-tls1_2"])
    func `certificates of clients`(version: String) throws {
        let required = try serverContext("a", clients: self.policy(isRequired: true))
        let optional = try serverContext("a", clients: self.policy(isRequired: false))
        let none = try serverContext("a")
        let rows: [(server: TLSServerContext, certificate: String?, failure: TLSFailure?, isShown: Bool)] = [
            (required, "client", nil, true), (required, nil, .certificateMissing, false),
            (required, "stranger", .certificateRefused(.unknownAuthority), false),
            (required, "gone", .certificateRefused(.expired), false),
            (optional, "client", nil, true), (optional, nil, nil, false),
            (optional, "stranger", .certificateRefused(.unknownAuthority), false),
            (none, "client", nil, false),
        ]
        for row in rows {
            let peer = try self.connect(row.server, certificate: row.certificate, options: [version])
            #expect(peer.failure == row.failure, "\(row.certificate ?? "none")")
            #expect((peer.handshake?.clientCertificate != nil) == row.isShown)
        }
    }

    // The example of the developer guide of API Gateway has serial numbers with colons and dates as OpenSSL prints
    // them.
    @Test func `the data of a certificate are those of API Gateway's events`() throws {
        let server = try serverContext("a", clients: self.policy(isRequired: true))
        let certificate = try #require(try self.connect(server, certificate: "client").handshake?.clientCertificate)
        #expect(certificate.subject == #"CN=Jörg,O=Ex\, Ample,C=GB"#)
        #expect(certificate.issuer == "CN=Client Authority")
        #expect(certificate.serialNumber == "a1:0b:22")
        #expect(certificate.pem.hasPrefix("-----BEGIN CERTIFICATE-----\n"))
        #expect(certificate.pem == String(decoding: Certificates.bytes("client.pem"), as: UTF8.self))
        #expect(certificate.notAfter - certificate.notBefore == .seconds(20 * 86_400))
        let text = try Command(["x509", "-in", Certificates.path("client.pem"), "-noout", "-dates"], input: "")
            .wait(for: "\nnotAfter=").split(separator: "\n").map { $0.drop { $0 != "=" }.dropFirst() }
        #expect(text.map(String.init) == [certificate.notBeforeText, certificate.notAfterText])
    }

    @Test func `a resumed session has its certificate, and only under the same authorities`() throws {
        let keys = TicketKeys(at: start)
        let server = try serverContext("a", clients: self.policy(isRequired: true), keys: keys)
        let session = Certificates.path("client-session-\(UInt64.random(in: 0..<(.max))).txt")
        for version in ["-tls1_2", "-tls1_3"] {
            let first = CommandClient(
                arguments: [
                    version, "-cert", Certificates.path("client.pem"), "-key", Certificates.path("client.key"),
                    "-sess_out", session,
                ], input: "hello\n", ending: .byServer)
            let begun = try first.run(against: TLSSession(server, at: start))
            #expect(begun.events.first == .handshakeCompleted)
            let again = try self.connect(server, certificate: nil, options: [version, "-sess_in", session])
            #expect(again.handshake?.isResumed == true, "\(version)")
            #expect(again.handshake?.clientCertificate?.serialNumber == "a1:0b:22")
            // Other rules: the session counts for nothing, and without a certificate there is no connection.
            for other in [
                try serverContext("a", clients: self.policy("other", isRequired: true), keys: keys),
                try serverContext("a", clients: self.policy("ca", isRequired: true), keys: keys),
            ] {
                let refused = try self.connect(other, certificate: nil, options: [version, "-sess_in", session])
                #expect(refused.failure == .certificateMissing, "\(version)")
            }
            let lax = try serverContext("a", keys: keys)
            let whole = try self.connect(lax, certificate: nil, options: [version, "-sess_in", session])
            #expect(whole.handshake?.isResumed == false)
            #expect(whole.handshake?.clientCertificate == nil)
        }
    }
}
