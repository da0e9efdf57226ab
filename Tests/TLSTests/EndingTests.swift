import Bytes
import Foundation
import TLS
import TestSupport
import Testing
import Time

@Suite struct EndingTests {
    private func pair() throws -> Pair { try connect(clientContext(), serverContext("a")) }

    @Test func `close_notify ends one direction`() throws {
        let pair = try self.pair()
        pair.client.send("last words")
        pair.client.session.close(output: &pair.client.output)
        pair.run(size: 1)
        #expect(pair.server.events == [.handshakeCompleted, .plaintext, .ended])
        #expect(throws: Never.self) { try pair.server.session.receivedEnd() }
        #expect(!pair.client.session.canEncrypt && pair.server.session.canEncrypt)
        // RFC 8446 §6.1: this does not have any effect on its read side.
        pair.server.send("an answer")
        pair.server.session.close(output: &pair.server.output)
        pair.run()
        #expect(pair.client.text == "an answer")
        #expect(pair.client.events.last == .ended)
        #expect(throws: Never.self) { try pair.client.session.receivedEnd() }
    }

    @Test func `close_notify goes out once, and nothing after it`() throws {
        let pair = try self.pair()
        pair.client.session.close(output: &pair.client.output)
        let size = pair.client.pending
        #expect(size > 0)
        pair.client.session.close(output: &pair.client.output)
        #expect(pair.client.pending == size)
        pair.client.send("more")
        #expect(pair.client.failure == .notOpen)
        #expect(pair.client.pending == size)
    }

    @Test func `bytes behind a close_notify are ignored`() throws {
        let pair = try self.pair()
        pair.client.session.close(output: &pair.client.output)
        pair.server.receive(pair.client.takeOutput() + [1, 2, 3])
        pair.server.receive([UInt8](repeating: 7, count: 1000))
        #expect(pair.server.failure == nil)
        #expect(pair.server.events.last == .ended)
    }

    @Test func `an end without close_notify is visible`() throws {
        let pair = try self.pair()
        #expect(throws: TLSFailure.truncated(duringHandshake: false)) { try pair.server.session.receivedEnd() }
        #expect(throws: TLSFailure.truncated(duringHandshake: false)) { try pair.server.session.receivedEnd() }
        #expect(!pair.server.isOpen)
        let early = try TLSSession(serverContext("a"), at: start)
        #expect(throws: TLSFailure.truncated(duringHandshake: true)) { try early.receivedEnd() }
    }

    @Test func `nothing is said during the handshake`() throws {
        let peer = Peer(try TLSSession(serverContext("a"), at: start))
        peer.session.close(output: &peer.output)
        peer.send("hello")
        #expect(peer.pending == 0)
        #expect(peer.failure == .notOpen)
    }

    @Test func `plaintext in front of a broken record comes out first`() throws {
        let pair = try self.pair()
        pair.client.send("good")
        let good = pair.client.takeOutput()
        pair.client.send("bad")
        var bad = pair.client.takeOutput()
        bad[bad.count - 1] ^= 1
        pair.server.receive(good + bad)
        #expect(pair.server.text == "good")
        #expect(pair.server.failure == .refused(alert: .badRecordMAC, reason: "decryption failed or bad record mac"))
        pair.run()
        #expect(pair.client.failure == .peerAlert(.badRecordMAC))
    }

    @Test func `a failed session stays so`() throws {
        let pair = try self.pair()
        pair.server.receive([23, 3, 3, 0, 1, 0])
        let failure = try #require(pair.server.failure)
        pair.server.output.removeAll()
        pair.client.send("hello")
        pair.server.receive(pair.client.takeOutput())
        #expect(pair.server.failure == failure)
        #expect(pair.server.received.isEmpty && pair.server.pending == 0)
    }

    @Test func `renegotiation is refused`() throws {
        let server = try serverContext("a")
        let client = CommandClient(arguments: ["-tls1_2"], input: "R\n", ending: .byCommand)
        let (peer, transcript) = try client.runWithTranscript(against: TLSSession(server, at: start))
        #expect(peer.events.filter { $0 == .handshakeCompleted }.count == 1)
        #expect(transcript.contains("no renegotiation"))
        #expect(peer.received.isEmpty)
    }

    @Test func `no compression, no early data`() throws {
        let client = CommandClient(arguments: ["-tls1_3"], input: "hello\n", ending: .byServer)
        let (_, transcript) = try client.runWithTranscript(against: TLSSession(serverContext("a"), at: start))
        #expect(transcript.contains("Compression: NONE"))
        #expect(!transcript.contains("Max Early Data: 1"))
    }

    @Test func `key updates are answered, a flood of them is not`() throws {
        let peer = Peer(try TLSSession(serverContext("a"), at: start))
        let (command, connection) = try Command.client(["-tls1_3"], input: "")
        defer {
            close(connection)
            _ = command.finish()
        }
        while !peer.isOpen, let bytes = LocalSocket.receive(on: connection) {
            peer.receive(bytes)
            LocalSocket.send(peer.takeOutput(), on: connection)
        }
        var answered = 0
        func updateKeys() {
            command.write("K")
            while peer.failure == nil, let bytes = LocalSocket.receive(on: connection) {
                peer.receive(bytes)
                if peer.pending > 0 { break }
            }
            if peer.failure == nil { answered += 1 }
            LocalSocket.send(peer.takeOutput(), on: connection)
        }
        for _ in 0..<5 { updateKeys() }
        #expect(answered == 5)
        command.write("hello")
        while peer.text != "hello\n", let bytes = LocalSocket.receive(on: connection) { peer.receive(bytes) }
        #expect(peer.text == "hello\n")
        while peer.failure == nil, answered < 2000 { updateKeys() }
        #expect(peer.failure == .refused(alert: nil, reason: "too many messages without data"))
        #expect(answered > 100)
    }
}
