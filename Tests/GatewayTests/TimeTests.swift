import Testing

@testable import Gateway
@testable import Reactor

/// What happens after how long, with a clock that the test moves: the defaults of docs/configuration.md.
@Suite struct TimeTests {
    @Test func `the first byte of an answer is waited for 60 s`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        // The head of a stream is no byte of it.
        api.beginStream()
        rig.turn()
        rig.advance(by: .seconds(59))
        client.receive()
        #expect(client.received.isEmpty)
        rig.advance(by: .seconds(2))
        try rig.await(client, "HTTP/1.1 504 ")
        try rig.awaitEnd(api)
    }

    @Test func `the wait begins when the API has taken the whole request`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let count = 5_000_000
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: \(count)\r\n\r\n")
        let piece = String(repeating: "x", count: 25_000)
        for _ in 0..<count / piece.utf8.count {
            client.send(piece)
            rig.turn(2)
        }
        let api = try rig.turn(until: "a connection to the API") { rig.upstream.accept() }
        rig.turn()
        // It does not read.
        rig.advance(by: .seconds(100))
        client.receive()
        #expect(client.received.isEmpty)
        try rig.await(api, "isBase64Encoded\":false}")
        rig.advance(by: .seconds(59))
        client.receive()
        #expect(client.received.isEmpty)
        rig.advance(by: .seconds(2))
        try rig.await(client, "HTTP/1.1 504 ")
    }

    @Test func `a stream may be silent for 300 s`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        api.beginStream()
        api.sendPayload("one")
        try rig.await(client, "one")
        for _ in 0..<2 {
            rig.advance(by: .seconds(299))
            api.sendPayload("more")
            rig.turn()
        }
        client.receive()
        #expect(!client.hasEnded)
        rig.advance(by: .seconds(301))
        try rig.awaitEnd(client)
        #expect(!client.received.hasSuffix("0\r\n\r\n"))
        try rig.awaitEnd(api)
    }

    @Test func `everything together may take 900 s`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        api.beginStream()
        for _ in 0..<8 {
            api.sendPayload("x")
            rig.turn()
            rig.advance(by: .seconds(110))
        }
        client.receive()
        #expect(!client.hasEnded)
        rig.advance(by: .seconds(21))
        try rig.awaitEnd(client)
    }

    @Test func `a request's head may take 10 s, however it comes`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        client.send("GET / HTTP/1.1\r\n")
        for _ in 0..<9 {
            rig.turn()
            rig.advance(by: .seconds(1))
            client.send("X: y\r\n")
        }
        client.receive()
        #expect(client.received.isEmpty)
        rig.turn()
        rig.advance(by: .seconds(2))
        try rig.await(client, "HTTP/1.1 408 ")
        try rig.awaitEnd(client)
    }

    @Test func `a client that takes the last answer in drips has no more time for the next request's head`() throws {
        var isShort = true
        let rig = try Rig(faults: FaultPlan { operation, _ in isShort && operation == .send ? .short(1) : .pass })
        let client = try rig.connect()
        client.send("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n")
        rig.turn()
        for _ in 0..<12 { rig.advance(by: .seconds(1)) }
        isShort = false
        try rig.await(client, "HTTP/1.1 408 ")
    }

    @Test func `a request's body may rest for 30 s`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        rig.turn()
        rig.advance(by: .seconds(29))
        client.send(String(repeating: "x", count: 30_000))
        rig.turn()
        rig.advance(by: .seconds(29))
        client.receive()
        #expect(client.received.isEmpty)
        rig.advance(by: .seconds(2))
        try rig.await(client, "HTTP/1.1 408 ")
    }

    @Test func `a body may not come more slowly than 500 bytes a second`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        var seconds = 0
        while !client.received.contains("HTTP/1.1 408 "), seconds < 200 {
            client.send(String(repeating: "x", count: 50))
            rig.turn()
            rig.advance(by: .seconds(1))
            client.receive()
            seconds += 1
        }
        #expect((25...60).contains(seconds))
    }

    @Test func `a connection may be idle for 60 s`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        client.send("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n")
        try rig.await(client, "fixed")
        rig.advance(by: .seconds(59))
        client.receive()
        #expect(!client.hasEnded)
        rig.advance(by: .seconds(2))
        try rig.awaitEnd(client)
    }

    @Test func `while a function answers the connection is not idle`() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let api = try rig.call(client)
        api.beginStream()
        api.sendPayload("one")
        try rig.await(client, "one")
        rig.advance(by: .seconds(200))
        api.sendPayload("two")
        api.sendComplete()
        try rig.await(client, "0\r\n\r\n")
        #expect(!client.hasEnded)
    }
}
