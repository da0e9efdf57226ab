/// What `response: auto` has taken an answer for. Counted for each function, so that people can pin the mode they need.
package enum AnswerShape: String, Sendable, CaseIterable {
    /// A head, eight NULs, and a body: pin `prelude`.
    case prelude
    /// Bytes without a head: pin `raw`.
    case body
    /// An object with `statusCode`, whole: pin `buffered`.
    case buffered
    /// JSON without `statusCode`, whole.
    case json
    /// Nothing at all.
    case empty
}
