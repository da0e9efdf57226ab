import Bytes
import Glibc
import Testing
import Time

@testable import Reactor

@Suite struct ConnectionWritingTests {
    /// Reads from a peer, with rounds of the loop in between, until so many bytes came.
    static func read(_ count: Int, from peer: Peer, _ rig: Rig) -> [UInt8] {
        var bytes: [UInt8] = []
        rig.turn {
            if case .bytes(let some) = peer.read() { bytes += some }
            return bytes.count >= count
        }
        return bytes
    }

    @Test func `what was appended in a round leaves in one piece at its end`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(.unix, handler: Recorder())
        connection.send("one ")
        connection.send("two ")
        #expect(peer.read() == .nothing)
        connection.send("three")
        rig.turn()
        #expect(peer.read() == .bytes(Array("one two three".utf8)))
        #expect(connection.output.capacity == 0)
    }

    @Test func `connections that are written in between all write at the end of the round`() throws {
        let rig = try Rig()
        let sinks = try (0..<4).map { _ in try rig.connect(handler: Recorder()) }
        // Both sources have their turn in one round. Between them the first sink is written, because it has lent bytes.
        let sources = try (0..<2).map { _ in try rig.connect() }
        let first = Passing { bytes in
            sinks[0].0.lend(bytes)
            sinks[0].0.flush()
            sinks[1].0.append(bytes)
            sinks[1].0.flush()
        }
        let second = Passing { bytes in
            for number in [0, 2, 1, 3, 0] {
                sinks[number].0.append(bytes)
                sinks[number].0.flush()
            }
        }
        sources[0].0.handler = first
        sources[1].0.handler = second
        let bytes = numbered(4096)
        for _ in 0..<3 {
            for source in sources { source.1.send(bytes) }
            for (number, passed) in [3, 2, 1, 1].enumerated() {
                expectSame(
                    Self.read(passed * bytes.count, from: sinks[number].1, rig),
                    [[UInt8]](repeating: bytes, count: passed).flatMap { $0 })
            }
        }
    }

    @Test func `a slow reader blocks the output, and its reading drains it`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(.narrow, handler: handler)
        let bytes = numbered(300_000)
        connection.send(bytes)
        rig.turn { connection.isBlocked }
        #expect(handler.events == [.blocked])
        #expect(connection.output.count > 0)
        rig.turn(3)
        #expect(handler.events == [.blocked])
        expectSame(Self.read(bytes.count, from: peer, rig), bytes)
        rig.turn { handler.events.last == .drained }
        #expect(handler.count(of: .drained) == 1)
        #expect(!connection.isBlocked)
        #expect(connection.output.capacity == 0, "The storage went back")
    }

    @Test func `a second time of blocking is noticed as the first one`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(.narrow, handler: handler)
        let bytes = [UInt8](repeating: 9, count: 300_000)
        for round in 1...3 {
            connection.send(bytes)
            rig.turn { connection.isBlocked }
            _ = Self.read(bytes.count, from: peer, rig)
            rig.turn { handler.count(of: .drained) == round }
        }
    }

    @Test func `what is appended while blocked goes after what waits`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(.narrow, handler: Recorder())
        var bytes = numbered(300_000)
        connection.send(bytes)
        rig.turn { connection.isBlocked }
        for _ in 0..<10 {
            let more = numbered(1000)
            bytes += more
            connection.send(more)
            rig.turn()
        }
        expectSame(Self.read(bytes.count, from: peer, rig), bytes)
    }

    @Test func `a handler that writes from within outputDrained is served`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(.narrow, handler: handler)
        handler.on = { if $0 == .drained { connection.send("more") } }
        connection.send([UInt8](repeating: 9, count: 300_000))
        rig.turn { connection.isBlocked }
        let bytes = Self.read(300_004, from: peer, rig)
        #expect(bytes.suffix(4).elementsEqual("more".utf8))
    }

    @Test func `a buffer that was filled elsewhere is sent after what waits`() throws {
        let rig = try Rig()
        let (connection, peer) = try rig.connect(.unix, handler: Recorder())
        var first = ByteBuffer()
        first.append("first ")
        connection.send(first)
        var second = ByteBuffer()
        second.append("second")
        connection.send(second)
        rig.turn()
        #expect(peer.read() == .bytes(Array("first second".utf8)))
        rig.turn()
        #expect(connection.output.capacity == 0)
    }

    @Test func `bytes for a connection that is still connecting leave once it is up`() throws {
        let rig = try Rig()
        let listener = try ListeningSocket(bindingTo: loopback())
        let handler = Recorder()
        let connection = try Connection(to: listener.address, on: rig.loop, handler: handler)
        rig.adopt(connection)
        connection.send("eager")
        // A round ends before the loop has heard that the connection is up.
        rig.loop.writeTouched()
        #expect(handler.events == [])
        rig.turn { handler.events == [.connected] }
        var accepted: CInt = -1
        try wait {
            accepted = accept(listener.descriptor, nil, nil)
            return accepted >= 0
        }
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        expectSame(Self.read(5, from: Peer(accepted), rig), Array("eager".utf8))
    }

    @Test func `lent runs, copies and sent buffers go out in the order in which they were given`() throws {
        let rig = try Rig()
        let reader = Recorder()
        reader.recordsBytes = false
        let (_, source) = try rig.connect(handler: reader)
        let (sink, target) = try rig.connect(handler: Recorder())
        var expected: [UInt8] = []
        reader.onReceived = { bytes in
            func lend(_ range: Range<Int>) {
                sink.lend(bytes.extracting(range))
                expected += bytes.extracting(range).array()
            }
            sink.append("head ".utf8.span)
            expected += Array("head ".utf8)
            lend(0..<3000)
            lend(3000..<3010)
            sink.append(" between ".utf8.span)
            expected += Array(" between ".utf8)
            lend(4000..<8000)
            lend(8000..<12000)
            sink.append(" tail".utf8.span)
            expected += Array(" tail".utf8)
            sink.flush()
        }
        source.send(numbered(12_000))
        usleep(1000)
        rig.turn { !expected.isEmpty }
        expectSame(Self.read(expected.count, from: target, rig), expected)
    }

    @Test func `more lent runs than vectors are sent in their order`() throws {
        let rig = try Rig()
        let reader = Recorder()
        reader.recordsBytes = false
        let (_, source) = try rig.connect(handler: reader)
        let (sink, target) = try rig.connect(handler: Recorder())
        var expected: [UInt8] = []
        reader.onReceived = { bytes in
            guard bytes.count >= 2048 else { return }
            // The same run over and over: more than a receive buffer holds.
            for index in 0..<100 {
                sink.append([UInt8(index)].span)
                sink.lend(bytes.extracting(0..<2048))
                expected += [UInt8(index)] + bytes.extracting(0..<2048).array()
            }
            sink.flush()
        }
        source.send(numbered(2048))
        rig.turn { !expected.isEmpty }
        expectSame(Self.read(expected.count, from: target, rig), expected)
    }

    @Test func `a handler is never called from within lend`() throws {
        let rig = try Rig()
        let reader = Recorder()
        reader.recordsBytes = false
        let sinkHandler = Recorder()
        let (_, source) = try rig.connect(handler: reader)
        let (sink, target) = try rig.connect(handler: sinkHandler)
        var isLending = false
        sinkHandler.on = { _ in #expect(!isLending) }
        reader.onReceived = { bytes in
            isLending = true
            for _ in 0..<200 where bytes.count >= 32768 { sink.lend(bytes.extracting(0..<32768)) }
            isLending = false
            sink.flush()
        }
        source.send([UInt8](repeating: 1, count: 60_000))
        rig.turn { sink.isBlocked }
        target.reset()
        rig.turn { sinkHandler.isClosed }
    }

    @Test func `what was lent to two connections reaches both, although one of them ends`() throws {
        let rig = try Rig()
        let reader = Recorder()
        reader.recordsBytes = false
        let (_, source) = try rig.connect(handler: reader)
        let (first, firstTarget) = try rig.connect(handler: Recorder())
        let (second, secondTarget) = try rig.connect(handler: Recorder())
        // The first one lingers at once, and throws away what its peer sends, which must not touch the lent bytes.
        firstTarget.send([UInt8](repeating: 0xEE, count: 60_000))
        var expected: [UInt8] = []
        first.pauseReading()
        rig.turn(3)
        reader.onReceived = { bytes in
            first.lend(bytes)
            second.lend(bytes)
            expected += bytes.array()
            first.closeAfterFlush()
            second.flush()
        }
        source.send(numbered(30_000))
        usleep(1000)
        rig.turn { !expected.isEmpty }
        let bytes = Self.read(expected.count, from: secondTarget, rig)
        expectSame(bytes, expected)
        expectSame(Self.read(expected.count, from: firstTarget, rig), expected)
    }

    @Test func `writing to a peer that has gone ends the connection with a failure`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        rig.turn()
        peer.close()
        rig.turn {
            connection.send("hello?")
            return handler.isClosed
        }
        #expect(!connection.isOpen)
        #expect(rig.loop.sourceCount == 0)
    }

    @Test func `appending to a closed connection keeps nothing`() throws {
        let rig = try Rig()
        let (connection, _) = try rig.connect(handler: Recorder())
        connection.close()
        connection.send("into the void")
        rig.turn()
        #expect(connection.output.capacity == 0)
    }
}

/// Passes on what a connection receives.
private final class Passing: ConnectionHandler {
    private let pass: (Span<UInt8>) -> Void

    init(_ pass: @escaping (Span<UInt8>) -> Void) {
        self.pass = pass
    }

    func received(_ bytes: Span<UInt8>) { self.pass(bytes) }
    func receivedEnd() {}
    func closed(_ cause: CloseCause) {}
}
