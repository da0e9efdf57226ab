internal import Bytes
internal import HTTP

extension Fields {
    /// The number of the Content-Length field; `nil` without one, or where it is no plain number below 2^53.
    var contentLength: Int? {
        guard let index = self.firstIndex(of: "content-length") else { return nil }
        let digits = self.value(at: index)
        guard (1...15).contains(digits.count) else { return nil }
        var value = 0
        for index in digits.indices {
            guard ASCII.isDigit(digits[index]) else { return nil }
            value = value * 10 + Int(digits[index] - ASCII.zero)
        }
        return value
    }
}
