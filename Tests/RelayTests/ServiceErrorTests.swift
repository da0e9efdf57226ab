import AWS
import Bytes
import HTTP
import Lambda
import Relay
import Testing

/// What becomes of each error of the Lambda API, by its name: LAMBDA_WIRE 2, DESIGN 5 and 6.
@Suite struct ServiceErrorTests {
    /// What is made of a kind of error.
    struct Row: Sendable {
        let status: Int
        let names: [String]
        /// What the client gets where there is nobody else.
        let told: Int
        var isCalledAgain = false
        var hasStandIn = true
        /// Whether it counts for the circuit breaker.
        var isFailure = true
    }

    static let rows: [Row] = [
        Row(
            status: 400,
            names: [
                "InvalidParameterValueException", "InvalidRequestContentException", "RecursiveInvocationException",
            ],
            told: 502, hasStandIn: false, isFailure: false),
        Row(status: 400, names: ["NoPublishedVersionException", "SnapStartException"], told: 502),
        Row(
            status: 400, names: ["Throttling", "ThrottlingException", "RequestLimitExceeded"], told: 429,
            isCalledAgain: true, isFailure: false),
        Row(
            status: 403,
            names: [
                "EFSMountFailureException", "S3FilesMountFailureException", "AccessDeniedException",
                "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException",
                "MissingAuthenticationTokenException", "IncompleteSignatureException",
            ], told: 502),
        Row(status: 404, names: ["ResourceNotFoundException"], told: 502),
        Row(
            status: 408,
            names: [
                "EFSMountConnectivityException", "EFSMountTimeoutException", "S3FilesMountConnectivityException",
                "S3FilesMountTimeoutException", "SnapStartTimeoutException",
            ], told: 502),
        Row(status: 409, names: ["ResourceConflictException"], told: 502),
        Row(status: 409, names: ["SnapStartNotReadyException"], told: 502, isCalledAgain: true),
        Row(status: 410, names: ["EFSIOException"], told: 502),
        Row(
            status: 413, names: ["RequestTooLargeException", "SerializedRequestEntityTooLargeException"], told: 413,
            hasStandIn: false, isFailure: false),
        Row(status: 415, names: ["UnsupportedMediaTypeException"], told: 502, hasStandIn: false, isFailure: false),
        Row(status: 429, names: ["TooManyRequestsException", ""], told: 429, isCalledAgain: true, isFailure: false),
        Row(status: 500, names: ["ServiceException"], told: 502),
        Row(
            status: 502,
            names: [
                "EC2AccessDeniedException", "EC2UnexpectedException", "ENILimitReachedException",
                "InvalidRuntimeException", "InvalidSecurityGroupIDException", "InvalidSubnetIDException",
                "InvalidZipFileException", "KMSAccessDeniedException", "KMSDisabledException",
                "KMSInvalidStateException", "KMSNotFoundException", "SubnetIPAddressLimitReachedException",
            ], told: 502),
        Row(status: 502, names: ["EC2ThrottledException"], told: 429, isCalledAgain: true, isFailure: false),
        Row(status: 502, names: ["ResourceNotReadyException"], told: 502, isCalledAgain: true),
        // Of whatever stands in between.
        Row(status: 503, names: ["", "SomethingNewException"], told: 502),
        Row(status: 504, names: [""], told: 502),
    ]

    /// Where an answer may have the name.
    enum Place: CaseIterable {
        case field, qualifiedField, type, code
    }

    private func failure(_ status: Int, _ name: String, _ place: Place) -> ExchangeFailure {
        var head = ResponseHead(status: status, fields: Fields())
        var body = #"{"message":"text"}"#
        switch place {
        case .field: head.fields.append("x-amzn-ErrorType", name)
        case .qualifiedField:
            head.fields.append("x-amzn-errortype", "\(name):http://internal.amazon.com/coral/com.amazon.coral.service/")
        case .type: body = #"{"__type":"com.amazon.coral.service#\#(name)","Message":"text"}"#
        case .code: body = #"{"code":"\#(name)","Message":"text"}"#
        }
        return .invocation(.service(AWSServiceError(head: head, body: Array(body.utf8).span)))
    }

    @Test(arguments: Self.rows)
    func `each error is told, tried again, stood in for and counted as its name says`(row: Row) {
        for name in row.names {
            for place in Place.allCases {
                let failure = self.failure(row.status, name, place)
                #expect(failure.status == row.told, "\(name)")
                #expect(failure.isRetryable == row.isCalledAgain, "\(name)")
                #expect(failure.allowsFallback == row.hasStandIn, "\(name)")
                #expect(failure.isFunctionFailure == row.isFailure, "\(name)")
                #expect((failure.retryAfterSeconds != nil) == (row.told == 429), "\(name)")
                guard case .invocation(.service(let error)) = failure else { continue }
                #expect(error.type == name)
                #expect(error.message == "text")
            }
        }
    }

    @Test func `all exceptions of the model are here`() {
        // Those of InvokeWithResponseStream in botocore 1.43.11.
        let names = Self.rows.flatMap { row in row.names.map { "\(row.status) \($0)" } }
        let counts = [400: 5, 403: 2, 404: 1, 408: 5, 409: 2, 410: 1, 413: 2, 415: 1, 429: 1, 500: 1, 502: 14]
        #expect(counts.values.reduce(0, +) == 35)
        let notOfTheModel: Set<String> = [
            "Throttling", "ThrottlingException", "RequestLimitExceeded", "AccessDeniedException",
            "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException",
            "MissingAuthenticationTokenException", "IncompleteSignatureException", "", "SomethingNewException",
        ]
        for (status, count) in counts {
            let found = Self.rows.filter { $0.status == status }.flatMap(\.names).filter { !notOfTheModel.contains($0) }
            #expect(found.count == count, "\(status)")
        }
        #expect(Set(names).count == names.count)
    }
}
