package import Bytes
package import HTTP
private import JSON

/// The answer of a function that does not stream: one JSON document.
package enum BufferedAnswer {
    /// What a buffered answer may have at most.
    package static let sizeLimit = 6_291_556

    /// Reads a document, appends the body to `body`, and answers the head.
    ///
    /// An object with `statusCode` is an answer: status, headers, cookies and body. What else may be one, the format
    /// says.
    package static func parse(
        _ text: Span<UInt8>, format: AnswerFormat = .functionURL, isForHead: Bool, into body: inout ByteBuffer
    ) throws(AnswerError) -> ResponseHead {
        switch format {
        case .functionURL: return try self.parseAny(text, format, isForHead, into: &body)
        case .httpAPI:
            do throws(AnswerError) {
                return try self.parseAny(text, format, isForHead, into: &body)
            } catch .notJSON {
                body.append(text)
                return self.plainHead(count: text.count)
            }
        case .rest(let decodesBase64):
            var document = try AnswerDocument(text)
            if document.isEmpty { throw .noStatusCode }
            if let name = document.unknownMember { throw .unknownMember(name) }
            if document.hasCookies { throw .unknownMember("cookies") }
            return try self.head(
                of: &document, try document.mergedFields(), format, isForHead, decodesBase64: decodesBase64, into: &body
            )
        case .loadBalancer(let hasLists):
            var document = try AnswerDocument(text)
            guard document.hasStatusCode else { throw .noStatusCode }
            return try self.head(
                of: &document, try document.fields(preferringLists: hasLists), format, isForHead, mustBeNumber: true,
                into: &body)
        }
    }

    /// As function URLs and HTTP APIs read it: JSON without `statusCode` is itself the body, in its shortest form, a
    /// string without its quotes. Nothing at all is an answer without body.
    private static func parseAny(
        _ text: Span<UInt8>, _ format: AnswerFormat, _ isForHead: Bool, into body: inout ByteBuffer
    ) throws(AnswerError) -> ResponseHead {
        if text.isEmpty { return ResponseHead(status: 200, fields: Fields(["content-length": "0"])) }
        let start = body.count
        do throws(AnswerError) {
            var document = try AnswerDocument(text)
            if document.hasStatusCode {
                return try self.head(of: &document, try document.takeFields(), format, isForHead, into: &body)
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
        return self.plainHead(count: body.count - start)
    }

    /// The head of JSON that is itself the body.
    private static func plainHead(count: Int) -> ResponseHead {
        ResponseHead(
            status: 200,
            fields: AnswerFields().finish(status: 200, defaultContentType: "application/json", length: count))
    }

    private static func head(
        of document: inout AnswerDocument, _ fields: consuming AnswerFields, _ format: AnswerFormat, _ isForHead: Bool,
        decodesBase64: Bool = true, mustBeNumber: Bool = false, into body: inout ByteBuffer
    ) throws(AnswerError) -> ResponseHead {
        if fields.isTooLong { throw .fieldsTooLong(limit: AnswerFields.sizeLimit) }
        let start = body.count
        let status = try document.status(mustBeNumber: mustBeNumber)
        try document.appendBody(to: &body, decodesBase64: decodesBase64)
        var length: Int? = body.count - start
        // RFC 9110 §8.6: in these it tells the length of a body that is not sent.
        if isForHead || status == 304 {
            length = fields.contentLength ?? (length == 0 ? nil : length)
        }
        return ResponseHead(
            status: status,
            fields: fields.finish(status: status, defaultContentType: format.defaultContentType, length: length))
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
