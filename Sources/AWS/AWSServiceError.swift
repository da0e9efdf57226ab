private import Bytes
package import HTTP
private import JSON
package import Time

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
    /// What the service's clock said.
    package let serverTime: WallTime?

    package init(
        status: Int, type: String, message: String, reason: String? = nil, retryAfter: Duration? = nil,
        serverTime: WallTime? = nil
    ) {
        self.status = status
        self.type = type
        self.message = message
        self.reason = reason
        self.retryAfter = retryAfter
        self.serverTime = serverTime
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
        self.serverTime = Self.serverTime(in: head.fields)
    }

    /// Whether an answer with this head may be of the service itself, and not of a function behind it: it names its
    /// error, and what it says is JSON.
    package static func mayHaveSent(_ head: ResponseHead) -> Bool {
        guard head.fields.contains("x-amzn-errortype") else { return false }
        guard let index = head.fields.firstIndex(of: "content-type") else { return true }
        let value = head.fields.value(at: index)
        return value.count >= 16 && value.extracting(0..<16).equalsIgnoringCase("application/json")
    }

    /// Whether a body is the document with which the service says why it refuses: a message, and nothing but what goes
    /// with it.
    package static func isDocument(_ body: Span<UInt8>) -> Bool {
        // What is no JSON is none.
        guard let members = (try? JSONValue(parsing: body))?.object?.members else { return false }
        var hasMessage = false
        for (key, value) in members {
            switch key {
            case "message", "Message": hasMessage = value.string != nil
            case "Type", "__type", "code": continue
            default: return false
            }
        }
        return hasMessage
    }

    /// The `Date` of an answer.
    static func serverTime(in fields: Fields) -> WallTime? {
        guard let index = fields.firstIndex(of: "date") else { return nil }
        return WallTime(imfFixdate: fields.value(at: index).trimmed)
    }

    /// `UnrecognizedClientException:http://internal.amazon.com/coral/` and
    /// `com.amazon.coral#UnrecognizedClientException` mean the same: what stands before the first colon, and of that
    /// what stands behind the first `#`.
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
        self.status == 429 || Self.throttleTypes.contains(self.type)
    }

    /// Which limit a throttle names, as a label of metrics; `nil` where it is none. The answer may be anybody's, and
    /// each label stays for good: what is not known is `other`.
    package var throttleName: String? {
        guard self.isThrottle else { return nil }
        if let reason = self.reason, Self.throttleReasons.contains(reason) { return reason }
        return Self.throttleTypes.contains(self.type) ? self.type : "other"
    }

    private static let throttleTypes: Set = [
        "TooManyRequestsException", "EC2ThrottledException", "Throttling", "ThrottlingException", "ThrottledException",
        "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded", "SlowDown",
    ]

    /// AWS Lambda API, TooManyRequestsException: `Reason`.
    private static let throttleReasons: Set = [
        "ConcurrentInvocationLimitExceeded", "FunctionInvocationRateLimitExceeded",
        "ReservedFunctionConcurrentInvocationLimitExceeded", "ReservedFunctionInvocationRateLimitExceeded",
        "CallerRateLimitExceeded", "ConcurrentSnapshotCreateLimitExceeded",
    ]

    /// Whether something is wrong with the request itself, so that any function would refuse it.
    package var isAboutRequest: Bool {
        guard !self.isThrottle, [400, 413, 415].contains(self.status) else { return false }
        // These are 400 as well, and about the function alone.
        return self.type != "NoPublishedVersionException" && self.type != "SnapStartException"
    }

    /// Whether the function is about to start, which takes seconds rather than milliseconds.
    package var isStartingUp: Bool {
        self.type == "ResourceNotReadyException" || self.type == "SnapStartNotReadyException"
    }

    /// Whether the function surely did not run and another call may succeed: throttles, and states that pass.
    package var isRetryable: Bool { self.isThrottle || self.isStartingUp }

    /// By how much our clock is behind the service's, where a signature was refused for that; `nil` where it was not,
    /// or the answer does not say what time it is. The cure is to sign again with the service's time.
    ///
    /// Some refusals name the clock. Others say only that the signature is wrong, which it is as well where a day or a
    /// scope is; they are put down to the clock where it is off by more than the minutes that AWS allows.
    package func clockOffset(signedAt time: WallTime) -> Duration? {
        guard let serverTime = self.serverTime else { return nil }
        let offset = serverTime - time
        switch self.type {
        case "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture":
            return offset
        case "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure":
            let namesClock =
                self.message.hasPrefix("Signature expired") || self.message.hasPrefix("Signature not yet current")
            return namesClock || offset > Self.allowedSkew || offset < .zero - Self.allowedSkew ? offset : nil
        default:
            return nil
        }
    }

    /// A little less than the five minutes that AWS allows, as an answer takes its time too.
    private static var allowedSkew: Duration { .seconds(240) }

    /// Whether the keys of the call are over, or were taken back: others may be taken.
    package var isExpiredKey: Bool {
        self.type == "ExpiredTokenException" || self.type == "ExpiredToken"
    }
}

extension AWSServiceError: CustomStringConvertible {
    /// One line. Of the message it has the first one: those of wrong signatures go on with the whole request as AWS has
    /// seen it, session token included.
    package var description: String {
        let name = self.type.isEmpty ? "an error" : self.type.onOneLine
        let line = self.message.prefix { !$0.isNewline }.prefix(500)
        let text = line.isEmpty ? "" : ": \(String(line).onOneLine)"
        return "AWS answered \(self.status) \(name)\(text)" + (self.reason.map { " (\($0.onOneLine))" } ?? "")
    }
}
