import TLS
import Testing
import Time

@Suite struct LoadingTests {
    /// The faults that keep a context from being made.
    private func faults(_ sources: [CertificateSource], clients: ClientCertificatePolicy? = nil) -> [TLSLoadFault] {
        do throws(TLSLoadFaults) {
            _ = try TLSServerContext(
                TLSServerSettings(certificates: sources, clientCertificates: clients), ticketKeys: TicketKeys(at: start)
            )
            return []
        } catch {
            return error.faults
        }
    }

    private func source(certificate: [UInt8], key: [UInt8]) -> CertificateSource {
        CertificateSource(certificate: certificate, key: key, certificateFile: "c.pem", keyFile: "k.pem")
    }

    @Test func `each fault names its file`() {
        let certificate = Certificates.bytes("a.pem")
        let key = Certificates.bytes("a.key")
        let broken = Array(String(decoding: certificate, as: UTF8.self).replacing("MII", with: "MIX").utf8)
        let brokenKey = Array(String(decoding: key, as: UTF8.self).replacing("MHcC", with: "MHcX").utf8)
        let rows: [(certificate: [UInt8], key: [UInt8], fault: TLSLoadFault)] = [
            ([], key, TLSLoadFault(file: "c.pem", reason: .noCertificate)),
            (Array("hello".utf8), key, TLSLoadFault(file: "c.pem", reason: .noCertificate)),
            (key, key, TLSLoadFault(file: "c.pem", reason: .noCertificate)),
            (broken, key, TLSLoadFault(file: "c.pem", reason: .unreadableCertificate(position: 1))),
            (certificate + broken, key, TLSLoadFault(file: "c.pem", reason: .unreadableCertificate(position: 2))),
            (certificate, [], TLSLoadFault(file: "k.pem", reason: .noKey)),
            (certificate, certificate, TLSLoadFault(file: "k.pem", reason: .noKey)),
            (
                certificate, Certificates.bytes("b.key"),
                TLSLoadFault(file: "k.pem", reason: .keyDoesNotMatch(certificateFile: "c.pem"))
            ),
            (
                certificate, Certificates.bytes("a-rsa.key"),
                TLSLoadFault(file: "k.pem", reason: .keyDoesNotMatch(certificateFile: "c.pem"))
            ),
            (
                Array(repeating: certificate, count: 40).flatMap(\.self), key,
                TLSLoadFault(file: "c.pem", reason: .tooManyCertificates(limit: 32))
            ),
            (
                certificate, [UInt8](repeating: 10, count: 9 << 20),
                TLSLoadFault(file: "k.pem", reason: .tooLarge(limit: 8 << 20))
            ),
        ]
        for row in rows {
            #expect(self.faults([self.source(certificate: row.certificate, key: row.key)]) == [row.fault])
        }
        let unreadable = self.faults([self.source(certificate: certificate, key: brokenKey)])
        guard case .unreadableKey = unreadable.first?.reason else {
            Issue.record("\(unreadable)")
            return
        }
    }

    @Test func `all faults are told at once`() {
        let sources = [
            self.source(certificate: [], key: []), Certificates.source("a"), Certificates.source("a", key: "b"),
        ]
        let faults = self.faults(
            sources, clients: ClientCertificatePolicy(authorities: [], authoritiesFile: "clients.pem"))
        #expect(faults.map(\.file) == ["c.pem", "k.pem", "b.key", "clients.pem"])
        #expect("\(faults[2])" == "b.key: the private key in it does not belong to the certificate in a.pem")
        #expect(self.faults([]).map(\.reason) == [.noCertificate])
    }

    @Test func `keys that are too small are refused`() {
        let faults = self.faults([Certificates.source("weak")])
        #expect(faults.count == 1)
        #expect(faults.first?.description == "weak.pem: it is refused: ee key too small")
    }

    @Test(arguments: ["sealed", "sealed8"])
    func `encrypted keys`(name: String) {
        #expect(self.faults([Certificates.source(name, passphrase: "secret")]).isEmpty)
        // As files have it.
        #expect(self.faults([Certificates.source(name, passphrase: "secret\n")]).isEmpty)
        #expect(self.faults([Certificates.source(name, passphrase: "secret\r\nmore")]).isEmpty)
        for wrong in ["Secret", "", "secret ", String(repeating: "x", count: 5000)] {
            #expect(self.faults([Certificates.source(name, passphrase: wrong)]).map(\.reason) == [.passphraseWrong])
        }
        #expect(self.faults([Certificates.source(name)]).map(\.reason) == [.passphraseMissing])
    }

    @Test func `a passphrase for a key that needs none does no harm`() {
        #expect(self.faults([Certificates.source("a", passphrase: "secret")]).isEmpty)
    }

    @Test func `certificate and key may lie in one file`() throws {
        let both = Certificates.bytes("chain.key") + Certificates.bytes("full.pem")
        let context = try TLSServerContext(
            TLSServerSettings(certificates: [self.source(certificate: both, key: both)]),
            ticketKeys: TicketKeys(at: start))
        #expect(try connect(clientContext(), context, host: "chain.example").client.isOpen)
    }

    @Test func `what is known of a certificate`() throws {
        let context = try serverContext("a", "b", "common", "nameless", "address", "a-rsa", "self")
        let summaries = context.certificates
        #expect(summaries[0].names == ["a.example", "www.a.example"])
        #expect(summaries[0].subject == "CN=a" && summaries[0].issuer == "CN=Test Authority")
        #expect(summaries[0].notAfter - summaries[0].notBefore == .seconds(20 * 86_400))
        #expect(
            summaries.map(\.names)[1...4] == [["*.b.example", "b.example"], ["common.example"], [], ["local.example"]])
        #expect(summaries.map(\.keyKind) == [.ecdsa, .ecdsa, .ecdsa, .ecdsa, .ecdsa, .rsa, .ecdsa])
    }

    @Test func `what keeps clients from trusting a certificate is a warning`() throws {
        let context = try serverContext("a", "expired", "nameless", "full", "mixed")
        let summaries = context.certificates
        let now = summaries[0].notBefore + .seconds(60)
        #expect(
            summaries.map { $0.warnings(at: now) } == [
                [], [.expired(summaries[1].notAfter)], [.noNames], [], [.chainOutOfOrder],
            ])
        #expect(summaries[0].warnings(at: summaries[0].notAfter + .seconds(1)) == [.expired(summaries[0].notAfter)])
        #expect(summaries[0].warnings(at: WallTime(seconds: 0)) == [.notYetValid(summaries[0].notBefore)])
        #expect(summaries[3].chainNotAfter <= summaries[3].notAfter)
    }

    @Test func `secrets are not shown`() {
        let source = Certificates.source("sealed", passphrase: "secret")
        var shown = ""
        dump(source, to: &shown)
        #expect("\(source)" == "CertificateSource(sealed.pem)")
        #expect(!shown.contains("key") || !shown.contains("115"))
    }

    @Test func `authorities of a client that can not be read`() {
        #expect(throws: TLSLoadFault(file: "ca.pem", reason: .noCertificate)) {
            _ = try TLSClientContext(additionalAuthorities: [1, 2, 3], authoritiesFile: "ca.pem")
        }
    }
}
