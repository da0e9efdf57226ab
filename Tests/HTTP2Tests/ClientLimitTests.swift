import Bytes
import HTTP
import TestSupport
import Testing
import Time

@testable import HTTP2

/// How many streams there may be, and what becomes of those that the server does not take.
@Suite struct ClientStreamLimitTests {
    @Test func `no more streams are opened than the server allows`() throws {
        let server = Server([(3, 2)])
        #expect(server.client.mostStreams == 2)
        try server.open()
        try server.open()
        #expect(!server.client.canOpen)
        #expect(server.client.takesStreams)
        _ = server.frames()
        server.send(.headers(1, Server.ok))
        #expect(server.client.canOpen)
    }

    @Test func `nor more than we allow ourselves`() throws {
        var limits = HTTP2Limits.ofUpstreams
        limits.streams = 3
        let server = Server(limits: limits)
        for _ in 0..<3 { try server.open() }
        #expect(!server.client.canOpen)
    }

    @Test func `a limit that falls takes back what was not sent yet`() throws {
        let server = Server([(3, 10)])
        try server.open()
        _ = server.frames()
        for _ in 0..<4 { try server.open() }
        server.send(.settings([(3, 2)]))
        #expect(
            server.told.filter { if case .other(.unprocessed) = $0 { true } else { false } } == [
                .other(.unprocessed(9, .refused)), .other(.unprocessed(7, .refused)),
                .other(.unprocessed(5, .refused)),
            ])
        // One that was sent stays, and one that fits goes.
        #expect(server.frames().filter { $0.type == 1 }.map(\.stream) == [3])
        #expect(server.client.openStreams == 2)
        #expect(!server.client.canOpen)
        server.send(.headers(1, Server.ok))
        server.send(.headers(3, Server.ok))
        // The numbers of those that were taken back are not used again.
        try server.open()
        #expect(server.frames().filter { $0.type == 1 }.map(\.stream) == [11])
    }

    @Test func `a limit that rises is used`() throws {
        let server = Server([(3, 1)])
        try server.open()
        #expect(!server.client.canOpen)
        server.send(.settings([(3, 2)]))
        #expect(server.client.canOpen)
        server.send(.settings([(3, 0)]))
        #expect(!server.client.canOpen)
        #expect(server.client.takesStreams)
    }

    /// RFC 9113 §8.7.
    @Test func `a stream that is refused was not processed`() throws {
        let server = Server()
        try server.open()
        _ = server.frames()
        server.send(.reset(1, 7))
        #expect(server.told == [.other(.unprocessed(1, .refused)), .other(.closed(1, .refusedStream))])
        #expect(server.client.canOpen)
    }

    /// RFC 9113 §7.
    @Test func `nor was one that is wanted over HTTP1`() throws {
        let server = Server()
        for _ in 0..<2 { try server.open() }
        _ = server.frames()
        server.send(.reset(1, 13))
        #expect(server.told == [.other(.unprocessed(1, .needsHTTP1)), .other(.closed(1, .http11Required))])
        server.send(.goAway(last: 1, 13))
        #expect(server.client.needsHTTP1)
        #expect(server.told.contains(.other(.unprocessed(3, .needsHTTP1))))
    }

    @Test func `one that was answered was processed, whatever the server says then`() throws {
        let server = Server()
        try server.open()
        _ = server.frames()
        server.send(.headers(1, Server.ok, end: false), .reset(1, 7))
        #expect(server.told == [.other(.head(1)), .other(.closed(1, .refusedStream))])
    }

    /// RFC 9113 §6.8.
    @Test func `streams behind the last one of a GOAWAY were not processed, and those before it go on`() throws {
        let server = Server()
        for _ in 0..<3 { try server.open() }
        _ = server.frames()
        server.send(.goAway(last: 3))
        #expect(
            server.told == [
                .other(.goAway), .other(.unprocessed(5, .goingAway)), .other(.closed(5, .refusedStream)),
            ])
        #expect(!server.client.takesStreams)
        server.send(.headers(1, Server.ok, end: false), .data(1, "one", end: true))
        server.send(.headers(3, Server.ok, end: false), .data(3, "three", end: true))
        #expect(server.body(1) == Array("one".utf8))
        #expect(server.body(3) == Array("three".utf8))
        #expect(server.client.isFinished)
    }

    @Test func `a GOAWAY in two steps lets the streams between them go on`() throws {
        let server = Server()
        try server.open()
        _ = server.frames()
        server.send(.goAway(last: 0x7fff_ffff))
        #expect(!server.client.canOpen)
        server.send(.goAway(last: 1), .headers(1, Server.ok))
        #expect(server.told.contains(.other(.end(1))))
        #expect(!server.told.contains { if case .other(.unprocessed) = $0 { true } else { false } })
    }

    @Test func `a stream that was not sent when the GOAWAY came was not processed`() throws {
        let server = Server()
        try server.open()
        server.send(.goAway(last: 0))
        #expect(server.frames().filter { $0.type == 1 }.isEmpty)
        #expect(server.told.contains(.other(.unprocessed(1, .goingAway))))
        #expect(server.client.openStreams == 0)
    }
}

/// Windows, in both directions.
@Suite struct ClientFlowTests {
    @Test func `a body waits for the server's window, and goes on with it`() throws {
        let server = Server([(4, 10)])
        let stream = try server.open(Server.post, method: .post, hasBody: true)
        server.client.send([UInt8](repeating: 1, count: 25).span, on: stream)
        #expect(server.frames().filter { $0.type == 0 }.map(\.payload.count) == [10])
        #expect(server.told == [.other(.blocked(1))])
        server.send(.windowUpdate(1, 10))
        #expect(server.frames().filter { $0.type == 0 }.map(\.payload.count) == [10])
        server.send(.windowUpdate(1, 10))
        server.client.end(stream)
        let last = server.frames().filter { $0.type == 0 }
        #expect(last.map(\.payload.count) == [5])
        #expect(last.last?.flags == HTTP2Frame.endStream)
        #expect(server.told.contains(.other(.drained(1))))
    }

    @Test func `a stream gets room only for what was used, and the others theirs`() throws {
        let server = Server()
        server.consumes = false
        let slow = try server.open()
        let quick = try server.open()
        _ = server.frames()
        server.send(.headers(1, Server.ok, end: false), .headers(3, Server.ok, end: false))
        let piece = [UInt8](repeating: 7, count: 16_384)
        for _ in 0..<4 { server.send(.data(1, piece)) }
        // The slow one's bytes are held by us: the connection's window is for everybody.
        server.client.discard(65_536)
        for _ in 0..<40 {
            server.send(.data(3, piece))
            server.client.consume(piece.count, on: quick)
            let updates = server.frames().filter { $0.type == 8 }
            #expect(!updates.contains { $0.stream == 1 })
            #expect(server.failure == nil)
        }
        server.client.consumeStream(65_536, on: slow)
        #expect(server.frames().contains { $0.type == 8 && $0.stream == 1 })
    }

    @Test func `room is given in small pieces as well`() throws {
        let server = Server()
        server.consumes = false
        let stream = try server.open()
        _ = server.frames()
        server.send(.headers(1, Server.ok, end: false), .data(1, [UInt8](repeating: 7, count: 10_000)))
        server.client.giveRoom(100, on: stream)
        #expect(server.frames().filter { $0.type == 8 } == [.windowUpdate(1, 100)])
        // What has ended needs none.
        server.send(.data(1, "end", end: true))
        server.client.giveRoom(100, on: stream)
        #expect(server.frames().filter { $0.type == 8 && $0.stream == 1 }.isEmpty)
    }

    /// RFC 9113 §6.9.1. The reset can not leave, and what is sent on must not be taken for more of the answer.
    @Test func `a server that ignores the window and takes nothing is held to it all the same`() throws {
        let server = Server()
        server.consumes = false
        try server.open()
        _ = server.frames()
        server.send(.headers(1, Server.ok, end: false))
        // No frames are put together meanwhile.
        for _ in 0..<50 {
            server.send(.data(1, [UInt8](repeating: 7, count: 16_384)))
            server.client.discard(16_384)
        }
        #expect(server.body(1).count <= 65_536)
        #expect(server.told.contains(.other(.malformed(1, .windowOverrun))))
        #expect(server.frames().contains { $0.type == 3 && $0.stream == 1 && $0.number() == 3 })
        #expect(server.told.contains(.other(.closed(1, .flowControlError))))
    }

    @Test func `a server that sends more than there is room for is cut off`() throws {
        let server = Server()
        server.consumes = false
        try server.open()
        _ = server.frames()
        server.send(.headers(1, Server.ok, end: false))
        for _ in 0..<50 { server.send(.data(1, [UInt8](repeating: 7, count: 16_384))) }
        _ = server.frames()
        #expect(server.failure != nil || server.told.contains(.other(.closed(1, .flowControlError))))
        #expect(server.body(1).count <= 65_536)
    }
}

/// What a server may do how often.
@Suite struct ClientFloodTests {
    private func flood(_ frame: HTTP2Frame, _ count: Int) throws -> Server {
        let server = Server()
        try server.open()
        _ = server.frames()
        for _ in 0..<count where server.failure == nil {
            server.send(frame)
            _ = server.frames()
        }
        return server
    }

    @Test(arguments: [
        (HTTP2Frame.ping(), 100), (.settings([(4, 100_000)]), 31), (.priority(1), 200),
        (HTTP2Frame(type: 0x42, [1]), 100), (.windowUpdate(0, 1), 7),
    ])
    func `so many frames are fine, and more end the connection`(_ frame: HTTP2Frame, _ count: Int) throws {
        #expect(try self.flood(frame, count).failure == nil)
        let server = try self.flood(frame, count + 2)
        #expect(server.failure?.code == .enhanceYourCalm)
        #expect(!server.client.takesStreams)
    }

    @Test func `empty frames in a row come to an end`() throws {
        let server = try self.flood(.headers(1, Server.ok, end: false), 1)
        for _ in 0..<100 { server.send(.data(1, [])) }
        #expect(server.failure == nil)
        server.send(.data(1, []))
        _ = server.frames()
        #expect(server.failure == .excess(.emptyFrames))
    }

    @Test func `a header block has so many frames`() throws {
        let server = Server()
        try server.open()
        _ = server.frames()
        server.send(.headers(1, block: HTTP2Frame.block(Server.ok), endHeaders: false))
        for index in 0..<9 { server.send(.continuation(1, HTTP2Frame.block([("x-\(index)", "1")]), endHeaders: false)) }
        _ = server.frames()
        #expect(server.failure == .excess(.continuations))
    }

    @Test func `a header block that grows without end is not decoded to it`() throws {
        let server = Server()
        try server.open()
        _ = server.frames()
        // A large field in the table, and the same by its number again and again (RFC 7541 §6.1).
        let entry = [0x40] + HTTP2Frame.literal("x") + HTTP2Frame.literal(String(repeating: "a", count: 3900))
        server.send(
            .headers(
                1, block: HTTP2Frame.block(Server.ok) + entry + [UInt8](repeating: 0x80 | 62, count: 10_000),
                endHeaders: false))
        _ = server.frames()
        #expect(server.failure == .excess(.headerBlock))
    }

    @Test func `pings that nobody can be told of do not pile up`() throws {
        var limits = HTTP2Limits.ofUpstreams
        limits.pings = RateLimit(burst: 100_000, perSecond: 1)
        let server = Server(limits: limits)
        for _ in 0..<1100 where server.client.failure == nil { server.send(.ping()) }
        #expect(server.client.failure?.code == .enhanceYourCalm)
    }

    @Test(arguments: [
        HTTP2Frame(type: 5, flags: 4, stream: 1, [0, 0, 0, 2] + HTTP2Frame.block([(":method", "GET")])),
        .headers(2, Server.ok), .data(99, "x"), .data(0, "x"), .windowUpdate(0, 0),
        HTTP2Frame(type: 4, [1]), HTTP2Frame(type: 6, [1]), .headers(1, block: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ])
    func `what breaks the protocol ends the connection`(_ frame: HTTP2Frame) throws {
        let server = try self.flood(frame, 1)
        #expect(server.failure != nil)
        #expect(!server.client.canOpen)
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "\0\0\0\u{1}\0\0\0\0\0\0\0\0\0"])
    func `a server that begins with something else speaks no HTTP2`(_ text: String) throws {
        for way in Feeding.ways(of: Array(text.utf8)) {
            let server = Server(greets: false)
            for piece in way { server.send(bytes: piece) }
            #expect(server.client.failure?.cause == .preface)
        }
    }
}
