private import Bytes

/// Reads the head of an answer: its status line and its fields.
struct ResponseHeadScanner: ~Copyable, ResumableScanner {
    /// The head that `scan` completed, until it is taken out.
    private var head: ResponseHead?
    private var line = StatusLineScanner()
    private var hasLine = false
    private var fields = FieldSectionScanner(start: 0, notesFraming: true)

    var position: Int { self.hasLine ? self.fields.position : self.line.position }

    /// Gives up the head.
    mutating func takeHead() -> ResponseHead? {
        self.head.take()
    }

    /// Whether the body is chunked.
    var isChunked: Bool { self.fields.framing.isChunked }

    /// The value of Content-Length, or -1 without one.
    var contentLength: Int { self.fields.framing.contentLength }

    /// Whether the connection may carry another request (RFC 9112 §9.3).
    var keepsAlive: Bool {
        let framing = self.fields.framing
        return !framing.closes && (!self.line.isHTTP10 || framing.keepsAlive)
    }

    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(ResponseFault) -> Bool {
        self.head = try self.read(bytes, limits: limits)
        return self.head != nil
    }

    /// The same, with the head itself for an answer once it is complete.
    @inline(__always)
    mutating func read(_ bytes: Span<UInt8>, limits: HeadLimits) throws(ResponseFault) -> ResponseHead? {
        if !self.hasLine {
            guard try self.line.scan(bytes, limits: limits) else { return nil }
            self.hasLine = true
            self.fields = FieldSectionScanner(start: self.line.position, notesFraming: true)
        }
        do throws(MessageFault) {
            guard try self.fields.scan(bytes, limits: limits) else { return nil }
            if self.fields.framing.isChunked, self.line.isHTTP10 { throw .transferEncodingInHTTP10 }
        } catch {
            throw ResponseFault(.message(error))
        }
        let fields = Fields(self.fields.takeLines(), in: bytes.extracting(self.fields.block))
        return ResponseHead(status: self.line.status, fields: fields)
    }
}
