import Bytes
import TLS
import TestSupport
import Testing
import Time

@Suite struct HandshakeTests {
    @Test(arguments: [Int.max, 1, 7, 100, 1000])
    func `both sides agree, however the wire cuts`(size: Int) throws {
        let pair = try connect(clientContext(), serverContext("a"), size: size)
        for peer in [pair.client, pair.server] {
            #expect(peer.failure == nil, "\(String(describing: peer.failure))")
            #expect(peer.events.first == .handshakeCompleted)
        }
        let client = try #require(pair.client.handshake)
        let server = try #require(pair.server.handshake)
        #expect(client.version == .tls13)
        #expect(client.cipherSuite == "TLS_AES_128_GCM_SHA256")
        #expect(client.applicationProtocol == .http2)
        #expect(server.serverName == "a.example")
        #expect(server.clientCertificate == nil)
        #expect(!server.isResumed)
        #expect(server.version == client.version && server.cipherSuite == client.cipherSuite)
    }

    @Test func `each flight may be cut at each place`() throws {
        let client = try clientContext()
        let server = try serverContext("a")
        let probe = try Pair(client: TLSSession(client, host: "a.example"), server: TLSSession(server, at: start))
        let hello = probe.client.takeOutput().count
        // Hellos are of one length; the flight behind it varies with signatures, which does not matter to a cut.
        for cut in stride(from: 1, to: hello, by: 3) {
            let pair = try Pair(client: TLSSession(client, host: "a.example"), server: TLSSession(server, at: start))
            let first = pair.client.takeOutput()
            pair.server.receive(Array(first[..<cut]))
            pair.server.receive(Array(first[cut...]))
            let second = pair.server.takeOutput()
            let place = cut * second.count / hello
            pair.client.receive(Array(second[..<place]))
            pair.client.receive(Array(second[place...]))
            pair.run()
            #expect(pair.server.isOpen && pair.client.isOpen, "cut at \(cut)")
        }
    }

    @Test(arguments: [0, 1, 100, 16_384, 16_385, 70_000, 200_000])
    func `what is sent arrives, in both directions`(count: Int) throws {
        let pair = try connect(clientContext(), serverContext("a"))
        var random = SeededRandom(seed: UInt64(count))
        let up = random.bytes(count)
        let down = random.bytes(count / 2)
        pair.client.send(up)
        pair.server.send(down)
        pair.run(size: count > 1000 ? 4099 : 1)
        let isUpComplete = pair.server.received == up
        #expect(isUpComplete)
        let isDownComplete = pair.client.received == down
        #expect(isDownComplete)
        #expect(pair.client.failure == nil && pair.server.failure == nil)
    }

    @Test func `records are as large and as few as possible`() throws {
        let pair = try connect(clientContext(), serverContext("a"))
        pair.server.send([UInt8](repeating: 1, count: 16_384 * 3 + 1))
        var bytes = pair.server.takeOutput()[...]
        var sizes: [Int] = []
        while bytes.count >= 5 {
            let size = Int(bytes[bytes.startIndex + 3]) << 8 | Int(bytes[bytes.startIndex + 4])
            sizes.append(size)
            bytes = bytes.dropFirst(5 + size)
        }
        #expect(sizes == [16_401, 16_401, 16_401, 18])
    }

    @Test func `data right behind the handshake is not lost`() throws {
        let pair = try Pair(
            client: TLSSession(clientContext(), host: "a.example"), server: TLSSession(serverContext("a"), at: start))
        pair.server.receive(pair.client.takeOutput())
        pair.client.receive(pair.server.takeOutput())
        pair.client.send("GET / HTTP/1.1\r\n\r\n")
        pair.client.session.close(output: &pair.client.output)
        pair.server.receive(pair.client.takeOutput())
        #expect(pair.server.events == [.handshakeCompleted, .plaintext, .ended])
        #expect(pair.server.text == "GET / HTTP/1.1\r\n\r\n")
    }

    // The guideline 6.0 of Mozilla, intermediate and modern.
    @Test func `the versions are 1_2 and 1_3, or 1_3 alone`() throws {
        let rows: [(profile: TLSProfile, minimum: TLSVersion, client: String, works: Bool)] = [
            (.intermediate, .tls12, "-tls1_3", true), (.intermediate, .tls12, "-tls1_2", true),
            (.intermediate, .tls12, "-tls1_1", false), (.modern, .tls12, "-tls1_2", false),
            (.modern, .tls12, "-tls1_3", true), (.intermediate, .tls13, "-tls1_2", false),
        ]
        for row in rows {
            let server = try serverContext("a", profile: row.profile, minimum: row.minimum)
            let client = CommandClient(arguments: [row.client, "-cipher", "ALL:@SECLEVEL=0"])
            let peer = try client.run(against: TLSSession(server, at: start))
            #expect(peer.isOpen == row.works, "\(row): \(String(describing: peer.failure))")
            if !row.works { #expect(peer.failure?.alert == .protocolVersion, "\(row)") }
        }
    }

    @Test func `suites of the guideline are taken, others refused`() throws {
        let both = try serverContext("a", "a-rsa")
        let rows: [(suite: String, works: Bool)] = [
            ("ECDHE-ECDSA-AES128-GCM-SHA256", true), ("ECDHE-RSA-AES128-GCM-SHA256", true),
            ("ECDHE-ECDSA-AES256-GCM-SHA384", true), ("ECDHE-RSA-AES256-GCM-SHA384", true),
            ("ECDHE-ECDSA-CHACHA20-POLY1305", true), ("ECDHE-RSA-CHACHA20-POLY1305", true),
            ("DHE-RSA-AES128-GCM-SHA256", false), ("ECDHE-RSA-AES128-SHA256", false), ("AES128-GCM-SHA256", false),
            ("ECDHE-ECDSA-AES128-SHA", false),
        ]
        for row in rows {
            let client = CommandClient(arguments: ["-tls1_2", "-cipher", row.suite])
            let peer = try client.run(against: TLSSession(both, at: start))
            #expect(peer.isOpen == row.works, "\(row): \(String(describing: peer.failure))")
            if row.works {
                #expect(peer.handshake?.cipherSuite == row.suite)
                #expect(peer.handshake?.version == .tls12)
            } else {
                #expect(peer.failure?.alert == .handshakeFailure)
            }
        }
    }

    @Test func `the client's order of suites counts`() throws {
        let server = try serverContext("a")
        for order in ["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"] {
            let client = CommandClient(arguments: ["-ciphersuites", "\(order):TLS_AES_128_GCM_SHA256"])
            let peer = try client.run(against: TLSSession(server, at: start))
            #expect(peer.handshake?.cipherSuite == order)
        }
    }

    @Test(arguments: [
        ("X25519", true), ("P-256", true), ("P-384", true), ("P-521", false), ("X448", false),
        // The second hello comes after a HelloRetryRequest.
        ("P-521:P-256", true),
    ])
    func `groups of the guideline are taken, others refused`(group: String, works: Bool) throws {
        let client = CommandClient(arguments: ["-groups", group])
        let peer = try client.run(against: TLSSession(serverContext("a"), at: start))
        #expect(peer.isOpen == works, "\(String(describing: peer.failure))")
    }

    // RFC 7301 §3.2.
    @Test(arguments: [
        ("h2,http/1.1", ApplicationProtocol.http2), ("http/1.1,h2", .http2), ("http/1.1", .http1), ("h2", .http2),
        ("spdy/3,http/1.1", .http1), ("http/1.0,h3", nil), ("h2c", nil), ("http/1.0", nil), ("", .http1),
    ])
    func `ALPN`(offer: String, expected: ApplicationProtocol?) throws {
        let client = CommandClient(arguments: offer.isEmpty ? [] : ["-alpn", offer])
        let peer = try client.run(against: TLSSession(serverContext("a"), at: start))
        #expect(peer.handshake?.applicationProtocol == expected)
        if expected == nil { #expect(peer.failure == .noApplicationProtocol) }
    }

    @Test func `a listener without HTTP 2 does not agree on it`() throws {
        let server = try serverContext("a", protocols: [.http1])
        #expect(try connect(clientContext(), server).client.handshake?.applicationProtocol == .http1)
        let pair = try connect(clientContext(), server, offering: [.http2])
        #expect(pair.server.failure == .noApplicationProtocol)
        #expect(pair.client.failure == .peerAlert(.noApplicationProtocol))
    }
}
