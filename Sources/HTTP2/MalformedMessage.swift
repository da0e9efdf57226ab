/// What makes a message malformed (RFC 9113 §8.1.1), so that its stream is reset.
package enum MalformedMessage: Error, Equatable, Sendable {
    /// A pseudo-header field that requests do not have, or that is not defined (RFC 9113 §8.3).
    case unknownPseudoField
    /// A pseudo-header field twice.
    case repeatedPseudoField
    /// A pseudo-header field behind a regular one.
    case latePseudoField
    /// One of `:method`, `:scheme` and `:path` is missing (RFC 9113 §8.3.1), or one is there that CONNECT must not
    /// have.
    case pseudoFieldsIncomplete
    /// A pseudo-header field whose value can not be one.
    case invalidPseudoField
    /// A pseudo-header field among the trailers (RFC 9113 §8.1).
    case pseudoFieldInTrailers
    /// An empty name, capitals, or bytes that no name holds (RFC 9113 §8.2.1).
    case invalidFieldName
    /// CR, LF, NUL or another control byte, or white space at either end of a value (RFC 9113 §8.2.1).
    case invalidFieldValue
    /// A field that belongs to connections of HTTP/1.1 (RFC 9113 §8.2.2).
    case connectionField
    /// A Host field that is repeated, or names another host than `:authority` (RFC 9113 §8.3.1).
    case hostMismatch
    /// A content-length that is no number, or comes twice.
    case contentLengthInvalid
    /// A content-length that the bytes of the body do not add up to (RFC 9113 §8.1.1).
    case contentLengthMismatch
    /// An answer's `:status` is missing, or no number from 100 to 599; 101 among them (RFC 9113 §8.6).
    case statusInvalid
    /// Bytes of a body in front of the answer's head, or the end of the stream.
    case answerWithoutHead
    /// An answer's head is larger than one may be.
    case answerHeadTooLarge
    /// More interim answers than anybody needs.
    case tooManyInterimAnswers
    /// More of a body than its stream's window has room for (RFC 9113 §6.9.1).
    case windowOverrun
    /// Trailers that do not end the stream (RFC 9113 §8.1), or are larger than a head may be.
    case trailersInvalid
}
