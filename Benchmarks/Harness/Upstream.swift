import Bytes
import CLinux
import Glibc

/// The function behind the gateway.
///
/// - `/small`: a hundred bytes, at once.
/// - `/stream?rate=R`: a stream without end. All streams together get R chunks a second, one after the other and evenly
///   spaced, so that nothing arrives in bursts that a real function would not send.
/// - `/count?chunks=N`: N chunks, each when a client asks for it by `/step`, then the end.
/// - `/idle`: one chunk, and then nothing.
/// - `/bulk?bytes=N`: as fast as it is taken, in pieces of 64 KiB.
///
/// A chunk is a server-sent event of a hundred bytes that begins with the time at which it was made.
final class Upstream {
    private let framing: Framing
    private let listener: CInt
    private let poller = Poller()
    private var connections: [CInt: UpstreamConnection] = [:]
    private var streams: [UpstreamConnection] = []
    private var nextStream = 0
    private var counted: UpstreamConnection?
    private var interval = 0
    private var nextChunk = Int.max
    private let received = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
    private let small: [UInt8]
    private let bulkPiece: [UInt8]

    static let bulkPayload = 64 * 1024

    init(port: Int, framing: Framing) {
        self.framing = framing
        self.listener = Sockets.listen(port: port)
        self.poller.add(self.listener)
        var small = ByteBuffer()
        framing.appendHead(to: &small, contentType: "text/plain")
        framing.append(chunk: [UInt8](repeating: UInt8(ascii: "x"), count: 100).span, to: &small)
        framing.appendEnd(to: &small)
        self.small = small.array()
        var piece = ByteBuffer()
        framing.append(chunk: [UInt8](repeating: UInt8(ascii: "b"), count: Self.bulkPayload).span, to: &piece)
        self.bulkPiece = piece.array()
    }

    func run() -> Never {
        while true {
            self.poller.wait(until: min(self.nextChunk, now() + 1_000_000_000)) { socket, readable, writable in
                if socket == self.listener {
                    self.accept()
                } else if let connection = self.connections[socket] {
                    if readable { self.receive(on: connection) }
                    if writable, connection.isOpen { self.continueWriting(connection) }
                }
            }
            self.sendDueChunks()
        }
    }

    private func accept() {
        while let socket = Sockets.accept(from: self.listener) {
            self.connections[socket] = UpstreamConnection(socket)
            self.poller.add(socket)
        }
    }

    private func receive(on connection: UpstreamConnection) {
        let count = read(connection.socket, self.received.baseAddress, self.received.count)
        if count == 0 || (count < 0 && errno != EAGAIN) { return self.close(connection) }
        guard count > 0 else { return }
        connection.input.append(self.received.bindMemory(to: UInt8.self).span.extracting(first: count))
        while let request = UpstreamRequest(connection.input.bytes, framing: self.framing) {
            connection.input.consume(request.length)
            self.answer(request, on: connection)
        }
    }

    private func answer(_ request: UpstreamRequest, on connection: UpstreamConnection) {
        switch request.path {
        case "/stream":
            self.framing.appendHead(to: &connection.output, contentType: "text/event-stream")
            connection.chunksLeft = .max
            self.streams.append(connection)
            self.interval = 1_000_000_000 / max(1, request.query["rate"] ?? 1000)
            if self.nextChunk == .max { self.nextChunk = now() + self.interval }
        case "/count":
            self.framing.appendHead(to: &connection.output, contentType: "text/event-stream")
            connection.chunksLeft = max(1, request.query["chunks"] ?? 1)
            self.counted = connection
            return self.sendChunk(on: connection)
        case "/step":
            // Has no answer of its own: what it asks for comes on the other connection.
            if let counted = self.counted { self.sendChunk(on: counted) }
            return
        case "/idle":
            self.framing.appendHead(to: &connection.output, contentType: "text/event-stream")
            self.framing.append(chunk: Chunk.made(at: now()).span, to: &connection.output)
        case "/bulk":
            self.framing.appendHead(to: &connection.output, contentType: "application/octet-stream")
            connection.bulkPiecesLeft = max(1, (request.query["bytes"] ?? 0) / Self.bulkPayload)
        default:
            connection.output.append(self.small)
        }
        self.continueWriting(connection)
    }

    /// Sends each chunk whose time has come to the stream whose turn it is.
    private func sendDueChunks() {
        var time = now()
        while self.nextChunk <= time {
            guard !self.streams.isEmpty else {
                self.nextChunk = .max
                return
            }
            if self.nextStream >= self.streams.count { self.nextStream = 0 }
            let connection = self.streams[self.nextStream]
            self.nextStream += 1
            self.framing.append(chunk: Chunk.made(at: time).span, to: &connection.output)
            self.continueWriting(connection)
            self.nextChunk += self.interval
            time = now()
        }
    }

    private func sendChunk(on connection: UpstreamConnection) {
        self.framing.append(chunk: Chunk.made(at: now()).span, to: &connection.output)
        connection.chunksLeft -= 1
        if connection.chunksLeft == 0 {
            self.framing.appendEnd(to: &connection.output)
            self.counted = nil
        }
        self.continueWriting(connection)
    }

    private func continueWriting(_ connection: UpstreamConnection) {
        while connection.isOpen {
            if connection.output.isEmpty {
                if connection.bulkPiecesLeft == 0 { break }
                connection.bulkPiecesLeft -= 1
                connection.output.append(self.bulkPiece)
                if connection.bulkPiecesLeft == 0 { self.framing.appendEnd(to: &connection.output) }
            }
            if connection.output.send(to: connection.socket) { continue }
            if errno == EAGAIN {
                if !connection.waitsToWrite {
                    connection.waitsToWrite = true
                    self.poller.watchWriting(connection.socket, true)
                }
                return
            } else {
                return self.close(connection)
            }
        }
        if connection.waitsToWrite, connection.isOpen {
            connection.waitsToWrite = false
            self.poller.watchWriting(connection.socket, false)
        }
    }

    private func close(_ connection: UpstreamConnection) {
        guard connection.isOpen else { return }
        connection.isOpen = false
        Glibc.close(connection.socket)
        self.connections[connection.socket] = nil
        if connection.chunksLeft > 0 { self.streams.removeAll { $0 === connection } }
        if connection === self.counted { self.counted = nil }
    }
}

extension ByteBuffer {
    /// Sends what the socket takes and drops it; `false` where it took nothing.
    fileprivate mutating func send(to socket: CInt) -> Bool {
        let count = self.bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, 0) }
        if count > 0 { self.consume(count) }
        return count > 0
    }
}

/// One connection of the proxy to the upstream.
final class UpstreamConnection {
    let socket: CInt
    var isOpen = true
    var input = ByteBuffer()
    var output = ByteBuffer()
    var waitsToWrite = false
    /// More than zero while the connection carries a stream of chunks.
    var chunksLeft = 0
    var bulkPiecesLeft = 0

    init(_ socket: CInt) {
        self.socket = socket
    }
}
