import Bytes
import FuzzingSupport
import HTTP

/// Answers of a whole connection, whole and in pieces.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    let method = input.choice & 1 == 1 ? Method.head : Method.post
    let whole = Answers(in: [input.bytes], to: method)
    expectEqual(whole, Answers(in: input.pieces, to: method), "cut elsewhere, read differently")
    return 0
}

private struct Answers: Equatable {
    var heads: [ResponseHead] = []
    var lengths: [BodyLength] = []
    var bodies: [[UInt8]] = []
    var trailers: [Fields] = []
    var fault: ResponseFault?

    init(in pieces: [[UInt8]], to method: Method) {
        var parser = HTTP1ResponseParser()
        parser.expectResponse(to: method)
        do throws(ResponseFault) {
            for piece in pieces {
                try self.read(piece, with: &parser, to: method)
                precondition(parser.heldBytes <= 256 * 1024, "a head is held without a bound")
            }
            if case .end(let fields) = try parser.receivedEnd() { self.trailers.append(fields) }
        } catch {
            self.fault = error
        }
    }

    private mutating func read(
        _ piece: [UInt8], with parser: inout HTTP1ResponseParser, to method: Method
    ) throws(ResponseFault) {
        var offset = 0
        while true {
            let event = try parser.next(piece.span, at: &offset)
            precondition(offset <= piece.count, "the offset left the input")
            switch event {
            case .head(let head, let length):
                self.heads.append(head)
                self.lengths.append(length)
                self.bodies.append([])
            case .body(let range):
                self.bodies[self.bodies.count - 1] += piece[range]
            case .end(let fields):
                self.trailers.append(fields)
                parser.expectResponse(to: method)
            case .needsMore:
                precondition(offset == piece.count, "input was left behind")
                return
            }
        }
    }
}
