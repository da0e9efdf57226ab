private import Bytes

/// Reads the field lines of a head or of trailers, up to the empty line that ends them (RFC 9112 §5).
///
///     lineStart ── token ──▶ name ── ":" ──▶ beforeValue ──▶ value ── CR ──▶ lineFeed ── LF ──▶ lineStart
///         └── CR ──▶ lastLineFeed ── LF ──▶ complete
///
/// It works on a span that begins with the head's first byte, and goes on where it stopped when it is given a longer
/// one. Each byte is judged when it is seen, so that it does not matter in which pieces the bytes came.
struct FieldSectionScanner: ~Copyable {
    /// The next byte to look at, counted from the start of the spans that are scanned.
    private(set) var position: Int
    /// The lines found so far; their positions count from `start`.
    private(set) var lines = FoundLines()
    /// What the lines say about the message's frame.
    private(set) var framing = FramingFields()

    private let start: Int
    private let notesFraming: Bool
    private var phase = Phase.lineStart
    private var line = Line()

    private enum Phase {
        case lineStart
        case name
        case beforeValue
        case value
        case lineFeed
        case lastLineFeed
    }

    /// The line that is being read.
    private struct Line {
        var nameStart = 0
        var nameEnd = 0
        var valueStart = 0
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
    mutating func takeLines() -> FoundLines {
        var lines = FoundLines()
        swap(&lines, &self.lines)
        return lines
    }

    /// Goes on at `position`. Answers whether the empty line was found; if not, all bytes have been looked at.
    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(MessageFault) -> Bool {
        let limit = self.start + limits.headerBytes
        // Lines end at the limit; the empty line alone may lie behind it.
        let end = min(bytes.count, limit)
        if case .lineStart = self.phase { try self.scanWholeLines(bytes, to: end, limits: limits) }
        var position = self.position
        var phase = self.phase
        var line = self.line

        // SAFETY: every unchecked subscript below stands behind a comparison of `position` with the count, or with
        // `end`, which is at most the count.
        scanning: while position < bytes.count {
            if position >= limit {
                try Self.checkLimit(unsafe bytes[unchecked: position], phase: phase, limits: limits)
            }
            switch phase {
            case .lineStart:
                let byte = unsafe bytes[unchecked: position]
                if byte == ASCII.carriageReturn {
                    position += 1
                    phase = .lastLineFeed
                    continue scanning
                }
                if self.lines.count >= limits.headerCount { throw Self.fault(inExcessLine: byte, limits: limits) }
                line.nameStart = position
                phase = .name
                fallthrough

            case .name:
                position = bytes.endOfToken(from: position, to: end)
                if position == end { continue scanning }
                let byte = unsafe bytes[unchecked: position]
                guard byte == ASCII.colon, position > line.nameStart else {
                    throw Self.fault(inName: byte, isFirst: position == line.nameStart)
                }
                line.nameEnd = position
                position += 1
                phase = .beforeValue
                fallthrough

            case .beforeValue:
                while unsafe position < end && Self.isSpace(bytes[unchecked: position]) { position += 1 }
                if position == end { continue scanning }
                line.valueStart = position
                phase = .value
                fallthrough

            case .value:
                position = bytes.endOfFieldValue(from: position, to: end)
                if position == end { continue scanning }
                let byte = unsafe bytes[unchecked: position]
                guard byte == ASCII.carriageReturn else { throw Self.fault(inValue: byte) }
                position += 1
                phase = .lineFeed
                if position == end { continue scanning }
                fallthrough

            case .lineFeed:
                guard unsafe bytes[unchecked: position] == ASCII.lineFeed else {
                    throw .bareCarriageReturn(in: .fieldValue)
                }
                try self.endLine(line, bytes, carriageReturn: position - 1)
                position += 1
                phase = .lineStart

            case .lastLineFeed:
                guard unsafe bytes[unchecked: position] == ASCII.lineFeed else {
                    throw .bareCarriageReturn(in: .fieldName)
                }
                self.position = position + 1
                return true
            }
        }
        self.position = position
        self.phase = phase
        self.line = line
        return false
    }

    /// Reads lines that are there as a whole and have nothing odd about them, and leaves off in front of the first
    /// other one, of which `scan` says what it is.
    ///
    /// PERF: nearly all lines of nearly all heads come like this, and need no state in between.
    @inline(__always)
    private mutating func scanWholeLines(
        _ bytes: Span<UInt8>, to end: Int, limits: HeadLimits
    ) throws(MessageFault) {
        var position = self.position
        // SAFETY: every unchecked subscript stands behind a comparison with `end`, which is at most the count.
        while self.lines.count < limits.headerCount {
            let nameEnd = bytes.endOfToken(from: position, to: end)
            guard nameEnd > position, nameEnd < end, unsafe bytes[unchecked: nameEnd] == ASCII.colon else { break }
            var valueStart = nameEnd &+ 1
            while unsafe valueStart < end && Self.isSpace(bytes[unchecked: valueStart]) { valueStart &+= 1 }
            let valueEnd = bytes.endOfFieldValue(from: valueStart, to: end)
            guard valueEnd &+ 1 < end, unsafe bytes[unchecked: valueEnd] == ASCII.carriageReturn,
                unsafe bytes[unchecked: valueEnd &+ 1] == ASCII.lineFeed
            else { break }
            let line = Line(nameStart: position, nameEnd: nameEnd, valueStart: valueStart)
            try self.endLine(line, bytes, carriageReturn: valueEnd)
            position = valueEnd &+ 2
        }
        self.position = position
    }

    @inline(__always)
    private mutating func endLine(_ line: Line, _ bytes: Span<UInt8>, carriageReturn: Int) throws(MessageFault) {
        var valueEnd = carriageReturn
        // SAFETY: valueEnd - 1 is at least valueStart, and below the count.
        while unsafe valueEnd > line.valueStart && Self.isSpace(bytes[unchecked: valueEnd - 1]) { valueEnd -= 1 }
        let nameCount = line.nameEnd - line.nameStart
        // SAFETY: a name holds a byte at least.
        let first = unsafe bytes[unchecked: line.nameStart]
        if self.notesFraming, FramingFields.mayMatter(nameCount: nameCount, first: first) {
            try self.framing.note(
                name: bytes.extracting(line.nameStart..<line.nameEnd),
                value: bytes.extracting(line.valueStart..<valueEnd), line: self.lines.count)
        }
        // What came along behind the head may be a long body.
        // PERF: a block of less than a KiB comes from the allocator's own pool, and one above does not.
        self.lines.append(
            Fields.Line(
                nameStart: UInt32(truncatingIfNeeded: line.nameStart &- self.start),
                nameCount: UInt32(truncatingIfNeeded: nameCount),
                valueStart: UInt32(truncatingIfNeeded: line.valueStart &- self.start),
                valueCount: UInt32(truncatingIfNeeded: valueEnd &- line.valueStart)),
            ofLikely: min(bytes.count &- self.start, 448) &+ 64)
    }

    @inline(__always)
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == ASCII.space || byte == ASCII.tab
    }
}

/// The faults, apart from the loop that finds them.
extension FieldSectionScanner {
    /// Only the empty line may stand behind the limit.
    private static func checkLimit(_ byte: UInt8, phase: Phase, limits: HeadLimits) throws(MessageFault) {
        let endsHere = phase == .lineStart && byte == ASCII.carriageReturn
        guard endsHere || phase == .lastLineFeed else { throw .fieldsTooLong(limit: limits.headerBytes) }
    }

    /// A line too many, unless it is none at all.
    private static func fault(inExcessLine byte: UInt8, limits: HeadLimits) -> MessageFault {
        switch byte {
        case ASCII.space, ASCII.tab: .lineFolding
        case ASCII.lineFeed: .bareLineFeed(in: .fieldName)
        default: .tooManyFields(limit: limits.headerCount)
        }
    }

    private static func fault(inName byte: UInt8, isFirst: Bool) -> MessageFault {
        switch byte {
        case ASCII.space, ASCII.tab: isFirst ? .lineFolding : .spaceBeforeColon
        case ASCII.lineFeed where isFirst: .bareLineFeed(in: .fieldName)
        case ASCII.lineFeed, ASCII.carriageReturn: .missingColon
        case ASCII.colon: .emptyFieldName
        default: .invalidByte(byte, in: .fieldName)
        }
    }

    private static func fault(inValue byte: UInt8) -> MessageFault {
        byte == ASCII.lineFeed ? .bareLineFeed(in: .fieldValue) : .invalidByte(byte, in: .fieldValue)
    }
}
