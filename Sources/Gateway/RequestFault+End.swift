internal import HTTP

extension RequestFault {
    /// How the access log names the end of a request that was refused.
    var endName: String {
        switch self.status {
        case 408: "request_timeout"
        case 413, 414, 431: "request_too_large"
        default: "bad_request"
        }
    }
}
