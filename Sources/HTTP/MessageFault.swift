/// What is wrong with the syntax or framing of an HTTP/1.1 message, in whichever role it was read.
package enum MessageFault: Error, Equatable, Sendable {
    /// A byte that may not stand where it stood.
    case invalidByte(UInt8, in: Part)
    /// A line feed without a carriage return before it (RFC 9112 §2.2).
    case bareLineFeed(in: Part)
    /// A carriage return without a line feed after it (RFC 9112 §2.2).
    case bareCarriageReturn(in: Part)
    /// White space in front of a field line: obs-fold (RFC 9112 §5.2), or before the first one (RFC 9112 §2.2).
    case lineFolding
    /// White space between a field name and its colon (RFC 9112 §5.1).
    case spaceBeforeColon
    /// A field line that begins with its colon.
    case emptyFieldName
    /// A field line that ends without a colon.
    case missingColon
    /// More field lines than the limit.
    case tooManyFields(limit: Int)
    /// More bytes of field lines than the limit.
    case fieldsTooLong(limit: Int)
    /// A Content-Length that is not digits alone, or no number that can be held (RFC 9112 §6.3).
    case contentLengthInvalid
    /// A second Content-Length line, even with the same value.
    case contentLengthRepeated
    /// A Transfer-Encoding that is not exactly `chunked`.
    case transferEncodingUnsupported
    /// A second Transfer-Encoding line.
    case transferEncodingRepeated
    /// Transfer-Encoding and Content-Length in one message (RFC 9112 §6.1).
    case transferEncodingWithContentLength
    /// Transfer-Encoding in an HTTP/1.0 message (RFC 9112 §6.1).
    case transferEncodingInHTTP10
    /// A chunk size that is not hexadecimal digits alone, or an extension that is none.
    case chunkLineInvalid(UInt8)
    /// A chunk size that no number can hold, or of more than 16 digits.
    case chunkSizeTooLarge
    /// Chunk extensions beyond the limit.
    case chunkExtensionsTooLong(limit: Int)
    /// Something else than CRLF after a chunk's bytes.
    case chunkUnterminated

    /// The part of a message in which a byte stood.
    package enum Part: String, Equatable, Sendable {
        case requestLine = "the request line"
        case statusLine = "the status line"
        case fieldName = "a field name"
        case fieldValue = "a field value"
        case chunkLine = "a chunk-size line"
    }
}

extension MessageFault: CustomStringConvertible {
    /// What is wrong, in one line.
    package var description: String {
        switch self {
        case .invalidByte(let byte, let part): "byte \(byte) in \(part.rawValue)"
        case .bareLineFeed(let part): "line feed without carriage return in \(part.rawValue)"
        case .bareCarriageReturn(let part): "carriage return without line feed in \(part.rawValue)"
        case .lineFolding: "field line that begins with white space"
        case .spaceBeforeColon: "white space before the colon of a field line"
        case .emptyFieldName: "field line without a name"
        case .missingColon: "field line without a colon"
        case .tooManyFields(let limit): "more than \(limit) field lines"
        case .fieldsTooLong(let limit): "more than \(limit) bytes of field lines"
        case .contentLengthInvalid: "Content-Length is not a number"
        case .contentLengthRepeated: "more than one Content-Length"
        case .transferEncodingUnsupported: "Transfer-Encoding is not exactly \"chunked\""
        case .transferEncodingRepeated: "more than one Transfer-Encoding"
        case .transferEncodingWithContentLength: "both Transfer-Encoding and Content-Length"
        case .transferEncodingInHTTP10: "Transfer-Encoding in an HTTP/1.0 message"
        case .chunkLineInvalid(let byte): "byte \(byte) in a chunk-size line"
        case .chunkSizeTooLarge: "chunk size is too large"
        case .chunkExtensionsTooLong(let limit): "chunk extensions of more than \(limit) bytes"
        case .chunkUnterminated: "no CRLF after a chunk"
        }
    }
}
