private import Bytes

/// Reads the head of a request: its line, its fields, and what they mean together.
struct RequestHeadScanner: ResumableScanner {
    /// A head, and what its connection needs to know of it.
    struct Output {
        var head: RequestHead
        var isChunked: Bool
        var keepsAlive: Bool
        var expectsContinue: Bool
    }

    private var line = RequestLineScanner()
    private var request: Request?
    private var fields = FieldSectionScanner(start: 0, notesFraming: true)

    private struct Request {
        var method: Method
        var target: Target
    }

    var position: Int { self.request == nil ? self.line.position : self.fields.position }

    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(RequestFault) -> Output? {
        if self.request == nil {
            guard try self.line.scan(bytes, limits: limits) else { return nil }
            let method = Method(token: bytes.extracting(self.line.method))
            let target = try Target(requestTarget: bytes.extracting(self.line.target), method: method)
            self.request = Request(method: method, target: target)
            self.fields = FieldSectionScanner(start: self.line.position, notesFraming: true)
        }
        do throws(MessageFault) {
            guard try self.fields.scan(bytes, limits: limits) else { return nil }
        } catch {
            throw RequestFault(.message(error))
        }
        guard let request = self.request else { return nil }
        return try self.output(of: request, in: bytes.extracting(self.fields.block))
    }

    private mutating func output(of request: Request, in block: Span<UInt8>) throws(RequestFault) -> Output {
        let framing = self.fields.framing
        let version = self.line.version
        if framing.isChunked, version == .http10 { throw RequestFault(.message(.transferEncodingInHTTP10)) }
        // RFC 9110 §10.1.1: an expectation in an HTTP/1.0 request is ignored.
        if framing.expectsOther, version == .http11 { throw RequestFault(.expectationUnknown) }
        let host = try self.authority(in: block, version: version, isAbsolute: request.target.authority != nil)

        var head = RequestHead(
            method: request.method, target: request.target, version: version,
            authority: request.target.authority ?? host,
            fields: Fields(lines: self.fields.takeLines(), in: block))
        // RFC 9112 §3.2.2: a proxy ignores the Host field and replaces it with the target's host.
        if let authority = request.target.authority, authority != host { head.fields.set("host", authority.text) }
        if framing.isChunked {
            head.bodyLength = .unknown
        } else if framing.contentLength > 0 {
            head.bodyLength = .known(framing.contentLength)
        }
        return Output(
            head: head, isChunked: framing.isChunked,
            keepsAlive: !framing.closes && (version == .http11 || framing.keepsAlive),
            expectsContinue: framing.expectsContinue && version == .http11 && head.bodyLength != .none)
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
