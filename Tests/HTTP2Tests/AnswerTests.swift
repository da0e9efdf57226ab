import Bytes
import HTTP
import TestSupport
import Testing
import Time

@testable import HTTP2

/// How answers go out.
@Suite struct AnswerTests {
    private func begin(_ client: Client, _ id: Int32, _ fields: [(String, String)] = []) throws -> HTTP2Stream {
        client.send(.headers(UInt32(id), Client.get + fields))
        let stream = try client.stream(id)
        client.server.respond(on: stream, ResponseHead(status: 200), date: "today".utf8.span, hasBody: true)
        return stream
    }

    @Test func `a head and a body of one round are two frames`() {
        let client = Client()
        client.send(.headers(1, Client.get))
        client.answer(1)
        let frames = client.frames()
        #expect(frames.map(\.type) == [1, 0])
        #expect(client.fields(frames[0]) == [":status": "200", "x-request-id": "1", "date": "today"])
        #expect(frames[1] == .data(1, "hello", end: true))
        #expect(client.told.last == .other(.closed(1, .noError)))
        #expect(client.server.openStreams == 0)
    }

    /// Whose end it is to ask the client to stop is the driver's to say: what is on its way until then is judged as
    /// ever.
    @Test func `an answer before the request is whole leaves the stream open for the rest`() throws {
        for body in ["early", ""] {
            let client = Client()
            client.send(.headers(1, Client.post, end: false), .data(1, "a"))
            client.answer(1, body)
            #expect(client.frames().map(\.type) == (body.isEmpty ? [1] : [1, 0]))
            #expect(client.told.last == .other(.answered(1)))
            client.send(.data(1, "b", end: true))
            #expect(client.frames().isEmpty && client.failure == nil)
            #expect(client.told.last == .other(.closed(1, .noError)))
            client.send(.headers(3, Client.post + [("content-length", "1")], end: false))
            client.answer(3, body)
            _ = client.frames()
            client.send(.data(3, "too much"))
            #expect(client.frames().compactMap(\.resetCode) == [1])
        }
    }

    @Test func `an answer without a body ends with its head`() {
        let client = Client()
        client.send(.headers(1, Client.get))
        client.answer(1, "")
        #expect(client.frames().map(\.flags) == [5])
    }

    @Test(arguments: [true, false])
    func `an answer whose head is too long for a header block is broken, and not left out in silence`(
        hasBody: Bool
    ) throws {
        let client = Client()
        client.send(.headers(1, Client.get))
        let fields = Fields(["x-long": String(repeating: "a", count: 1_000_000)])
        let stream = try client.stream(1)
        client.server.respond(
            on: stream, ResponseHead(status: 200, fields: fields), date: "d".utf8.span, hasBody: hasBody)
        if hasBody {
            client.server.send("body".utf8.span, on: stream)
            client.server.end(stream)
        }
        #expect(client.frames() == [.reset(1, 2)])
        #expect(client.told.last == .other(.closed(1, .internalError)))
        // Others are served.
        client.send(.headers(3, Client.get))
        client.answer(3)
        #expect(client.frames().map(\.type) == [1, 0])
    }

    @Test func `a head of 100,000 bytes goes out`() throws {
        let client = Client()
        client.send(.headers(1, Client.get))
        let value = String(repeating: "a", count: 100_000)
        client.server.respond(
            on: try client.stream(1), ResponseHead(status: 200, fields: Fields(["x-long": value])),
            date: "d".utf8.span, hasBody: false)
        let block = client.frames().flatMap(\.payload)
        #expect(client.fields(HTTP2Frame(type: 1, block))["x-long"]?.count == value.count)
    }

    @Test func `fields of HTTP/1.1 connections do not go out`() throws {
        let client = Client()
        client.send(.headers(1, Client.get))
        let fields = Fields(["Connection": "close", "Keep-Alive": "5", "Transfer-Encoding": "chunked", "X-A": "b"])
        let stream = try client.stream(1)
        client.server.respond(
            on: stream, ResponseHead(status: 200, fields: fields), date: "d".utf8.span, hasBody: false)
        #expect(client.fields(client.frames().first) == [":status": "200", "x-a": "b", "date": "d"])
    }

    @Test func `chunks of one round are one frame, those of another are another`() throws {
        let client = Client()
        let stream = try self.begin(client, 1)
        client.server.send("a".utf8.span, on: stream)
        client.server.send("b".utf8.span, on: stream)
        #expect(client.frames().last == .data(1, "ab"))
        client.server.send("c".utf8.span, on: stream)
        #expect(client.frames() == [.data(1, "c")])
        client.server.end(stream)
        #expect(client.frames() == [.data(1, "", end: true)])
    }

    @Test func `what has gone leaves its storage to the next stream`() throws {
        let client = Client()
        let ids: [Int32] = Array(0..<20).map { 2 * $0 + 1 }
        let streams = try ids.map { try self.begin(client, $0) }
        _ = client.frames()
        for round in 0..<3 {
            for stream in streams { client.server.send("chunk \(round)".utf8.span, on: stream) }
            let frames = client.frames()
            #expect(frames == ids.map { .data(UInt32($0), "chunk \(round)") })
            #expect(streams.allSatisfy { $0.waiting.capacity == 0 })
            #expect(client.server.spare.count == 8)
        }
        // What is large is not kept.
        var spare = SpareStorage()
        var large = ByteBuffer(capacity: 1025)
        spare.reclaim(&large)
        #expect(large.capacity == 0 && spare.count == 0)
        spare.lend(to: &large)
        #expect(large.capacity == 0)
    }

    @Test func `a stream that waits for its window does not stall another`() throws {
        let client = Client()
        let slow = try self.begin(client, 1)
        let fast = try self.begin(client, 3)
        let bytes = [UInt8](repeating: 7, count: 100_000)
        client.server.send(bytes.span, on: slow)
        client.server.send("x".utf8.span, on: fast)
        client.server.end(fast)
        client.send(.windowUpdate(0, 1_000_000))
        let frames = client.frames()
        #expect(frames.filter { $0.type == 0 && $0.stream == 1 }.map(\.payload.count).reduce(0, +) == 65_535)
        #expect(frames.contains(.data(3, "x", end: true)))
        #expect(client.told.contains(.other(.blocked(1))) && slow.waitingCount == 34_465)
        #expect(client.server.waitingCount == 34_465)
        client.send(.windowUpdate(1, 10_000))
        _ = client.frames()
        #expect(client.told.last == .other(.progressed(1)))
        client.send(.windowUpdate(1, 100_000))
        _ = client.frames()
        #expect(client.told.last == .other(.drained(1)) && slow.waitingCount == 0 && client.server.waitingCount == 0)
    }

    @Test func `with an allowance some bytes may wait`() throws {
        let client = Client(buffers: HTTP2Buffers(stream: 1000))
        let stream = try self.begin(client, 1)
        let bytes = [UInt8](repeating: 7, count: 66_000)
        client.server.send(bytes.span, on: stream)
        _ = client.frames()
        #expect(stream.waitingCount == 465 && !client.told.contains(.other(.blocked(1))))
        client.server.send(bytes.span, on: stream)
        _ = client.frames()
        #expect(client.told.last == .other(.blocked(1)))
        // What goes out is progress, however little is left.
        client.send(.windowUpdate(0, 1_000_000), .windowUpdate(1, 66_000))
        _ = client.frames()
        #expect(stream.waitingCount == 465 && client.told.last == .other(.progressed(1)))
        client.send(.windowUpdate(1, 400))
        _ = client.frames()
        #expect(stream.waitingCount == 65 && client.told.filter { $0 == .other(.progressed(1)) }.count == 2)
        client.send(.windowUpdate(1, 65))
        _ = client.frames()
        #expect(client.told.last == .other(.drained(1)))
    }

    @Test func `the rest of an answer that is over tells its progress`() throws {
        let client = Client(buffers: HTTP2Buffers(stream: 1000))
        let stream = try self.begin(client, 1)
        let bytes = [UInt8](repeating: 7, count: 66_000)
        client.server.send(bytes.span, on: stream)
        client.server.end(stream)
        _ = client.frames()
        #expect(stream.waitingCount == 465)
        client.send(.windowUpdate(0, 1_000_000), .windowUpdate(1, 400))
        _ = client.frames()
        #expect(stream.waitingCount == 65 && client.told.last == .other(.progressed(1)))
    }

    @Test func `a connection that holds as much as it may says so, and when there is room again`() throws {
        let client = Client(buffers: HTTP2Buffers(stream: 5000, connection: 1000))
        client.send(.settings([(4, 0)]))
        let streams = [try self.begin(client, 1), try self.begin(client, 3)]
        let bytes = [UInt8](repeating: 7, count: 600)
        client.server.send(bytes.span, on: streams[0])
        _ = client.frames()
        // It may have more than that for itself.
        #expect(!client.server.isFull && !client.told.contains(.other(.blocked(1))))
        client.server.send(bytes.span, on: streams[1])
        _ = client.frames()
        #expect(client.server.isFull && client.told.contains(.other(.full(true))))
        #expect(client.told.contains(.other(.blocked(3))))
        // Not at each byte less.
        client.send(.windowUpdate(1, 300))
        _ = client.frames()
        #expect(client.server.isFull && client.server.waitingCount == 900)
        client.send(.windowUpdate(1, 300))
        _ = client.frames()
        #expect(!client.server.isFull && client.told.contains(.other(.full(false))))
    }

    @Test func `frames are put together up to a limit, and go on later`() throws {
        let client = Client()
        client.send(.windowUpdate(0, 10_000_000))
        let bytes = [UInt8](repeating: 7, count: 60_000)
        for id in [1, 3, 5] as [Int32] {
            let stream = try self.begin(client, id)
            client.server.send(bytes.span, on: stream)
            client.server.end(stream)
        }
        var count = 0
        var rounds = 0
        while client.server.wantsToSend, rounds < 100 {
            let frames = client.frames(atMost: 32_768)
            #expect(frames.flatMap(\.bytes).count <= 32_768 + 16_384 + 18)
            count += frames.filter { $0.type == 0 }.map(\.payload.count).reduce(0, +)
            rounds += 1
        }
        #expect(count == 180_000 && rounds >= 4)
    }

    @Test func `a body that breaks off is never a clean end`() throws {
        let client = Client()
        let stream = try self.begin(client, 1)
        client.server.send("part".utf8.span, on: stream)
        client.server.truncate(stream)
        let frames = client.frames()
        #expect(frames.dropFirst() == [.data(1, "part"), .reset(1, 2)])
        #expect(client.told.last == .other(.closed(1, .internalError)))
    }

    @Test func `a body breaks off behind what waits`() throws {
        let client = Client()
        let stream = try self.begin(client, 1)
        let bytes = [UInt8](repeating: 7, count: 70_000)
        client.server.send(bytes.span, on: stream)
        client.server.truncate(stream)
        #expect(!client.frames().contains { $0.type == 3 })
        client.send(.windowUpdate(0, 70_000), .windowUpdate(1, 70_000))
        let frames = client.frames()
        #expect(frames.map(\.type) == [0, 3] && frames.allSatisfy { $0.type == 3 || $0.flags == 0 })
    }

    @Test func `a body breaks off without a window as well`() throws {
        let client = Client()
        client.send(.settings([(4, 4)]))
        let stream = try self.begin(client, 1)
        client.server.send("part".utf8.span, on: stream)
        #expect(client.frames().last == .data(1, "part"))
        client.server.truncate(stream)
        #expect(client.frames() == [.reset(1, 2)])
    }

    @Test func `a body ends without a window as well`() throws {
        let client = Client()
        client.send(.settings([(4, 4)]))
        let stream = try self.begin(client, 1)
        client.server.send("part".utf8.span, on: stream)
        #expect(client.frames().last == .data(1, "part"))
        client.server.end(stream)
        // An empty trailer section: HEADERS are not flow controlled.
        #expect(client.frames() == [HTTP2Frame(type: 1, flags: 5, stream: 1)])
        // The client had sent its request whole, so that is the end of the stream.
        #expect(client.told.last == .other(.closed(1, .noError)))
        client.send(.windowUpdate(0, 100))
        #expect(client.frames().isEmpty)
    }

    @Test func `a body ends where the bytes of others have used up the connection's window`() throws {
        let client = Client()
        let small = try self.begin(client, 1)
        client.server.send("small".utf8.span, on: small)
        _ = client.frames()
        let large = try self.begin(client, 3)
        let bytes = [UInt8](repeating: 7, count: 100_000)
        client.server.send(bytes.span, on: large)
        // In the same round, and there is a window when the end is asked for.
        client.server.end(small)
        let frames = client.frames()
        #expect(frames.contains { $0.stream == 1 && $0.flags & 1 == 1 })
        #expect(client.told.contains(.other(.closed(1, .noError))) && large.waitingCount > 0)
    }

    @Test func `an end that is left for the next portion comes with it`() throws {
        let client = Client()
        client.send(.settings([(4, 10)]))
        let first = try self.begin(client, 1)
        let second = try self.begin(client, 3)
        client.server.send("0123456789".utf8.span, on: first)
        client.server.send("0123456789".utf8.span, on: second)
        _ = client.frames()
        client.server.end(first)
        client.server.end(second)
        var ended: [Int32] = []
        for _ in 0..<4 { ended += client.frames(atMost: 1).filter { $0.flags & 1 == 1 }.map { Int32($0.stream) } }
        #expect(ended.sorted() == [1, 3])
    }

    @Test func `an answer ends without a window before its request has`() throws {
        let client = Client()
        client.send(.settings([(4, 4)]))
        client.send(.headers(1, Client.post, end: false))
        let stream = try client.stream(1)
        client.server.respond(
            on: stream, ResponseHead(status: 200, fields: Fields()), date: "today".utf8.span, hasBody: true)
        client.server.send("part".utf8.span, on: stream)
        _ = client.frames()
        client.server.end(stream)
        #expect(client.frames() == [HTTP2Frame(type: 1, flags: 5, stream: 1)])
        #expect(client.told.last == .other(.answered(1)))
        // What was held back for the window comes to nothing, and the rest of the request is taken.
        client.send(.windowUpdate(1, 100), .data(1, "rest", end: true))
        #expect(client.frames().filter { $0.type != 8 }.isEmpty)
        #expect(client.told.last == .other(.closed(1, .noError)))
    }

    @Test func `a stream that is reset forgets what waits`() throws {
        let client = Client()
        let stream = try self.begin(client, 1)
        let bytes = [UInt8](repeating: 7, count: 70_000)
        client.server.send(bytes.span, on: stream)
        _ = client.frames()
        client.server.reset(stream, .cancel)
        #expect(client.server.waitingCount == 0)
        #expect(client.frames() == [.reset(1, 8)])
        client.server.send(bytes.span, on: stream)
        #expect(client.server.waitingCount == 0 && client.frames().isEmpty)
    }

    @Test func `a client that resets its stream is told of`() throws {
        let client = Client()
        let stream = try self.begin(client, 1)
        client.send(.reset(1))
        #expect(client.told.last == .other(.closed(1, .cancel)))
        client.server.send("a".utf8.span, on: stream)
        #expect(client.frames().filter { $0.type == 0 }.isEmpty)
    }

    @Test func `windows are given back as bytes are used`() throws {
        let client = Client()
        let server = client.server
        let frames = [HTTP2Frame.headers(1, Client.post, end: false), .data(1, [UInt8](repeating: 1, count: 16_384))]
        let opening = frames.flatMap(\.bytes)
        server.receive(opening.span, at: client.now)
        while server.nextEvent() != nil {}
        #expect(client.frames().isEmpty)
        let piece = HTTP2Frame.data(1, [UInt8](repeating: 1, count: 16_384)).bytes
        server.receive(piece.span, at: client.now)
        while server.nextEvent() != nil {}
        #expect(client.frames().isEmpty)
        server.consume(32_768, on: try client.stream(1))
        #expect(client.frames() == [.windowUpdate(1, 32_768)])
    }

    /// RFC 9218: what is urgent goes first.
    @Test(arguments: [true, false])
    func `urgent answers overtake others`(byField: Bool) throws {
        let client = Client()
        client.send(.windowUpdate(0, 10_000_000))
        let slow = try self.begin(client, 1, byField ? [("priority", "u=6")] : [])
        let fast = try self.begin(client, 3, byField ? [("priority", "u=1")] : [])
        if !byField { client.send(.priorityUpdate(3, "u=0"), .priorityUpdate(1, "u=7")) }
        let bytes = [UInt8](repeating: 7, count: 40_000)
        client.server.send(bytes.span, on: slow)
        client.server.send(bytes.span, on: fast)
        #expect(client.frames().filter { $0.type == 0 }.map(\.stream) == [3, 3, 3, 1, 1, 1])
    }

    @Test(arguments: [
        ("u=1", 1, false), ("u=7, i", 7, true), ("i", 3, true), ("i=?0", 3, false), ("u=9", 3, false), ("", 3, false),
        ("u=2;x=1 , i=?1", 2, true), ("x, y=(1 2)", 3, false), ("u=", 3, false), ("u=-1,i=1", 3, false),
    ])
    func `priorities are read leniently`(text: String, urgency: UInt8, isIncremental: Bool) {
        let priority = StreamPriority(parsing: text.utf8.span)
        #expect(priority.urgency == urgency && priority.isIncremental == isIncremental)
    }

    @Test func `a drain takes two steps`() throws {
        let client = Client()
        let stream = try self.begin(client, 1)
        client.answers = true
        client.server.announceShutdown()
        var frames = client.frames().filter { $0.type != 1 }
        #expect(frames.map(\.type) == [6, 7] || frames.map(\.type) == [7, 6])
        #expect(frames.first { $0.type == 7 }?.number() == 0x7fff_ffff)
        client.send(.headers(3, Client.get), .ping(Array(repeating: 0, count: 8), flags: 1))
        #expect(client.told.contains(.other(.drainAcknowledged)))
        client.server.goAway()
        frames = client.frames()
        #expect(frames.contains { $0.type == 7 && $0.number() == 3 && $0.goAwayCode == 0 })
        // What comes later is not served, and says nothing.
        client.send(.headers(5, Client.post, end: false), .data(5, "a", end: true))
        #expect(client.frames().isEmpty && !client.server.isFinished)
        client.server.end(stream)
        #expect(client.frames() == [.data(1, "", end: true)])
        #expect(client.server.isFinished && client.failure == nil)
    }

    @Test func `a client that says goodbye is finished with its last stream`() throws {
        let client = Client()
        let stream = try self.begin(client, 1)
        client.send(.goAway())
        _ = client.frames()
        #expect(client.told.contains(.other(.goAway)) && !client.server.isFinished)
        client.server.end(stream)
        _ = client.frames()
        #expect(client.server.isFinished)
    }
}
