private import Bytes
private import HTTP
private import JSON
package import Processes
private import Time

/// How an invocation failed: what `InvokeComplete.ErrorCode` and `ErrorDetails`, or the body of a buffered answer, say.
package struct FunctionError: Error, Equatable, Sendable {
    /// `Unhandled`, `Sandbox.Timedout`, `Runtime.ExitError`, or the type that a runtime put into its trailers.
    package let code: String
    /// JSON text with `errorType` and `errorMessage`, mostly; a runtime may send anything.
    package let details: String

    package init(code: String, details: String) {
        self.code = code
        self.details = details
    }

    private init(code: String, type: String, message: String, id: InvocationID) {
        var json = ByteBuffer()
        json.append("{\"errorType\":")
        json.append(jsonString: type)
        json.append(",\"errorMessage\":")
        json.append(jsonString: "RequestId: \(id.rawValue) Error: \(message)")
        json.append("}")
        self.init(code: code, details: json.string())
    }

    /// The process ended without having answered.
    package static func exited(_ outcome: ProcessOutcome, id: InvocationID) -> FunctionError {
        let message =
            outcome.isSuccess
            ? "Runtime exited without providing a reason" : "Runtime exited with error: \(outcome)"
        return FunctionError(code: "Runtime.ExitError", type: "Runtime.ExitError", message: message, id: id)
    }

    /// The process could not be started at all.
    package static func notStarted(_ reason: String, id: InvocationID) -> FunctionError {
        FunctionError(
            code: "Runtime.InvalidEntrypoint", type: "Runtime.InvalidEntrypoint",
            message: "The function could not be started: \(reason)", id: id)
    }

    /// The invocation's time was over.
    package static func timedOut(after limit: Duration, id: InvocationID) -> FunctionError {
        FunctionError(
            code: "Sandbox.Timedout", type: "Sandbox.Timedout",
            message: "Task timed out after \(Self.seconds(limit)) seconds", id: id)
    }

    /// Starting up took too long.
    package static func startTimedOut(after limit: Duration, id: InvocationID) -> FunctionError {
        FunctionError(
            code: "Sandbox.Timedout", type: "Sandbox.Timedout",
            message: "The runtime did not ask for an invocation within \(Self.seconds(limit)) seconds of its start",
            id: id)
    }

    /// The connection was lost in the middle of the answer.
    package static func truncated(id: InvocationID) -> FunctionError {
        FunctionError(
            code: "Runtime.TruncatedResponse", type: "Runtime.TruncatedResponse",
            message: "The connection was lost in the middle of the response", id: id)
    }

    /// The gateway is shutting down.
    package static func shutdown(id: InvocationID) -> FunctionError {
        FunctionError(
            code: "Runtime.ExitError", type: "Runtime.ExitError", message: "The gateway is shutting down", id: id)
    }

    /// A buffered answer above the limit.
    package static func responseTooLarge(limit: Int) -> FunctionError {
        FunctionError(
            code: "Unhandled",
            details: "{\"errorType\":\"Function.ResponseSizeTooLarge\",\"errorMessage\":"
                + "\"Response payload size exceeded maximum allowed payload size (\(limit) bytes).\"}")
    }

    /// What the runtime reported by `POST error` or `POST init/error`: its document, or one made of the type that the
    /// header names where the body is empty. As in Lambda's own emulator only types of the platform's form count there.
    package static func reported(body: Span<UInt8>, headerType: String?) -> FunctionError {
        if !body.isEmpty { return FunctionError(code: "Unhandled", details: body.string()) }
        var json = ByteBuffer()
        json.append("{\"errorType\":")
        json.append(jsonString: headerType.flatMap { Self.isPlatformType($0) ? $0 : nil } ?? "Runtime.Unknown")
        json.append(",\"errorMessage\":\"\"}")
        return FunctionError(code: "Unhandled", details: json.string())
    }

    /// `Runtime.ExitError` and the like: `(Runtime|Function)\.[A-Z][a-zA-Z]+`.
    private static func isPlatformType(_ type: String) -> Bool {
        let parts = type.utf8.split(separator: ASCII.dot, omittingEmptySubsequences: false).map(Array.init)
        guard parts.count == 2, parts[0] == Array("Runtime".utf8) || parts[0] == Array("Function".utf8),
            parts[1].count >= 2, parts[1].allSatisfy(ASCII.isLetter)
        else { return false }
        return ASCII.lowercased(parts[1][0]) != parts[1][0]
    }

    /// `3.00` for three seconds, as Lambda writes them.
    private static func seconds(_ duration: Duration) -> String {
        let hundredths = duration.wholeMilliseconds / 10
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }
}
