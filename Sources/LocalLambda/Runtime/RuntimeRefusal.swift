package import Bytes
private import JSON

/// Why the Runtime API did not accept what a child sent, by the names that Lambda uses.
package enum RuntimeRefusal: Equatable, Sendable {
    /// The id is not that of the invocation that the child is working on, or has been answered.
    case invalidRequestID
    /// The call does not fit what the child is doing.
    case invalidStateTransition
    /// `Lambda-Runtime-Function-Response-Mode` has a value other than `streaming`.
    case invalidFunctionResponseMode
    /// A buffered answer above the limit.
    case requestEntityTooLarge(limit: Int)
    /// No such path.
    case unknownPath
    /// The path does not take the method.
    case methodNotAllowed
    /// The connection has ended in the middle of the request.
    case truncatedRequest
    /// The request is malformed.
    case malformed(status: Int, String)

    package var status: Int {
        switch self {
        case .invalidRequestID, .invalidFunctionResponseMode, .truncatedRequest: 400
        case .invalidStateTransition: 403
        case .requestEntityTooLarge: 413
        case .unknownPath: 404
        case .methodNotAllowed: 405
        case .malformed(let status, _): status
        }
    }

    package var errorType: String {
        switch self {
        case .invalidRequestID: "InvalidRequestID"
        case .invalidStateTransition: "InvalidStateTransition"
        case .invalidFunctionResponseMode: "InvalidFunctionResponseMode"
        case .requestEntityTooLarge: "RequestEntityTooLarge"
        case .truncatedRequest: "TruncatedHTTPRequest"
        case .unknownPath, .methodNotAllowed, .malformed: "InvalidRequest"
        }
    }

    package var message: String {
        switch self {
        case .invalidRequestID: "Invalid request ID"
        case .invalidStateTransition: "The call does not fit the state of the runtime"
        case .invalidFunctionResponseMode: "Invalid function response mode"
        case .requestEntityTooLarge(let limit):
            "Exceeded maximum allowed payload size (\(limit) bytes)."
        case .truncatedRequest: "HTTP request detected as truncated"
        case .unknownPath: "No such path"
        case .methodNotAllowed: "The path does not take this method"
        case .malformed(_, let text): text
        }
    }

    /// `{"errorMessage":"...","errorType":"..."}`.
    package func appendJSON(to buffer: inout ByteBuffer) {
        buffer.append("{\"errorMessage\":")
        buffer.append(jsonString: self.message)
        buffer.append(",\"errorType\":")
        buffer.append(jsonString: self.errorType)
        buffer.append("}")
    }
}
