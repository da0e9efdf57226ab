import Bytes
import TestSupport
import Testing

@testable import HTTP

/// Each vector is refused with its status, however it arrives, and nothing behind it is read.
@Suite struct RefusedRequestTests {
    @Test(arguments: RefusedRequest.all)
    func `is refused`(vector: RefusedRequest) {
        let replay = RequestReplay.everyWay(vector.request + "\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(replay.fault?.status == vector.status, "\(vector.clause)")
        #expect(!replay.messages.contains { $0.head.target.path == "/smuggled" })
        #expect(!replay.messages.contains { $0.hasEnded })
    }

    @Test func `every control byte is refused everywhere`() {
        let controls = (UInt8(0)..<0x20).filter { $0 != 0x09 } + [0x7f]
        let places =
            ["G^T / HTTP/1.1\r\n", "GET /^ HTTP/1.1\r\n", "GET / HTTP/1.^\r\n"].map { $0 + "Host: a\r\n\r\n" }
            + ["N^: v", "N: ^v", "N: v^w", "N: v^", "N:^", "^N: v"].map { "GET / HTTP/1.1\r\nHost: a\r\n\($0)\r\n\r\n" }
        for place in places {
            for control in controls {
                let input = place.utf8.map { $0 == UInt8(ascii: "^") ? control : $0 }
                let fault = RequestReplay(pieces: [input]).fault
                #expect(fault?.status == 400, "\(control) in \(place.debugDescription)")
                #expect(RequestReplay(pieces: input.map { [$0] }).fault == fault)
            }
        }
    }

    @Test func `bytes above 0x7f are taken in values alone`() {
        for byte in UInt8(0x80)...0xff {
            func outcome(_ text: String) -> RequestReplay {
                RequestReplay(pieces: [text.utf8.map { $0 == UInt8(ascii: "^") ? byte : $0 }])
            }
            #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\nN: v^w\r\n\r\n").fault == nil)
            #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\nN^: v\r\n\r\n").fault?.status == 400)
            #expect(outcome("GET / HTTP/1.1\r\nHost: a^\r\n\r\n").fault?.status == 400)
            #expect(outcome("GET /^ HTTP/1.1\r\nHost: a\r\n\r\n").fault?.status == 400)
            #expect(outcome("GET /?^ HTTP/1.1\r\nHost: a\r\n\r\n").fault?.status == 400)
            #expect(outcome("G^ / HTTP/1.1\r\nHost: a\r\n\r\n").fault?.status == 400)
            #expect(outcome("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5^\r\n\r\n").fault?.status == 400)
            #expect(outcome("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked^\r\n\r\n").fault?.status == 400)
        }
    }

    /// Every one-byte change to a Transfer-Encoding line, and bytes put at each of its places: either the line still
    /// means chunked to everybody, or the request is refused, or it is another field and there is no body.
    @Test func `no mutation of Transfer-Encoding is half understood`() {
        let line = Array("Transfer-Encoding: chunked".utf8)
        let odd: [UInt8] = [0, 1, 4, 8, 9, 10, 11, 12, 13, 0x1f, 0x20, 0x22, 0x2c, 0x3a, 0x3b, 0x5f, 0x7f, 0xa0, 0xff]
        var chunked = 0
        var refused = 0
        for place in 0...line.count {
            for byte in odd {
                for mutated in [
                    line[..<place] + [byte] + line[place...],
                    line[..<place] + [byte] + line[min(place + 1, line.count)...],
                ] {
                    let input = Array("POST / HTTP/1.1\r\nHost: a\r\n".utf8) + mutated + Array("\r\n\r\n0\r\n\r\n".utf8)
                    let replay = RequestReplay(pieces: [input])
                    let text = Array(mutated).span.string()
                    let value = text.split(separator: ":", maxSplits: 1).last.map {
                        $0.trimmingPrefix { " \t".contains($0) }
                    }
                    let isExact =
                        text.lowercased().hasPrefix("transfer-encoding:")
                        && value.map {
                            String($0).hasPrefix("chunked") && $0.dropFirst(7).allSatisfy { " \t".contains($0) }
                        } == true
                    if replay.messages.first?.head.bodyLength == .unknown {
                        chunked += 1
                        #expect(isExact, "\(text.debugDescription)")
                    } else if let fault = replay.fault, replay.messages.isEmpty {
                        refused += 1
                        #expect(fault.status == 400, "\(text.debugDescription)")
                    } else {
                        // Another name, all of token characters. The chunk behind it is no request either.
                        #expect(!text.lowercased().hasPrefix("transfer-encoding:"), "\(text.debugDescription)")
                        #expect(replay.fault != nil)
                    }
                }
            }
        }
        #expect(chunked > 4 && refused > 700)
    }
}
