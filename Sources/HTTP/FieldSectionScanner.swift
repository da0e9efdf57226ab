private import Bytes

/// Reads the field lines of a head or of trailers, up to the empty line that ends them (RFC 9112 §5).
///
///     lineStart ── token ──▶ name ── ":" ──▶ beforeValue ──▶ value ── CR ──▶ lineFeed ── LF ──▶ lineStart
///         └── CR ──▶ lastLineFeed ── LF ──▶ complete
///
/// It works on a span that begins with the head's first byte, and goes on where it stopped when it is given a longer
/// one. Each byte is judged when it is seen, so that it does not matter in which pieces the bytes came.
struct FieldSectionScanner {
    /// The next byte to look at, counted from the start of the spans that are scanned.
    private(set) var position: Int
    /// The lines found so far; their positions count from `start`.
    private(set) var lines: [Fields.Line] = []
    /// What the lines say about the message's frame.
    private(set) var framing = FramingFields()

    private let start: Int
    private let notesFraming: Bool
    private var phase = Phase.lineStart
    private var nameStart = 0
    private var nameEnd = 0
    private var valueStart = 0

    private enum Phase {
        case lineStart
        case name
        case beforeValue
        case value
        case lineFeed
        case lastLineFeed
    }

    /// A scanner for lines that begin at `start`. Trailers have no say in the frame (RFC 9110 §6.5.1).
    init(start: Int, notesFraming: Bool) {
        self.start = start
        self.position = start
        self.notesFraming = notesFraming
    }

    /// The bytes of the lines in what was scanned, to which the positions in `lines` belong.
    var block: Range<Int> { self.start..<self.position }

    /// Gives up the lines.
    mutating func takeLines() -> [Fields.Line] {
        let lines = self.lines
        self.lines = []
        return lines
    }

    /// Goes on at `position`. Answers whether the empty line was found; if not, all bytes have been looked at.
    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(MessageFault) -> Bool {
        let limit = self.start + limits.headerBytes
        // Lines end at the limit; the empty line alone may lie behind it.
        let end = min(bytes.count, limit)
        var position = self.position

        // SAFETY: every unchecked subscript below stands behind a comparison of `position` with the count, or with
        // `end`, which is at most the count.
        scanning: while position < bytes.count {
            if position >= limit { try self.checkLimit(unsafe bytes[unchecked: position], limits: limits) }
            switch self.phase {
            case .lineStart:
                let byte = unsafe bytes[unchecked: position]
                if byte == ASCII.carriageReturn {
                    position += 1
                    self.phase = .lastLineFeed
                    continue scanning
                }
                try self.checkLineStart(byte, limits: limits)
                self.nameStart = position
                self.phase = .name
                fallthrough

            case .name:
                while unsafe position < end && ByteClass.isToken(bytes[unchecked: position]) { position += 1 }
                if position == end { continue scanning }
                let byte = unsafe bytes[unchecked: position]
                guard byte == ASCII.colon else { throw Self.fault(inName: byte) }
                guard position > self.nameStart else { throw .emptyFieldName }
                self.nameEnd = position
                position += 1
                self.phase = .beforeValue
                fallthrough

            case .beforeValue:
                while position < end {
                    let byte = unsafe bytes[unchecked: position]
                    guard byte == ASCII.space || byte == ASCII.tab else { break }
                    position += 1
                }
                if position == end { continue scanning }
                self.valueStart = position
                self.phase = .value
                fallthrough

            case .value:
                position = bytes.endOfFieldValue(from: position, to: end)
                if position == end { continue scanning }
                let byte = unsafe bytes[unchecked: position]
                guard byte == ASCII.carriageReturn else {
                    throw byte == ASCII.lineFeed
                        ? .bareLineFeed(in: .fieldValue) : .invalidByte(byte, in: .fieldValue)
                }
                position += 1
                self.phase = .lineFeed
                if position == end { continue scanning }
                fallthrough

            case .lineFeed:
                guard unsafe bytes[unchecked: position] == ASCII.lineFeed else {
                    throw .bareCarriageReturn(in: .fieldValue)
                }
                try self.endLine(bytes, valueEnd: position - 1)
                position += 1
                self.phase = .lineStart

            case .lastLineFeed:
                guard unsafe bytes[unchecked: position] == ASCII.lineFeed else {
                    throw .bareCarriageReturn(in: .fieldName)
                }
                self.position = position + 1
                return true
            }
        }
        self.position = position
        return false
    }

    /// Only the empty line may stand behind the limit.
    private func checkLimit(_ byte: UInt8, limits: HeadLimits) throws(MessageFault) {
        let endsHere = self.phase == .lineStart && byte == ASCII.carriageReturn
        guard endsHere || self.phase == .lastLineFeed else { throw .fieldsTooLong(limit: limits.headerBytes) }
    }

    private func checkLineStart(_ byte: UInt8, limits: HeadLimits) throws(MessageFault) {
        if byte == ASCII.space || byte == ASCII.tab { throw .lineFolding }
        if byte == ASCII.lineFeed { throw .bareLineFeed(in: .fieldName) }
        if self.lines.count >= limits.headerCount { throw .tooManyFields(limit: limits.headerCount) }
    }

    private static func fault(inName byte: UInt8) -> MessageFault {
        switch byte {
        case ASCII.space, ASCII.tab: .spaceBeforeColon
        case ASCII.lineFeed, ASCII.carriageReturn: .missingColon
        default: .invalidByte(byte, in: .fieldName)
        }
    }

    private mutating func endLine(_ bytes: Span<UInt8>, valueEnd: Int) throws(MessageFault) {
        var valueEnd = valueEnd
        while valueEnd > self.valueStart {
            let byte = bytes[valueEnd - 1]
            guard byte == ASCII.space || byte == ASCII.tab else { break }
            valueEnd -= 1
        }
        if self.notesFraming {
            try self.framing.note(
                name: bytes.extracting(self.nameStart..<self.nameEnd),
                value: bytes.extracting(self.valueStart..<valueEnd), line: self.lines.count)
        }
        // PERF: sixteen lines hold most requests' heads; growing by doubling from one costs four more allocations.
        if self.lines.isEmpty { self.lines.reserveCapacity(16) }
        self.lines.append(
            Fields.Line(
                nameStart: UInt32(self.nameStart - self.start), nameCount: UInt32(self.nameEnd - self.nameStart),
                valueStart: UInt32(self.valueStart - self.start), valueCount: UInt32(valueEnd - self.valueStart)))
    }
}

extension Span where Element == UInt8 {
    /// The first byte at or after `start` that may not stand in a field value, or `end`.
    @inline(__always)
    fileprivate func endOfFieldValue(from start: Int, to end: Int) -> Int {
        var index = start
        while true {
            // PERF: eight bytes at a time; values are most of a head.
            while index + 8 <= end {
                // SAFETY: index + 8 is at most `end`, which is at most the count.
                let word = UInt64(
                    littleEndian: unsafe self.bytes.unsafeLoadUnaligned(
                        fromUncheckedByteOffset: index, as: UInt64.self))
                let controls = (word &- 0x2020_2020_2020_2020) & ~word
                let deletes = word ^ 0x7f7f_7f7f_7f7f_7f7f
                let stops =
                    (controls | ((deletes &- 0x0101_0101_0101_0101) & ~deletes)) & 0x8080_8080_8080_8080
                if stops != 0 {
                    // The lowest bit that is set is true; only those above it may be carried over.
                    index += stops.trailingZeroBitCount >> 3
                    break
                }
                index += 8
            }
            // SAFETY: index < end, which is at most the count.
            while unsafe index < end && ByteClass.isFieldValue(self[unchecked: index]) {
                index += 1
                if index + 8 <= end { break }
            }
            if unsafe index >= end || !ByteClass.isFieldValue(self[unchecked: index]) { return index }
        }
    }
}
