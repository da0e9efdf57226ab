import Bytes
import CLinux
import Glibc

/// One stream of a known number of chunks, for counting instructions: two counts, and their difference.
///
/// The next chunk is asked for, past the proxy, when the last one was read, so that each makes its way alone and two
/// runs are the same however busy the machine is.
struct CountLoad {
    private let arguments: Arguments
    private static let step = Array("POST /step HTTP/1.1\r\nContent-Length: 19\r\n\r\n{\"rawPath\":\"/step\"}".utf8)

    init(_ arguments: Arguments) {
        self.arguments = arguments
    }

    func run() {
        let connections = LoadConnections()
        let upstream = LoadConnection(port: self.arguments.number("upstream"))
        let target = "/count?chunks=\(self.arguments.number("chunks"))"
        connections.open(port: self.arguments.number("port")).send(LoadConnection.request(target))
        var chunks = 0
        var reads = 0
        var isDone = false
        while !isDone {
            connections.poll(until: now() + 1_000_000_000) { connection, bytes in
                guard !bytes.isEmpty else { fatal("the stream broke") }
                reads += 1
                isDone =
                    connection.reader.read(bytes) { body in
                        connection.chunks.read(body) { _ in
                            chunks += 1
                            if chunks < self.arguments.number("chunks") { upstream.send(Self.step) }
                        }
                    } > 0
            }
        }
        report([
            ("chunks", Double(chunks)),
            ("reads", Double(reads)),
            ("transfer_chunks", Double(connections.transferChunks)),
            ("failures", Double(connections.failures)),
        ])
    }
}

/// Large bodies, as fast as they come.
struct BulkLoad {
    private let arguments: Arguments

    init(_ arguments: Arguments) {
        self.arguments = arguments
    }

    func run() {
        let connections = LoadConnections()
        let processor = ProcessorTime(self.arguments.text("accounts"))
        let start = now()
        let used = processor.nanoseconds()
        var left = self.arguments.number("streams", default: 2)
        let share = self.arguments.number("bytes") / left
        for _ in 0..<left {
            connections.open(port: self.arguments.number("port")).send(LoadConnection.request("/bulk?bytes=\(share)"))
        }
        var count = 0
        while left > 0 {
            connections.poll(until: now() + 1_000_000_000) { connection, bytes in
                guard !bytes.isEmpty else { fatal("a download broke") }
                left -= connection.reader.read(bytes) { count += $0.count }
            }
        }
        report([
            ("bytes", Double(count)),
            ("seconds", Double(now() - start) / 1e9),
            ("cpu_seconds", Double(processor.nanoseconds() - used) / 1e9),
            ("failures", Double(connections.failures)),
        ])
    }
}

/// Open streams on which nothing happens, for weighing them.
struct HoldLoad {
    private let arguments: Arguments

    init(_ arguments: Arguments) {
        self.arguments = arguments
    }

    /// Says `ready` when each stream has had its first chunk, and holds them until standard input ends.
    func run() {
        let connections = LoadConnections()
        let streams = self.arguments.number("streams")
        var ready = 0
        for index in 0..<streams {
            connections.open(port: self.arguments.number("port")).send(LoadConnection.request("/idle"))
            // In small groups, so that no proxy has to open a thousand connections in one moment.
            while ready < index - 50 || (index == streams - 1 && ready < streams) {
                connections.poll(until: now() + 1_000_000_000) { connection, bytes in
                    guard !bytes.isEmpty else { fatal("a stream ended") }
                    _ = connection.reader.read(bytes) { body in
                        connection.chunks.read(body) { _ in ready += 1 }
                    }
                }
            }
        }
        if connections.failures > 0 { fatal("\(connections.failures) streams were refused") }
        print("ready")
        fflush(nil)
        while getchar() >= 0 {}
    }
}
