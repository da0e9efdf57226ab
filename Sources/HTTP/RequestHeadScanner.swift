private import Bytes

/// Reads the head of a request: its line, its fields, and what they mean together.
struct RequestHeadScanner: ~Copyable, ResumableScanner {
    /// What has been read of the head. Taken out when it is complete.
    private var head: RequestHead?
    private var line = RequestLineScanner()
    private var fields = FieldSectionScanner(start: 0, notesFraming: true)
    private var hasLine = false

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
        if !self.hasLine {
            guard try self.line.scan(bytes, limits: limits) else { return false }
            let method = Method(token: bytes.extracting(self.line.method))
            self.head = RequestHead(
                method: method,
                target: try Target(requestTarget: bytes.extracting(self.line.target), method: method),
                version: self.line.version)
            self.fields = FieldSectionScanner(start: self.line.position, notesFraming: true)
            self.hasLine = true
        }
        do throws(MessageFault) {
            guard try self.fields.scan(bytes, limits: limits) else { return false }
        } catch {
            throw RequestFault(.message(error))
        }
        try self.complete(bytes.extracting(self.fields.block))
        return true
    }

    /// Puts in what the fields say.
    private mutating func complete(_ block: Span<UInt8>) throws(RequestFault) {
        let framing = self.fields.framing
        let version = self.line.version
        if framing.isChunked, version == .http10 { throw RequestFault(.message(.transferEncodingInHTTP10)) }
        // RFC 9110 §10.1.1: an expectation in an HTTP/1.0 request is ignored.
        if framing.expectsOther, version == .http11 { throw RequestFault(.expectationUnknown) }
        let named = self.head?.target.authority
        let host = try self.authority(in: block, version: version, isAbsolute: named != nil)
        self.head?.authority = named ?? host
        let bodyLength = self.bodyLength
        self.head?.bodyLength = bodyLength
        let fields = Fields(lines: self.fields.takeLines(), in: block)
        self.head?.fields = fields
        // RFC 9112 §3.2.2: a proxy ignores the Host field and replaces it with the target's host.
        if let named, named != host { self.head?.fields.set("host", named.text) }
    }

    /// RFC 9112 §3.2: A server MUST respond with a 400 status code to any HTTP/1.1 request message that lacks a Host
    /// header field and to any request message that contains more than one Host header field line or a Host header
    /// field with an invalid field value.
    private func authority(
        in block: Span<UInt8>, version: HTTPVersion, isAbsolute: Bool
    ) throws(RequestFault) -> Authority? {
        let framing = self.fields.framing
        if framing.repeatsHost { throw RequestFault(.hostRepeated) }
        guard framing.hostLine >= 0 else {
            if version == .http11 { throw RequestFault(.hostMissing) }
            return nil
        }
        let value = block.extracting(self.fields.lines[framing.hostLine].value)
        if value.isEmpty {
            if isAbsolute { throw RequestFault(.host(.empty)) }
            return nil
        }
        return try Authority(parsing: value)
    }
}
