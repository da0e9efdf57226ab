import AWS
import Bytes
import Digest
import FuzzingSupport

/// Event streams, whole and in pieces; for every other input the checksums are put right first, so that what lies
/// behind them is reached.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    guard input.choice & 1 == 1 else {
        expectSame(Messages(in: [input.bytes]), Messages(in: input.pieces))
        return 0
    }
    var offset = 0
    let mended = withChecksums(input.bytes)
    let pieces = input.pieces.map { piece in
        defer { offset += piece.count }
        return Array(mended[offset..<offset + piece.count])
    }
    expectSame(Messages(in: [mended]), Messages(in: pieces))
    return 0
}

/// A damaged message that is there as a whole is known to be damaged before anything of it is looked at. Of one that
/// comes in pieces some goes on before, or something else turns out to be wrong first; but it never ends.
private func expectSame(_ whole: Messages, _ cut: Messages) {
    guard case .wrongMessageChecksum = whole.error else {
        expectEqual(whole, cut, "cut elsewhere, read differently")
        return
    }
    precondition(whole.kinds.count == whole.ended, "some of a damaged message went on")
    precondition(cut.error != nil, "cut elsewhere, the damage is not seen")
    expectEqual(whole.thatEnded, cut.thatEnded, "cut elsewhere, read differently")
}

private func withChecksums(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var start = 0
    while start + 16 <= bytes.count {
        let total = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        write(CRC32(of: bytes.span.extracting(start..<start + 8)).value, to: &bytes, at: start + 8)
        guard total >= 16, start + total <= bytes.count else { break }
        let end = start + total - 4
        write(CRC32(of: bytes.span.extracting(start..<end)).value, to: &bytes, at: end)
        start += total
    }
    return bytes
}

private func write(_ value: UInt32, to bytes: inout [UInt8], at offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index)) }
}

private struct Messages: Equatable {
    var kinds: [EventStreamMessageKind] = []
    var payloads: [[UInt8]] = []
    var ended = 0
    var error: EventStreamError?

    /// Those that were read to their ends.
    var thatEnded: Messages {
        var messages = self
        messages.kinds.removeSubrange(self.ended...)
        messages.payloads.removeSubrange(self.ended...)
        messages.error = nil
        return messages
    }

    init(in pieces: [[UInt8]]) {
        var decoder = EventStreamDecoder()
        do throws(EventStreamError) {
            for piece in pieces {
                var offset = 0
                reading: while true {
                    switch try decoder.next(piece.span, at: &offset) {
                    case .message(let kind):
                        self.kinds.append(kind)
                        self.payloads.append([])
                    case .payload(let range):
                        self.payloads[self.payloads.count - 1] += piece[range]
                    case .messageEnd:
                        self.ended += 1
                    case .needsMore:
                        precondition(offset == piece.count, "input was left behind")
                        break reading
                    }
                }
            }
        } catch {
            self.error = error
        }
    }
}
