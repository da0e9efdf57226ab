private import Bytes

/// What is wrong with an event stream. After one of these nothing more of the stream can be trusted.
package enum EventStreamError: Error, Equatable, Sendable {
    /// The checksum of the prelude is not that of its first eight bytes.
    case wrongPreludeChecksum(stated: UInt32, computed: UInt32)
    /// The checksum of the message is not that of its bytes.
    case wrongMessageChecksum(stated: UInt32, computed: UInt32)
    /// The stated lengths contradict each other.
    case inconsistentLengths(total: UInt32, headers: UInt32)
    /// The header block is larger than the limit.
    case headersTooLong(Int, limit: Int)
    /// The payload is larger than the limit.
    case payloadTooLong(Int, limit: Int)
    /// There are more headers than the limit.
    case tooManyHeaders(limit: Int)
    /// A header ends behind its block.
    case truncatedHeader
    /// A header's name is empty.
    case emptyHeaderName
    /// A header's name or text is no UTF-8.
    case invalidUTF8
    /// A header has a type whose length nobody knows.
    case unknownHeaderType(UInt8)
    /// A text or byte array is longer than 32,767 bytes.
    case headerValueTooLong(Int)
    /// A header stands twice in one message.
    case duplicateHeader(name: String)
    /// A header that the protocol reads, such as `:message-type`, is no text.
    case headerIsNoText(name: String)
    /// `:message-type` is none of `event`, `exception` and `error`.
    case unknownMessageType(String)
}

extension EventStreamError: CustomStringConvertible {
    /// One line.
    package var description: String {
        switch self {
        case .wrongPreludeChecksum(let stated, let computed):
            "event-stream prelude checksum is \(stated), computed \(computed)"
        case .wrongMessageChecksum(let stated, let computed):
            "event-stream message checksum is \(stated), computed \(computed)"
        case .inconsistentLengths(let total, let headers):
            "event-stream message of \(total) bytes cannot have headers of \(headers) bytes"
        case .headersTooLong(let count, let limit):
            "event-stream headers of \(count) bytes are above the limit of \(limit)"
        case .payloadTooLong(let count, let limit):
            "event-stream payload of \(count) bytes is above the limit of \(limit)"
        case .tooManyHeaders(let limit): "event-stream message has more than \(limit) headers"
        case .truncatedHeader: "event-stream header ends behind its block"
        case .emptyHeaderName: "event-stream header has an empty name"
        case .invalidUTF8: "event-stream header is no UTF-8"
        case .unknownHeaderType(let type): "event-stream header has the unknown type \(type)"
        case .headerValueTooLong(let count): "event-stream header value of \(count) bytes is above the limit of 32767"
        case .duplicateHeader(let name): "event-stream header '\(name.onOneLine)' stands twice"
        case .headerIsNoText(let name): "event-stream header '\(name.onOneLine)' is no text"
        case .unknownMessageType(let type): "event-stream message has the unknown type '\(type.onOneLine)'"
        }
    }
}
