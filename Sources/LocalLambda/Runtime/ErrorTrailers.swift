private import Bytes
import HTTP
private import Lambda

/// The trailers by which a streaming answer says that it failed.
enum ErrorTrailers {
    /// The failure that trailers tell of, or `nil` where they tell of none.
    static func error(in trailers: Fields) -> FunctionError? {
        let type = trailers.first("lambda-runtime-function-error-type")
        let body = trailers.first("lambda-runtime-function-error-body")
        guard type != nil || body != nil else { return nil }
        // The body is base64 of JSON by the rules; one runtime sends plain text.
        let details = body.map(Self.decoded) ?? ""
        return FunctionError(code: type ?? "Unhandled", details: details)
    }

    private static func decoded(_ text: String) -> String {
        var bytes = ByteBuffer()
        return Base64.decode(text.utf8.span, into: &bytes) ? bytes.string() : text
    }
}
