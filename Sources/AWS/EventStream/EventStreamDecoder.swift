private import Bytes
private import Digest

/// Turns the bytes of an `application/vnd.amazon.eventstream` body into messages, and hands out payload bytes before
/// their message is complete.
///
///     prelude ──▶ headers ──▶ payload ──▶ checksum ──▶ prelude
///        │           │                        │
///        └───────────┴── wrong ───────────────┴──────▶ failed
///
/// Payload is never copied: an event carries the range of the input in which it lies. Whether a message's checksum is
/// right is told behind its payload, so bytes of a message whose checksum turns out wrong have been handed out by then,
/// and whoever relays them must break what it relays. After an error the decoder answers every call with the same
/// error.
///
/// What is kept of a message that came in pieces: twelve bytes of the prelude in place, a number while the header block
/// is the usual one of a PayloadChunk, the block itself otherwise.
package struct EventStreamDecoder: ~Copyable {
    private var state: State = .prelude(taken: 0)
    /// The two lengths of the prelude, as far as they came.
    private var lengths: UInt64 = 0
    /// The checksum that prelude or message state, as far as it came.
    private var statedChecksum: UInt32 = 0
    private var checksum = CRC32()
    private var failure: EventStreamError?
    /// Whether `checksum` is that of the whole message already.
    private var isSummedAhead = false
    /// The header block that the last PayloadChunk had; the next one is expected to have the same.
    private var expectedHeaders: [UInt8] = EventStreamEncoder.payloadChunkHeaders
    /// The part of a header block that is not the expected one.
    private var held = ByteBuffer()
    private let limits: Limits

    /// A decoder in front of a first message.
    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// What the next bytes were.
    package enum Event: Equatable, Sendable {
        /// The headers of a message are complete.
        case message(EventStreamMessageKind)
        /// Bytes of the current message's payload, as a range of the input given.
        case payload(Range<Int>)
        /// The message is complete and its checksum right.
        case messageEnd
        /// The input has been taken in wholly.
        case needsMore
    }

    /// Whether no byte of a message has been taken since the last one ended.
    package var isBetweenMessages: Bool {
        if case .prelude(taken: 0) = self.state { true } else { false }
    }

    /// Decodes `input` from `offset` on and moves `offset` behind what was taken. To be called until it answers
    /// `needsMore`.
    package mutating func next(_ input: Span<UInt8>, at offset: inout Int) throws(EventStreamError) -> Event {
        do throws(EventStreamError) {
            return try self.step(input, at: &offset)
        } catch {
            self.state = .failed
            self.failure = error
            self.held.releaseStorage()
            throw error
        }
    }

    /// The payload of the next message, where that lies at `offset` as a whole, is a PayloadChunk like the last one,
    /// and has both of its checksums right; `offset` moves behind it. `nil`, and nothing taken, for all else: `next`
    /// says what it is.
    ///
    /// PERF: nearly every message of a stream comes like this. One step and no event take 450 instructions, where the
    /// four steps of `next` take 1,300.
    package func nextWholeChunk(_ input: Span<UInt8>, at offset: inout Int) -> Range<Int>? {
        guard case .prelude(taken: 0) = self.state else { return nil }
        let start = offset
        let headers = self.expectedHeaders.count
        let payload = start + 12 + headers
        guard input.count - payload > 4 else { return nil }
        let lengths: UInt64 = input.loadBigEndian(at: start)
        let total = Int(lengths >> 32)
        guard Int(lengths & 0xffff_ffff) == headers, total <= input.count - start, total > headers + 16,
            total - headers - 16 <= self.limits.payloadBytes,
            CRC32.value(ofEight: lengths.byteSwapped) == input.loadBigEndian(at: start + 8),
            self.startsExpectedHeaders(input.extracting(start + 12..<payload), at: 0)
        else { return nil }
        let end = start + total - 4
        guard CRC32(of: input.extracting(start..<end)).value == input.loadBigEndian(at: end) else { return nil }
        offset = end + 4
        return payload..<end
    }

    /// Whether the next message lies at `offset` as a whole and is the InvokeComplete of a function that went well, as
    /// Lambda writes it; then `offset` moves behind it. Nothing is taken else: `next` says what it is.
    ///
    /// PERF: nearly every stream ends with it. One comparison takes a tenth of the four steps of `next`.
    package func takesPlainInvokeComplete(_ input: Span<UInt8>, at offset: inout Int) -> Bool {
        guard case .prelude(taken: 0) = self.state else { return false }
        let known = EventStreamEncoder.plainInvokeComplete
        guard input.count - offset >= known.count,
            input.extracting(offset..<offset + known.count).equals(known.span)
        else { return false }
        offset += known.count
        return true
    }

    private mutating func step(_ input: Span<UInt8>, at offset: inout Int) throws(EventStreamError) -> Event {
        while offset < input.count {
            switch self.state {
            case .prelude(let taken):
                if taken == 0, input.count - offset >= 12 {
                    let start = offset
                    offset += 12
                    self.lengths = input.loadBigEndian(at: start)
                    self.statedChecksum = input.loadBigEndian(at: start + 8)
                    try self.receivedPrelude(computed: CRC32.value(ofEight: self.lengths.byteSwapped))
                    // PERF: a message that lies in the input as a whole is summed in one run and not in four.
                    let end = start + Int(self.lengths >> 32) - 4
                    self.isSummedAhead = end <= input.count
                    self.checksum = CRC32(of: input.extracting(start..<(self.isSummedAhead ? end : start + 12)))
                    // Nothing of a message that is known to be damaged goes on.
                    if self.isSummedAhead, input.count - end >= 4 {
                        try self.checkSum(stated: input.loadBigEndian(at: end))
                    }
                } else {
                    try self.receivedPreludeByte(input.extracting(offset..<offset + 1), after: taken)
                    offset += 1
                }
            case .headers(let count, let payload):
                let block = input.extracting(offset..<min(offset + count, input.count))
                offset += block.count
                if !self.isSummedAhead { self.checksum.update(block) }
                if block.count < count {
                    let isExpected = count == self.expectedHeaders.count && self.startsExpectedHeaders(block, at: 0)
                    if !isExpected { self.held.append(block) }
                    self.state = .partialHeaders(
                        count: count, taken: block.count, isExpected: isExpected, payload: payload)
                } else {
                    return .message(try self.receivedHeaders(block, payload: payload))
                }
            case .partialHeaders(let count, let taken, let isExpected, let payload):
                let piece = input.extracting(offset..<min(offset + count - taken, input.count))
                offset += piece.count
                if !self.isSummedAhead { self.checksum.update(piece) }
                if let kind = try self.receivedHeaderPiece(
                    piece, after: taken, of: count, isExpected: isExpected, payload: payload)
                {
                    return .message(kind)
                }
            case .payload(let remaining):
                let range = offset..<min(offset + remaining, input.count)
                offset = range.upperBound
                if !self.isSummedAhead { self.checksum.update(input.extracting(range)) }
                self.state =
                    range.count == remaining ? .checksum(taken: 0) : .payload(remaining: remaining - range.count)
                return .payload(range)
            case .checksum(let taken):
                if taken == 0, input.count - offset >= 4 {
                    self.statedChecksum = input.extracting(offset..<offset + 4).loadBigEndian(at: 0)
                    offset += 4
                } else {
                    self.statedChecksum = self.statedChecksum << 8 | UInt32(input[offset])
                    offset += 1
                    if taken < 3 {
                        self.state = .checksum(taken: taken + 1)
                        continue
                    }
                }
                try self.checkSum(stated: self.statedChecksum)
                self.state = .prelude(taken: 0)
                return .messageEnd
            case .failed:
                // INVARIANT: `failure` is set wherever the state becomes `failed`.
                if let failure = self.failure { throw failure }
            }
        }
        if let failure = self.failure { throw failure }
        return .needsMore
    }
}

@available(*, unavailable)
extension EventStreamDecoder: Sendable {}

extension EventStreamDecoder {
    /// What a decoder takes at most. The service must and a client must not enforce these numbers, says the
    /// specification; we do, so that memory stays bounded.
    package struct Limits: Sendable {
        package var headerBytes = EventStreamLimits.headerBytes
        package var headerCount = 64
        package var payloadBytes = EventStreamLimits.payloadBytes

        package init() {}
    }

    /// Where in a message the decoder is.
    fileprivate enum State {
        case prelude(taken: Int)
        case headers(count: Int, payload: Int)
        case partialHeaders(count: Int, taken: Int, isExpected: Bool, payload: Int)
        case payload(remaining: Int)
        case checksum(taken: Int)
        case failed
    }
}

/// The parts of a message.
extension EventStreamDecoder {
    private func checkSum(stated: UInt32) throws(EventStreamError) {
        let computed = self.checksum.value
        guard computed == stated else { throw .wrongMessageChecksum(stated: stated, computed: computed) }
    }

    private mutating func receivedPreludeByte(_ byte: Span<UInt8>, after taken: Int) throws(EventStreamError) {
        if taken == 0 {
            self.checksum = CRC32()
            self.isSummedAhead = false
        }
        if taken < 8 {
            self.lengths = self.lengths << 8 | UInt64(byte[0])
            self.checksum.update(byte)
            self.state = .prelude(taken: taken + 1)
        } else {
            self.statedChecksum = self.statedChecksum << 8 | UInt32(byte[0])
            self.state = .prelude(taken: taken + 1)
            if taken == 11 {
                let computed = self.checksum.value
                let stated = self.statedChecksum
                let bytes: InlineArray<4, UInt8> = [
                    UInt8(truncatingIfNeeded: stated >> 24), UInt8(truncatingIfNeeded: stated >> 16),
                    UInt8(truncatingIfNeeded: stated >> 8), UInt8(truncatingIfNeeded: stated),
                ]
                self.checksum.update(bytes.span)
                try self.receivedPrelude(computed: computed)
            }
        }
    }

    /// The checksum comes first: where it is wrong, the lengths mean nothing.
    private mutating func receivedPrelude(computed: UInt32) throws(EventStreamError) {
        guard computed == self.statedChecksum else {
            throw .wrongPreludeChecksum(stated: self.statedChecksum, computed: computed)
        }
        let total = UInt32(self.lengths >> 32)
        let headers = UInt32(truncatingIfNeeded: self.lengths)
        guard total >= 16, headers <= total - 16 else { throw .inconsistentLengths(total: total, headers: headers) }
        guard headers <= self.limits.headerBytes else {
            throw .headersTooLong(Int(headers), limit: self.limits.headerBytes)
        }
        let payload = Int(total - headers - 16)
        guard payload <= self.limits.payloadBytes else {
            throw .payloadTooLong(payload, limit: self.limits.payloadBytes)
        }
        self.state = .headers(count: Int(headers), payload: payload)
    }

    private func startsExpectedHeaders(_ piece: Span<UInt8>, at offset: Int) -> Bool {
        self.expectedHeaders.span.extracting(offset..<offset + piece.count).equals(piece)
    }

    private mutating func receivedHeaders(
        _ block: Span<UInt8>, payload: Int
    ) throws(EventStreamError) -> EventStreamMessageKind {
        self.state = payload == 0 ? .checksum(taken: 0) : .payload(remaining: payload)
        // PERF: nearly all messages of a stream have the same block; comparing costs a tenth of parsing.
        if block.count == self.expectedHeaders.count, self.startsExpectedHeaders(block, at: 0) { return .payloadChunk }
        let known = EventStreamEncoder.invokeCompleteHeaders
        if block.equals(known.span) { return .invokeComplete }
        let kind = try EventStreamMessageKind(headers: block, limit: self.limits.headerCount)
        if case .payloadChunk = kind, block.count <= 512 { self.expectedHeaders = block.array() }
        return kind
    }

    private mutating func receivedHeaderPiece(
        _ piece: Span<UInt8>, after taken: Int, of count: Int, isExpected: Bool, payload: Int
    ) throws(EventStreamError) -> EventStreamMessageKind? {
        let stillExpected = isExpected && self.startsExpectedHeaders(piece, at: taken)
        if !stillExpected {
            if isExpected {
                let expected = self.expectedHeaders
                self.held.append(expected.span.extracting(0..<taken))
            }
            self.held.append(piece)
        }
        if taken + piece.count < count {
            self.state = .partialHeaders(
                count: count, taken: taken + piece.count, isExpected: stillExpected, payload: payload)
            return nil
        }
        if stillExpected {
            self.state = payload == 0 ? .checksum(taken: 0) : .payload(remaining: payload)
            return .payloadChunk
        }
        var block = ByteBuffer()
        swap(&block, &self.held)
        return try self.receivedHeaders(block.bytes, payload: payload)
    }
}

extension Span<UInt8> {
    /// The big-endian number at an offset.
    @inline(__always)
    fileprivate func loadBigEndian<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> Number {
        precondition(offset >= 0 && offset + MemoryLayout<Number>.size <= self.count)
        // SAFETY: the number lies within the span, checked above.
        return unsafe Number(bigEndian: self.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}
