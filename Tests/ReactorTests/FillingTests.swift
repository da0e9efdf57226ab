import Bytes
import Testing

@testable import Reactor

/// A handler that appends to the output only when it is asked what else there is.
private final class Filler: ConnectionHandler {
    unowned let connection: Connection
    /// What is appended, a portion each time.
    var portions: [[UInt8]] = []
    var closesAtEnd = false
    private(set) var asked = 0
    private(set) var drained = 0

    init(_ connection: Connection) {
        self.connection = connection
        connection.isFilledAtEnd = true
    }

    func fillOutput() {
        self.asked += 1
        if !self.portions.isEmpty { self.connection.output.append(self.portions.removeFirst()) }
        if !self.portions.isEmpty {
            self.connection.flush()
        } else if self.closesAtEnd {
            self.connection.closeAfterFlush()
        }
    }

    func outputDrained() { self.drained += 1 }
    func received(_ bytes: Span<UInt8>) {}
    func receivedEnd() {}
    func closed(_ cause: CloseCause) {}
}

@Suite struct FillingTests {
    private func connect(_ kind: SocketKind, _ rig: Rig) throws -> (Filler, Peer) {
        let (connection, peer) = try rig.connect(kind)
        let filler = Filler(connection)
        connection.handler = filler
        return (filler, peer)
    }

    @Test func `a handler is asked once for all that was flushed in a round`() throws {
        let rig = try Rig()
        let (filler, peer) = try self.connect(.unix, rig)
        filler.portions = [Array("two".utf8)]
        filler.connection.output.append("one ")
        filler.connection.flush()
        filler.connection.flush()
        #expect(filler.asked == 0)
        rig.turn()
        #expect(filler.asked == 1 && peer.read() == .bytes(Array("one two".utf8)))
        rig.turn()
        #expect(filler.asked == 1)
    }

    @Test func `portions are offered one after the other, for as long as the socket takes them`() throws {
        let rig = try Rig()
        let (filler, peer) = try self.connect(.narrow, rig)
        let bytes = numbered(600_000)
        filler.portions = stride(from: 0, to: bytes.count, by: 50_000).map { Array(bytes[$0..<$0 + 50_000]) }
        filler.connection.flush()
        rig.turn { filler.connection.isBlocked }
        let asked = filler.asked
        // A socket that is full is offered nothing more, so there is nothing to put together.
        filler.connection.flush()
        rig.turn(3)
        #expect(filler.asked == asked && !filler.portions.isEmpty)
        expectSame(ConnectionWritingTests.read(bytes.count, from: peer, rig), bytes)
        rig.turn { filler.drained > 0 }
        #expect(filler.portions.isEmpty)
    }

    @Test func `what comes in long runs is offered before more is received`() throws {
        let rig = try Rig()
        let (filler, peer) = try self.connect(.unix, rig)
        let source = Recorder()
        let (_, sender) = try rig.connect(.unix, handler: source)
        source.onReceived = { _ in
            filler.portions = [Array("at once".utf8)]
            filler.connection.flushAfterReceiving()
        }
        sender.send("run")
        rig.turn()
        // At once, and in vain once more at the end of the round.
        #expect(filler.asked == 2 && peer.read() == .bytes(Array("at once".utf8)))
    }

    @Test func `the last portion may end the connection`() throws {
        let rig = try Rig()
        let (filler, peer) = try self.connect(.unix, rig)
        filler.portions = [Array("bye".utf8)]
        filler.closesAtEnd = true
        filler.connection.flush()
        rig.turn()
        #expect(peer.read() == .bytes(Array("bye".utf8)))
        rig.turn(3)
        #expect(peer.read() == .end)
    }
}
