import Bytes
import TestSupport
import Testing

@testable import HTTP

/// What came out of a parser, with the cuts between pieces taken out again.
struct Replay<Head: Equatable & Sendable, Fault: Equatable & Sendable>: Equatable, Sendable {
    /// One message, as far as it came.
    struct Message: Equatable, Sendable {
        var head: Head
        var body: [UInt8] = []
        var trailers: Fields?
        var hasEnded = false
        var keepsAlive = true
        var expectsContinue = false
    }

    var messages: [Message] = []
    var fault: Fault?
}

extension Replay {
    /// All ways of feeding an input; a share of the cuts for one that fills the limits.
    fileprivate static func ways(of input: [UInt8]) -> [[[UInt8]]] {
        let ways = Feeding.ways(of: input)
        return input.count < 2048 ? ways : ways.indices.filter { $0 < 2 || $0 % 16 == 0 }.map { ways[$0] }
    }

    /// `#expect` for what is checked a million times.
    fileprivate func insist(_ condition: Bool, line: Int = #line) {
        if !condition { Issue.record("line \(line)") }
    }
}

typealias RequestReplay = Replay<RequestHead, RequestFault>
typealias ResponseReplay = Replay<ResponseHead, ResponseFault>

extension Replay where Head == RequestHead, Fault == RequestFault {
    /// Runs a server-role parser over pieces. With `ends`, the client's FIN follows.
    init(
        pieces: [[UInt8]], limits: HeadLimits = HeadLimits(), keepsTrailers: Bool = false, ends: Bool = false
    ) {
        var parser = HTTP1RequestParser(limits: limits, keepsTrailers: keepsTrailers)
        do throws(RequestFault) {
            for piece in pieces {
                var offset = 0
                var isReading = true
                while isReading {
                    let before = offset
                    switch try parser.next(piece.span, at: &offset) {
                    case .head(let head):
                        self.messages.append(
                            Message(
                                head: head, keepsAlive: parser.keepsAlive, expectsContinue: parser.expectsContinue))
                    case .body(let range):
                        self.insist(range.lowerBound >= before && range.upperBound == offset && !range.isEmpty)
                        self.messages[self.messages.count - 1].body += piece[range]
                    case .end:
                        self.messages[self.messages.count - 1].hasEnded = true
                        self.messages[self.messages.count - 1].trailers = parser.trailers
                    case .needsMore:
                        self.insist(offset == piece.count)
                        isReading = false
                    }
                }
                // Trailers in pieces are the only other thing that is gathered.
                if !parser.hasPartialHead, self.messages.last?.hasEnded ?? true { self.insist(parser.heldBytes == 0) }
            }
            if ends { try parser.receivedEnd() }
        } catch {
            self.fault = error
            self.insist(parser.heldBytes == 0)
            // Nothing behind a fault is read.
            let next = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            var offset = 0
            do throws(RequestFault) {
                _ = try parser.next(next.span, at: &offset)
                self.insist(false)
            } catch let again {
                self.insist(again == error && offset == 0)
            }
        }
    }

    /// The outcome of a text in every way of feeding it, which must be one.
    static func everyWay(
        _ text: String, limits: HeadLimits = HeadLimits(), keepsTrailers: Bool = false, ends: Bool = false
    ) -> RequestReplay {
        self.everyWay(Array(text.utf8), limits: limits, keepsTrailers: keepsTrailers, ends: ends)
    }

    static func everyWay(
        _ input: [UInt8], limits: HeadLimits = HeadLimits(), keepsTrailers: Bool = false, ends: Bool = false
    ) -> RequestReplay {
        let whole = RequestReplay(pieces: [input], limits: limits, keepsTrailers: keepsTrailers, ends: ends)
        for pieces in Self.ways(of: input) {
            let other = RequestReplay(pieces: pieces, limits: limits, keepsTrailers: keepsTrailers, ends: ends)
            if other != whole {
                Issue.record("\(pieces.map(\.count)) of \(input.span.string().debugDescription): \(other) != \(whole)")
                break
            }
        }
        return whole
    }
}

extension Replay where Head == ResponseHead, Fault == ResponseFault {
    /// Runs a client-role parser over pieces of one answer. With `ends`, the server's FIN follows.
    init(pieces: [[UInt8]], to method: Method = .get, limits: HeadLimits = HeadLimits(), ends: Bool = false) {
        var parser = HTTP1ResponseParser(limits: limits)
        parser.expectResponse(to: method)
        do throws(ResponseFault) {
            for piece in pieces {
                var offset = 0
                var isReading = true
                while isReading {
                    switch try parser.next(piece.span, at: &offset) {
                    case .head(let head, _):
                        self.messages.append(Message(head: head, keepsAlive: parser.keepsAlive))
                    case .body(let range):
                        self.messages[self.messages.count - 1].body += piece[range]
                    case .end(let trailers):
                        self.messages[self.messages.count - 1].hasEnded = true
                        self.messages[self.messages.count - 1].trailers = trailers
                        self.insist(parser.heldBytes == 0)
                    case .needsMore:
                        self.insist(offset == piece.count)
                        isReading = false
                    }
                }
            }
            if ends, case .end(let trailers) = try parser.receivedEnd() {
                self.messages[self.messages.count - 1].hasEnded = true
                self.messages[self.messages.count - 1].trailers = trailers
            }
        } catch {
            self.fault = error
            self.insist(!parser.keepsAlive && parser.heldBytes == 0)
        }
    }

    static func everyWay(
        _ text: String, to method: Method = .get, limits: HeadLimits = HeadLimits(), ends: Bool = false
    ) -> ResponseReplay {
        let input = Array(text.utf8)
        let whole = ResponseReplay(pieces: [input], to: method, limits: limits, ends: ends)
        for pieces in Self.ways(of: input) {
            let other = ResponseReplay(pieces: pieces, to: method, limits: limits, ends: ends)
            if other != whole {
                Issue.record("\(pieces.map(\.count)) of \(text.debugDescription): \(other) != \(whole)")
                break
            }
        }
        return whole
    }
}
