internal import Bytes
internal import HTTP

/// Gathers the fields that a function gives to its answer, and lets nothing through that could harm a connection.
///
/// Never passed: fields of the connection and of the hop (RFC 9110 §7.6.1), those that `Connection` names, names that
/// are no tokens, values with control bytes. `content-length` is kept apart, because it is a promise that is held
/// against the body. `x-request-id` is the gateway's.
///
/// Not copyable, so that its fields are moved out of it.
struct AnswerFields: ~Copyable {
    private(set) var fields = Fields()
    /// What `content-length` said; `nil` where it said nothing, nothing sensible, or two things.
    private(set) var contentLength: Int?
    private var hasConflictingLengths = false
    private var hasContentType = false
    /// How long they are, as RFC 9113 §6.5.2 counts: 32 bytes for each besides its name and value.
    private var size = 0
    /// The most that an answer may have; a client that takes more is hard to find.
    static let sizeLimit = 64 * 1024
    /// The options of Connection fields, joined with commas.
    private var connectionOptions: [UInt8] = []

    /// Whether there was more than an answer may have. What was too much is not here.
    var isTooLong: Bool { self.size > Self.sizeLimit }

    /// Makes room for the lines of a head of `bytes` bytes.
    ///
    /// PERF: once, where growing takes an allocation and a copy for the name and another for the value.
    mutating func reserve(bytes: Int) {
        self.fields.reserve(lines: 8, bytes: bytes)
    }

    /// Takes a line; drops it where it may not pass.
    mutating func append(name: Span<UInt8>, value: Span<UInt8>) {
        let value = value.trimmed
        self.size += name.count + value.count + 32
        if self.isTooLong { return }
        guard Fields.isName(name), Fields.isValue(value) else { return }
        switch name.count {
        case 12 where name.equalsIgnoringCase("x-request-id"):
            return
        case 10 where name.equalsIgnoringCase("connection"):
            unsafe value.withUnsafeBufferPointer { unsafe self.connectionOptions.append(contentsOf: $0) }
            self.connectionOptions.append(ASCII.comma)
            return
        case 14 where name.equalsIgnoringCase("content-length"):
            self.receivedContentLength(value.decimal(digits: Fields.contentLengthDigits))
            return
        case 12 where name.equalsIgnoringCase("content-type"):
            self.hasContentType = true
        case 7... where name.extracting(0..<6).equalsIgnoringCase("proxy-"):
            return
        default:
            if Fields.isHopByHop(name) { return }
        }
        self.fields.append(name: name, value: value)
    }

    private mutating func receivedContentLength(_ count: Int?) {
        guard let count, self.contentLength == nil || self.contentLength == count, !self.hasConflictingLengths else {
            // A length that cannot be believed must not break the framing: the body goes out as long as it is.
            self.hasConflictingLengths = true
            self.contentLength = nil
            return
        }
        self.contentLength = count
    }

    /// The fields for an answer of this status, with a content type where they had none. `length` is that of a body
    /// that is known as a whole; then what the function said of it does not matter.
    consuming func finish(status: Int, defaultContentType: StaticString, length: Int?) -> Fields {
        if !self.connectionOptions.isEmpty { self.removeNominated() }
        if !self.hasContentType, status != 204, status != 304 {
            // SAFETY: the code units of a StaticString live as long as the program.
            let type = unsafe Span<UInt8>(
                _unsafeStart: defaultContentType.utf8Start, count: defaultContentType.utf8CodeUnitCount)
            self.fields.append("content-type", type)
        }
        // RFC 9110 §8.6: no Content-Length in a 204.
        if let length, status != 204 {
            var digits = ByteBuffer()
            digits.append(decimal: length)
            self.fields.append("content-length", digits.bytes)
        }
        return self.fields
    }

    /// Removes the lines from `start` on that an earlier line says already, name and value.
    mutating func removeRepeatedLines(from start: Int) {
        self.fields.remove { fields, index in
            guard index >= start else { return false }
            return (0..<start).contains { earlier in
                fields.name(at: earlier).equals(fields.name(at: index))
                    && fields.value(at: earlier).equals(fields.value(at: index))
            }
        }
    }

    private mutating func removeNominated() {
        let options = self.connectionOptions
        self.fields.remove { fields, index in
            var start = 0
            while start < options.count {
                let end = options.span.firstIndex(of: ASCII.comma, from: start) ?? options.count
                if options.span.extracting(start..<end).trimmed.equalsIgnoringCase(fields.name(at: index)) {
                    return true
                }
                start = end + 1
            }
            return false
        }
    }
}
