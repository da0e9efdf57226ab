import Foundation
import Glibc

/// A client that sends exactly the bytes it is told, and takes answers apart by itself.
///
/// Every wait is on a thread of its own and ends after `patience`.
final class RawClient: @unchecked Sendable {
    // Used by one task at a time.
    private let descriptor: Int32
    private var isClosed = false
    /// Bytes that came and belong to no answer yet.
    private var waiting: [UInt8] = []
    private var reader: AnswerReader?
    private var hasEnded: Ending?

    /// How the connection ended.
    enum Ending: Equatable, Sendable {
        /// In order, by a FIN.
        case closed
        case reset
    }

    static let patience = Duration.seconds(20)

    /// `segment`: the largest segment, in bytes. Those of the loopback device are so large that a socket with a few of
    /// them takes megabytes before it is full.
    convenience init(port: Int, receiveBuffer: Int32? = nil, segment: Int32? = nil) async throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let target = address
        try await self.init(receiveBuffer: receiveBuffer, segment: segment, AF_INET) { descriptor in
            withUnsafePointer(to: target) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }

    convenience init(unixSocket path: String) async throws {
        try await self.init(receiveBuffer: nil, segment: nil, AF_UNIX) { descriptor in
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            return withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }

    private init(
        receiveBuffer: Int32?, segment: Int32?, _ family: Int32, _ connect: @escaping @Sendable (Int32) -> Int32
    ) async throws {
        self.descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(self.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        if var size = receiveBuffer { setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        if var segment { setsockopt(self.descriptor, Int32(IPPROTO_TCP), TCP_MAXSEG, &segment, 4) }
        let descriptor = self.descriptor
        let code: Int32 = try await offload { connect(descriptor) == 0 ? 0 : errno }
        guard code == 0 else { throw ConnectError(code: code) }
    }

    struct ConnectError: Error {
        let code: Int32
    }

    deinit {
        self.close()
    }

    func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        Glibc.close(self.descriptor)
    }

    /// Closes with a reset.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        self.close()
    }

    /// Says that nothing more will be sent.
    func finishSending() {
        shutdown(self.descriptor, Int32(SHUT_WR))
    }

    func send(_ text: String) async throws {
        try await self.send(Array(text.utf8))
    }

    /// Sends all of it. Throws where the gateway has closed.
    func send(_ bytes: [UInt8]) async throws {
        let descriptor = self.descriptor
        try await offload {
            var offset = 0
            while offset < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw HarnessError("send: \(String(cString: strerror(errno)))") }
                offset += count
            }
        }
    }

    /// Sends as much of it as is taken without anything being read; answers how much that was.
    func sendWhileTaken(_ bytes: [UInt8]) async throws -> Int {
        let descriptor = self.descriptor
        return try await offload {
            var offset = 0
            while offset < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(
                        descriptor, $0.baseAddress! + offset, bytes.count - offset,
                        Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                }
                if count > 0 {
                    offset += count
                } else if errno == EAGAIN {
                    var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    if poll(&wanted, 1, 1000) == 0 { return offset }
                } else {
                    throw HarnessError("send: \(String(cString: strerror(errno)))")
                }
            }
            return offset
        }
    }

    // Answers.

    /// The next answer's head; its body may still be coming.
    func head(to method: String = "GET") async throws -> Answer {
        try await self.read(to: method) { $0.hasHead }
    }

    /// The status of the interim answer that comes next.
    func interim() async throws -> Int? {
        try await self.read(to: "GET") { !$0.answer.interim.isEmpty || $0.hasHead }.interim.first
    }

    /// The next answer, or what of it there is, once its body holds these bytes.
    func body(holding text: String, to method: String = "GET") async throws -> Answer {
        try await self.read(to: method) { $0.answer.text.contains(text) }
    }

    /// The next answer, or what of it there is, once its body is so long.
    func body(atLeast count: Int) async throws -> Answer {
        try await self.read(to: "GET") { $0.answer.body.count >= count }
    }

    /// The next answer as a whole: to its end, or to that of the connection.
    func answer(to method: String = "GET") async throws -> Answer {
        let answer = try await self.read(to: method) { $0.isComplete }
        if let reader = self.reader {
            self.waiting = reader.rest
            self.reader = nil
        }
        return answer
    }

    /// Reads until there is enough of the answer, or it can not get more.
    private func read(to method: String, until isEnough: @escaping @Sendable (AnswerReader) -> Bool) async throws
        -> Answer
    {
        var reader = self.reader ?? AnswerReader(method: method)
        reader.feed(self.waiting)
        self.waiting = []
        let (descriptor, ended) = (self.descriptor, self.hasEnded)
        let start = reader
        (reader, self.hasEnded) = try await offload {
            var reader = start
            var ended = ended
            let until = ContinuousClock().now + Self.patience
            while !isEnough(reader), !reader.isComplete, ended == nil {
                switch try Self.receive(descriptor, until: until) {
                case .bytes(let bytes): reader.feed(bytes)
                case .ended(let ending):
                    ended = ending
                    reader.connectionEnded(ending)
                case .nothing: throw HarnessError("no more of an answer that begins \(reader.answer.summary)")
                }
            }
            return (reader, ended)
        }
        self.reader = reader
        return reader.answer
    }

    /// How the connection ends, without a byte before that.
    func ending(within limit: Duration = RawClient.patience) async throws -> Ending {
        if let ended = self.hasEnded { return ended }
        let (bytes, ending) = try await self.everything(within: limit)
        guard bytes.isEmpty else {
            throw HarnessError("bytes before the end: \(String(decoding: bytes.prefix(500), as: UTF8.self))")
        }
        return ending
    }

    /// All bytes up to the connection's end, those of answers as well.
    func everything(within limit: Duration = RawClient.patience) async throws -> ([UInt8], Ending) {
        let descriptor = self.descriptor
        let before = (self.reader?.rest ?? []) + self.waiting
        self.waiting = []
        self.reader = nil
        if let ended = self.hasEnded { return (before, ended) }
        let (bytes, ending) = try await offload {
            var bytes = before
            let until = ContinuousClock().now + limit
            while true {
                switch try Self.receive(descriptor, until: until) {
                case .bytes(let more): bytes += more
                case .ended(let ending): return (bytes, ending)
                case .nothing:
                    throw HarnessError(
                        "the connection stays open after \(bytes.count) bytes: \(String(decoding: bytes.prefix(500), as: UTF8.self))"
                    )
                }
            }
        }
        self.hasEnded = ending
        return (bytes, ending)
    }

    /// What comes next, whatever it is; empty where nothing came in time, `nil` where the connection has ended.
    func nextBytes(within limit: Duration = RawClient.patience) async throws -> [UInt8]? {
        if self.hasEnded != nil { return nil }
        let descriptor = self.descriptor
        switch try await offload({ try Self.receive(descriptor, until: ContinuousClock().now + limit) }) {
        case .bytes(let bytes): return bytes
        case .nothing: return []
        case .ended(let ending):
            self.hasEnded = ending
            return nil
        }
    }

    /// Whether nothing comes, and the connection stays open, for this long.
    func staysQuiet(for duration: Duration) async throws -> Bool {
        guard self.waiting.isEmpty else { return false }
        let descriptor = self.descriptor
        return try await offload {
            let milliseconds = Int32(
                duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000)
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&wanted, 1, milliseconds) == 0
        }
    }

    /// One line, without its end.
    func line() async throws -> String {
        let descriptor = self.descriptor
        return try await offload {
            var bytes: [UInt8] = []
            let until = ContinuousClock().now + .seconds(60)
            while bytes.last != UInt8(ascii: "\n") {
                guard case .bytes(let more) = try Self.receive(descriptor, until: until) else {
                    throw HarnessError("no line")
                }
                bytes += more
            }
            return String(decoding: bytes.dropLast(), as: UTF8.self)
        }
    }

    private enum Received {
        case bytes([UInt8])
        case ended(Ending)
        case nothing
    }

    private static func receive(_ descriptor: Int32, until: ContinuousClock.Instant) throws -> Received {
        while true {
            let left = until - ContinuousClock().now
            guard left > .zero else { return .nothing }
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
            guard poll(&wanted, 1, Int32(min(milliseconds, 1000))) > 0 else { continue }
            var result = 0
            var code: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: 256 * 1024) { buffer, count in
                result = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                code = errno
                count = max(0, result)
            }
            if result > 0 { return .bytes(bytes) }
            if result == 0 { return .ended(.closed) }
            if code == ECONNRESET || code == EPIPE { return .ended(.reset) }
            guard code == EAGAIN || code == EINTR else {
                throw HarnessError("recv: \(String(cString: strerror(code)))")
            }
        }
    }
}
