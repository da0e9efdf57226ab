import Bytes
import Foundation
import TLS
import Testing
import Time

@Suite struct VerificationTests {
    @Test(arguments: [
        ("a", "a.example", nil), ("full", "chain.example", nil), ("mixed", "chain.example", nil),
        ("a-rsa", "www.a.example", nil),
        ("a", "b.example", CertificateFault.wrongHost("b.example")),
        ("common", "common.example", nil),
        ("expired", "expired.example", .expired),
        ("self", "self.example", .selfSigned),
        ("chain", "chain.example", .unknownAuthority),
        ("foreign", "a.example", .unknownAuthority),
        ("nameless", "nameless.example", .wrongHost("nameless.example")),
    ])
    func `a client believes only what it should`(name: String, host: String, fault: CertificateFault?) throws {
        let pair = try connect(clientContext(), serverContext(name), host: host)
        if let fault {
            #expect(pair.client.failure == .certificateRefused(fault))
            #expect(!pair.client.isOpen)
            #expect(pair.server.failure.map { if case .peerAlert = $0 { true } else { false } } == true)
        } else {
            #expect(pair.client.isOpen && pair.server.isOpen, "\(String(describing: pair.client.failure))")
        }
    }

    @Test func `without its authority nothing is believed`() throws {
        let pair = try connect(TLSClientContext(), serverContext("a"))
        #expect(pair.client.failure == .certificateRefused(.unknownAuthority))
        #expect(pair.server.failure == .peerAlert(.unknownAuthority))
    }

    @Test(arguments: [
        "", ".", "a b", "a\u{0}.example", "a.example\u{0}", "[a.example", "*", "*.b.example", "ä.example",
        "1.2.3.4\u{0}",
    ])
    func `a host that is none does not get as far as a connection`(host: String) throws {
        #expect(throws: TLSFailure.certificateRefused(.wrongHost(host))) {
            _ = try TLSSession(clientContext(), host: host)
        }
    }

    @Test func `a server that is not ours`() throws {
        let command = try Command(
            [
                "s_server", "-accept", "127.0.0.1:0", "-cert", Certificates.path("a.pem"), "-key",
                Certificates.path("a.key"), "-alpn", "http/1.1", "-rev",
            ], input: "")
        defer { _ = command.finish() }
        let printed = command.wait(for: "ACCEPT 127.0.0.1:")
        let port = try #require(UInt16(printed.split(separator: ":").last?.prefix { $0.isNumber } ?? ""))
        let context = try clientContext()
        for isSecond in [false, true] {
            let descriptor = LocalSocket.connected(to: port)
            defer { close(descriptor) }
            let peer = Peer(try TLSSession(context, host: "a.example", offering: [.http2, .http1]))
            try peer.session.start(output: &peer.output)
            peer.send("too early")
            #expect(peer.failure == .notOpen)
            LocalSocket.send(peer.takeOutput(), on: descriptor)
            var hasAsked = false
            while peer.text != "olleh\n", let bytes = LocalSocket.receive(on: descriptor) {
                peer.receive(bytes)
                if peer.isOpen, !hasAsked {
                    hasAsked = true
                    peer.send("hello\n")
                }
                LocalSocket.send(peer.takeOutput(), on: descriptor)
            }
            #expect(peer.text == "olleh\n")
            #expect(peer.handshake?.applicationProtocol == .http1)
            #expect(peer.handshake?.isResumed == isSecond)
        }
    }
}
