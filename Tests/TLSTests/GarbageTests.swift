import Bytes
import TLS
import TestSupport
import Testing
import Time

@Suite struct GarbageTests {
    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "DELETE /x HTTP/1.1\r\n", "OPTIONS *", "X"])
    func `HTTP without TLS is recognised`(text: String) throws {
        for pieces in Feeding.ways(of: Array(text.utf8)) {
            let peer = Peer(try TLSSession(serverContext("a"), at: start))
            for piece in pieces { peer.receive(piece) }
            #expect(peer.failure == .plainHTTP)
            #expect(peer.pending == 0, "the answer is the driver's, in plain text")
        }
    }

    @Test func `an upstream without TLS is recognised`() throws {
        let peer = Peer(try TLSSession(clientContext(), host: "a.example"))
        try peer.session.start(output: &peer.output)
        peer.receive(Array("HTTP/1.1 400 Bad Request\r\n".utf8))
        #expect(peer.failure == .plainHTTP)
    }

    /// What is no hello gets an alert, in a record that anybody can read.
    @Test(arguments: [
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], TLSAlert.protocolVersion),
        ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], .protocolVersion),
        (Array("\r\n\r\n\r\n\r\n\r\n".utf8), .protocolVersion),
        // An oversized record.
        ([22, 3, 1, 0xff, 0xff, 1, 0, 0, 1, 1, 1, 1], .recordOverflow),
        // Application data first; an alert first; an empty record of each type.
        ([23, 3, 3, 0, 3, 1, 2, 3], .unexpectedMessage),
        ([20, 3, 3, 0, 1, 1], .unexpectedMessage),
        // A hello of the wrong kind, and one whose length is a lie.
        ([22, 3, 1, 0, 4, 2, 0, 0, 0], .unexpectedMessage),
        ([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff], .illegalParameter),
        ([22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3], .decodeError),
    ])
    func `garbage gets an alert`(bytes: [UInt8], alert: TLSAlert) throws {
        for pieces in [[bytes], bytes.map { [$0] }] {
            let peer = Peer(try TLSSession(serverContext("a"), at: start))
            for piece in pieces { peer.receive(piece) }
            let failure = try #require(peer.failure)
            #expect(failure.alert == alert, "\(failure)")
            #expect(failure.whose == .peer)
            let said = peer.takeOutput()
            #expect(said.count == 7 && said.first == 21 && said.last == alert.rawValue, "\(said)")
        }
    }

    @Test func `a peer that gives up is believed`() throws {
        let peer = Peer(try TLSSession(clientContext(), host: "a.example"))
        try peer.session.start(output: &peer.output)
        peer.receive([21, 3, 3, 0, 2, 2, 40])
        #expect(peer.failure == .peerAlert(.handshakeFailure))
    }

    @Test func `an oversized record in an open session gets an alert`() throws {
        let pair = try connect(clientContext(), serverContext("a"))
        pair.server.receive([23, 3, 3, 0x48, 0] + [UInt8](repeating: 0, count: 0x4800))
        #expect(pair.server.failure?.alert == .recordOverflow)
        pair.run()
        #expect(pair.client.failure == .peerAlert(.recordOverflow))
    }

    @Test func `empty records do not go on for ever`() throws {
        let pair = try connect(clientContext(), serverContext("a"))
        pair.server.receive(Array(repeating: [23, 3, 3, 0, 0], count: 10_000).flatMap(\.self))
        #expect(pair.server.failure?.whose == .peer)
    }

    @Test(arguments: 0..<40)
    func `whatever is corrupted, nothing traps and nothing false comes out`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let client = try clientContext()
        let server = try serverContext("a", clients: nil)
        for _ in 0..<8 {
            let pair = try Pair(
                client: TLSSession(client, host: "a.example", offering: [.http2, .http1]),
                server: TLSSession(server, at: start))
            let message = random.bytes(Int.random(in: 1...20_000, using: &random))
            var hasSent = false
            let victim = Int.random(in: 0...5, using: &random)
            for round in 0..<10 {
                let flight = round % 2 == 0 ? pair.client.takeOutput() : pair.server.takeOutput()
                var bytes = flight
                if round == victim, !bytes.isEmpty { self.corrupt(&bytes, using: &random) }
                let target = round % 2 == 0 ? pair.server : pair.client
                for piece in pieces(of: bytes, size: Int.random(in: 1...3000, using: &random)) { target.receive(piece) }
                if !hasSent, pair.client.isOpen {
                    hasSent = true
                    pair.client.send(message)
                }
            }
            let isPrefix = message.starts(with: pair.server.received)
            #expect(isPrefix, "seed \(seed)")
        }
    }

    private func corrupt(_ bytes: inout [UInt8], using random: inout SeededRandom) {
        switch Int.random(in: 0...3, using: &random) {
        case 0:
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            }
        case 1: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        case 2: bytes.insert(contentsOf: random.bytes(9), at: Int.random(in: bytes.indices, using: &random))
        default: bytes += random.bytes(30)
        }
    }

    @Test(arguments: 0..<20)
    func `random bytes never trap`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let client = try clientContext()
        let server = try serverContext("a")
        for _ in 0..<20 {
            let prefixes: [[UInt8]] = [
                [], [22, 3, 1], [22, 3, 3, 0, 200, 1, 0, 0, 196, 3, 3], [21, 3, 3, 0, 2], [128, 46, 1],
            ]
            let bytes = (prefixes.randomElement(using: &random) ?? []) + random.bytes(300)
            let accepting = Peer(try TLSSession(server, at: start))
            accepting.receive(bytes)
            let connecting = Peer(try TLSSession(client, host: "a.example"))
            try connecting.session.start(output: &connecting.output)
            connecting.receive(bytes)
            #expect(!accepting.isOpen && !connecting.isOpen)
        }
    }
}
