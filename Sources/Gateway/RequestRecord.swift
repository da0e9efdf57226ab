internal import Bytes
internal import HTTP
internal import TLS
internal import Time

/// What is remembered of one request for its line in the access log and for the counters.
final class RequestRecord {
    let requestID: ShortText
    let method: Method
    let path: String
    let query: String
    let host: String?
    /// The client's address, as events and logs have it.
    var client: String
    /// The version of TLS that the client's connection, or that to the proxy in front, speaks.
    var tlsVersion: TLSVersion?
    let version: HTTPVersion
    let startedAt: MonotonicTime
    let wall: WallTime
    var route: String?
    var function: String?
    /// What X-Ray knows the request as; `nil` where no function was to be called.
    var traceID: ShortText?
    /// What AWS knows the call as that was made last.
    var awsRequestID: ShortText?
    var bytesIn = 0
    var bytesOut = 0
    var chunks = 0
    var attempts = 0
    private(set) var status = 0
    private(set) var firstByteAt: MonotonicTime?
    /// When it was over; when it began, until then.
    private(set) var finishedAt: MonotonicTime
    private(set) var end = ""

    init(
        _ head: borrowing RequestHead, requestID: ShortText, client: String, startedAt: MonotonicTime, wall: WallTime
    ) {
        self.requestID = requestID
        self.method = head.method
        self.path = head.target.path
        self.query = head.target.query
        self.host = head.authority?.host
        self.version = head.version
        self.client = client
        self.startedAt = startedAt
        self.finishedAt = startedAt
        self.wall = wall
    }

    /// A request whose head could not be read: all that is known is who sent it.
    init(
        withoutHead requestID: ShortText, version: HTTPVersion = .http11, client: String, startedAt: MonotonicTime,
        wall: WallTime
    ) {
        self.requestID = requestID
        self.method = Method(rawValue: "")
        self.path = ""
        self.query = ""
        self.host = nil
        self.version = version
        self.client = client
        self.startedAt = startedAt
        self.finishedAt = startedAt
        self.wall = wall
    }

    /// Whether the client asks for the head of an answer only.
    var isForHead: Bool { self.method.isHead }

    /// Tells the client the request's id.
    func appendRequestID(to fields: inout Fields) {
        fields.append("x-request-id", self.requestID)
    }

    /// The head of the answer has gone.
    func answered(status: Int, at now: MonotonicTime) {
        self.status = status
        self.firstByteAt = self.firstByteAt ?? now
    }

    /// An answer of the gateway's own goes, to HEAD without its body.
    func count(_ answer: OwnAnswer) {
        if !self.isForHead { self.bytesOut = answer.body.count }
    }

    /// The request is over.
    func finished(status: Int, end: String, at now: MonotonicTime) {
        self.status = status
        self.end = end
        self.finishedAt = now
    }
}

@available(*, unavailable)
extension RequestRecord: Sendable {}
