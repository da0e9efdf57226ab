import Bytes
import Glibc
import Testing
import Time

@testable import Reactor

@Suite struct ConnectionReadingTests {
    @Test(arguments: SocketKind.allCases)
    func `bytes and the end are handed out in their order`(kind: SocketKind) throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(kind, handler: handler)
        peer.send("hello")
        rig.turn { handler.bytes.count == 5 }
        peer.send(" world")
        peer.finish()
        rig.turn { handler.events.contains(.end) }
        #expect(handler.events == [.received("hello"), .received(" world"), .end])
        #expect(connection.hasPeerEnded)
        #expect(connection.isOpen)
        rig.turn(3)
        #expect(handler.events.count == 3)
    }

    @Test func `bytes and an end that came before the first round are found`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (_, peer) = try rig.connect(handler: handler)
        peer.send("early")
        peer.close()
        rig.turn { handler.events.contains(.end) }
        #expect(handler.events == [.received("early"), .end])
    }

    @Test func `more than one receive buffer comes over several rounds without a further event`() throws {
        let rig = try Rig()
        let handler = Recorder()
        handler.recordsBytes = false
        let (_, peer) = try rig.connect(handler: handler)
        let bytes = numbered(5 * Loop.receiveSize / 2)
        var sent = 0
        rig.turn {
            sent += peer.send(bytes[sent...])
            return handler.bytes.count == bytes.count
        }
        expectSame(handler.bytes, bytes)
    }

    @Test func `a paused connection reads nothing, and goes on where it was`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        connection.pauseReading()
        peer.send("held")
        rig.turn(5)
        #expect(handler.events == [])
        connection.resumeReading()
        #expect(handler.events == [], "Nothing is handed out from within resumeReading")
        rig.turn { handler.bytes.count == 4 }
        #expect(handler.events == [.received("held")])
    }

    @Test func `pausing from within received keeps back the rest`() throws {
        let rig = try Rig()
        let handler = Recorder()
        handler.recordsBytes = false
        let (connection, peer) = try rig.connect(handler: handler)
        handler.onReceived = { _ in connection.pauseReading() }
        let bytes = [UInt8](repeating: 7, count: Loop.receiveSize + 100)
        var sent = 0
        try wait {
            sent += peer.send(bytes[sent...])
            return sent == bytes.count
        }
        rig.turn(10)
        let first = handler.bytes.count
        #expect(first > 0 && first <= Loop.receiveSize)
        connection.resumeReading()
        rig.turn(10)
        #expect(handler.bytes.count > first || first == bytes.count)
        rig.turn {
            connection.resumeReading()
            return handler.bytes.count == bytes.count
        }
    }

    @Test func `pausing and resuming in one round loses no wake-up`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        for round in 1...50 {
            connection.pauseReading()
            peer.send("x")
            rig.turn()
            connection.resumeReading()
            connection.pauseReading()
            rig.turn()
            connection.resumeReading()
            rig.turn { handler.bytes.count == round }
        }
    }

    @Test(arguments: SocketKind.allCases)
    func `a peer that leaves while reading is paused is told once, and its bytes are kept`(kind: SocketKind) throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(kind, handler: handler)
        connection.pauseReading()
        peer.send("last words")
        rig.turn(3)
        #expect(handler.events == [])
        peer.finish()
        rig.turn { handler.events == [.peerLeft] }
        rig.turn(3)
        #expect(handler.events == [.peerLeft])
        connection.resumeReading()
        rig.turn { handler.events.contains(.end) }
        #expect(handler.events == [.peerLeft, .received("last words"), .end])
    }

    @Test func `an end that came with the bytes on which the handler pauses is told`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        handler.onReceived = { _ in connection.pauseReading() }
        // Both are known to the kernel before the loop looks: there will be no second event.
        peer.send("request")
        peer.finish()
        try wait { RawSocket.option(peer.descriptor, SOL_SOCKET, SO_ERROR) == 0 }
        rig.turn { handler.events.contains(.peerLeft) }
        #expect(handler.events == [.received("request"), .peerLeft])
    }

    @Test func `a handler that knows of the end is not told again when it pauses`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(.narrow, handler: handler)
        peer.finish()
        rig.turn { handler.events == [.end] }
        connection.pauseReading()
        // Each time the socket takes more the kernel speaks of the end too.
        connection.send(numbered(200_000))
        expectSame(ConnectionWritingTests.read(200_000, from: peer, rig), numbered(200_000))
        rig.turn { handler.events.last == .drained }
        #expect(!handler.events.contains(.peerLeft))
    }

    @Test func `a reset while reading is told as a failure`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        rig.turn()
        peer.reset()
        rig.turn { handler.isClosed }
        #expect(handler.events == [.closed(.failed(SystemError("recv", code: ECONNRESET)))])
        #expect(!connection.isOpen)
        #expect(rig.loop.sourceCount == 0)
    }

    @Test func `a reset after the peer's end is told as a failure`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        peer.finish()
        rig.turn { handler.events == [.end] }
        // The client that closed resets what is sent to it.
        peer.close()
        connection.send("are you there?")
        rig.turn { handler.isClosed }
        #expect(handler.events.count == 2)
    }

    @Test func `a reset after the peer has left a paused connection is told`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        connection.pauseReading()
        peer.finish()
        rig.turn { handler.events == [.peerLeft] }
        peer.reset()
        rig.turn { handler.events == [.peerLeft, .peerLeft] }
        #expect(connection.isOpen)
        connection.resumeReading()
        rig.turn { handler.isClosed }
    }

    @Test func `what the peer said before it closed is handed out although writing to it fails`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        rig.turn()
        // An answer that comes early, as to a request that is too large, and a reset for what is sent after it.
        connection.send("first part")
        rig.turn()
        peer.send("HTTP/1.1 413 Too Large\r\n\r\n")
        peer.close()
        usleep(1000)
        // Both the answer and the reset are there before the loop looks; the write comes first.
        connection.send("second part")
        connection.writeOutput()
        rig.turn { handler.isClosed }
        #expect(String(decoding: handler.bytes, as: UTF8.self) == "HTTP/1.1 413 Too Large\r\n\r\n")
    }

    @Test func `closing from within received is the end of everything`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        handler.onReceived = { _ in connection.close() }
        peer.send("bye")
        rig.turn { !connection.isOpen }
        rig.turn(3)
        #expect(handler.events == [.received("bye")])
        #expect(rig.loop.sourceCount == 0)
        try wait { peer.read() == .end }
        connection.close()
        connection.abort()
        connection.closeAfterFlush()
        connection.flush()
        rig.turn(2)
    }

    @Test func `a handler that closes does not hear of it`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, _) = try rig.connect(handler: handler)
        connection.close()
        rig.turn(2)
        #expect(handler.events == [])
    }

    @Test func `one busy connection does not starve the others`() throws {
        let rig = try Rig()
        let busy = Recorder()
        busy.recordsBytes = false
        let quiet = Recorder()
        let (_, busyPeer) = try rig.connect(handler: busy)
        let (_, quietPeer) = try rig.connect(handler: quiet)
        let flood = [UInt8](repeating: 1, count: 1 << 20)
        busyPeer.send(flood)
        quietPeer.send("me too")
        usleep(1000)
        rig.turn(2)
        #expect(quiet.bytes.count == 6)
        #expect(busy.bytes.count <= 4 * Loop.receiveSize)
    }
}
