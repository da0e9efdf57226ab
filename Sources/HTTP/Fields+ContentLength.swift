internal import Bytes

extension Fields {
    /// The number of the Content-Length field; `nil` without one, or where it is no plain number below a petabyte.
    package var contentLength: Int? {
        guard let index = self.firstIndex(of: "content-length") else { return nil }
        return self.value(at: index).decimal(digits: Self.contentLengthDigits)
    }

    /// The digits that a Content-Length may have (RFC 9110 §8.6: 1*DIGIT). One with more is a mistake, and every reader
    /// and writer of lengths goes by the same bound, so that none states a length that another does not see.
    package static var contentLengthDigits: Int { 15 }
}
