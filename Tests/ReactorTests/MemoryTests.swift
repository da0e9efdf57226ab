import Bytes
import Glibc
import Testing

@testable import Reactor

@Suite struct MemoryTests {
    @Test func `connections that wait hold no storage, whatever they sent before`() throws {
        let rig = try Rig()
        var connections: [Connection] = []
        var peers: [Peer] = []
        let handlers = (0..<50).map { _ in Recorder() }
        for handler in handlers {
            let (connection, peer) = try rig.connect(.unix, handler: handler)
            handler.onReceived = { bytes in
                connection.append("echo ".utf8.span)
                connection.lend(bytes)
                connection.flush()
            }
            connections.append(connection)
            peers.append(peer)
        }
        for round in 1...3 {
            for peer in peers { peer.send(numbered(5000)) }
            rig.turn { handlers.allSatisfy { $0.bytes.count == round * 5000 } }
            rig.turn()
            for peer in peers { _ = peer.read() }
        }
        #expect(connections.allSatisfy { $0.output.capacity == 0 && !$0.isBlocked })
        // What was needed at once in a round, and no more.
        #expect(rig.loop.buffers.spareCount >= 1 && rig.loop.buffers.spareCount <= 50)
    }

    @Test func `storage goes round between the connections of a loop`() throws {
        let rig = try Rig()
        for _ in 0..<20 {
            let (connection, peer) = try rig.connect(.unix, handler: Recorder())
            connection.send("x")
            rig.turn()
            _ = peer.read()
            connection.close()
        }
        #expect(rig.loop.buffers.spareCount == 1)
    }

    @Test func `a buffer that grew is freed, and the pool keeps a bounded number`() {
        let pool = BufferPool()
        var grown = ByteBuffer()
        pool.lend(to: &grown)
        grown.append([UInt8](repeating: 0, count: BufferPool.size + 1))
        pool.reclaim(&grown)
        #expect(grown.capacity == 0 && pool.spareCount == 0)
        for _ in 0..<1000 {
            var buffer = ByteBuffer(capacity: BufferPool.size)
            buffer.append("left over")
            pool.reclaim(&buffer)
            #expect(buffer.capacity == 0)
        }
        #expect(pool.spareCount == 64)
        var buffer = ByteBuffer()
        pool.lend(to: &buffer)
        #expect(buffer.isEmpty && buffer.capacity == BufferPool.size)
        pool.lend(to: &buffer)
        #expect(pool.spareCount == 63)
    }

    @Test func `a pool frees the storage that nobody has needed for a while`() {
        let pool = BufferPool()
        for _ in 0..<10 {
            var buffer = ByteBuffer(capacity: BufferPool.size)
            pool.reclaim(&buffer)
        }
        // What came meanwhile may be needed soon.
        pool.freeUnused()
        #expect(pool.spareCount == 10)
        var first = ByteBuffer()
        var second = ByteBuffer()
        for _ in 0..<3 {
            pool.lend(to: &first)
            pool.lend(to: &second)
            pool.reclaim(&first)
            pool.reclaim(&second)
        }
        // Two were needed at the same time.
        pool.freeUnused()
        #expect(pool.spareCount == 2)
        pool.freeUnused()
        #expect(pool.spareCount == 0)
        pool.lend(to: &first)
        #expect(first.capacity == BufferPool.size)
    }

    @Test func `what a slow reader leaves waiting is bounded by what its source is allowed to send`() throws {
        let rig = try Rig()
        let sourceHandler = Recorder()
        sourceHandler.recordsBytes = false
        let sinkHandler = Recorder()
        let (source, writer) = try rig.connect(.tcp, handler: sourceHandler)
        let (sink, reader) = try rig.connect(.narrow, handler: sinkHandler)
        var most = 0
        sourceHandler.onReceived = { bytes in
            sink.lend(bytes)
            sink.flush()
        }
        sinkHandler.on = { event in
            most = max(most, sink.output.count)
            if event == .blocked { source.pauseReading() }
            if event == .drained { source.resumeReading() }
        }
        let bytes = numbered(600_000)
        var sent = 0
        var received: [UInt8] = []
        rig.turn {
            sent += writer.send(bytes[sent..<min(bytes.count, sent + 100_000)])
            if case .bytes(let some) = reader.read(atMost: 8192) { received += some }
            return received.count == bytes.count
        }
        expectSame(received, bytes)
        #expect(most > 0 && most <= Loop.receiveSize)
    }
}
