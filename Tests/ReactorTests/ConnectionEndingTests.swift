import Bytes
import Glibc
import Testing
import Time

@testable import Reactor

@Suite struct ConnectionEndingTests {
    /// Reads from a peer, with rounds in between, until its end.
    static func readToEnd(_ peer: Peer, _ rig: Rig) -> (bytes: [UInt8], end: Peer.Reading) {
        var bytes: [UInt8] = []
        var end = Peer.Reading.nothing
        rig.turn {
            switch peer.read() {
            case .bytes(let some):
                bytes += some
                return false
            case .nothing:
                return false
            case let other:
                end = other
                return true
            }
        }
        return (bytes, end)
    }

    @Test(arguments: SocketKind.allCases)
    func `closing after the flush delivers everything and then the end`(kind: SocketKind) throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(kind, handler: handler)
        let bytes = numbered(400_000)
        connection.send(bytes)
        connection.closeAfterFlush()
        let (received, end) = Self.readToEnd(peer, rig)
        expectSame(received, bytes)
        #expect(end == .end)
        peer.close()
        rig.turn { rig.loop.sourceCount == 0 }
        #expect(handler.events == [], "The handler hears nothing more")
    }

    @Test func `a lingering close delivers everything although the peer goes on sending`() throws {
        let rig = try Rig()
        let handler = Recorder()
        handler.recordsBytes = false
        let (connection, peer) = try rig.connect(.narrow, handler: handler)
        connection.pauseReading()
        let flood = [UInt8](repeating: 0xEE, count: 64 << 10)
        peer.send(flood)
        rig.turn(2)
        let bytes = numbered(300_000)
        connection.send(bytes)
        connection.closeAfterFlush()
        var received: [UInt8] = []
        var end: Peer.Reading?
        var flooded = 0
        rig.turn {
            // Far more than the socket's buffers hold, and never a pause.
            if flooded < 4 << 20 { flooded += peer.send(flood) }
            switch peer.read(atMost: 4096) {
            case .bytes(let some): received += some
            case .nothing: break
            case let other: end = other
            }
            return end != nil
        }
        #expect(received.count == bytes.count)
        expectSame(received, bytes)
        #expect(end == .end)
        peer.close()
        rig.turn { rig.loop.sourceCount == 0 }
    }

    @Test func `a peer that does not close is waited for only shortly`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(handler: Recorder())
        connection.send("answer")
        connection.closeAfterFlush()
        rig.turn(3)
        #expect(rig.loop.sourceCount == 1)
        usleep(1000)
        #expect(peer.read() == .bytes(Array("answer".utf8)))
        #expect(peer.read() == .end)
        try wait { self.isAcknowledged(connection) }
        rig.advance(by: .milliseconds(1999))
        #expect(rig.loop.sourceCount == 1)
        rig.advance(by: .milliseconds(1))
        #expect(rig.loop.sourceCount == 0)
    }

    func isAcknowledged(_ connection: Connection) -> Bool {
        usleep(60_000)
        return true
    }

    @Test func `a peer that takes nothing is cut off, and can not mistake it for the end`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(.narrow, handler: Recorder())
        let bytes = [UInt8](repeating: 5, count: 300_000)
        connection.send(bytes)
        connection.closeAfterFlush()
        rig.turn { connection.isBlocked }
        rig.advance(by: .seconds(29))
        #expect(rig.loop.sourceCount == 1)
        rig.advance(by: .seconds(1))
        #expect(rig.loop.sourceCount == 0)
        let (received, end) = Self.readToEnd(peer, rig)
        #expect(received.count < bytes.count)
        #expect(end != .end || received.count == bytes.count)
    }

    @Test func `a slow peer has time for its last bytes as long as it goes on reading`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(.narrow, handler: Recorder())
        let bytes = numbered(400_000)
        connection.send(bytes)
        connection.closeAfterFlush()
        rig.turn { connection.isBlocked }
        var received: [UInt8] = []
        var waits = 0
        while received.count < bytes.count {
            let before = connection.output.count
            rig.turn {
                switch peer.read() {
                case .bytes(let some): received += some
                case .nothing: break
                case .end, .failed: Issue.record("It ended after \(received.count) bytes"); return true
                }
                return connection.output.count < before || received.count == bytes.count
            }
            if connection.output.count > 0, waits < 4 {
                // Half a minute is over four times, with progress in between.
                rig.advance(by: .seconds(20))
                waits += 1
            }
            if rig.loop.sourceCount == 0 { break }
        }
        expectSame(received, bytes)
    }

    @Test func `a peer that takes its last bytes in drips is cut off in the end`() throws {
        var room = 0
        let faults = FaultPlan { operation, count in
            guard operation == .send else { return .pass }
            let taken = min(room, count)
            room -= taken
            return taken > 0 ? .short(taken) : .again
        }
        let rig = try Rig(faults: faults)
        let (connection, peer) = try rig.connect(.unix, handler: Recorder())
        connection.send([UInt8](repeating: 5, count: 300_000))
        connection.closeAfterFlush()
        rig.turn()
        var seconds = 0
        while rig.loop.sourceCount > 0, seconds < 10_000 {
            room = 8192
            rig.turn(4)
            _ = peer.read()
            rig.advance(by: .seconds(20))
            seconds += 20
        }
        // A second for each KiB, and 30 s.
        #expect((300...360).contains(seconds))
    }

    @Test func `whoever asks is told when the socket is closed, and not before`() throws {
        final class Observer: ConnectionObserver {
            var count = 0
            func socketClosed() { self.count += 1 }
        }
        let rig = try Rig()
        let observer = Observer()
        let (connection, peer) = try rig.connect(handler: Recorder())
        connection.observer = observer
        connection.send("bye")
        connection.closeAfterFlush()
        rig.turn(3)
        #expect(observer.count == 0)
        peer.close()
        rig.turn { rig.loop.sourceCount == 0 }
        #expect(observer.count == 1)
        connection.close()
        #expect(observer.count == 1)
    }

    @Test func `aborting resets, so that the peer can not take it for the end`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        connection.send("a part")
        rig.turn()
        connection.abort()
        #expect(rig.loop.sourceCount == 0)
        var last = Peer.Reading.nothing
        rig.turn {
            let reading = peer.read()
            if reading != .nothing { last = reading }
            if case .failed = reading { return true }
            return reading == .end
        }
        #expect(last == .failed(ECONNRESET))
        #expect(handler.events == [])
    }

    @Test func `closing with bytes unsent resets`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(handler: Recorder())
        connection.send("never sent")
        connection.close()
        var last = Peer.Reading.nothing
        rig.turn {
            last = peer.read()
            return last != .nothing
        }
        #expect(last == .failed(ECONNRESET))
    }

    @Test func `a peer's reset ends a flush`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(.narrow, handler: Recorder())
        connection.send([UInt8](repeating: 5, count: 300_000))
        connection.closeAfterFlush()
        rig.turn { connection.isBlocked }
        peer.reset()
        rig.turn { rig.loop.sourceCount == 0 }
    }

    @Test func `closing after the flush when the peer has ended already ends at once`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        peer.send("request")
        peer.finish()
        rig.turn { handler.events.contains(.end) }
        connection.send("answer")
        connection.closeAfterFlush()
        let (received, end) = Self.readToEnd(peer, rig)
        #expect(received == Array("answer".utf8))
        #expect(end == .end)
        #expect(rig.loop.sourceCount == 0)
    }

    @Test func `closing while connecting is quiet`() throws {
        let rig = try Rig()
        let listener = try ListeningSocket(bindingTo: loopback())
        let handler = Recorder()
        let connection = try Connection(to: listener.address, on: rig.loop, handler: handler)
        connection.closeAfterFlush()
        rig.turn(3)
        #expect(handler.events == [])
        #expect(rig.loop.sourceCount == 0)
    }

    @Test func `a handler that lets go of itself while its connection ends does no harm`() throws {
        final class Fragile: ConnectionHandler {
            let connection: Connection
            init(_ connection: Connection) { self.connection = connection }
            deinit { self.connection.close() }
            func received(_ bytes: Span<UInt8>) {}
            func receivedEnd() {}
            func closed(_ cause: CloseCause) {}
        }
        let rig = try Rig()
        let (connection, peer) = try rig.connect(handler: nil)
        connection.handler = Fragile(connection)
        connection.close()
        try wait { peer.read() == .end }
        #expect(rig.loop.sourceCount == 0)
    }

    @Test func `aborting after the flush delivers what there was and then a reset`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(.narrow, handler: handler)
        let bytes = numbered(300_000)
        connection.send(bytes)
        connection.abortAfterFlush()
        var received: [UInt8] = []
        var end: Peer.Reading?
        rig.turn {
            switch peer.read() {
            case .bytes(let some): received += some
            case .nothing: if received.count == bytes.count { rig.clock.advance(by: .milliseconds(20)) }
            case let other: end = other
            }
            return end != nil
        }
        expectSame(received, bytes)
        #expect(end == .failed(ECONNRESET))
        #expect(rig.loop.sourceCount == 0)
        #expect(handler.events == [])
    }

    @Test func `a connection that makes room is gone with its last bytes`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(handler: Recorder())
        connection.send(numbered(100))
        connection.closeAfterOffer()
        rig.turn()
        // The peer has neither read nor closed.
        #expect(rig.loop.sourceCount == 0)
        let (received, end) = Self.readToEnd(peer, rig)
        expectSame(received, numbered(100))
        #expect(end == .end)
    }

    @Test func `a connection that makes room waits only shortly for a socket that is full`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(.narrow, handler: Recorder())
        connection.send(numbered(300_000))
        connection.closeAfterOffer()
        rig.turn { connection.isBlocked }
        rig.advance(by: .seconds(2))
        #expect(rig.loop.sourceCount == 0)
        _ = peer
    }

    @Test func `aborting after the flush waits for a deaf peer only shortly`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(.narrow, handler: Recorder())
        connection.send(numbered(2000))
        // Nothing is read, and the kernel's own buffers are full.
        connection.send(numbered(300_000))
        connection.abortAfterFlush()
        rig.turn { connection.isBlocked }
        rig.advance(by: .seconds(30))
        #expect(rig.loop.sourceCount == 0)
        _ = peer
    }

    @Test func `bytes that the kernel still has to deliver keep a lingering connection`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(.narrow, handler: Recorder())
        let bytes = numbered(12_000)
        connection.send(bytes)
        connection.closeAfterFlush()
        rig.turn { !connection.isBlocked }
        var received: [UInt8] = []
        for _ in 0..<6 {
            rig.advance(by: .seconds(2))
            if case .bytes(let some) = peer.read(atMost: 1000) { received += some }
        }
        let (rest, end) = Self.readToEnd(peer, rig)
        expectSame(received + rest, bytes)
        #expect(end == .end)
    }

    @Test func `unread input, an end and a reset are seen without reading`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(handler: Recorder())
        #expect(!connection.hasUnreadInput)
        peer.send("x")
        try wait { connection.hasUnreadInput }
        let (ending, endingPeer) = try rig.connect(handler: Recorder())
        endingPeer.finish()
        try wait { ending.hasUnreadInput }
        let (resetting, resettingPeer) = try rig.connect(handler: Recorder())
        resettingPeer.reset()
        try wait { resetting.hasUnreadInput }
        connection.close()
        #expect(!connection.hasUnreadInput)
    }
}
