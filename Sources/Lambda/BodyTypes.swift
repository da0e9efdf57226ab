internal import Bytes
internal import HTTP

/// Which bodies go into an event as text, and which as base64.
///
/// `text_types` and `binary_types` of a function come first, `binary_types` before `text_types`; what neither names is
/// treated as the kind's own source does. Text that is no UTF-8 goes as base64 in any case, because nothing else would
/// bring it over whole.
package struct BodyTypes: Sendable, Equatable {
    package var text: [MediaTypePattern]
    package var binary: [MediaTypePattern]

    package init(text: [MediaTypePattern] = [], binary: [MediaTypePattern] = []) {
        self.text = text
        self.binary = binary
    }

    /// How a body goes.
    enum Form {
        case text
        case base64
    }

    /// How the body goes of a request with these fields, if it is UTF-8.
    func form(of fields: Fields, for kind: EventFormat.Kind) -> Form {
        let type = fields.firstIndex(of: "content-type")
        return self.form(
            of: fields, contentType: type, hasContentEncoding: fields.contains("content-encoding"), for: kind)
    }

    /// The same where it is known where the fields stand.
    @inline(__always)
    func form(of fields: Fields, contentType: Int?, hasContentEncoding: Bool, for kind: EventFormat.Kind) -> Form {
        if !self.text.isEmpty || !self.binary.isEmpty {
            let configured =
                if let contentType {
                    self.configuredForm(of: fields.value(at: contentType).mediaType)
                } else {
                    self.configuredForm(of: Span())
                }
            if let configured { return configured == .text && hasContentEncoding ? .base64 : configured }
        }
        // A REST API knows no types but its binaryMediaTypes.
        if kind == .v1 { return .text }
        guard let contentType, !hasContentEncoding, fields.value(at: contentType).mediaType.isTextMediaType else {
            return .base64
        }
        return .text
    }
}

extension BodyTypes {
    /// What the configuration says of a media type.
    private func configuredForm(of type: Span<UInt8>) -> Form? {
        for pattern in self.binary where pattern.matches(type) { return .base64 }
        for pattern in self.text where pattern.matches(type) { return .text }
        return nil
    }

    /// Whether a media type, empty for none, is one of the configured binary ones.
    func isBinary(_ type: Span<UInt8>) -> Bool {
        self.configuredForm(of: type) == .base64
    }
}

/// A media type, `image/png`, or several: `image/*`, `application/*+json`, `*/*`.
package struct MediaTypePattern: Sendable, Hashable {
    /// What stands in front of the `*` and behind it; all of it in front where there is none.
    private let start: [UInt8]
    private let end: [UInt8]?

    /// Reads a pattern; `nil` for what is none.
    package init?(_ text: String) {
        if text == "*/*" {
            self.start = []
            self.end = []
            return
        }
        let bytes = text.utf8.map(ASCII.lowercased)
        let isType = bytes.allSatisfy { byte in
            ASCII.isLetter(byte) || ASCII.isDigit(byte) || "!#$&^_.+-*/".utf8.contains(byte)
        }
        let slashes = bytes.indices.filter { bytes[$0] == ASCII.slash }
        guard isType, slashes.count == 1, let slash = slashes.first, slash > 0, slash < bytes.count - 1 else {
            return nil
        }
        let stars = bytes.indices.filter { bytes[$0] == UInt8(ascii: "*") }
        guard let star = stars.first else {
            self.start = bytes
            self.end = nil
            return
        }
        guard stars.count == 1, star > slash else { return nil }
        self.start = Array(bytes[..<star])
        self.end = Array(bytes[(star + 1)...])
    }

    /// Whether a media type, without parameters, is one of those meant. Without a type only `*/*` matches.
    func matches(_ type: Span<UInt8>) -> Bool {
        guard let end = self.end else { return type.equalsIgnoringCase(self.start.span) }
        guard type.count >= self.start.count + end.count else { return false }
        return type.extracting(0..<self.start.count).equalsIgnoringCase(self.start.span)
            && type.extracting(type.count - end.count..<type.count).equalsIgnoringCase(end.span)
    }
}

extension Span where Element == UInt8 {
    /// The media type of a Content-Type's or an Accept member's value, without parameters.
    var mediaType: Span<UInt8> {
        @_lifetime(copy self)
        get { self.extracting(0..<(self.firstIndex(of: ASCII.semicolon) ?? self.count)).trimmed }
    }

    /// `text/*`, `application/json`, `application/javascript` and `application/xml`: what function URLs, HTTP APIs and
    /// load balancers take for text.
    fileprivate var isTextMediaType: Bool {
        switch self.count {
        case 15 where self.equalsIgnoringCase("application/xml"),
            16 where self.equalsIgnoringCase("application/json"),
            22 where self.equalsIgnoringCase("application/javascript"):
            return true
        default:
            return self.count > 5 && self.extracting(0..<5).equalsIgnoringCase("text/")
        }
    }
}
