private import Bytes
package import HTTP

/// Whose rules the buffered answers of a function follow: those of the service that would have sent the
/// function its event.
package enum AnswerFormat: Sendable, Equatable {
    case functionURL
    case httpAPI
    /// Base64 is decoded only for clients that accept one of the API's binary media types.
    case rest(decodesBase64: Bool)
    case loadBalancer(hasLists: Bool)

    /// What a body is taken for whose function says nothing of it.
    var defaultContentType: StaticString {
        switch self {
        case .functionURL, .rest: "application/json"
        case .httpAPI: "text/plain; charset=UTF-8"
        case .loadBalancer: "application/octet-stream"
        }
    }
}

extension EventFormat {
    /// The format of the answer to a request with these fields. Functions whose event is the request's body answer as
    /// behind a function URL.
    package func answerFormat(to fields: borrowing Fields) -> AnswerFormat {
        switch self.kind {
        case .v2, .raw: .functionURL
        case .httpAPI: .httpAPI
        case .v1: .rest(decodesBase64: self.acceptsBinary(fields))
        case .alb: .loadBalancer(hasLists: false)
        case .albMultiValue: .loadBalancer(hasLists: true)
        }
    }

    private func acceptsBinary(_ fields: borrowing Fields) -> Bool {
        if self.bodyTypes.binary.isEmpty { return false }
        // `*/*` takes everything, also where nothing is said.
        if self.bodyTypes.isBinary(Span()) { return true }
        var line = fields.firstIndex(of: "accept")
        while let index = line {
            let value = fields.value(at: index)
            var start = 0
            while start < value.count {
                let end = value.firstIndex(of: ASCII.comma, from: start) ?? value.count
                if self.bodyTypes.isBinary(value.extracting(start..<end).mediaType) { return true }
                start = end + 1
            }
            line = fields.firstIndex(of: "accept", from: index + 1)
        }
        return false
    }
}
