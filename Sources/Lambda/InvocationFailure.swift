package import AWS

/// Why an invocation did not come to its proper end.
package enum InvocationFailure: Error, Equatable, Sendable {
    /// The function failed, or its time was over: InvokeComplete with an ErrorCode.
    case functionError(code: String, details: String)
    /// The Lambda API refused the call.
    // PERF: indirect, because each action and state of the machine would be as large as this.
    indirect case service(AWSServiceError)
    /// The stream ended with an exception message.
    case streamException(type: String, message: String)
    /// What the function answered is no HTTP answer.
    case badAnswer(AnswerError)
    /// The event stream is damaged.
    case eventStream(EventStreamError)
    /// A 200 that is no event stream.
    case notEventStream(contentType: String)
    /// The InvokeComplete at the end cannot be read.
    case badInvokeComplete
    /// The answer ended in order, but without InvokeComplete.
    case endedWithoutComplete
    /// The answer ended inside a message, or the connection was lost.
    case truncated
    /// The function promised another length than it sent. `sent` counts up to where that was seen.
    case contentLength(promised: Int, sent: Int)
}

extension InvocationFailure {
    /// What the client gets where nothing has been sent yet: docs/invoking.md, "What happens when …".
    package var status: Int {
        switch self {
        case .service(let error) where error.status == 429: 429
        case .service(let error) where error.status == 413: 413
        case .service(let error) where error.isThrottle: 429
        case .functionError, .service, .streamException, .badAnswer, .eventStream, .notEventStream, .badInvokeComplete,
            .endedWithoutComplete, .truncated, .contentLength:
            502
        }
    }

    /// Whether Lambda asked for fewer calls.
    package var isThrottle: Bool {
        guard case .service(let error) = self else { return false }
        return error.isThrottle
    }

    /// Whether the function cannot have run, so that the same call may be made again.
    package var isRetryable: Bool {
        guard case .service(let error) = self else { return false }
        return error.isRetryable
    }
}

extension InvocationFailure: CustomStringConvertible {
    /// What happened, in one line. For logs, never for a client.
    package var description: String {
        switch self {
        case .functionError(let code, let details):
            details.isEmpty ? "the function failed: \(code)" : "the function failed: \(code): \(details)"
        case .service(let error): error.description
        case .streamException(let type, let message):
            message.isEmpty ? "the stream failed: \(type)" : "the stream failed: \(type): \(message)"
        case .badAnswer(let error): error.description
        case .eventStream(let error): error.description
        case .notEventStream(let type): "the answer is no event stream but '\(type)'"
        case .badInvokeComplete: "the InvokeComplete message cannot be read"
        case .endedWithoutComplete: "the answer ended without InvokeComplete"
        case .truncated: "the answer was cut off"
        case .contentLength(let promised, let sent):
            "the function promised a content-length of \(promised) and sent \(sent) bytes"
                + (sent > promised ? " or more" : "")
        }
    }
}
