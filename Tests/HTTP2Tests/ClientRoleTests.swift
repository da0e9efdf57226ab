import Bytes
import HTTP
import TestSupport
import Testing
import Time

@testable import HTTP2

/// Requests out, answers in.
@Suite struct ClientRoleTests {
    @Test func `a connection begins with the preface and settings`() throws {
        let server = Server(greets: false)
        let bytes = server.greeting()
        #expect(Array(bytes.prefix(HTTP2Frame.preface.count)) == HTTP2Frame.preface)
        let frames = HTTP2Frame.parse(Array(bytes.dropFirst(HTTP2Frame.preface.count))).frames
        #expect(frames.map(\.type) == [4, 8])
        // No pushes, 64 KiB for each stream, 32 KiB for heads.
        #expect(frames[0] == .settings([(2, 0), (4, 65_536), (6, 32_768)]))
        #expect(frames[1] == .windowUpdate(0, 1_048_576 - 65_535))
    }

    @Test func `streams are opened once the server has told its settings`() throws {
        let server = Server(greets: false)
        #expect(!server.client.canOpen)
        #expect(server.client.open(Server.get.utf8.span, method: .get, hasBody: false) == nil)
        server.send(.settings())
        #expect(server.client.canOpen)
        #expect(server.told == [.other(.settings)])
    }

    @Test func `a request says in HTTP2 what its head says in HTTP1`() throws {
        let server = Server()
        let stream = try server.open(Server.post, method: .post, hasBody: true)
        server.client.send("12345".utf8.span, on: stream)
        server.client.end(stream)
        let frames = server.frames()
        #expect(frames.map(\.type) == [1, 0])
        #expect(
            server.fields(frames.first) == [
                ":method: POST", ":scheme: https", ":authority: api.example", ":path: /call?x=1", "x-name: value",
                "content-length: 5",
            ])
        #expect(frames[0].flags == HTTP2Frame.endHeaders)
        #expect(frames[1] == .data(1, "12345", end: true))
    }

    /// RFC 9113 §8.2.2.
    @Test func `fields of an HTTP1 connection are left out`() throws {
        let server = Server()
        try server.open(
            "GET / HTTP/1.1\r\nA: b\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nKeep-Alive: 1\r\n\r\n"
        )
        #expect(
            server.fields(server.frames().first) == [
                ":method: GET", ":scheme: https", ":authority: x", ":path: /", "a: b",
            ])
    }

    @Test(arguments: [
        "", "GET\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\n", "GET / HTTP/1.1\nhost: a\n\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\nmore",
    ])
    func `what is no head opens nothing`(_ head: String) {
        let server = Server()
        #expect(server.client.open(head.utf8.span, method: .get, hasBody: false) == nil)
        #expect(server.client.openStreams == 0)
    }

    /// The whole of an answer, cut at each byte.
    @Test func `an answer is the same wherever it is cut`() throws {
        let frames: [HTTP2Frame] = [
            .headers(1, [(":status", "103"), ("link", "</a>")], end: false),
            .headers(1, Server.ok + [("content-length", "11")], end: false), .data(1, "hello ", padding: 3),
            .ping(), .data(1, "world"), .headers(1, [("x-trailer", "1")]),
        ]
        for way in Feeding.ways(of: frames.flatMap(\.bytes)) {
            let server = Server()
            try server.open()
            _ = server.frames()
            for piece in way { server.send(bytes: piece) }
            #expect(
                server.answers[1]
                    == ResponseHead(
                        status: 200, fields: Fields(["content-type": "text/plain", "content-length": "11"])))
            #expect(server.body(1) == Array("hello world".utf8))
            let others = server.told.compactMap { if case .other(let event) = $0 { event } else { nil } }
            #expect(others == [.head(1), .end(1), .closed(1, .noError)])
        }
    }

    @Test func `many answers come in between one another`() throws {
        let server = Server()
        for _ in 0..<3 { try server.open() }
        _ = server.frames()
        for id: UInt32 in [5, 1, 3] { server.send(.headers(id, Server.ok, end: false)) }
        for text in ["a", "b"] { for id: UInt32 in [3, 5, 1] { server.send(.data(id, "\(text)\(id) ")) } }
        for id: UInt32 in [1, 3, 5] { server.send(.data(id, [], end: true)) }
        #expect(String(decoding: server.body(1), as: UTF8.self) == "a1 b1 ")
        #expect(String(decoding: server.body(3), as: UTF8.self) == "a3 b3 ")
        #expect(String(decoding: server.body(5), as: UTF8.self) == "a5 b5 ")
        #expect(server.client.openStreams == 0)
    }

    @Test func `an answer without a body ends with its head`() throws {
        let server = Server()
        try server.open()
        _ = server.frames()
        server.send(.headers(1, [(":status", "204")]))
        #expect(server.told == [.other(.head(1)), .other(.end(1)), .other(.closed(1, .noError))])
    }

    /// RFC 9110 §8.6: the length is that of the answer to GET.
    @Test func `an answer to HEAD has a length and no body`() throws {
        let server = Server()
        try server.open("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", method: .head)
        _ = server.frames()
        server.send(.headers(1, Server.ok + [("content-length", "100")]))
        #expect(server.malformed.isEmpty)
        #expect(server.told.contains(.other(.end(1))))
    }

    @Test func `a reset is told with its code`() throws {
        let server = Server()
        try server.open()
        _ = server.frames()
        server.send(.headers(1, Server.ok, end: false), .data(1, "some"), .reset(1, 2))
        #expect(server.told.last == .other(.closed(1, .internalError)))
        #expect(server.body(1) == Array("some".utf8))
    }

    @Test func `a stream that nobody wants any more is reset, and the others go on`() throws {
        let server = Server()
        let first = try server.open()
        try server.open()
        _ = server.frames()
        server.client.reset(first, .cancel)
        #expect(server.frames() == [.reset(1, 8)])
        // What was on its way is dropped, and counted for the connection's window.
        server.send(.headers(1, Server.ok, end: false), .data(1, "late", end: true))
        server.send(.headers(3, Server.ok, end: false), .data(3, "here", end: true))
        #expect(server.body(1).isEmpty)
        #expect(server.body(3) == Array("here".utf8))
        #expect(server.failure == nil)
    }

    @Test func `one that is dropped before it was sent costs nothing`() throws {
        let server = Server()
        server.client.reset(try server.open(), .cancel)
        #expect(server.frames().isEmpty)
        #expect(server.client.openStreams == 0)
        try server.open()
        #expect(server.frames().map(\.type) == [1])
    }
}

/// Answers that are none (RFC 9113 §8.1.1): their streams are reset, and the connection goes on.
@Suite struct MalformedAnswerTests {
    typealias Case = (fields: [(String, String)], malformed: MalformedMessage)

    private static func with(_ name: String, _ value: String) -> [(String, String)] {
        [(":status", "200"), (name, value)]
    }

    static let heads: [Case] = [
        ([], .statusInvalid), ([("content-type", "a")], .statusInvalid), ([(":status", "20")], .statusInvalid),
        ([(":status", "2000")], .statusInvalid), ([(":status", "abc")], .statusInvalid),
        ([(":status", "099")], .statusInvalid), ([(":status", "101")], .statusInvalid),
        ([(":status", "600")], .statusInvalid), ([(":status", "100")], .answerWithoutHead),
        (with(":status", "200"), .repeatedPseudoField), (with(":path", "/"), .unknownPseudoField),
        ([("a", "b"), (":status", "200")], .latePseudoField), (with("A", "b"), .invalidFieldName),
        (with("", "b"), .invalidFieldName), (with("a b", "b"), .invalidFieldName),
        (with("a", "b\r\nc: d"), .invalidFieldValue), (with("a", "\0"), .invalidFieldValue),
        (with("a", " b"), .invalidFieldValue), (with("connection", "close"), .connectionField),
        (with("transfer-encoding", "chunked"), .connectionField), (with("content-length", "x"), .contentLengthInvalid),
        (with("content-length", "1000000000000000"), .contentLengthInvalid),
        (with("content-length", "1") + [("content-length", "1")], .contentLengthInvalid),
        (with("content-length", "1"), .contentLengthMismatch),
    ]

    @Test(arguments: 0..<heads.count)
    func `a head that is none resets its stream alone`(_ index: Int) throws {
        let (fields, malformed) = Self.heads[index]
        let server = Server()
        try server.open()
        try server.open()
        _ = server.frames()
        server.send(.headers(1, fields))
        #expect(server.malformed == [malformed])
        #expect(server.answers.isEmpty)
        server.send(.headers(3, Server.ok))
        #expect(server.told.contains(.other(.end(3))))
        #expect(server.failure == nil)
    }

    @Test func `bodies have the length that their heads tell`() throws {
        let server = Server()
        for _ in 0..<3 { try server.open() }
        _ = server.frames()
        let head = Server.ok + [("content-length", "3")]
        server.send(.headers(1, head, end: false), .data(1, "1234"))
        server.send(.headers(3, head, end: false), .data(3, "12", end: true))
        server.send(.headers(5, [(":status", "304"), ("content-length", "3")], end: false), .data(5, "123", end: true))
        #expect(server.malformed == [.contentLengthMismatch, .contentLengthMismatch, .contentLengthMismatch])
        #expect(server.frames().compactMap(\.resetCode).allSatisfy { $0 == 1 })
    }

    @Test func `a body needs a head in front of it`() throws {
        let server = Server()
        try server.open()
        _ = server.frames()
        server.send(.headers(1, [(":status", "103")], end: false), .data(1, "early"))
        #expect(server.malformed == [.answerWithoutHead])
    }

    @Test func `a head may be so large`() throws {
        let server = Server()
        for _ in 0..<2 { try server.open() }
        _ = server.frames()
        let many = (0..<101).map { ("x-\($0)", "1") }
        server.send(.headers(1, Server.ok + many))
        let large = (0..<3).map { ("x-\($0)", String(repeating: "a", count: 4000)) }
        var block = HTTP2Frame.block(Server.ok + large + large + large)
        server.send(.headers(3, block: Array(block.prefix(16_000)), endHeaders: false))
        block.removeFirst(16_000)
        while block.count > 16_000 {
            server.send(.continuation(3, Array(block.prefix(16_000)), endHeaders: false))
            block.removeFirst(16_000)
        }
        server.send(.continuation(3, block))
        #expect(server.malformed == [.answerHeadTooLarge, .answerHeadTooLarge])
        #expect(server.failure == nil)
    }

    @Test func `interim answers come to an end`() throws {
        let server = Server()
        try server.open()
        _ = server.frames()
        for _ in 0..<16 { server.send(.headers(1, [(":status", "103")], end: false)) }
        #expect(server.malformed.isEmpty)
        server.send(.headers(1, [(":status", "103")], end: false))
        #expect(server.malformed == [.tooManyInterimAnswers])
    }

    static let trailers: [(fields: [(String, String)], end: Bool, malformed: MalformedMessage)] = [
        ([("x", "y")], false, .trailersInvalid), ([(":status", "200")], true, .pseudoFieldInTrailers),
        ([("X", "y")], true, .invalidFieldName),
    ]

    @Test(arguments: 0..<trailers.count)
    func `trailers are held against the rules`(_ index: Int) throws {
        let (fields, end, malformed) = Self.trailers[index]
        let server = Server()
        try server.open()
        _ = server.frames()
        server.send(.headers(1, Server.ok, end: false), .headers(1, fields, end: end))
        #expect(server.malformed == [malformed])
    }
}
