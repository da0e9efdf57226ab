internal import Bytes
internal import HTTP

extension Fields {
    /// The number of the Content-Length field; `nil` without one, or where it is no plain number below 2^53.
    var contentLength: Int? {
        guard let index = self.firstIndex(of: "content-length") else { return nil }
        return self.value(at: index).decimal(digits: 15)
    }
}
