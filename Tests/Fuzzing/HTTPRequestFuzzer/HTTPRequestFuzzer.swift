import Bytes
import FuzzingSupport
import HTTP

/// Requests of a whole connection, whole and in pieces.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    let keepsTrailers = input.choice & 1 == 1
    let whole = Requests(in: [input.bytes], keepsTrailers: keepsTrailers)
    expectEqual(whole, Requests(in: input.pieces, keepsTrailers: keepsTrailers), "cut elsewhere, read differently")
    return 0
}

private struct Requests: Equatable {
    var heads: [RequestHead] = []
    var bodies: [[UInt8]] = []
    var trailers: [Fields] = []
    var ended = 0
    var fault: RequestFault?

    init(in pieces: [[UInt8]], keepsTrailers: Bool) {
        var parser = HTTP1RequestParser(keepsTrailers: keepsTrailers)
        do throws(RequestFault) {
            for piece in pieces {
                try self.read(piece, with: &parser)
                precondition(parser.heldBytes <= 256 * 1024, "a head is held without a bound")
            }
            try parser.receivedEnd()
        } catch {
            self.fault = error
        }
    }

    private mutating func read(_ piece: [UInt8], with parser: inout HTTP1RequestParser) throws(RequestFault) {
        var offset = 0
        while true {
            let before = offset
            let event = try parser.next(piece.span, at: &offset)
            precondition(offset >= before && offset <= piece.count, "the offset left the input")
            switch event {
            case .head(let head):
                self.heads.append(head)
                self.bodies.append([])
            case .body(let range):
                self.bodies[self.bodies.count - 1] += piece[range]
            case .end:
                self.ended += 1
                self.trailers.append(parser.trailers)
                precondition(self.ended == self.heads.count, "an end without its head")
            case .needsMore:
                precondition(offset == piece.count, "input was left behind")
                return
            }
        }
    }
}
