internal import Bytes
internal import HTTP
internal import JSON

/// An answer that the gateway gives by itself: errors, redirects, fixed responses.
struct OwnAnswer {
    var head: ResponseHead
    var body: [UInt8]

    init(head: ResponseHead, body: [UInt8] = []) {
        self.head = head
        self.body = body
    }

    /// To `OPTIONS *`, which asks about the server as a whole (RFC 9110 §9.3.7).
    static let ofServer = OwnAnswer(
        head: ResponseHead(status: 200, fields: Fields(["allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"])))

    /// A problem document (RFC 9457). The text is the gateway's own; what functions and AWS said stays in the log.
    static func problem(
        status: Int, detail: String, requestID: ShortText, fields: KeyValuePairs<String, String> = [:]
    ) -> OwnAnswer {
        var body = ByteBuffer(capacity: 256)
        body.append("{\"type\":\"about:blank\",\"title\":")
        body.append(jsonString: "\(StatusPhrase.of(status))")
        body.append(",\"status\":")
        body.append(decimal: status)
        body.append(",\"detail\":")
        body.append(jsonString: detail)
        body.append(",\"requestId\":")
        body.append(jsonString: requestID)
        body.append("}\n")
        var head = ResponseHead(status: status, fields: Fields(fields))
        head.fields.append("content-type", "application/problem+json")
        head.fields.append("cache-control", "no-store")
        head.fields.append("x-request-id", requestID.bytes)
        return OwnAnswer(head: head, body: body.array())
    }
}
