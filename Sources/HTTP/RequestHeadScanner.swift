private import Bytes

/// Reads the head of a request: its line, its fields, and what they mean together.
struct RequestHeadScanner: ~Copyable, ResumableScanner {
    /// The head that `scan` completed, until it is taken out.
    private var head: RequestHead?
    private var line = RequestLineScanner()
    private var fields = FieldSectionScanner(start: 0, notesFraming: true)
    private var hasLine = false
    /// Whether `read` found all of the head.
    private(set) var isComplete = false
    /// What the Host field of the connection's last request said, and then what that of this one says.
    ///
    /// PERF: nearly all requests of a connection name one host, whose text is made once.
    private var host: Authority?

    init(lastHost: consuming Authority? = nil) {
        self.host = lastHost
    }

    /// Gives up the host, for the next request.
    mutating func takeHost() -> Authority? {
        self.host.take()
    }

    var position: Int { self.hasLine ? self.fields.position : self.line.position }

    /// Gives up the head.
    mutating func takeHead() -> RequestHead? {
        self.head.take()
    }

    /// How long the body is.
    var bodyLength: BodyLength {
        let framing = self.fields.framing
        return framing.isChunked ? .unknown : framing.contentLength > 0 ? .known(framing.contentLength) : .none
    }

    /// Whether the connection may carry another request (RFC 9112 §9.3).
    var keepsAlive: Bool {
        let framing = self.fields.framing
        return !framing.closes && (self.line.version == .http11 || framing.keepsAlive)
    }

    /// Whether the client waits for leave to send a body (RFC 9110 §10.1.1).
    var expectsContinue: Bool {
        let framing = self.fields.framing
        return framing.expectsContinue && self.bodyLength != .none && self.line.version == .http11
    }

    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(RequestFault) -> Bool {
        guard self.hasLine else {
            guard case .head(let head) = try self.read(bytes, limits: limits) else { return false }
            self.head = head
            return true
        }
        guard try self.scanFields(bytes, limits: limits) else { return false }
        // Made again, as it was only checked when the line was complete.
        let method = Method(token: bytes.extracting(self.line.method))
        let target = try Target.parse(bytes.extracting(self.line.target), method: method)
        self.head = try self.complete(bytes.extracting(self.fields.block), method: method, target: target)
        return true
    }

    /// The same for what has not been scanned before: `.head`, or `.needsMore`.
    ///
    /// PERF: the head is made at one go of all its parts, inside the event: kept here and filled part by part, each of
    /// its eight counted parts was retained and released twice more.
    @inline(__always)
    mutating func read(_ bytes: Span<UInt8>, limits: HeadLimits) throws(RequestFault) -> HTTP1RequestParser.Event {
        guard try self.line.scan(bytes, limits: limits) else { return .needsMore }
        self.fields = FieldSectionScanner(start: self.line.position, notesFraming: true)
        self.hasLine = true
        let method = Method(token: bytes.extracting(self.line.method))
        let target = try Target.parse(bytes.extracting(self.line.target), method: method)
        self.isComplete = try self.scanFields(bytes, limits: limits)
        guard self.isComplete else { return .needsMore }
        return .head(try self.complete(bytes.extracting(self.fields.block), method: method, target: target))
    }

    private mutating func scanFields(_ bytes: Span<UInt8>, limits: HeadLimits) throws(RequestFault) -> Bool {
        do throws(MessageFault) {
            return try self.fields.scan(bytes, limits: limits)
        } catch {
            throw RequestFault(.message(error))
        }
    }

    /// The head, with what the fields say.
    @inline(__always)
    private mutating func complete(
        _ block: Span<UInt8>, method: consuming Method, target: consuming Target
    ) throws(RequestFault) -> RequestHead {
        let version = self.line.version
        if self.fields.framing.isChunked, version == .http10 {
            throw RequestFault(.message(.transferEncodingInHTTP10))
        }
        // RFC 9110 §10.1.1: an expectation in an HTTP/1.0 request is ignored.
        if self.fields.framing.expectsOther, version == .http11 { throw RequestFault(.expectationUnknown) }
        let named = target.authority
        let host = try self.authority(in: block, version: version, isAbsolute: named != nil)
        var fields = Fields(self.fields.takeLines(), in: block)
        // RFC 9112 §3.2.2: a proxy ignores the Host field and replaces it with the target's host.
        if let named, named != host { fields.set("host", named.text) }
        return RequestHead(
            method: method, target: target, version: version, authority: named ?? host,
            bodyLength: self.bodyLength, fields: fields)
    }

    /// RFC 9112 §3.2: A server MUST respond with a 400 status code to any HTTP/1.1 request message that lacks a Host
    /// header field and to any request message that contains more than one Host header field line or a Host header
    /// field with an invalid field value.
    private mutating func authority(
        in block: Span<UInt8>, version: HTTPVersion, isAbsolute: Bool
    ) throws(RequestFault) -> Authority? {
        let framing = self.fields.framing
        if framing.repeatsHost { throw RequestFault(.hostRepeated) }
        guard framing.hostLine >= 0 else {
            if version == .http11 { throw RequestFault(.hostMissing) }
            return nil
        }
        let value = block.extracting(self.fields.lines.value(at: framing.hostLine))
        if value.isEmpty {
            if isAbsolute { throw RequestFault(.host(.empty)) }
            return nil
        }
        if let host = self.host, host.isWritten(as: value) { return host }
        let host = try Authority(parsing: value)
        // An idle connection keeps it; a name has 253 bytes at most (RFC 1035 §2.3.4).
        self.host = value.count <= 260 ? host : nil
        return host
    }
}
