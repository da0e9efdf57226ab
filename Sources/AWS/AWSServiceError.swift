private import Bytes
package import HTTP
private import JSON

/// The error answer of an AWS service in the rest-json protocol.
package struct AWSServiceError: Error, Sendable, Equatable {
    /// The status of the answer.
    package let status: Int
    /// The short name, such as `TooManyRequestsException`; empty where the answer has none, as those of proxies.
    package let type: String
    /// What the service says about it; empty where it says nothing. For logs, never for a client.
    package let message: String
    /// Which limit was hit, with `TooManyRequestsException`.
    package let reason: String?
    /// When the service wants to be asked again.
    package let retryAfter: Duration?

    package init(status: Int, type: String, message: String, reason: String? = nil, retryAfter: Duration? = nil) {
        self.status = status
        self.type = type
        self.message = message
        self.reason = reason
        self.retryAfter = retryAfter
    }

    /// Reads an answer. Whatever it holds, there is an error to be made of it.
    package init(head: ResponseHead, body: Span<UInt8>) {
        // A body that is no JSON (HTML of a proxy, nothing at all) says nothing, and is no fault of its own.
        let document = try? JSONValue(parsing: body)
        self.status = head.status
        let type = head.fields.first("x-amzn-errortype") ?? document?["__type"]?.string ?? document?["code"]?.string
        self.type = Self.shortName(of: type ?? "")
        self.message = document?["Message"]?.string ?? document?["message"]?.string ?? ""
        self.reason = document?["Reason"]?.string
        self.retryAfter = Self.retryAfter(in: head.fields)
    }

    /// `UnrecognizedClientException:http://internal.amazon.com/coral/` and `com.amazon.coral#UnrecognizedClientException`
    /// mean the same: what stands before the first colon, and of that what stands behind the first `#`.
    private static func shortName(of type: String) -> String {
        let head = type.prefix { $0 != ":" }
        guard let mark = head.firstIndex(of: "#") else { return String(head) }
        return String(head[head.index(after: mark)...])
    }

    /// The SDKs' own field in milliseconds, else the one of RFC 9110 §10.2.3 in seconds; its form as a date is not used
    /// by Lambda.
    private static func retryAfter(in fields: Fields) -> Duration? {
        if let milliseconds = self.number("x-amz-retry-after", in: fields) { return .milliseconds(milliseconds) }
        if let seconds = self.number("retry-after", in: fields) { return .seconds(seconds) }
        return nil
    }

    private static func number(_ name: StaticString, in fields: Fields) -> Int? {
        guard let index = fields.firstIndex(of: name) else { return nil }
        return fields.value(at: index).trimmed.decimal(digits: 9)
    }
}

/// What can be done about it.
extension AWSServiceError {
    /// Whether the service asks for fewer calls.
    package var isThrottle: Bool {
        if self.status == 429 { return true }
        switch self.type {
        case "TooManyRequestsException", "EC2ThrottledException", "Throttling", "ThrottlingException",
            "ThrottledException", "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded", "SlowDown":
            return true
        default:
            return false
        }
    }

    /// Whether the function surely did not run and another call may succeed: throttles, and states that pass.
    package var isRetryable: Bool {
        self.isThrottle || self.type == "ResourceNotReadyException" || self.type == "SnapStartNotReadyException"
    }

    /// Whether the service refused the signature because of its time. The cure is to sign again with the service's time.
    package var isClockSkew: Bool {
        switch self.type {
        case "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture":
            true
        case "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure":
            self.message.hasPrefix("Signature expired") || self.message.hasPrefix("Signature not yet current")
        default:
            false
        }
    }
}

extension AWSServiceError: CustomStringConvertible {
    /// One line.
    package var description: String {
        let name = self.type.isEmpty ? "an error" : self.type.onOneLine
        let text = self.message.isEmpty ? "" : ": \(self.message.onOneLine)"
        return "AWS answered \(self.status) \(name)\(text)" + (self.reason.map { " (\($0.onOneLine))" } ?? "")
    }
}
