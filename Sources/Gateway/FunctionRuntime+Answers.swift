internal import Bytes
internal import HTTP
internal import Relay

/// The answers that the gateway gives in a function's place.
extension FunctionRuntime {
    /// 413, with the numbers.
    func tooLarge(_ excess: RequestExcess, requestID: ShortText) -> OwnAnswer {
        .problem(status: 413, detail: excess.description, requestID: requestID)
    }

    /// 503: no place for another call.
    func busy(requestID: ShortText) -> OwnAnswer {
        self.answer(to: .busy, requestID: requestID)
    }

    /// What a client is told when a call failed: never what the function or AWS said.
    func answer(to failure: ExchangeFailure, requestID: ShortText) -> OwnAnswer {
        let detail =
            switch failure.status {
            case 408: "The client was too slow."
            case 413: "The request is too large for the function."
            case 429: "The function is throttled."
            case 503:
                switch failure {
                case .busy: "The function is at its limit of concurrent requests."
                case .circuitOpen: "The function has failed repeatedly and is not called for a while."
                case .refusedByUpstream: "The function takes no more requests now."
                default: "The gateway is shutting down."
                }
            case 504: "The function did not answer in time."
            default: "The function could not be reached, or did not answer as it should."
            }
        guard let seconds = failure.retryAfterSeconds else {
            return .problem(status: failure.status, detail: detail, requestID: requestID)
        }
        return .problem(
            status: failure.status, detail: detail, requestID: requestID, fields: ["retry-after": "\(seconds)"])
    }
}
