internal import Bytes

/// A reader of a head or of trailers that is given the same bytes again, and more of them, until it has its fill.
protocol ResumableScanner {
    associatedtype Output
    associatedtype Fault: Error

    /// The next byte to look at; behind the end of what was read once that is complete.
    var position: Int { get }

    /// Goes on at `position`. `nil`: all bytes have been looked at, and more are needed.
    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(Fault) -> Output?
}

extension ByteBuffer {
    /// Lets a scanner read from `input` at `offset`, which moves behind what was taken.
    ///
    /// What arrives whole is read where it lies. Only what arrives in pieces is gathered in this buffer, which is empty
    /// and without storage again as soon as the scanner has its fill. The scanner's limits bound the buffer.
    mutating func gather<Scanner: ResumableScanner>(
        _ input: Span<UInt8>, at offset: inout Int, for scanner: inout Scanner, limits: HeadLimits
    ) throws(Scanner.Fault) -> Scanner.Output? {
        if self.isEmpty {
            let bytes = input.extracting(offset..<input.count)
            if let output = try scanner.scan(bytes, limits: limits) {
                offset += scanner.position
                return output
            }
            self.append(bytes)
            offset = input.count
            return nil
        }
        while offset < input.count {
            // In small pieces, as most of the input may be body.
            let piece = min(1024, input.count - offset)
            let gathered = self.count
            self.append(input.extracting(offset..<offset + piece))
            if let output = try scanner.scan(self.bytes, limits: limits) {
                offset += scanner.position - gathered
                self.releaseStorage()
                return output
            }
            offset += piece
        }
        return nil
    }
}

/// Reads the trailers of a chunked body, up to the empty line that ends them (RFC 9112 §7.1.2).
struct TrailerScanner: ResumableScanner {
    private var fields = FieldSectionScanner(start: 0, notesFraming: false)

    var position: Int { self.fields.position }

    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(MessageFault) -> Fields? {
        guard try self.fields.scan(bytes, limits: limits) else { return nil }
        let lines = self.fields.takeLines()
        return lines.isEmpty ? Fields() : Fields(lines: lines, in: bytes.extracting(self.fields.block))
    }
}
