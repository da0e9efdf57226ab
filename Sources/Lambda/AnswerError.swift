package import JSON

/// Why what a function answered cannot become an HTTP answer.
package enum AnswerError: Error, Equatable, Sendable {
    /// Not JSON where JSON must be.
    case notJSON(JSONError)
    /// JSON, but no object.
    case notObject
    /// A `statusCode` that is not from 200 to 599.
    case badStatus(String)
    /// A member of a kind that it cannot have, such as a `headers` that is no object.
    case badMember(String)
    /// A member that this kind of answer has not.
    case unknownMember(String)
    /// JSON that is no answer of this kind, as it has no `statusCode`.
    case noStatusCode
    /// An `isBase64Encoded` body that is no base64.
    case badBase64
    /// No delimiter where one must be.
    case noDelimiter(within: Int)
    /// The stream ended before the head of the answer did.
    case endedInPrelude
    /// More header fields than an answer may have.
    case fieldsTooLong(limit: Int)
    /// More than a gathered answer may have.
    case tooLong(limit: Int)
}

extension AnswerError: CustomStringConvertible {
    /// What is wrong, in one line.
    package var description: String {
        switch self {
        case .notJSON(let error): "the head of the answer: \(error)"
        case .notObject: "the head of the answer is no JSON object"
        case .badStatus(let text): "statusCode \(text) is no status of an answer"
        case .badMember(let name): "\(name) is of a kind that it cannot have"
        case .unknownMember(let name): "the answer has a member \(name), which answers of this kind have not"
        case .noStatusCode: "the answer has no statusCode"
        case .badBase64: "the body is no base64 although isBase64Encoded is true"
        case .noDelimiter(let count): "no eight NULs within \(count) bytes"
        case .endedInPrelude: "the stream ended before eight NULs"
        case .fieldsTooLong(let limit):
            "the header fields of an answer have at most \(limit) bytes, 32 for each included"
        case .tooLong(let limit): "a gathered answer has at most \(limit) bytes"
        }
    }
}
