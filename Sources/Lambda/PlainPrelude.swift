internal import Bytes
internal import HTTP
private import JSON

/// PERF: nearly all heads that functions write are `{"statusCode":200,"headers":{"name":"value"}}` to the byte: no
/// spaces, no escapes, nothing else. They are read here in one pass, 2,000 instructions less; whatever differs is left
/// to `AnswerDocument`, which knows all of JSON and says what is wrong.
extension PreludeHead {
    /// Reads a head of the usual shape; `nil` for any other.
    package init?(plain text: Span<UInt8>) {
        // `{"statusCode":`, three digits, `,"headers":{`.
        guard text.count > 31, text.extracting(0..<14).equals(#"{"statusCode":"#),
            let status = text.extracting(14..<17).decimal(), (200...599).contains(status),
            text.extracting(17..<29).equals(#","headers":{"#)
        else { return nil }
        var fields = AnswerFields()
        fields.reserve(bytes: min(text.count + 64, 1024))
        var offset = 29
        while true {
            guard let name = text.plainString(at: offset), name.upperBound + 2 < text.count,
                text[name.upperBound + 1] == ASCII.colon, let value = text.plainString(at: name.upperBound + 2),
                value.upperBound + 1 < text.count
            else { return nil }
            fields.append(name: text.extracting(name), value: text.extracting(value))
            offset = value.upperBound + 2
            if text[offset - 1] == ASCII.comma { continue }
            guard text[offset - 1] == ASCII.closeBrace, offset + 1 == text.count, text[offset] == ASCII.closeBrace
            else {
                return nil
            }
            break
        }
        if fields.isTooLong { return nil }
        let length = fields.contentLength
        self.head = ResponseHead(
            status: status,
            fields: fields.finish(status: status, defaultContentType: "application/octet-stream", length: length))
        self.contentLength = length
    }
}

extension Span where Element == UInt8 {
    /// Where the text of a string lies whose quote stands at `offset`, if it is ASCII and has no escapes.
    fileprivate func plainString(at offset: Int) -> Range<Int>? {
        guard offset < self.count, self[offset] == ASCII.quote else { return nil }
        let end = self.endOfPlainJSON(from: offset + 1)
        return end < self.count && self[end] == ASCII.quote ? offset + 1..<end : nil
    }
}
