import Bytes
import Glibc
import Testing

@testable import Reactor

@Suite struct StaleEventTests {
    /// Of two connections with news in the same round the first closes the second, and a third takes its slot.
    @Test func `an event of a connection that was closed in the same round reaches nobody`() throws {
        for _ in 0..<20 {
            let rig = try Rig()
            let handlers = [Recorder(), Recorder()]
            let newcomer = Recorder()
            var connections: [Connection] = []
            var peers: [Peer] = []
            for handler in handlers {
                let (connection, peer) = try rig.connect(.unix, handler: handler)
                connections.append(connection)
                peers.append(peer)
            }
            var third: (connection: Connection, peer: Peer)?
            for (index, handler) in handlers.enumerated() {
                let other = connections[1 - index]
                handler.onReceived = { _ in
                    let slot = other.slot
                    other.close()
                    third = try? rig.connect(.unix, handler: newcomer)
                    #expect(third?.connection.slot == slot, "The slot is used again")
                }
            }
            for peer in peers { peer.send("news") }
            rig.turn()
            #expect(handlers.map(\.bytes.count).sorted() == [0, 4])
            #expect(newcomer.events == [])
            rig.turn(3)
            #expect(newcomer.events == [])
            third?.peer.send("mine")
            rig.turn { newcomer.bytes.count == 4 }
            for handler in handlers { handler.onReceived = nil }
        }
    }

    @Test func `a connection that is closed while it waits for its turn is left alone`() throws {
        let rig = try Rig()
        let handler = Recorder()
        let (connection, peer) = try rig.connect(handler: handler)
        connection.pauseReading()
        peer.send("x")
        rig.turn(3)
        connection.resumeReading()
        connection.close()
        rig.turn(3)
        #expect(handler.events == [])
    }

    @Test func `descriptors that are closed and used again by the hundred mix nothing up`() throws {
        let rig = try Rig()
        for generation in 0..<40 {
            let handlers = (0..<8).map { _ in Recorder() }
            let pairs = try handlers.map { try rig.connect(.unix, handler: $0) }
            for (index, pair) in pairs.enumerated() { pair.1.send("\(generation)/\(index)") }
            for handler in handlers {
                // The first one that hears something closes half of them.
                handler.onReceived = { _ in for index in stride(from: 1, to: 8, by: 2) { pairs[index].0.close() } }
            }
            rig.turn(3)
            for (index, handler) in handlers.enumerated() {
                let text = String(decoding: handler.bytes, as: UTF8.self)
                #expect(text == "\(generation)/\(index)" || (index % 2 == 1 && text == ""))
            }
            for pair in pairs { pair.0.close() }
            for handler in handlers { handler.onReceived = nil }
            #expect(rig.loop.sourceCount == 0)
        }
    }
}
