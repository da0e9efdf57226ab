import AWS
import Bytes
import HTTP
import Testing
import Time

@Suite struct AWSServiceErrorTests {
    static func error(_ status: Int, _ fields: KeyValuePairs<String, String>, _ body: String) -> AWSServiceError {
        AWSServiceError(head: ResponseHead(status: status, fields: Fields(fields)), body: body.utf8.span)
    }

    @Test func `a throttle says which limit and how long to wait`() {
        let error = Self.error(
            429, ["x-amzn-ErrorType": "TooManyRequestsException", "Retry-After": "3"],
            #"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#)
        #expect(
            error
                == AWSServiceError(
                    status: 429, type: "TooManyRequestsException", message: "Rate Exceeded.",
                    reason: "ReservedFunctionConcurrentInvocationLimitExceeded", retryAfter: .seconds(3)))
        #expect(error.isThrottle && error.isRetryable)
    }

    @Test(
        arguments: [
            (429, "TooManyRequestsException", "CallerRateLimitExceeded", "CallerRateLimitExceeded"),
            (429, "TooManyRequestsException", nil, "TooManyRequestsException"), (429, "made up", "so is this", "other"),
            (429, "", nil, "other"), (502, "EC2ThrottledException", nil, "EC2ThrottledException"),
            (500, "ServiceException", "CallerRateLimitExceeded", nil),
        ] as [(Int, String, String?, String?)])
    func `a throttle has one of a few names`(status: Int, type: String, reason: String?, name: String?) {
        #expect(AWSServiceError(status: status, type: type, message: "", reason: reason).throttleName == name)
    }

    @Test(
        arguments: [
            (["x-amzn-ErrorType": "ServiceException"], "", "ServiceException"),
            (
                [
                    "x-amzn-errortype":
                        "UnrecognizedClientException:http://internal.amazon.com/coral/com.amazon.coral.service/"
                ],
                "", "UnrecognizedClientException"
            ),
            ([:], #"{"__type":"com.amazon.coral.service#UnrecognizedClientException"}"#, "UnrecognizedClientException"),
            ([:], #"{"code":"FooError:http://a/#b"}"#, "FooError"),
            (["x-amzn-errortype": "A"], #"{"__type":"B","code":"C"}"#, "A"),
            ([:], #"{"__type":"B","code":"C"}"#, "B"),
            ([:], "<html>Service Unavailable</html>", ""),
            ([:], "", ""),
            ([:], "[1]", ""),
            ([:], #"{"__type":7}"#, ""),
            (["x-amzn-errortype": "#"], "", ""),
        ] as [(KeyValuePairs<String, String>, String, String)])
    func `the type is found wherever it stands`(fields: KeyValuePairs<String, String>, body: String, type: String) {
        #expect(Self.error(503, fields, body).type == type)
    }

    @Test(arguments: [
        (#"{"Type":"User","Message":"a"}"#, "a"), (#"{"message":"b"}"#, "b"), (#"{"Message":"a","message":"b"}"#, "a"),
        (#"{"Message":null,"message":"b"}"#, "b"), ("Bad Gateway", ""), ("", ""),
    ])
    func `the text is found in either spelling`(body: String, message: String) {
        #expect(Self.error(500, [:], body).message == message)
    }

    @Test(
        arguments: [
            ("x-amz-retry-after", "1500", Duration.milliseconds(1500)), ("retry-after", "0", .zero),
            ("retry-after", " 12 ", .seconds(12)), ("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT", nil),
            ("retry-after", "-1", nil), ("retry-after", "99999999999999999999", nil), ("retry-after", "", nil),
        ] as [(String, String, Duration?)])
    func `the wish to wait is read or ignored`(name: String, value: String, expected: Duration?) {
        var fields = Fields()
        fields.append(name, value)
        #expect(AWSServiceError(head: ResponseHead(status: 429, fields: fields), body: Span()).retryAfter == expected)
    }

    // AWS Lambda API, Invoke, Errors, and the throttles of other services.
    @Test(arguments: [
        (429, "TooManyRequestsException", true, true), (429, "", true, true),
        (502, "EC2ThrottledException", true, true),
        (502, "ResourceNotReadyException", false, true), (409, "SnapStartNotReadyException", false, true),
        (500, "ServiceException", false, false), (503, "", false, false), (504, "", false, false),
        (408, "SnapStartTimeoutException", false, false), (409, "ResourceConflictException", false, false),
        (403, "AccessDeniedException", false, false), (413, "RequestTooLargeException", false, false),
    ])
    func `only what cannot have run may be tried again`(
        status: Int, type: String, isThrottle: Bool, isRetryable: Bool
    ) {
        let error = AWSServiceError(status: status, type: type, message: "")
        #expect(error.isThrottle == isThrottle)
        #expect(error.isRetryable == isRetryable)
    }

    @Test func `a wrong clock is told from a wrong key`() {
        let skewed = Self.error(
            403, ["x-amzn-ErrorType": "InvalidSignatureException", "Date": "Fri, 02 Jan 2026 04:09:05 GMT"],
            #"{"message":"Signature expired: 20260102T030405Z is now earlier than 20260102T040405Z (...)"}"#)
        let signed = WallTime(seconds: 1_767_323_045)
        #expect(skewed.clockOffset(signedAt: signed) == .seconds(3900))
        func offset(_ type: String, _ message: String, serverIsAhead seconds: Int64?) -> Duration? {
            AWSServiceError(
                status: 403, type: type, message: message,
                serverTime: seconds.map { WallTime(seconds: signed.seconds + $0) }
            ).clockOffset(signedAt: signed)
        }
        // Refusals that do not name the clock are put down to it where it is far off.
        #expect(offset("InvalidSignatureException", "no match", serverIsAhead: 30) == nil)
        #expect(offset("InvalidSignatureException", "no match", serverIsAhead: -600) == .seconds(-600))
        #expect(offset("SignatureDoesNotMatch", "", serverIsAhead: 600) == .seconds(600))
        #expect(offset("SignatureDoesNotMatch", "Signature expired: x", serverIsAhead: 5) == .seconds(5))
        #expect(offset("RequestTimeTooSkewed", "", serverIsAhead: 1) == .seconds(1))
        #expect(offset("RequestExpired", "", serverIsAhead: 1) == .seconds(1))
        // Without a date nobody knows by how much.
        #expect(offset("RequestExpired", "", serverIsAhead: nil) == nil)
        #expect(offset("AccessDeniedException", "", serverIsAhead: 600) == nil)
        #expect(
            skewed.description
                == "AWS answered 403 InvalidSignatureException: Signature expired: 20260102T030405Z is now earlier than "
                + "20260102T040405Z (...)")
        #expect(AWSServiceError(status: 503, type: "", message: "").description == "AWS answered 503 an error")
    }

    /// AWS repeats the canonical request behind the first line, with the session token in it.
    @Test func `only the first line of a message is told`() {
        let error = AWSServiceError(
            status: 403, type: "InvalidSignatureException",
            message:
                "The request signature we calculated does not match.\n\nThe Canonical String for this request should "
                + "have been\n'POST\n/\n\nhost:x\nx-amz-security-token:secret'")
        #expect(
            error.description
                == "AWS answered 403 InvalidSignatureException: The request signature we calculated does not match.")
        let long = AWSServiceError(status: 400, type: "X", message: String(repeating: "x", count: 10_000))
        #expect(long.description.utf8.count < 600)
    }
}
