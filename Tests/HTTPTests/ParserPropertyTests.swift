import Bytes
import TestSupport
import Testing

@testable import HTTP

/// Random damage to good messages: the outcome is a value or a typed fault, and the same however it is fed.
@Suite struct ParserPropertyTests {
    private static let requests = [
        "GET /a/b%20c/../d?x=1&y=%zz HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: curl/8.7.1 (x86_64) something\r\n"
            + "Accept: */*\r\nCookie: a=b; c=d\r\nConnection: keep-alive, x-y\r\n\r\n",
        "POST /chunks HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
            + "5;a=\"b\";c=d\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n000\r\nX-Trailer: yes\r\n\r\n"
            + "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT /length HTTP/1.0\r\nContent-Length: 11\r\nConnection: Keep-Alive\r\n\r\nhello worldOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://User.example:80/x HTTP/1.1\r\nHost: user.example\r\n\r\nHEAD //a//./b HTTP/1.1\r\nHost: b.\r\n\r\n",
    ]

    private static let fragments = [
        "\r", "\n", "\r\n", "\r\n\r\n", " ", "\t", ":", "\0", "\u{7f}", "\u{ff}", ";", ",", "\"", "0",
        "ffffffffffffffff", "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n", "Host: b\r\n", "HTTP/1.1", "%2e%2e%2f", "#", "*", "http://", "[", "@",
    ]

    private static func damaged(_ text: String, _ random: inout SeededRandom) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: fragments.randomElement(using: &random)!.utf8, at: place)
            case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 20)], at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + 8))
            }
        }
        return bytes
    }

    private static func cut(_ bytes: [UInt8], _ random: inout SeededRandom) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...40, using: &random))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }

    @Test(arguments: UInt64(0)..<50)
    func `damaged requests`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let input = Self.damaged(Self.requests.randomElement(using: &random)!, &random)
            let whole = RequestReplay(pieces: [input], keepsTrailers: true, ends: true)
            let bytewise = RequestReplay(pieces: input.map { [$0] }, keepsTrailers: true, ends: true)
            let pieces = Self.cut(input, &random)
            let cut = RequestReplay(pieces: pieces, keepsTrailers: true, ends: true)
            #expect(
                whole == bytewise && whole == cut, "\(input.span.string().debugDescription) as \(pieces.map(\.count))")
            if let fault = whole.fault { #expect([400, 414, 417, 431, 501, 505].contains(fault.status)) }
            for message in whole.messages {
                if case .known(let count) = message.head.bodyLength, message.hasEnded {
                    #expect(message.body.count == count)
                }
                let again = RequestReplay(pieces: [Self.written(message)], keepsTrailers: true)
                #expect(again.fault == nil && again.messages.first?.head == message.head)
            }
        }
    }

    /// A head as a writer of ours would write it: what was taken once is taken again, with the same meaning.
    private static func written(_ message: RequestReplay.Message) -> [UInt8] {
        let head = message.head
        var buffer = ByteBuffer()
        buffer.append(head.method.rawValue)
        buffer.append(" ")
        if let authority = head.target.authority { buffer.append("http://\(authority.text)") }
        if head.target.path != "*" || head.target.authority == nil { buffer.append(head.target.path) }
        if !head.target.query.isEmpty { buffer.append("?\(head.target.query)") }
        buffer.append(" ")
        buffer.append(head.version.name)
        buffer.append("\r\n")
        buffer.append(fieldsOf: head.fields)
        buffer.append("\r\n")
        return buffer.array()
    }

    private static let answers = [
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5;a=b\r\nhello\r\n7\r\n, world\r\n0\r\nX-Trailer: yes\r\n\r\n",
        "HTTP/1.0 502 Bad Gateway\r\nServer: x\r\n\r\nsome text until the end",
    ]

    @Test(arguments: UInt64(0)..<50)
    func `damaged answers`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let input = Self.damaged(Self.answers.randomElement(using: &random)!, &random)
            let whole = ResponseReplay(pieces: [input], ends: true)
            let bytewise = ResponseReplay(pieces: input.map { [$0] }, ends: true)
            let pieces = Self.cut(input, &random)
            let cut = ResponseReplay(pieces: pieces, ends: true)
            #expect(
                whole == bytewise && whole == cut, "\(input.span.string().debugDescription) as \(pieces.map(\.count))")
        }
    }

    @Test(arguments: UInt64(0)..<50)
    func `noise`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let input = random.bytes(Int.random(in: 1...400, using: &random))
        #expect(RequestReplay(pieces: [input]) == RequestReplay(pieces: input.map { [$0] }))
        #expect(ResponseReplay(pieces: [input]) == ResponseReplay(pieces: input.map { [$0] }))
    }

    @Test(arguments: [1, 7, 100, 1000])
    func `limits hold for every way of feeding`(limit: Int) {
        let limits = HeadLimits(requestLine: limit, headerBytes: limit, headerCount: 3, chunkExtension: limit)
        for request in Self.requests {
            let text = request.replacing("\r\nHost", with: "\r\nA: b\r\nB: c\r\nHost")
            _ = RequestReplay.everyWay(request, limits: limits)
            _ = RequestReplay.everyWay(text, limits: limits)
        }
        for answer in Self.answers { _ = ResponseReplay.everyWay(answer, limits: limits, ends: true) }
    }
}
