package import Bytes
private import JSON

/// An error that the local Lambda answers with, named and worded as Lambda does.
package struct InvokeFault: Error, Equatable, Sendable {
    package let status: Int
    /// The exception's name, for `x-amzn-ErrorType`.
    package let type: String
    package let message: String
    /// Why a call was throttled.
    package var reason: String?
    /// Whether the text's member is `Message` (a capital letter), as it is for half of the exceptions.
    private let hasCapitalMember: Bool
    /// Whether the document says whose fault it was; errors of the layer in front of Lambda do not.
    private let saysWhose: Bool

    package init(
        status: Int, type: String, message: String, reason: String? = nil, hasCapitalMember: Bool = false,
        saysWhose: Bool = true
    ) {
        self.status = status
        self.type = type
        self.message = message
        self.reason = reason
        self.hasCapitalMember = hasCapitalMember
        self.saysWhose = saysWhose
    }

    /// `{"Type":"User","message":"..."}` and so on.
    package func appendJSON(to buffer: inout ByteBuffer) {
        buffer.append("{")
        if let reason = self.reason {
            buffer.append("\"Reason\":")
            buffer.append(jsonString: reason)
            buffer.append(",")
        }
        if self.saysWhose { buffer.append(self.status < 500 ? "\"Type\":\"User\"," : "\"Type\":\"Service\",") }
        buffer.append(self.hasCapitalMember ? "\"Message\":" : "\"message\":")
        buffer.append(jsonString: self.message)
        buffer.append("}")
    }
}

/// The faults that the local Lambda knows.
extension InvokeFault {
    /// The path is none of the Invoke APIs.
    package static let unknownOperation = InvokeFault(
        status: 404, type: "UnknownOperationException",
        message: "The local Lambda knows Invoke and InvokeWithResponseStream only", saysWhose: false)

    /// The path is right, the method is not.
    package static let methodNotAllowed = InvokeFault(
        status: 405, type: "UnknownOperationException", message: "Invoking takes POST", saysWhose: false)

    /// The signature, or the lack of one.
    package static func notAuthenticated(type: String, message: String) -> InvokeFault {
        InvokeFault(status: 403, type: type, message: message, saysWhose: false)
    }

    package static func functionNotFound(arn: String) -> InvokeFault {
        InvokeFault(
            status: 404, type: "ResourceNotFoundException", message: "Function not found: \(arn)",
            hasCapitalMember: true)
    }

    package static func invalidParameter(_ message: String) -> InvokeFault {
        InvokeFault(status: 400, type: "InvalidParameterValueException", message: message)
    }

    package static func invalidContent(_ message: String) -> InvokeFault {
        InvokeFault(
            status: 400, type: "InvalidRequestContentException",
            message: "Could not parse request body into json: \(message)")
    }

    package static func tooLarge(limit: Int, operation: InvokeOperation) -> InvokeFault {
        InvokeFault(
            status: 413, type: "RequestTooLargeException",
            message: "Request must be smaller than \(limit) bytes for the \(operation.name) operation")
    }

    /// All children are busy, and the call has waited as long as it may.
    package static let throttled = InvokeFault(
        status: 429, type: "TooManyRequestsException", message: "Rate Exceeded.",
        reason: "ReservedFunctionConcurrentInvocationLimitExceeded")

    /// The gateway is shutting down.
    package static let shutdown = InvokeFault(
        status: 503, type: "ServiceException", message: "The local Lambda is shutting down", hasCapitalMember: true)

    /// The bytes are no request.
    package static func malformed(status: Int, _ message: String) -> InvokeFault {
        InvokeFault(status: status, type: "SerializationException", message: message, saysWhose: false)
    }
}
