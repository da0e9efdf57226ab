internal import Bytes
internal import JSON

/// The last event of an invocation that went well.
package struct InvokeComplete: Equatable, Sendable {
    /// The end of the function's log as base64, where `X-Amz-Log-Type: Tail` asked for it.
    package var logResult: String?

    package init(logResult: String? = nil) {
        self.logResult = logResult
    }
}

extension InvokeComplete {
    /// Reads the payload of the message: `{"ErrorCode":..,"ErrorDetails":..,"LogResult":..}`, each of which can be
    /// absent or null, as can all of it. The log is told also where the function failed.
    init(parsing payload: Span<UInt8>, log: inout String?) throws(InvocationFailure) {
        self.logResult = nil
        // PERF: nearly every stream ends with one of these.
        if payload.isEmpty || payload.equals("{}") { return }
        guard let document = try? JSONValue(parsing: payload), document.object != nil else { throw .badInvokeComplete }
        log = document["LogResult"]?.string
        let code = document["ErrorCode"] ?? .null
        let details = document["ErrorDetails"] ?? .null
        guard code == .null else {
            throw .functionError(code: code.string ?? code.description, details: details.string ?? "")
        }
        self.logResult = log
    }
}
