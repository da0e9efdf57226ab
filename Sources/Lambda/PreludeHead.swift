internal import Bytes
package import HTTP

/// The head of an answer, and what it promises about the body.
package struct PreludeHead: Equatable, Sendable {
    /// Status and fields as the client gets them; `content-length` among them where the function stated one.
    package var head: ResponseHead
    /// How long the body is to be, where the function said it.
    package var contentLength: Int?

    /// Reads the JSON in front of the delimiter of a streamed answer.
    package init(parsing text: Span<UInt8>) throws(AnswerError) {
        var document = try AnswerDocument(text)
        let status = try document.status()
        let fields = try document.takeFields()
        if fields.isTooLong { throw .fieldsTooLong(limit: AnswerFields.sizeLimit) }
        let length = fields.contentLength
        self.head = ResponseHead(
            status: status,
            fields: fields.finish(status: status, defaultContentType: "application/octet-stream", length: length))
        self.contentLength = length
    }
}
