package import Bytes
package import HTTP
private import JSON

/// The answer of a function that does not stream: one JSON document, as function URLs and HTTP APIs read it.
package enum BufferedAnswer {
    /// What a buffered answer may have at most.
    package static let sizeLimit = 6_291_556

    /// Reads a document, appends the body to `body`, and answers the head.
    ///
    /// An object with `statusCode` is an answer: status, headers, cookies and body. Any other JSON is itself the body,
    /// in its shortest form, a string without its quotes. Nothing at all is an answer without body.
    package static func parse(
        _ text: Span<UInt8>, method: Method, into body: inout ByteBuffer
    ) throws(AnswerError) -> ResponseHead {
        if text.isEmpty { return ResponseHead(status: 200, fields: Fields(["content-length": "0"])) }
        let start = body.count
        do throws(AnswerError) {
            var document = try AnswerDocument(text)
            if document.hasStatusCode {
                let status = try document.status()
                let fields = try document.takeFields()
                try document.appendBody(to: &body)
                var length: Int? = body.count - start
                // RFC 9110 §8.6: in these it tells the length of a body that is not sent.
                if method == .head || status == 304 {
                    length = fields.contentLength ?? (length == 0 ? nil : length)
                }
                return ResponseHead(
                    status: status,
                    fields: fields.finish(status: status, defaultContentType: "application/json", length: length))
            }
        } catch .notObject {
            // Any JSON will do.
        }
        if text.trimmedJSON.first == ASCII.quote {
            let string = text.trimmedJSON
            body.append(unescaping: string.extracting(1..<string.count - 1))
        } else {
            body.append(compacting: text)
        }
        let fields = AnswerFields()
        return ResponseHead(
            status: 200,
            fields: fields.finish(status: 200, defaultContentType: "application/json", length: body.count - start))
    }
}

extension Span where Element == UInt8 {
    /// The text without white space at either end.
    fileprivate var trimmedJSON: Span<UInt8> {
        @_lifetime(copy self)
        get {
            var start = 0
            var end = self.count
            while start < end, self[start] <= ASCII.space { start += 1 }
            while end > start, self[end - 1] <= ASCII.space { end -= 1 }
            return self.extracting(start..<end)
        }
    }

    fileprivate var first: UInt8? { self.isEmpty ? nil : self[0] }
}
