/// Why a request's body is too large.
enum RequestExcess: Equatable, CustomStringConvertible {
    /// More raw bytes than `max_request_body`.
    case body(limit: Int)
    /// An event larger than Lambda takes.
    case event(limit: Int)

    var description: String {
        switch self {
        case .body(let limit):
            "The request body is larger than \(limit) bytes."
        case .event(let limit):
            "The request makes an event larger than \(limit) bytes; bodies that are not text grow by a third in it."
        }
    }
}
