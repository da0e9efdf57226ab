internal import Bytes

/// A reader of a head or of trailers that is given the same bytes again, and more of them, until it has its fill.
///
/// It is not copyable, so that what it has read is moved out of it: a head has five parts that are counted.
protocol ResumableScanner: ~Copyable {
    associatedtype Fault: Error

    /// The next byte to look at; behind the end of what was read once that is complete.
    var position: Int { get }

    /// Goes on at `position`. Answers whether it has its fill; if not, all bytes have been looked at.
    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(Fault) -> Bool
}

/// A head, or trailers, of which only a part has come: its bytes, and the scanner that has looked at them.
///
/// What arrives whole is read where it lies and never gets here, so that a connection between requests holds no
/// storage. The scanner's limits bound the bytes.
final class Partial<Scanner: ResumableScanner & ~Copyable> {
    /// Bytes of storage held.
    private(set) var heldBytes: Int
    /// There until the scanner has its fill.
    private var contents: Contents?

    fileprivate struct Contents: ~Copyable {
        var scanner: Scanner
        var buffer: ByteBuffer
    }

    /// With a scanner that has looked at `bytes` and needs more.
    init(_ scanner: consuming Scanner, after bytes: Span<UInt8>) {
        var buffer = ByteBuffer()
        buffer.append(bytes)
        self.heldBytes = buffer.capacity
        self.contents = Contents(scanner: scanner, buffer: buffer)
    }

    /// Reads on in `input` at `offset`, which moves behind what was taken. Gives up the scanner once it has its fill.
    func read(_ input: Span<UInt8>, at offset: inout Int, limits: HeadLimits) throws(Scanner.Fault) -> Scanner? {
        guard var contents = self.contents.take() else { return nil }
        if try contents.read(input, at: &offset, limits: limits) { return contents.takeScanner() }
        self.heldBytes = contents.buffer.capacity
        self.contents = consume contents
        return nil
    }
}

extension Partial.Contents where Scanner: ~Copyable {
    fileprivate mutating func read(
        _ input: Span<UInt8>, at offset: inout Int, limits: HeadLimits
    ) throws(Scanner.Fault) -> Bool {
        try self.buffer.gather(input, at: &offset, for: &self.scanner, limits: limits)
    }

    fileprivate consuming func takeScanner() -> Scanner {
        self.scanner
    }
}

extension ByteBuffer {
    /// Appends input and lets a scanner look at it, until it has its fill or the input ends.
    fileprivate mutating func gather<Scanner: ResumableScanner & ~Copyable>(
        _ input: Span<UInt8>, at offset: inout Int, for scanner: inout Scanner, limits: HeadLimits
    ) throws(Scanner.Fault) -> Bool {
        while offset < input.count {
            // In small pieces, as most of the input may be body.
            let piece = min(1024, input.count - offset)
            let gathered = self.count
            self.append(input.extracting(offset..<offset + piece))
            if try scanner.scan(self.bytes, limits: limits) {
                offset += scanner.position - gathered
                return true
            }
            offset += piece
        }
        return false
    }
}

/// Reads the trailers of a chunked body, up to the empty line that ends them (RFC 9112 §7.1.2).
struct TrailerScanner: ~Copyable, ResumableScanner {
    /// Empty until they are complete.
    private(set) var trailers = Fields()
    private var fields = FieldSectionScanner(start: 0, notesFraming: false)

    var position: Int { self.fields.position }

    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(MessageFault) -> Bool {
        guard try self.fields.scan(bytes, limits: limits) else { return false }
        let lines = self.fields.takeLines()
        if lines.count > 0 { self.trailers = Fields(lines, in: bytes.extracting(self.fields.block)) }
        return true
    }
}
