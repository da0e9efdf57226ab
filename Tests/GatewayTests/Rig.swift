import AWS
import Bytes
import Configuration
import Glibc
import Logging
import Synchronization
import TLS
import Testing
import Time

@testable import Gateway
@testable import Reactor

/// A gateway of one loop with a clock that the test moves, in the test's own thread. Clients and the Lambda API are
/// sockets in the test's hands.
final class Rig {
    let clock = ManualClock()
    let loop: Loop
    let context: LoopContext
    let upstream: Upstream
    /// Lines of the log.
    let log = LogLines()
    private let address: SocketAddress

    /// `keys` are keys of the one function, `limits` of the section of that name, both in flow form; `routes` are lines
    /// of that section; `listener` are keys of the one listener.
    init(
        _ keys: String = "", limits: String = "", routes: String = "", listener: String = "", isHTTP: Bool = false,
        faults: FaultPlan? = nil
    ) throws {
        let upstream = try Upstream()
        let target = isHTTP ? "url: \"http://127.0.0.1:\(upstream.port)\"" : "function: main"
        let text = """
            aws: { region: eu-west-1, endpoint: "http://127.0.0.1:\(upstream.port)" }
            listeners: [{ address: "127.0.0.1:0"\(listener.isEmpty ? "" : ", ")\(listener) }]
            limits: { \(limits) }
            functions: { main: { \(target)\(keys.isEmpty ? "" : ", ")\(keys) } }
            routes:
              - { path: /fixed, respond: { body: fixed } }
            \(routes)
              - { path: /*, function: main }

            """
        let configuration = try ConfigurationLoader.load(
            text: text, file: "test.yaml", environment: [:], readFile: { _ in "" }
        ).get()
        let assembly = try Assembly(
            configuration,
            environment: ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"],
            readFile: { _ in nil }, logger: self.log.logger)
        self.upstream = upstream
        self.loop = try Loop(clock: .manual(self.clock), faults: faults)
        self.context = LoopContext(
            loop: self.loop, snapshot: assembly.snapshot, shared: assembly.sharedResources, accessLog: nil)
        let socket = try ListeningSocket(bindingTo: SocketAddress(host: .v4(UInt32(0x7f00_0001).bigEndian)))
        self.address = socket.address
        let tls = try CertificateFile.listeners(of: configuration, ticketKeys: TicketKeys(at: self.clock.now))
        try self.context.listen(
            on: socket, as: ListenerRuntime(configuration.listeners[0], port: socket.address.port, tls: tls[0]))
    }

    deinit {
        // Loop, sessions and connections hold each other until they are closed.
        self.context.drain {}
        self.context.cut()
        self.clock.advance(by: .seconds(100))
        for _ in 0..<4 { self.loop.turn(waitingAtMost: .zero) }
    }

    /// A route whose answer no socket takes at once where its peer has a small receive buffer.
    static let largeRoute = "  - { path: /large, respond: { body: \"\(String(repeating: "large", count: 20_000))\" } }"

    /// A client that has connected.
    func connect(receiveBuffer: CInt? = nil) throws -> Peer {
        let peer = try Peer(connectingTo: self.address.port, receiveBuffer: receiveBuffer)
        self.turn()
        return peer
    }

    /// Runs some rounds that do not wait.
    func turn(_ rounds: Int = 4) {
        for _ in 0..<rounds { self.loop.turn(waitingAtMost: .zero) }
    }

    /// Moves the clock on, and lets happen what is due.
    func advance(by duration: Duration) {
        self.clock.advance(by: duration)
        self.turn()
    }

    /// Runs rounds until something is there, for five seconds of real time at most.
    func turn<Answer>(
        until what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ ask: () throws -> Answer?
    ) throws -> Answer {
        let until = ContinuousClock().now + .seconds(60)
        while ContinuousClock().now < until {
            if let answer = try ask() { return answer }
            self.turn(1)
            usleep(50)
        }
        return try #require(nil as Answer?, what, sourceLocation: sourceLocation)
    }

    /// Sends a request and waits until the API has the call.
    func call(_ client: Peer, _ request: String = "GET / HTTP/1.1\r\nHost: a\r\n\r\n") throws -> Peer {
        client.send(request)
        let api = try self.turn(until: "a connection to the API") { self.upstream.accept() }
        try self.await(api, "\r\n\r\n{")
        return api
    }

    /// Waits until a peer has received some text.
    func await(_ peer: Peer, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try self.turn(until: "\(text.debugDescription) comes", sourceLocation: sourceLocation) {
            peer.receive()
            return peer.received.contains(text) ? () : nil
        }
    }

    /// Waits until a peer has seen the end of its connection.
    func awaitEnd(_ peer: Peer, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try self.turn(until: "the connection ends", sourceLocation: sourceLocation) {
            peer.receive()
            return peer.hasEnded ? () : nil
        }
    }
}

/// What was logged, a line each, those for debugging as well.
final class LogLines: Sendable {
    private let text = Mutex("")

    var logger: Logger {
        Logger(label: "test") { _ in
            var handler = JournalLogHandler { line in self.text.withLock { $0 += line } }
            handler.logLevel = .debug
            return handler
        }
    }

    /// Lines with some text.
    func lines(with text: String) -> [String] {
        self.text.withLock { $0.split(separator: "\n").map(String.init).filter { $0.contains(text) } }
    }
}

/// The Lambda API's socket.
final class Upstream {
    let port: UInt16
    private let socket: ListeningSocket

    init() throws {
        self.socket = try ListeningSocket(bindingTo: SocketAddress(host: .v4(UInt32(0x7f00_0001).bigEndian)))
        self.port = self.socket.address.port
    }

    /// A connection that waits, if there is one.
    func accept() -> Peer? {
        let descriptor = Glibc.accept(self.socket.descriptor, nil, nil)
        return descriptor < 0 ? nil : Peer(descriptor)
    }
}

/// One end of a connection, in the test's hands; never waits.
final class Peer {
    private var descriptor: CInt
    /// All that has come.
    private(set) var received = ""
    private(set) var bytes: [UInt8] = []
    private(set) var hasEnded = false

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    convenience init(connectingTo port: UInt16, receiveBuffer: CInt? = nil) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
        // What is sent now has to be there now.
        var one: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        self.init(descriptor)
    }

    deinit {
        self.close()
    }

    func close() {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
        self.descriptor = -1
    }

    /// Ends with a reset.
    func reset() {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        self.close()
    }

    func send(_ text: String) {
        self.send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) {
        #expect(Glibc.send(self.descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count)
    }

    /// Sends what the socket takes, and answers how much that was.
    func offer(_ bytes: ArraySlice<UInt8>) -> Int {
        max(0, bytes.withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) })
    }

    /// Takes what is there.
    func receive() {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(self.descriptor, &bytes, bytes.count, 0)
            if count > 0 {
                self.received += String(decoding: bytes[..<count], as: UTF8.self)
                self.bytes += bytes[..<count]
            } else {
                if count == 0 || errno != EAGAIN { self.hasEnded = true }
                return
            }
        }
    }
}

/// What the API answers.
extension Peer {
    /// The head of a stream.
    func beginStream() {
        self.send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n")
    }

    func sendPayload(_ text: String) {
        var message = ByteBuffer()
        EventStreamEncoder.append(payloadChunk: text.utf8.span, to: &message)
        self.sendChunk(message.array())
    }

    /// A payload as far as the socket takes it. Answers whether it took all.
    func offerPayload(_ text: String) -> Bool {
        var message = ByteBuffer()
        EventStreamEncoder.append(payloadChunk: text.utf8.span, to: &message)
        let bytes = message.array()
        let chunk = Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
        return self.offer(chunk[...]) == chunk.count
    }

    /// The end of the invocation; `withLastChunk` the end of the HTTP body as well.
    func sendComplete(withLastChunk: Bool = true) {
        var message = ByteBuffer()
        EventStreamEncoder.append(invokeComplete: "{}".utf8.span, to: &message)
        self.sendChunk(message.array())
        if withLastChunk { self.send("0\r\n\r\n") }
    }

    private func sendChunk(_ bytes: [UInt8]) {
        self.send(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8))
    }
}
