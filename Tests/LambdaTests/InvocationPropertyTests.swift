import AWS
import Bytes
import HTTP
import Lambda
import TestSupport
import Testing

/// Whatever the cuts, of HTTP chunking, of the event stream and of the prelude: the same answer.
@Suite struct InvocationPropertyTests {
    /// Cuts bytes at random places; empty pieces among them.
    static func cut(_ bytes: [UInt8], using random: inout SeededRandom) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 0...max(1, bytes.count / 4), using: &random))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }

    static func chunked(_ pieces: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for piece in pieces where !piece.isEmpty {
            bytes += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }

    @Test(arguments: UInt64(0)..<400)
    func `body bytes out are body bytes in, through HTTP chunks, messages and prelude`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let modes: [ResponseMode] = [.auto, .prelude, .raw]
        let mode = modes[Int(seed % 3)]
        var body = random.bytes(Int.random(in: 0...2000, using: &random))
        // NULs, braces and quotes more often than chance has them.
        for index in body.indices where Int.random(in: 0..<4, using: &random) == 0 {
            body[index] = [0, 0, 0x7b, 0x7d, 0x22, 0x5c, 0x20][Int.random(in: 0..<7, using: &random)]
        }
        let hasPrelude = mode == .prelude || mode == .auto && Bool.random(using: &random)
        if !hasPrelude, body.first == 0x7b { body[0] = 0x78 }
        let prelude = Array((#"{"statusCode":203,"headers":{"x":"}\"{\\"}}"# + delimiter).utf8)
        let answer = Answer(Self.cut((hasPrelude ? prelude : []) + body, using: &random))

        // The wire: a head, the event stream in HTTP chunks, cut as the network likes.
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"
        let wire = Array(head.utf8) + Self.chunked(Self.cut(answer.stream, using: &random))
        var parser = HTTP1ResponseParser()
        parser.expectResponse(to: .post)
        var machine = InvocationStateMachine(mode: mode)
        var outcome = Outcome()
        for piece in Self.cut(wire, using: &random) {
            var offset = 0
            parsing: while true {
                switch try parser.next(piece.span, at: &offset) {
                case .head(let head, _): #expect(machine.receivedHead(head) == .awaitStream)
                case .body(let range): Self.feed(piece[range], to: &machine, into: &outcome)
                case .end:
                    let action = machine.receivedEnd()
                    #expect(action == .completed(InvokeComplete()))
                case .needsMore: break parsing
                }
            }
        }
        #expect(outcome.isComplete)
        #expect(outcome.head?.status == (hasPrelude ? 203 : 200))
        #expect(outcome.body == body)
    }

    static func feed(_ slice: ArraySlice<UInt8>, to machine: inout InvocationStateMachine, into outcome: inout Outcome)
    {
        let bytes = Array(slice)
        var offset = 0
        while true {
            switch machine.next(bytes.span, at: &offset) {
            case .head(let head, _): outcome.head = head
            case .bodyHeld: outcome.body += machine.heldBytes.array()
            case .body(let range): outcome.body += bytes[range]
            case .completed(let complete): outcome.end = .completed(complete)
            case .failed(let failure): outcome.end = .failed(failure)
            case .needsMore: return
            }
            #expect(machine.heldBytes.count <= PreludeScanner.sizeLimit + 2 * PreludeScanner.delimiterCount)
        }
    }

    @Test(arguments: UInt64(0)..<300)
    func `damage anywhere is a typed end, told once`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let text = #"{"statusCode":203,"headers":{"x":"y","content-length":"30"},"cookies":["a"]}"# + delimiter
        var stream = Answer(text, "body", "more", complete: seed % 2 == 0 ? "{}" : #"{"ErrorCode":"X"}"#).stream
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            stream[Int.random(in: 0..<stream.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if Bool.random(using: &random) { stream.removeLast(Int.random(in: 0...stream.count, using: &random)) }
        let mode = ResponseMode.allCases[Int(seed % 4)]
        let outcome = Outcome.of(Self.cut(stream, using: &random), mode: mode, isCut: seed % 3 == 0)
        #expect(outcome.end != .none)
        #expect(outcome.afterTheEnd == 0)
        if outcome.isComplete { #expect(outcome.head != nil) }
    }

    @Test(arguments: UInt64(0)..<300)
    func `damaged answers inside a sound stream are an answer or a failure`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let json =
            #"{"statusCode":200,"headers":{"a":["b",1],"c":true},"multiValueHeaders":{"d":["e"]},"cookies":["f"],"body":"eA=="}"#
        var bytes = Array(json.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = Array("{}[]\",:\\ \0\r\n019e-.tfn\u{7f}".utf8)
                .randomElement(using: &random)!
        }
        let mode = ResponseMode.allCases[Int(seed % 4)]
        let suffix = Bool.random(using: &random) ? Array((delimiter + "x").utf8) : []
        let outcome = Outcome.of(Self.cut(Answer([bytes + suffix]).stream, using: &random), mode: mode)
        #expect(outcome.isComplete || outcome.failure != nil)
        if let head = outcome.head {
            #expect((200...599).contains(head.status))
            for index in head.fields.indices {
                let value = head.fields.value(at: index).array()
                #expect(!value.contains { $0 < 0x20 && $0 != 9 || $0 == 0x7f })
                let name = head.fields.name(at: index).array()
                #expect(!name.isEmpty && !name.contains { $0 <= 0x20 || $0 >= 0x7f || $0 == 0x3a })
            }
        }
    }
}
