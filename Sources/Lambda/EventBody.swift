internal import Bytes
internal import HTTP
private import JSON

/// Whether a request's body goes into an event as text or as base64.
enum EventBody {
    /// Whether the fields say that the body is text: a media type that function URLs take for text, and no
    /// Content-Encoding. The body must be UTF-8 besides.
    static func isText(_ fields: Fields) -> Bool {
        guard let type = fields.firstIndex(of: "content-type"), !fields.contains("content-encoding") else {
            return false
        }
        return fields.value(at: type).isTextMediaType
    }
}

extension Span where Element == UInt8 {
    /// `text/*`, `application/json`, `application/javascript` and `application/xml`; parameters do not matter.
    fileprivate var isTextMediaType: Bool {
        let type = self.extracting(0..<(self.firstIndex(of: ASCII.semicolon) ?? self.count)).trimmed
        switch type.count {
        case 15 where type.equalsIgnoringCase("application/xml"),
            16 where type.equalsIgnoringCase("application/json"),
            22 where type.equalsIgnoringCase("application/javascript"):
            return true
        default:
            return type.count > 5 && type.extracting(0..<5).equalsIgnoringCase("text/")
        }
    }
}

extension ByteBuffer {
    /// Appends `"body"` (where there is one) and `"isBase64Encoded"`, each with the comma in front of it.
    mutating func append(eventBody body: Span<UInt8>, fields: Fields, marks: EventFieldMarks) {
        if body.isEmpty {
            self.append(#","isBase64Encoded":false"#)
            return
        }
        self.append(#","body":"#)
        if let type = marks.contentType, !marks.hasContentEncoding, fields.value(at: type).isTextMediaType,
            self.appendIfUTF8(jsonString: body)
        {
            self.append(#","isBase64Encoded":false"#)
            return
        }
        self.append(ASCII.quote)
        self.append(base64: body)
        self.append(#"","isBase64Encoded":true"#)
    }
}
