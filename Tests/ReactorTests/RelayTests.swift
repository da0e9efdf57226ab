import Bytes
import Glibc
import TestSupport
import Testing

@testable import Reactor

/// Relays what one connection receives to others, as a gateway does, and is held to one rule: whatever happens, each
/// reader gets all bytes in their order and then the end, or it sees a failure. Never a part that looks whole.
@Suite struct RelayTests {
    /// Lends, copies and hands over what arrives, in pieces of random sizes.
    final class Relay: ConnectionHandler {
        let source: Connection
        private(set) var sinks: [Sink] = []
        private var random: SeededRandom
        private(set) var isOver = false

        init(from source: Connection, to sinks: [Connection], seed: UInt64) {
            self.source = source
            self.random = SeededRandom(seed: seed)
            source.handler = self
            self.sinks = sinks.map { Sink($0, relay: self) }
        }

        func received(_ bytes: Span<UInt8>) {
            var offset = 0
            while offset < bytes.count {
                let count = min(bytes.count - offset, Int.random(in: 1...9000, using: &self.random))
                let piece = bytes.extracting(offset..<offset + count)
                offset += count
                let way = Int.random(in: 0..<4, using: &self.random)
                for sink in self.sinks { sink.pass(piece, way) }
            }
        }

        func receivedEnd() {
            self.isOver = true
            for sink in self.sinks { sink.connection.closeAfterFlush() }
            self.source.close()
        }

        func closed(_ cause: CloseCause) { self.fail() }

        func fail() {
            self.isOver = true
            for sink in self.sinks { sink.connection.abort() }
            self.source.close()
        }

        func applyBackPressure() {
            if self.sinks.contains(where: { $0.isBlocked }) {
                self.source.pauseReading()
            } else {
                self.source.resumeReading()
            }
        }

        final class Sink: ConnectionHandler {
            let connection: Connection
            private unowned let relay: Relay
            private(set) var isBlocked = false

            init(_ connection: Connection, relay: Relay) {
                self.connection = connection
                self.relay = relay
                connection.handler = self
            }

            func pass(_ piece: Span<UInt8>, _ way: Int) {
                switch way {
                case 0, 1:
                    self.connection.lend(piece)
                case 2:
                    self.connection.append(piece)
                default:
                    var buffer = ByteBuffer()
                    buffer.append(piece)
                    self.connection.send(buffer)
                }
                self.connection.flush()
            }

            func received(_ bytes: Span<UInt8>) {}
            func receivedEnd() {}

            func outputBlocked() {
                self.isBlocked = true
                self.relay.applyBackPressure()
            }

            func outputDrained() {
                self.isBlocked = false
                self.relay.applyBackPressure()
            }

            func closed(_ cause: CloseCause) { self.relay.fail() }
        }
    }

    /// A client that reads at its own pace.
    final class Reader {
        let peer: Peer
        private(set) var bytes: [UInt8] = []
        private(set) var end: Peer.Reading?

        init(_ peer: Peer) { self.peer = peer }

        func read(atMost limit: Int) {
            guard self.end == nil else { return }
            switch self.peer.read(atMost: limit) {
            case .bytes(let some): self.bytes += some
            case .nothing: break
            case let other:
                self.end = other
                self.peer.close()
            }
        }
    }

    enum Fate: CaseIterable {
        case finishes
        case resets
    }

    /// Runs one relay to its end, and holds it to the rule. Answers whether the readers got everything.
    @discardableResult
    static func run(
        _ kind: SocketKind, bytes: [UInt8], readers: Int, fate: Fate, seed: UInt64, faults: FaultPlan?,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Bool {
        var random = SeededRandom(seed: seed)
        let rig = try Rig(faults: faults)
        let (source, writer) = try rig.connect(kind)
        var sinks: [Connection] = []
        var clients: [Reader] = []
        for _ in 0..<readers {
            let (sink, peer) = try rig.connect(kind)
            sinks.append(sink)
            clients.append(Reader(peer))
        }
        let relay = Relay(from: source, to: sinks, seed: seed)
        var sent = 0
        var hasEnded = false
        rig.turn(
            until: {
                if sent < bytes.count {
                    sent += writer.send(
                        bytes[sent..<min(bytes.count, sent + Int.random(in: 1...40_000, using: &random))])
                } else if !hasEnded {
                    hasEnded = true
                    if fate == .finishes { writer.finish() } else { writer.reset() }
                }
                // Sometimes nobody reads for a while.
                for client in clients where !Int.random(in: 0..<3, using: &random).isMultiple(of: 3) {
                    client.read(atMost: Int.random(in: 1...50_000, using: &random))
                }
                return clients.allSatisfy { $0.end != nil }
            }, "seed \(seed): the relay came to no end", sourceLocation: sourceLocation)
        var isWhole = true
        for client in clients {
            let isPrefix = client.bytes == Array(bytes.prefix(client.bytes.count))
            #expect(isPrefix, "seed \(seed): bytes were lost or swapped", sourceLocation: sourceLocation)
            if client.end == .end {
                #expect(
                    client.bytes.count == bytes.count, "seed \(seed): a part looks whole",
                    sourceLocation: sourceLocation)
                #expect(fate == .finishes, sourceLocation: sourceLocation)
            } else {
                isWhole = false
            }
        }
        writer.close()
        rig.turn(
            until: { rig.loop.sourceCount == 0 }, "seed \(seed): connections are left", sourceLocation: sourceLocation)
        #expect(relay.isOver, sourceLocation: sourceLocation)
        return isWhole
    }

    static func bytes(_ random: inout SeededRandom) -> [UInt8] {
        let sizes = [0, 1, 100, 5_000, 70_000, 250_000]
        let size = sizes[Int.random(in: 0..<sizes.count, using: &random)]
        return numbered(Int.random(in: size / 2...size, using: &random), from: Int.random(in: 0..<1000, using: &random))
    }

    @Test(arguments: UInt64(0)..<24)
    func `a relay without faults delivers every byte`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let kind = SocketKind.allCases[Int(seed % 3)]
        let isWhole = try Self.run(
            kind, bytes: Self.bytes(&random), readers: Int.random(in: 1...3, using: &random), fate: .finishes,
            seed: seed, faults: nil)
        #expect(isWhole)
    }

    @Test(arguments: UInt64(100)..<140)
    func `a relay under short reads, short writes and false alarms delivers every byte`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var dice = SeededRandom(seed: seed &+ 1_000_000)
        let severity = Int.random(in: 2...9, using: &random)
        let plan = FaultPlan { _, count in
            switch Int.random(in: 0..<10, using: &dice) {
            case 0..<severity / 2: .short(Int.random(in: 1...max(1, count / 2), using: &dice))
            case severity / 2..<severity: .again
            default: .pass
            }
        }
        let isWhole = try Self.run(
            SocketKind.allCases[Int(seed % 3)], bytes: Self.bytes(&random),
            readers: Int.random(in: 1...2, using: &random),
            fate: .finishes, seed: seed, faults: plan)
        #expect(isWhole)
    }

    @Test(arguments: UInt64(200)..<260)
    func `a relay under any fault delivers every byte or a failure`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var dice = SeededRandom(seed: seed &+ 1_000_000)
        let resetOneIn = Int.random(in: 3...200, using: &random)
        let plan = FaultPlan { _, count in
            if Int.random(in: 0..<resetOneIn, using: &dice) == 0 { return .reset }
            switch Int.random(in: 0..<4, using: &dice) {
            case 0: return .short(Int.random(in: 1...count, using: &dice))
            case 1: return .again
            default: return .pass
            }
        }
        try Self.run(
            seed.isMultiple(of: 2) ? .tcp : .narrow, bytes: Self.bytes(&random),
            readers: Int.random(in: 1...2, using: &random), fate: .finishes, seed: seed, faults: plan)
    }

    @Test(arguments: UInt64(300)..<320)
    func `a writer that resets is never taken for one that finished`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let isWhole = try Self.run(
            seed.isMultiple(of: 2) ? .tcp : .narrow, bytes: Self.bytes(&random), readers: 1, fate: .resets, seed: seed,
            faults: nil)
        #expect(!isWhole)
    }

    /// The same relay with one fault at one call, for each call that it makes.
    @Test(arguments: [FaultPlan.Outcome.reset, .again, .short(1)])
    func `one fault at each call in turn`(fault: FaultPlan.Outcome) throws {
        let bytes = numbered(30_000)
        var calls = 0
        try Self.run(
            .tcp, bytes: bytes, readers: 1, fate: .finishes, seed: 7,
            faults: FaultPlan { _, _ in
                calls += 1
                return .pass
            })
        #expect(calls > 3)
        for position in 0..<calls {
            var call = 0
            let isWhole = try Self.run(
                .tcp, bytes: bytes, readers: 1, fate: .finishes, seed: 7,
                faults: FaultPlan { _, _ in
                    call += 1
                    return call == position + 1 ? fault : .pass
                })
            if fault != .reset { #expect(isWhole, "call \(position)") }
        }
    }

    /// In a process of its own, where nobody else opens sockets. Other descriptors the runtime may open at any time.
    @Test func `relays leave no socket behind, whatever happens to them`() async {
        await #expect(processExitsWith: .success) {
            func sockets() -> Int { (0..<2000).count { RawSocket.option($0, SOL_SOCKET, SO_TYPE) != 0 } }
            try Self.run(.tcp, bytes: numbered(10_000), readers: 2, fate: .finishes, seed: 1, faults: nil)
            let before = sockets()
            for seed in UInt64(0)..<12 {
                var dice = SeededRandom(seed: seed)
                let plan = FaultPlan { _, _ in Int.random(in: 0..<8, using: &dice) == 0 ? .reset : .pass }
                try Self.run(
                    .narrow, bytes: numbered(60_000), readers: 2, fate: seed % 3 == 0 ? .resets : .finishes, seed: seed,
                    faults: seed % 2 == 0 ? plan : nil)
            }
            #expect(sockets() == before)
        }
    }
}
