internal import Bytes
internal import HTTP

/// Gathers the fields of one header block, a request's head or its trailers, and says what they are together.
///
/// One value serves a connection, because header blocks never overlap (RFC 9113 §4.3). A rule that is broken is kept
/// until the block has ended: the rest has to be decoded all the same, as the compression has a memory.
struct RequestBlock: ~Copyable {
    private let limits: HeadLimits
    private var fields = Fields()
    /// The values of pseudo-header fields, and the crumbs of cookies, where they are worked on before they are fields.
    private var scratch = ByteBuffer()
    private var cookie = ByteBuffer()
    private var method: Range<Int>?
    private var scheme: Range<Int>?
    private var path: Range<Int>?
    private var authority: Range<Int>?
    private var hostLine = -1
    /// That of the last request.
    private var lastAuthority: Authority?
    private var contentLength: Int?
    private var expectsOther = false
    private var isTrailers = false
    /// Bytes of names and values, kept or not.
    private var byteCount = 0
    private var lineCount = 0
    private var malformed: MalformedMessage?
    private var excess: RequestFault?

    /// Whether the client waits for leave to send a body (RFC 9110 §10.1.1).
    private(set) var expectsContinue = false
    /// What the `priority` field says (RFC 9218 §5).
    private(set) var priority: StreamPriority?

    init(limits: HeadLimits) {
        self.limits = limits
    }

    /// A block begins.
    mutating func begin(isTrailers: Bool) {
        self.isTrailers = isTrailers
        self.fields = Fields()
        if !isTrailers { self.fields.reserve(lines: 16, bytes: 768) }
        self.scratch.removeAll()
        self.cookie.removeAll()
        self.method = nil
        self.scheme = nil
        self.path = nil
        self.authority = nil
        self.hostLine = -1
        self.contentLength = nil
        self.expectsOther = false
        self.expectsContinue = false
        self.priority = nil
        self.byteCount = 0
        self.lineCount = 0
        self.malformed = nil
        self.excess = nil
    }

    /// Whether the block has grown so far beyond what a head may be that decoding the rest of it is a waste.
    var isExcessive: Bool { self.byteCount > 16 * self.limits.headerBytes }

    /// A field of the block.
    mutating func receive(name: Span<UInt8>, value: Span<UInt8>) {
        self.byteCount += name.count + value.count + 4
        guard self.malformed == nil, self.excess == nil else { return }
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
        guard Fields.isValue(value) else { throw .invalidFieldValue }
        if name.equals(":method") {
            self.method = try self.keep(value, insteadOf: self.method)
        } else if name.equals(":scheme") {
            self.scheme = try self.keep(value, insteadOf: self.scheme)
        } else if name.equals(":path") {
            self.path = try self.keep(value, insteadOf: self.path)
        } else if name.equals(":authority") {
            self.authority = try self.keep(value, insteadOf: self.authority)
        } else {
            // Among them `:protocol`: we do not offer extended CONNECT (RFC 8441 §3).
            throw .unknownPseudoField
        }
    }

    private mutating func keep(
        _ value: Span<UInt8>, insteadOf earlier: Range<Int>?
    ) throws(MalformedMessage) -> Range<Int> {
        if earlier != nil { throw .repeatedPseudoField }
        let start = self.scratch.count
        guard start + value.count <= self.limits.requestLine else {
            self.excess = RequestFault(.requestLineTooLong(limit: self.limits.requestLine))
            return start..<start
        }
        self.scratch.append(value)
        return start..<start + value.count
    }

    private mutating func receiveField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(MalformedMessage) {
        self.lineCount += 1
        guard Fields.isLowercaseName(name) else { throw .invalidFieldName }
        guard Fields.isValue(value) else { throw .invalidFieldValue }
        if Fields.isConnectionSpecific(name) { throw .connectionField }
        let isCrumb = name.equals("cookie")
        // A client may split its cookies into many lines (RFC 9113 §8.2.3), which are one to everybody else.
        if isCrumb, !self.cookie.isEmpty { self.lineCount -= 1 }
        guard self.lineCount <= self.limits.headerCount else {
            self.excess = RequestFault(.message(.tooManyFields(limit: self.limits.headerCount)))
            return
        }
        guard self.byteCount <= self.limits.headerBytes else {
            self.excess = RequestFault(.message(.fieldsTooLong(limit: self.limits.headerBytes)))
            return
        }
        if self.isTrailers {
            if name.equals("te") { throw .connectionField }
        } else if isCrumb {
            if !self.cookie.isEmpty { self.cookie.append("; ") }
            self.cookie.append(value)
        } else {
            try self.note(name, value)
            self.fields.append(name: name, value: value)
        }
    }

    /// Takes notice of fields that say something about the request itself.
    private mutating func note(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(MalformedMessage) {
        switch name.count {
        case 2 where name.equals("te"):
            // RFC 9113 §8.2.2: it MUST NOT contain any value other than "trailers".
            guard value.equalsIgnoringCase("trailers") else { throw .connectionField }
        case 4 where name.equals("host"):
            if self.hostLine >= 0 { throw .hostMismatch }
            self.hostLine = self.fields.count
        case 6 where name.equals("expect"):
            if value.equalsIgnoringCase("100-continue") {
                self.expectsContinue = true
            } else {
                self.expectsOther = true
            }
        case 8 where name.equals("priority"):
            self.priority = StreamPriority(parsing: value)
        case 14 where name.equals("content-length"):
            guard self.contentLength == nil, let length = value.decimal(digits: Fields.contentLengthDigits) else {
                throw .contentLengthInvalid
            }
            self.contentLength = length
        default:
            break
        }
    }
}

/// What the block is when it has ended.
extension RequestBlock {
    /// What is wrong with a block.
    enum Fault: Error, Equatable {
        case malformed(MalformedMessage)
        case refused(RequestFault)
    }

    /// The trailers, which are looked at and dropped.
    mutating func finishTrailers(endsStream: Bool) throws(Fault) {
        if let malformed = self.malformed { throw .malformed(malformed) }
        // RFC 9113 §8.1: an endpoint that receives a HEADERS frame without the END_STREAM flag set after receiving the
        // HEADERS frame that opens a request MUST treat the request as malformed.
        if !endsStream || self.excess != nil { throw .malformed(.trailersInvalid) }
    }

    /// The request's head.
    mutating func finishHead(endsStream: Bool) throws(Fault) -> RequestHead {
        if let malformed = self.malformed { throw .malformed(malformed) }
        let bodyLength = try self.bodyLength(endsStream: endsStream)
        if let excess = self.excess { throw .refused(excess) }
        let method = try self.requestMethod()
        let target = try self.target(method)
        if self.expectsOther { throw .refused(RequestFault(.expectationUnknown)) }
        let (authority, isHostMissing) = try self.requestAuthority()
        var fields = Fields()
        swap(&fields, &self.fields)
        if isHostMissing, let range = self.authority {
            fields.append(name: "host".utf8.span, value: self.scratch.bytes.extracting(range))
        }
        if !self.cookie.isEmpty {
            fields.append(name: "cookie".utf8.span, value: self.cookie.bytes)
            // What many crumbs took is not kept for the next request.
            if self.cookie.capacity > 4096 { self.cookie.releaseStorage() }
        }
        return RequestHead(
            method: method, target: target, version: .http2, authority: authority, fields: fields,
            bodyLength: bodyLength)
    }

    private func bodyLength(endsStream: Bool) throws(Fault) -> BodyLength {
        guard endsStream else { return self.contentLength.map { .known($0) } ?? .unknown }
        // RFC 9113 §8.1.1: a request that says how long it is and is not is malformed.
        if let length = self.contentLength, length > 0 { throw .malformed(.contentLengthMismatch) }
        return .none
    }

    private func requestMethod() throws(Fault) -> Method {
        guard let range = self.method else { throw .malformed(.pseudoFieldsIncomplete) }
        if range.count > 64 { throw .refused(RequestFault(.methodTooLong)) }
        guard let method = Method(parsing: self.scratch.bytes.extracting(range)) else {
            throw .malformed(.invalidPseudoField)
        }
        return method
    }

    private func target(_ method: Method) throws(Fault) -> Target {
        guard method != .connect else {
            // RFC 9113 §8.5: the ":scheme" and ":path" pseudo-header fields MUST be omitted.
            guard self.scheme == nil, self.path == nil, self.authority != nil else {
                throw .malformed(.pseudoFieldsIncomplete)
            }
            throw .refused(RequestFault(.connectRefused))
        }
        guard let scheme = self.scheme, let path = self.path else { throw .malformed(.pseudoFieldsIncomplete) }
        let schemeBytes = self.scratch.bytes.extracting(scheme)
        guard schemeBytes.equalsIgnoringCase("https") || schemeBytes.equalsIgnoringCase("http") else {
            throw .malformed(.invalidPseudoField)
        }
        let bytes = self.scratch.bytes.extracting(path)
        // RFC 9113 §8.3.1: MUST NOT be empty; begins with "/", or is "*" for an OPTIONS request. No absolute form here.
        guard bytes.count > 0, bytes[0] == ASCII.slash || (method == .options && bytes.equals("*")) else {
            throw .malformed(.invalidPseudoField)
        }
        do throws(RequestFault) {
            return try Target(requestTarget: bytes, method: method)
        } catch {
            throw .refused(error)
        }
    }

    /// RFC 9113 §8.3.1: `:authority` and Host, where both are there, name the same. What functions see is the Host
    /// field, which is made where it is missing.
    private mutating func requestAuthority() throws(Fault) -> (authority: Authority, isHostMissing: Bool) {
        let host = try self.hostLine < 0 ? nil : self.authority(self.fields.value(at: self.hostLine))
        guard let range = self.authority else {
            guard let host else { throw .refused(RequestFault(.hostMissing)) }
            self.keep(host)
            return (host, false)
        }
        let named = try self.authority(self.scratch.bytes.extracting(range))
        if let host, host != named { throw .malformed(.hostMismatch) }
        self.keep(named)
        return (named, host == nil)
    }

    private func authority(_ bytes: Span<UInt8>) throws(Fault) -> Authority {
        if let last = self.lastAuthority, last.isWritten(as: bytes) { return last }
        do throws(RequestFault) {
            return try Authority(parsing: bytes)
        } catch {
            throw .refused(error)
        }
    }

    /// All requests of a connection are for one host as a rule, whose text is made once.
    private mutating func keep(_ authority: Authority) {
        // An idle connection keeps it; a name has 253 bytes at most (RFC 1035 §2.3.4).
        self.lastAuthority = authority.host.utf8.count <= 253 ? authority : nil
    }
}
