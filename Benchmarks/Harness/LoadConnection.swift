import Bytes
import CLinux
import Glibc

/// One connection of a load: sends one request at a time and reads its answer.
final class LoadConnection {
    let socket: CInt
    var reader = ResponseReader()
    var chunks = ChunkReader()
    /// When the request that waits for its answer was sent.
    var sentAt = 0

    /// Connects to the proxy.
    init(port: Int) {
        self.socket = Sockets.connect(port: port)
    }

    /// Sends a request, which is short enough for an empty socket to take it whole.
    func send(_ request: [UInt8]) {
        self.sentAt = now()
        let count = request.withUnsafeBytes { Glibc.send(self.socket, $0.baseAddress, $0.count, 0) }
        if count != request.count { fatal("a request could not be sent: \(errno)") }
    }

    /// A GET as a browser's fetch or an SDK would send it.
    static func request(_ target: String) -> [UInt8] {
        Array(
            """
            GET \(target) HTTP/1.1\r
            Host: bench.example.com\r
            User-Agent: sluice-bench/1.0\r
            Accept: */*\r
            Accept-Language: en\r
            \r\n
            """.utf8)
    }
}

/// The connections of a load, by socket, and the loop that reads them.
final class LoadConnections {
    private let poller = Poller()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
    private(set) var all: [CInt: LoadConnection] = [:]

    /// Opens a connection.
    @discardableResult
    func open(port: Int) -> LoadConnection {
        let connection = LoadConnection(port: port)
        self.all[connection.socket] = connection
        self.poller.add(connection.socket)
        return connection
    }

    /// Closes a connection.
    func close(_ connection: LoadConnection) {
        self.all[connection.socket] = nil
        Glibc.close(connection.socket)
    }

    /// Waits until the deadline at most, and hands out what was received on each connection; nothing means its end.
    func poll(until deadline: Int, _ received: (LoadConnection, Span<UInt8>) -> Void) {
        self.poller.wait(until: deadline) { socket, readable, _ in
            guard readable, let connection = self.all[socket] else { return }
            let count = read(socket, self.buffer.baseAddress, self.buffer.count)
            if count < 0, errno == EAGAIN { return }
            received(connection, self.buffer.bindMemory(to: UInt8.self).span.extracting(first: max(0, count)))
        }
    }

    /// Answers that were not 200.
    var failures: Int { self.all.values.reduce(0) { $0 + $1.reader.failures } }

    /// Chunks of the transfer coding.
    var transferChunks: Int { self.all.values.reduce(0) { $0 + $1.reader.transferChunks } }
}
