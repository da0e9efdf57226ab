private import Bytes

/// Reads the head of an answer: its status line and its fields.
struct ResponseHeadScanner: ResumableScanner {
    /// A head, and what its connection needs to know of it.
    struct Output {
        var head: ResponseHead
        /// The value of Content-Length, or -1 without one.
        var contentLength: Int
        var isChunked: Bool
        var keepsAlive: Bool
    }

    private var line = StatusLineScanner()
    private var hasLine = false
    private var fields = FieldSectionScanner(start: 0, notesFraming: true)

    var position: Int { self.hasLine ? self.fields.position : self.line.position }

    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(ResponseFault) -> Output? {
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
        let framing = self.fields.framing
        let fields = Fields(lines: self.fields.takeLines(), in: bytes.extracting(self.fields.block))
        return Output(
            head: ResponseHead(status: self.line.status, fields: fields),
            contentLength: framing.contentLength, isChunked: framing.isChunked,
            keepsAlive: !framing.closes && (!self.line.isHTTP10 || framing.keepsAlive))
    }
}
