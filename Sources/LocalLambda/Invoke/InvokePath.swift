/// The two ways to invoke a function.
package enum InvokeOperation: Sendable, Equatable {
    /// `InvokeWithResponseStream`: an event stream, each chunk at once.
    case stream
    /// `Invoke`: one document.
    case buffered

    package var name: String {
        switch self {
        case .stream: "InvokeWithResponseStream"
        case .buffered: "InvokeFunction"
        }
    }
}

/// Which operation on which function a path means.
package struct InvokePath: Equatable, Sendable {
    package let operation: InvokeOperation
    /// The function's name or ARN, decoded.
    package let function: String

    /// `nil` where the path is of neither operation.
    package init?(_ path: String) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.count == 5, segments[0].isEmpty, segments[2] == "functions" else { return nil }
        switch (segments[1], segments[4]) {
        case ("2021-11-15", "response-streaming-invocations"): self.operation = .stream
        case ("2015-03-31", "invocations"): self.operation = .buffered
        default: return nil
        }
        guard let function = PercentCoding.decode(segments[3]), !function.isEmpty else { return nil }
        self.function = function
    }
}
