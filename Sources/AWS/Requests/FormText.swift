private import Bytes

/// A body of `application/x-www-form-urlencoded`, as the query protocol of AWS wants it.
enum FormText {
    /// Names and values in order, percent-encoded.
    static func text(_ pairs: [(name: String, value: String)]) -> String {
        pairs.map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }.joined(separator: "&")
    }
}
