import Bytes
import Glibc
import Testing
import Time

@testable import Reactor

/// A loop with a scripted clock, run round by round in the test's own thread.
final class Rig {
    let clock = ManualClock()
    let loop: Loop
    private var connections: [Connection] = []

    init(faults: FaultPlan? = nil) throws {
        self.loop = try Loop(clock: .manual(self.clock), faults: faults)
    }

    deinit {
        // A loop and its sources hold each other, those too that were touched since the last round.
        for connection in self.connections { connection.close() }
        self.turn()
    }

    /// A connection on the loop, and its other end in the test's hands.
    func connect(_ kind: SocketKind = .tcp, handler: (any ConnectionHandler)? = nil) throws -> (Connection, Peer) {
        let (ours, theirs) = try kind.pair()
        let connection = try Connection(accepted: ours, from: SocketAddress(host: .unix("")), on: self.loop)
        connection.handler = handler
        self.connections.append(connection)
        return (connection, Peer(theirs))
    }

    /// Closes the connection with the rig.
    func adopt(_ connection: Connection) {
        self.connections.append(connection)
    }

    /// Runs some rounds that do not wait.
    func turn(_ rounds: Int = 1) {
        for _ in 0..<rounds { self.loop.turn(waitingAtMost: .zero) }
    }

    /// Moves the clock on and runs a round.
    func advance(by duration: Duration) {
        self.clock.advance(by: duration)
        self.turn()
    }

    /// Runs rounds until something holds, for two seconds of real time at most.
    func turn(
        until condition: () -> Bool, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let deadline = LoopClock.system.monotonic() + .seconds(30)
        var rounds = 0
        while !condition() {
            guard LoopClock.system.monotonic() < deadline else {
                Issue.record(comment ?? "It never came", sourceLocation: sourceLocation)
                return
            }
            self.turn()
            rounds += 1
            if rounds % 16 == 0 { usleep(50) }
        }
    }
}

/// Which sockets a connection is made of.
enum SocketKind: CaseIterable, Sendable {
    case tcp
    case unix
    /// TCP with small buffers, which block soon.
    case narrow

    /// Two descriptors that are connected to each other, which do not block.
    func pair() throws -> (CInt, CInt) {
        let nonblocking = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        switch self {
        case .unix:
            var ends: [CInt] = [0, 0]
            try #require(socketpair(AF_UNIX, nonblocking, 0, &ends) == 0)
            return (ends[0], ends[1])
        case .tcp, .narrow:
            let listener = try ListeningSocket(bindingTo: loopback())
            let buffer: CInt? = self == .narrow ? 8192 : nil
            if let buffer {
                SocketOptions.set(listener.descriptor, SOL_SOCKET, SO_SNDBUF, buffer)
                SocketOptions.set(listener.descriptor, SOL_SOCKET, SO_RCVBUF, buffer)
            }
            let client = try RawSocket.connect(to: listener.address, buffers: buffer)
            var accepted: CInt = -1
            try wait {
                accepted = accept(listener.descriptor, nil, nil); return accepted >= 0
            }
            _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
            _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
            SocketOptions.setForConnection(accepted)
            return (accepted, client)
        }
    }
}

/// 127.0.0.1 with a port that the kernel chooses.
func loopback(port: UInt16 = 0) -> SocketAddress {
    SocketAddress(host: .v4(UInt32(0x7f00_0001).bigEndian), port: port)
}

/// ::1 with a port that the kernel chooses.
func loopback6(port: UInt16 = 0) -> SocketAddress {
    SocketAddress(host: .v6(0, UInt64(1).bigEndian, scope: 0), port: port)
}

/// Bytes of which each run of eight is another, so that lost, doubled and swapped ones show.
func numbered(_ count: Int, from start: Int = 0) -> [UInt8] {
    let words = (0..<(count + 7) / 8).map { UInt64(start + $0) &* 0x9E37_79B9_7F4A_7C15 }
    return Array(words.withUnsafeBytes { Array($0) }.prefix(count))
}

/// Holds long runs of bytes against each other, and says where they differ instead of showing them.
func expectSame(_ bytes: [UInt8], _ expected: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
    guard bytes != expected else { return }
    let position = zip(bytes, expected).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    Issue.record(
        "\(bytes.count) bytes where \(expected.count) were expected, different from \(position ?? -1) on",
        sourceLocation: sourceLocation)
}

/// Waits until something holds, for half a minute at most.
func wait(until condition: () -> Bool) throws {
    let deadline = LoopClock.system.monotonic() + .seconds(30)
    while !condition() {
        try #require(LoopClock.system.monotonic() < deadline, "It never came")
        usleep(100)
    }
}

enum RawSocket {
    /// A socket that is connected, and then does not block.
    static func connect(to address: SocketAddress, buffers: CInt? = nil) throws -> CInt {
        let descriptor = socket(
            address.family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        if let buffers {
            SocketOptions.set(descriptor, SOL_SOCKET, SO_SNDBUF, buffers)
            SocketOptions.set(descriptor, SOL_SOCKET, SO_RCVBUF, buffers)
        }
        let result = try address.withSystemAddress { Glibc.connect(descriptor, $0, $1) }
        try #require(result == 0, "connect: \(errno)")
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    /// The value of a socket option that is a number.
    static func option(_ descriptor: CInt, _ level: CInt, _ name: CInt) -> CInt {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(descriptor, level, name, &value, &length)
        return value
    }
}

/// The other end of a connection: a plain socket.
final class Peer {
    enum Reading: Equatable {
        case bytes([UInt8])
        case nothing
        case end
        case failed(CInt)
    }

    private(set) var descriptor: CInt

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
    }

    deinit {
        self.close()
    }

    /// Offers bytes to the socket, and answers how many it took.
    @discardableResult
    func send(_ bytes: some Collection<UInt8>) -> Int {
        let bytes = Array(bytes)
        return max(0, Glibc.send(self.descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)))
    }

    func send(_ text: String) {
        self.send(Array(text.utf8))
    }

    /// Reads what is there.
    func read(atMost limit: Int = 1 << 18) -> Reading {
        let (bytes, count) = self.receive(limit)
        if count > 0 { return .bytes(bytes) }
        if count == 0 { return .end }
        return errno == EAGAIN ? .nothing : .failed(errno)
    }

    private func receive(_ limit: Int) -> ([UInt8], Int) {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
            count = recv(self.descriptor, buffer.baseAddress, limit, 0)
            initialized = max(0, count)
        }
        return (bytes, count)
    }

    /// Says that nothing more will be sent.
    func finish() {
        shutdown(self.descriptor, CInt(SHUT_WR))
    }

    /// Ends with a reset.
    func reset() {
        SocketOptions.setResetOnClose(self.descriptor)
        self.close()
    }

    func close() {
        guard self.descriptor >= 0 else { return }
        Glibc.close(self.descriptor)
        self.descriptor = -1
    }
}

/// Writes down what a connection tells its handler, and does what a test wants done.
final class Recorder: ConnectionHandler {
    enum Event: Equatable {
        case connected
        case received(String)
        case end
        case peerLeft
        case blocked
        case drained
        case closed(CloseCause)
    }

    /// Everything but `received`, and that too where `recordsBytes`.
    private(set) var events: [Event] = []
    private(set) var bytes: [UInt8] = []
    var recordsBytes = true
    var onReceived: ((Span<UInt8>) -> Void)?
    var on: ((Event) -> Void)?

    private func record(_ event: Event) {
        self.events.append(event)
        self.on?(event)
    }

    /// Whether the connection ended by itself.
    var isClosed: Bool {
        if case .closed = self.events.last { true } else { false }
    }

    func count(of event: Event) -> Int {
        self.events.count { $0 == event }
    }

    func connected() { self.record(.connected) }

    func received(_ bytes: Span<UInt8>) {
        let array = bytes.array()
        self.bytes += array
        if self.recordsBytes { self.events.append(.received(String(decoding: array, as: UTF8.self))) }
        self.onReceived?(bytes)
    }

    func receivedEnd() { self.record(.end) }
    func peerLeft() { self.record(.peerLeft) }
    func outputBlocked() { self.record(.blocked) }
    func outputDrained() { self.record(.drained) }
    func closed(_ cause: CloseCause) { self.record(.closed(cause)) }
}

extension Connection {
    /// Appends and flushes.
    func send(_ text: String) {
        self.append(Array(text.utf8).span)
        self.flush()
    }

    func send(_ bytes: [UInt8]) {
        self.append(bytes.span)
        self.flush()
    }
}
