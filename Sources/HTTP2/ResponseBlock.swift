internal import Bytes
internal import HTTP

/// Gathers the fields of one header block of a server, an answer's head or its trailers, and says what they are
/// together.
///
/// One value serves a connection, because header blocks never overlap (RFC 9113 §4.3). A rule that is broken is kept
/// until the block has ended: the rest has to be decoded all the same, as the compression has a memory.
struct ResponseBlock: ~Copyable {
    private let limits: HeadLimits
    private var fields = Fields()
    private var status: Int?
    private var isTrailers = false
    private(set) var contentLength: Int?
    private var byteCount = 0
    private var lineCount = 0
    private var malformed: MalformedMessage?

    init(limits: HeadLimits) {
        self.limits = limits
    }

    /// A block begins.
    mutating func begin(isTrailers: Bool) {
        self.isTrailers = isTrailers
        self.fields = Fields()
        if !isTrailers { self.fields.reserve(lines: 16, bytes: 768) }
        self.status = nil
        self.contentLength = nil
        self.byteCount = 0
        self.lineCount = 0
        self.malformed = nil
    }

    /// Whether the block has grown so far beyond what a head may be that decoding the rest of it is a waste.
    var isExcessive: Bool { self.byteCount > 16 * self.limits.headerBytes }

    /// A field of the block.
    mutating func receive(name: Span<UInt8>, value: Span<UInt8>) {
        self.byteCount += name.count + value.count + 4
        guard self.malformed == nil else { return }
        do throws(MalformedMessage) {
            if name.count > 0, name[0] == ASCII.colon {
                try self.receivePseudoField(name, value)
            } else {
                try self.receiveField(name, value)
            }
        } catch {
            self.malformed = error
        }
    }

    private mutating func receivePseudoField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(MalformedMessage) {
        // RFC 9113 §8.1: trailers MUST NOT contain pseudo-header fields.
        if self.isTrailers { throw .pseudoFieldInTrailers }
        // RFC 9113 §8.3: all pseudo-header fields MUST appear before all regular field lines.
        if self.lineCount > 0 { throw .latePseudoField }
        guard name.equals(":status") else { throw .unknownPseudoField }
        if self.status != nil { throw .repeatedPseudoField }
        // RFC 9113 §8.3.2: a single ":status" that carries the status code, which has three digits.
        guard value.count == 3, let status = value.decimal(), (100...599).contains(status), status != 101 else {
            throw .statusInvalid
        }
        self.status = status
    }

    private mutating func receiveField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(MalformedMessage) {
        self.lineCount += 1
        guard Fields.isLowercaseName(name) else { throw .invalidFieldName }
        guard Fields.isValue(value) else { throw .invalidFieldValue }
        if Fields.isConnectionSpecific(name) { throw .connectionField }
        guard self.lineCount <= self.limits.headerCount, self.byteCount <= self.limits.headerBytes else {
            throw self.isTrailers ? .trailersInvalid : .answerHeadTooLarge
        }
        if self.isTrailers { return }
        if name.equals("content-length") {
            guard self.contentLength == nil, let length = value.decimal(digits: Fields.contentLengthDigits) else {
                throw .contentLengthInvalid
            }
            self.contentLength = length
        }
        self.fields.append(name: name, value: value)
    }

    /// The trailers, which are looked at and dropped.
    borrowing func finishTrailers(endsStream: Bool) throws(MalformedMessage) {
        if let malformed = self.malformed { throw malformed }
        // RFC 9113 §8.1: a second HEADERS frame without END_STREAM behind the final answer's head is malformed.
        if !endsStream { throw .trailersInvalid }
    }

    /// The answer's head, or that of an interim one.
    mutating func finishHead() throws(MalformedMessage) -> ResponseHead {
        if let malformed = self.malformed { throw malformed }
        guard let status = self.status else { throw .statusInvalid }
        var fields = Fields()
        swap(&fields, &self.fields)
        return ResponseHead(status: status, fields: fields)
    }
}
