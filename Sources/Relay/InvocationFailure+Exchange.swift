internal import AWS
package import Lambda

/// What an exchange needs to know of a failed invocation besides its status.
extension InvocationFailure {
    /// How the access log and the metrics name the end.
    package var endName: String {
        switch self {
        case .functionError: "function_error"
        case .service: self.isThrottle ? "throttled" : "refused"
        case .badAnswer, .contentLength, .eventStream, .notEventStream, .badInvokeComplete: "bad_answer"
        case .streamException, .endedWithoutComplete, .truncated: "upstream_lost"
        }
    }

    /// How many seconds a throttled caller is asked to wait: what Lambda said, else one.
    package var retryAfterSeconds: Int? {
        guard case .service(let error) = self, self.isThrottle else { return nil }
        guard let asked = error.retryAfter else { return 1 }
        return max(1, Int((asked.wholeMillisecondsRoundedUp + 999) / 1000))
    }
}

extension Duration {
    fileprivate var wholeMillisecondsRoundedUp: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
