/// How the bytes that a function answers become an HTTP answer (`response:` of a function).
package enum ResponseMode: String, Sendable, CaseIterable {
    /// What begins with a JSON object and eight NULs has a head; all else is body.
    case auto
    /// Every answer has a head, or is a failure.
    case prelude
    /// Every byte is body.
    case raw
    /// The answer is one JSON document that is gathered before anything is sent.
    case buffered
}
