import AWS
import Bytes

/// A message as a test sees it.
struct Decoded: Equatable {
    var kind: EventStreamMessageKind
    var payload: [UInt8]

    init(_ kind: EventStreamMessageKind, _ payload: String) {
        self.kind = kind
        self.payload = Array(payload.utf8)
    }

    init(_ kind: EventStreamMessageKind, _ payload: [UInt8]) {
        self.kind = kind
        self.payload = payload
    }
}

/// All complete messages in pieces that arrive one after the other. With `takesWhole`, chunks that are whole are taken
/// as such.
func decode(
    _ pieces: [[UInt8]], limits: EventStreamDecoder.Limits = .init(), takesWhole: Bool = false
) throws(EventStreamError) -> [Decoded] {
    var decoder = EventStreamDecoder(limits: limits)
    var messages: [Decoded] = []
    var current: Decoded?
    for piece in pieces {
        var offset = 0
        feeding: while true {
            if takesWhole, let range = decoder.nextWholeChunk(piece.span, at: &offset) {
                precondition(current == nil && !range.isEmpty)
                messages.append(Decoded(.payloadChunk, Array(piece[range])))
                continue
            }
            switch try decoder.next(piece.span, at: &offset) {
            case .message(let kind):
                precondition(current == nil)
                current = Decoded(kind, [])
            case .payload(let range):
                precondition(!range.isEmpty)
                current!.payload += piece[range]
            case .messageEnd:
                messages.append(current!)
                current = nil
            case .needsMore:
                precondition(offset == piece.count)
                break feeding
            }
        }
    }
    precondition(decoder.isBetweenMessages == (current == nil) || current == nil)
    return messages
}

/// Bytes from hexadecimal digits.
func hex(_ digits: String) -> [UInt8] {
    let values = digits.utf8.map { ASCII.hexValue($0)! }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
}
