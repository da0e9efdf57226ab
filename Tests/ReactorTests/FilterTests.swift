import Bytes
import Glibc
import TestSupport
import Testing

@testable import Reactor

/// A filter of records: a letter, two bytes of length, and the payload with all bits turned over. `h` is the handshake,
/// `d` data, `e` the end, `p` is answered with 32 KiB of another `p`; anything else is a fault, which is answered with
/// `a`.
private final class Records: ConnectionFilter {
    private var held: [UInt8] = []
    private var hasEnded = false
    private var hasClosed = false
    private(set) var sealedRecords = 0

    func start(output: inout ByteBuffer) throws(FilterFailure) {}

    func receive(
        _ bytes: Span<UInt8>, at offset: inout Int, plain: inout ByteBuffer, output: inout ByteBuffer
    ) throws(FilterFailure) -> FilterEvent {
        while offset < bytes.count {
            self.held.append(bytes[offset])
            offset += 1
            guard self.held.count >= 3 else { continue }
            let size = Int(self.held[1]) << 8 | Int(self.held[2])
            guard self.held.count == 3 + size else { continue }
            let record = self.held
            self.held = []
            switch record[0] {
            case UInt8(ascii: "h"):
                output.append(Records.record("h", []))
                return .opened
            case UInt8(ascii: "d"):
                plain.append(record[3...].map { ~$0 })
                return .plain
            case UInt8(ascii: "e"):
                self.hasEnded = true
                return .ended
            case UInt8(ascii: "p"):
                output.append(Records.record("p", [UInt8](repeating: 0, count: 32_768)))
            default:
                output.append(Records.record("a", []))
                throw FilterFailure(reason: "no record")
            }
        }
        return .needsMore
    }

    func receivedEnd() throws(FilterFailure) {
        if !self.hasEnded { throw FilterFailure(reason: "cut off") }
    }

    func seal(_ plain: Span<UInt8>, output: inout ByteBuffer) throws(FilterFailure) {
        var offset = 0
        while offset < plain.count {
            let count = min(16_384, plain.count - offset)
            output.append(Records.record("d", plain.extracting(offset..<offset + count).array()))
            self.sealedRecords += 1
            offset += count
        }
    }

    func close(output: inout ByteBuffer) {
        if !self.hasClosed { output.append(Records.record("e", [])) }
        self.hasClosed = true
    }

    static func record(_ type: Character, _ payload: [UInt8]) -> [UInt8] {
        [type.asciiValue!, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)] + payload.map { ~$0 }
    }

    static func data(_ text: String) -> [UInt8] { self.record("d", Array(text.utf8)) }
}

/// What a peer got, record by record.
private struct Reading {
    var types = ""
    var payload: [UInt8] = []
    var rest: [UInt8] = []

    init(_ bytes: [UInt8]) {
        var index = 0
        while index + 3 <= bytes.count {
            let end = index + 3 + (Int(bytes[index + 1]) << 8 | Int(bytes[index + 2]))
            guard end <= bytes.count else { break }
            self.types.append(Character(UnicodeScalar(bytes[index])))
            self.payload += bytes[index + 3..<end].map { ~$0 }
            index = end
        }
        self.rest = Array(bytes[index...])
    }

    var text: String { String(decoding: self.payload, as: UTF8.self) }
}

private final class Fixture {
    let rig: Rig
    let connection: Connection
    let peer: Peer
    let filter = Records()
    let recorder = Recorder()
    /// All that the peer has received.
    private(set) var bytes: [UInt8] = []
    private(set) var ending: Peer.Reading?

    init(_ kind: SocketKind = .tcp, faults: FaultPlan? = nil, opened: Bool = true) throws {
        self.rig = try Rig(faults: faults)
        (self.connection, self.peer) = try self.rig.connect(kind, handler: self.recorder)
        self.connection.install(self.filter)
        guard opened else { return }
        self.peer.send(Records.record("h", []))
        self.turn { self.read().types == "h" }
        self.bytes = []
    }

    func turn(until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        self.rig.turn(until: condition, sourceLocation: sourceLocation)
    }

    /// Takes what is there.
    func receive() {
        while self.ending == nil {
            switch self.peer.read() {
            case .bytes(let bytes): self.bytes += bytes
            case .nothing: return
            case let ending: self.ending = ending
            }
        }
    }

    /// All that the peer has got.
    @discardableResult
    func read() -> Reading {
        self.receive()
        return Reading(self.bytes)
    }
}

struct FilterTests {
    @Test func `the handler hears that it is connected when the filter's handshake is over, and what it wrote waits`()
        throws
    {
        let fixture = try Fixture(opened: false)
        fixture.connection.send("early")
        fixture.rig.turn(3)
        #expect(fixture.read().types == "")
        #expect(fixture.recorder.events == [])
        #expect(fixture.connection.hasUnsent)
        fixture.peer.send(Records.record("h", []) + Records.data("hello"))
        fixture.turn { fixture.read().text == "early" }
        #expect(fixture.read().types == "hd")
        #expect(fixture.recorder.events == [.connected, .received("hello")])
        #expect(!fixture.connection.hasUnsent)
    }

    @Test func `what is written in one round is sealed together`() throws {
        let fixture = try Fixture()
        for _ in 0..<10 { fixture.connection.send("0123456789") }
        fixture.turn { fixture.read().payload.count == 100 }
        #expect(fixture.read().types == "d")
    }

    @Test(arguments: [10_000, 16_384, 40_000, 60_000])
    func `lent runs lie between what was written, in records as large as possible`(size: Int) throws {
        let fixture = try Fixture()
        let run = numbered(size)
        // The run comes in on another connection of the loop, as an upstream's bytes do.
        let recorder = Recorder()
        let (source, sender) = try fixture.rig.connect(.unix, handler: recorder)
        _ = source
        var arrived = 0
        recorder.onReceived = { bytes in
            #expect(arrived == 0, "it comes in one read")
            arrived += bytes.count
            fixture.connection.append("<".utf8.span)
            fixture.connection.lend(bytes)
            fixture.connection.append(">".utf8.span)
            fixture.connection.flush()
        }
        sender.send(run)
        fixture.turn { arrived == size && !fixture.connection.hasUnsent }
        fixture.turn { fixture.read().payload.count >= size + 2 }
        let reading = fixture.read()
        expectSame(reading.payload, Array("<".utf8) + run + Array(">".utf8))
        #expect(reading.types.count == (size + 2 + 16_383) / 16_384)
    }

    @Test func `a peer that takes nothing blocks the handler until it takes what was sealed, too`() throws {
        let fixture = try Fixture(.narrow)
        let bytes = numbered(3_000_000)
        fixture.connection.send(bytes)
        fixture.turn { fixture.recorder.events.contains(.blocked) }
        #expect(fixture.connection.isBlocked)
        #expect(fixture.connection.hasUnsent)
        // Not more is sealed than was offered.
        #expect(fixture.filter.sealedRecords < 150)
        fixture.turn {
            fixture.receive()
            return fixture.recorder.events.last == .drained
        }
        fixture.turn { fixture.read().payload.count == bytes.count }
        expectSame(fixture.read().payload, bytes)
        #expect(!fixture.connection.hasUnsent)
        #expect(!fixture.connection.isBlocked)
    }

    @Test func `pausing holds although more records have come, and resuming hands them out`() throws {
        let fixture = try Fixture()
        fixture.recorder.onReceived = { _ in fixture.connection.pauseReading() }
        fixture.peer.send(Records.data("one") + Records.data("two") + Records.data("three") + [UInt8(ascii: "d"), 0])
        fixture.turn { fixture.recorder.events.contains(.received("one")) }
        fixture.rig.turn(4)
        #expect(fixture.recorder.events == [.connected, .received("one")])
        #expect(fixture.connection.hasUnreadInput)
        fixture.connection.resumeReading()
        fixture.rig.turn(4)
        #expect(fixture.recorder.events == [.connected, .received("one"), .received("two")])
        fixture.recorder.onReceived = nil
        fixture.connection.resumeReading()
        fixture.peer.send([1, ~UInt8(ascii: "x")])
        fixture.turn { fixture.recorder.events.last == .received("x") }
        #expect(
            fixture.recorder.events == [
                .connected, .received("one"), .received("two"), .received("three"), .received("x"),
            ])
        #expect(!fixture.connection.hasUnreadInput)
    }

    @Test func `an end that comes while reading is paused is told at once, and read later`() throws {
        let fixture = try Fixture()
        fixture.recorder.onReceived = { _ in fixture.connection.pauseReading() }
        fixture.peer.send(Records.data("one") + Records.data("two") + Records.record("e", []))
        fixture.peer.finish()
        fixture.turn { fixture.recorder.events.contains(.peerLeft) }
        fixture.recorder.onReceived = nil
        fixture.connection.resumeReading()
        fixture.turn { fixture.recorder.events.last == .end }
        #expect(
            fixture.recorder.events == [.connected, .received("one"), .peerLeft, .received("two"), .end])
    }

    @Test func `the peer's end through the filter is told once`() throws {
        let fixture = try Fixture()
        fixture.peer.send(Records.data("last") + Records.record("e", []))
        fixture.turn { fixture.recorder.events.last == .end }
        fixture.connection.send("answer")
        fixture.turn { fixture.read().text == "answer" }
        fixture.peer.finish()
        fixture.rig.turn(4)
        #expect(fixture.recorder.events == [.connected, .received("last"), .end])
    }

    @Test func `the socket's end without the filter's is a failure`() throws {
        let fixture = try Fixture()
        fixture.peer.send(Records.data("half"))
        fixture.peer.finish()
        fixture.turn { fixture.recorder.isClosed }
        #expect(fixture.recorder.events == [.connected, .received("half"), .closed(.refused("cut off"))])
        fixture.turn {
            fixture.read(); return fixture.ending != nil
        }
        #expect(fixture.read().types == "")
    }

    @Test func `what the filter has to say when it fails is sent, and nothing else`() throws {
        let fixture = try Fixture()
        fixture.recorder.onReceived = { _ in fixture.connection.send("never") }
        fixture.peer.send(Records.data("x") + Records.record("?", []))
        fixture.turn { fixture.recorder.isClosed }
        #expect(fixture.recorder.events.last == .closed(.refused("no record")))
        fixture.turn {
            fixture.read(); return fixture.ending != nil
        }
        #expect(fixture.read().types == "a")
        #expect(fixture.ending == .end)
    }

    @Test func `closing says the end through the filter`() throws {
        let fixture = try Fixture()
        fixture.connection.close()
        fixture.turn {
            fixture.read(); return fixture.ending != nil
        }
        #expect(fixture.read().types == "e")
        #expect(fixture.ending == .end)
    }

    @Test func `closing with something left says no end`() throws {
        let fixture = try Fixture()
        fixture.connection.send("lost")
        fixture.connection.close()
        fixture.turn {
            fixture.read(); return fixture.ending != nil
        }
        #expect(fixture.read().types == "")
        #expect(fixture.ending == .failed(ECONNRESET))
    }

    @Test(arguments: [10, 200_000])
    func `closing after everything was sent says the end behind it`(size: Int) throws {
        let fixture = try Fixture(.narrow)
        let bytes = numbered(size)
        fixture.connection.send(bytes)
        fixture.connection.closeAfterFlush()
        fixture.turn {
            fixture.read(); return fixture.ending != nil
        }
        expectSame(fixture.read().payload, bytes)
        #expect(fixture.read().types.hasSuffix("de"))
        #expect(fixture.ending == .end)
    }

    @Test func `closing during the handshake drops what can not be sealed`() throws {
        let fixture = try Fixture(opened: false)
        fixture.connection.send("early")
        fixture.connection.closeAfterFlush()
        fixture.turn {
            fixture.read(); return fixture.ending != nil
        }
        #expect(fixture.read().payload == [])
        #expect(fixture.ending == .end)
    }

    @Test func `aborting after everything was sent says no end`() throws {
        let fixture = try Fixture()
        fixture.connection.send("part")
        fixture.connection.abortAfterFlush()
        fixture.turn { fixture.read().text == "part" }
        fixture.rig.advance(by: .seconds(3))
        fixture.turn {
            fixture.read(); return fixture.ending != nil
        }
        #expect(fixture.read().types == "d")
        #expect(fixture.ending == .failed(ECONNRESET))
    }

    @Test func `bytes that were read before the filter was put in are the filter's`() throws {
        let rig = try Rig()
        let recorder = Recorder()
        let (connection, peer) = try rig.connect(handler: recorder)
        var isFirst = true
        recorder.onReceived = { bytes in
            guard isFirst else { return }
            isFirst = false
            connection.install(Records(), unread: bytes.extracting(2..<bytes.count))
        }
        peer.send(Array("p:".utf8) + Records.record("h", []) + Records.data("secret"))
        rig.turn { recorder.events.last == .received("secret") }
        #expect(recorder.events.contains(.connected))
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `whatever the sockets do, what goes in on one side comes out on the other`(seed: UInt64) throws {
        var chance = SeededRandom(seed: seed)
        let faults = FaultPlan { _, count in
            switch Int.random(in: 0..<8, using: &chance) {
            case 0: .again
            case 1, 2: .short(Int.random(in: 1...max(1, count), using: &chance))
            default: .pass
            }
        }
        let fixture = try Fixture(.narrow, faults: faults)
        let bytes = numbered(400_000)
        var random = SeededRandom(seed: seed &+ 1000)
        var written = 0
        var fed = 0
        let inbound = stride(from: 0, to: bytes.count, by: 9000).flatMap {
            Records.record("d", Array(bytes[$0..<min(bytes.count, $0 + 9000)]))
        }
        fixture.recorder.recordsBytes = false
        fixture.turn {
            if fed < inbound.count {
                fed += fixture.peer.send(
                    inbound[fed..<min(inbound.count, fed + Int.random(in: 1...30_000, using: &random))])
            }
            if written < bytes.count, !fixture.connection.isBlocked {
                let end = min(bytes.count, written + Int.random(in: 1...70_000, using: &random))
                fixture.connection.send(Array(bytes[written..<end]))
                written = end
            }
            if Int.random(in: 0..<8, using: &random) == 0 {
                fixture.connection.pauseReading()
            } else {
                fixture.connection.resumeReading()
            }
            fixture.receive()
            return fixture.bytes.count > bytes.count && !fixture.connection.hasUnsent && written == bytes.count
                && fixture.recorder.bytes.count == bytes.count && fixture.read().payload.count == bytes.count
        }
        expectSame(fixture.read().payload, bytes)
        expectSame(fixture.recorder.bytes, bytes)
    }

    /// What the filter has to say fills the sealed side, so that the run is not sealed before the socket blocks.
    @Test func `a lent run that has to wait behind the filter's own bytes is the one that was lent`() throws {
        var isShort = false
        let faults = FaultPlan { operation, _ in isShort && operation == .send ? .short(100) : .pass }
        let fixture = try Fixture(faults: faults)
        let source = Recorder()
        let (_, sender) = try fixture.rig.connect(handler: source)
        let next = Recorder()
        let (_, nextSender) = try fixture.rig.connect(handler: next)
        let lent = [UInt8](repeating: 1, count: 8192)
        source.onReceived = { bytes in
            fixture.connection.lend(bytes)
        }
        isShort = true
        fixture.peer.send(Records.record("p", []))
        sender.send(lent)
        // For these the receive buffer is used again, in the same round.
        nextSender.send([UInt8](repeating: 2, count: 8192))
        fixture.rig.turn()
        #expect(source.bytes.count == lent.count && next.bytes.count == lent.count)
        isShort = false
        fixture.turn { fixture.read().types == "pd" }
        expectSame(Array(fixture.read().payload.dropFirst(32_768)), lent)
    }
}
