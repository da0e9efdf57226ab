import Bytes
import Testing
import Time

@testable import TLS

@Suite struct ResumptionTests {
    private let lifetime = Duration.seconds(3600)

    private func isResumed(_ pair: Pair) -> Bool? {
        guard let client = pair.client.handshake, let server = pair.server.handshake else { return nil }
        #expect(client.isResumed == server.isResumed)
        return server.isResumed
    }

    @Test func `a second connection resumes, and a third`() throws {
        let client = try clientContext()
        let server = try serverContext("a")
        #expect(try self.isResumed(connect(client, server)) == false)
        for size in [1, Int.max, 50] { #expect(try self.isResumed(connect(client, server, size: size)) == true) }
        let pair = try connect(client, server)
        #expect(pair.server.handshake?.serverName == "a.example")
        pair.client.send("hello")
        pair.run()
        #expect(pair.server.text == "hello")
    }

    @Test func `a reload that keeps the ticket keys keeps the sessions`() throws {
        let client = try clientContext()
        let keys = TicketKeys(at: start)
        #expect(try self.isResumed(connect(client, serverContext("a", keys: keys))) == false)
        #expect(try self.isResumed(connect(client, serverContext("a", keys: keys))) == true)
        #expect(try self.isResumed(connect(client, serverContext("a", "b", keys: keys))) == true)
        #expect(try self.isResumed(connect(client, serverContext("a"))) == false, "other keys")
    }

    @Test func `keys rotate, old ones are accepted for a while`() throws {
        let keys = TicketKeys(interval: self.lifetime, at: start)
        let first = keys.currentName
        keys.rotateIfDue(at: start + self.lifetime + .seconds(-1))
        #expect(keys.currentName == first)
        keys.rotateIfDue(at: start + self.lifetime)
        #expect(keys.currentName != first)
        #expect(keys.accepts(first))
        // Not due again, and not twice.
        let second = keys.currentName
        keys.rotateIfDue(at: start + self.lifetime + .seconds(10))
        #expect(keys.currentName == second)
        keys.rotateIfDue(at: start + self.lifetime + self.lifetime)
        #expect(!keys.accepts(first))
        #expect(keys.accepts(second))
    }

    @Test func `after a long silence only a new key is left`() throws {
        let keys = TicketKeys(interval: self.lifetime, at: start)
        let first = keys.currentName
        keys.rotateIfDue(at: start + .seconds(100 * 3600))
        #expect(!keys.accepts(first))
        #expect(keys.accepts(keys.currentName))
        #expect(!keys.accepts([]))
    }

    @Test func `however often rotation is forced, keys stay few`() throws {
        let keys = TicketKeys(interval: self.lifetime, at: start)
        var names: [[UInt8]] = []
        for _ in 0..<100 {
            names.append(keys.currentName)
            keys.rotate(at: start)
        }
        #expect(names.count { keys.accepts($0) } == 7)
    }

    @Test func `connections rotate the keys and resume over one rotation, not over two`() throws {
        let client = try clientContext()
        let keys = TicketKeys(interval: self.lifetime, at: start)
        let server = try serverContext("a", keys: keys)
        _ = try connect(client, server)
        #expect(try self.isResumed(connect(client, server, at: start + self.lifetime)) == true)
        #expect(
            try self.isResumed(connect(client, server, at: start + self.lifetime + self.lifetime)) == true,
            "the ticket was renewed with the second key")
        #expect(
            try self.isResumed(connect(client, server, at: start + .seconds(50 * 3600))) == false)
    }

    @Test func `a session is resumed only for the name that it was begun for`() throws {
        let server = try serverContext("a", unknown: .fallback)
        let client = try clientContext()
        _ = try connect(client, server, host: "a.example")
        // A client that mistakes one host's session for another's.
        let stolen = try #require(client.resumption.take(for: "a.example"))
        client.resumption.insert(stolen, for: "www.a.example")
        let pair = try connect(client, server, host: "www.a.example")
        #expect(self.isResumed(pair) == false)
        #expect(pair.server.handshake?.serverName == "www.a.example")
    }

    @Test func `TLS 1_2 resumes by ticket too`() throws {
        let server = try serverContext("a")
        let session = Certificates.path("session-\(UInt64.random(in: 0..<(.max))).txt")
        let first = CommandClient(
            arguments: ["-tls1_2", "-servername", "a.example", "-sess_out", session], input: "Q\n", ending: .byCommand)
        #expect(try first.run(against: TLSSession(server, at: start)).events.first == .handshakeCompleted)
        for (name, resumes) in [("a.example", true), ("www.a.example", false)] {
            let second = CommandClient(arguments: ["-tls1_2", "-servername", name, "-sess_in", session])
            let peer = try second.run(against: TLSSession(server, at: start))
            #expect(peer.handshake?.isResumed == resumes, "\(name)")
            #expect(peer.handshake?.version == .tls12)
            #expect(peer.handshake?.serverName == name)
        }
    }

    @Test func `a corrupted ticket costs a whole handshake and nothing else`() throws {
        let client = try clientContext()
        let server = try serverContext("a")
        let size = try self.helloSize(client, server)
        var failures = 0
        var whole = 0
        for position in stride(from: size - 200, to: size, by: 7) {
            _ = try connect(client, server)
            let pair = try Pair(client: TLSSession(client, host: "a.example"), server: TLSSession(server, at: start))
            var hello = pair.client.takeOutput()
            hello[min(position, hello.count - 1)] ^= 0x40
            pair.server.receive(hello)
            pair.run()
            if pair.server.handshake?.isResumed == false { whole += 1 }
            if pair.server.failure != nil { failures += 1 }
            #expect(pair.server.handshake?.isResumed != true)
        }
        #expect(whole + failures > 20)
    }

    private func helloSize(_ client: TLSClientContext, _ server: TLSServerContext) throws -> Int {
        _ = try connect(client, server)
        let session = try TLSSession(client, host: "a.example")
        let peer = Peer(session)
        try session.start(output: &peer.output)
        return peer.output.count
    }

    @Test func `contexts and keys are shared by loops`() async throws {
        let client = try clientContext()
        let keys = TicketKeys(interval: .seconds(2), at: start)
        let server = try serverContext("a", "b", "a-rsa", keys: keys)
        let open = await withTaskGroup(of: Int.self) { group in
            for loop in 0..<4 {
                group.addTask {
                    (0..<20).count { round in
                        let host = (loop + round) % 3 == 0 ? "x.b.example" : "a.example"
                        let now = start + .seconds(round / 4)
                        guard let pair = try? connect(client, server, host: host, at: now) else { return false }
                        return pair.client.isOpen && pair.server.isOpen
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(open == 80)
    }

    @Test func `a client keeps few sessions, of few hosts`() throws {
        let context = try TLSClientContext(
            additionalAuthorities: Certificates.bytes("ca.pem"), cachedHosts: 3, sessionsPerHost: 2)
        let server = try serverContext("b")
        for host in ["a", "b", "c", "d", "e"] { _ = try connect(context, server, host: "\(host).b.example") }
        #expect(context.resumption.count == 3)
        #expect(context.resumption.take(for: "a.b.example") == nil)
        #expect(context.resumption.take(for: "e.b.example") != nil)
        #expect(context.resumption.take(for: "e.b.example") != nil)
        #expect(context.resumption.take(for: "e.b.example") == nil, "TLS 1.3 sessions are taken out")
        #expect(context.resumption.count == 2)
    }
}

extension TicketKeys {
    /// The name of the key that seals.
    var currentName: [UInt8] {
        let name = self.current.name
        return (0..<16).map { name[$0] }
    }

    /// Whether tickets of a key are opened.
    func accepts(_ name: [UInt8]) -> Bool {
        self.key(named: name.span) != nil
    }
}
