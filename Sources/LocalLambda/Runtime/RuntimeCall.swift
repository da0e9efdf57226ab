private import Bytes
package import HTTP

/// What a child asks of the Runtime API.
package enum RuntimeCall: Equatable, Sendable {
    case next
    case response(InvocationID)
    case error(InvocationID)
    case initError
    case ping
    case refused(RuntimeRefusal)

    private static let prefix = "/2018-06-01/"

    /// The call that a request line means.
    package init(method: Method, path: String) {
        let wanted: Method
        (self, wanted) = Self.call(path: path)
        if case .refused = self { return }
        if method != wanted { self = .refused(.methodNotAllowed) }
    }

    private static func call(path: String) -> (RuntimeCall, Method) {
        // Where the check of life lies differs between the emulator and the documentation.
        if path == "/ping" || path == self.prefix + "ping" { return (.ping, .get) }
        guard path.hasPrefix(self.prefix) else { return (.refused(.unknownPath), .get) }
        let segments = path.dropFirst(self.prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        switch (segments.first, segments.count) {
        case ("runtime", 3) where segments[1] == "invocation" && segments[2] == "next":
            return (.next, .get)
        case ("runtime", 3) where segments[1] == "init" && segments[2] == "error":
            return (.initError, .post)
        case ("runtime", 4) where segments[1] == "invocation" && segments[3] == "response":
            return (.response(InvocationID(String(segments[2]))), .post)
        case ("runtime", 4) where segments[1] == "invocation" && segments[3] == "error":
            return (.error(InvocationID(String(segments[2]))), .post)
        default:
            return (.refused(.unknownPath), .get)
        }
    }
}

/// How a child sends its answer.
package enum RuntimeResponseMode: Equatable, Sendable {
    /// One document, which is passed on when it is complete.
    case buffered
    /// Each chunk is passed on at once.
    case streaming

    /// The content type of an answer that begins with a prelude.
    package static let integrationContentType = "application/vnd.awslambda.http-integration-response"

    /// The mode that the head of a `POST response` means; `nil` for a mode that does not exist.
    ///
    /// The Go runtime never sends the mode: its streams are known by their content type.
    package init?(_ fields: Fields) {
        if let mode = fields.first("lambda-runtime-function-response-mode") {
            guard mode.lowercased() == "streaming" else { return nil }
            self = .streaming
            return
        }
        let type = (fields.first("content-type") ?? "").split(separator: ";").first.map { $0.lowercased() } ?? ""
        let isChunked = fields.first("transfer-encoding")?.lowercased().contains("chunked") ?? false
        let isStream =
            type == Self.integrationContentType || (isChunked && type == "application/octet-stream")
        self = isStream ? .streaming : .buffered
    }
}
