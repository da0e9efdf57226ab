internal import Bytes
internal import HTTP

/// Requests are written once, as HTTP/1.1 has them, and signed in that form. HTTP/2 says the same in other words.
extension FieldBlock {
    /// Makes pseudo-header fields and fields (RFC 9113 §8.3.1) of the head of an HTTP/1.1 request, which ends with its
    /// empty line. Answers whether it was one.
    mutating func append(requestHead head: Span<UInt8>, scheme: StaticString) -> Bool {
        var position = 0
        guard let line = head.nextLine(from: &position), let methodEnd = line.firstIndex(of: ASCII.space),
            let targetEnd = line.firstIndex(of: ASCII.space, from: methodEnd + 1), methodEnd > 0,
            targetEnd > methodEnd + 1, line.extracting(targetEnd + 1..<line.count).equals("HTTP/1.1")
        else { return false }
        self.append(":method", line.extracting(0..<methodEnd))
        self.append(":scheme", scheme)
        let fieldsStart = position
        while let line = head.nextLine(from: &position), line.count > 0 {
            guard let colon = line.firstIndex(of: ASCII.colon) else { return false }
            guard line.extracting(0..<colon).equalsIgnoringCase("host") else { continue }
            self.append(":authority", line.extracting(colon + 1..<line.count).trimmed)
            break
        }
        self.append(":path", line.extracting(methodEnd + 1..<targetEnd))
        position = fieldsStart
        while let line = head.nextLine(from: &position) {
            if line.count == 0 { return position == head.count }
            guard let colon = line.firstIndex(of: ASCII.colon), colon > 0 else { return false }
            let name = line.extracting(0..<colon)
            if name.equalsIgnoringCase("host") { continue }
            self.append(lowercasing: name, line.extracting(colon + 1..<line.count).trimmed)
        }
        return false
    }
}

extension Span where Element == UInt8 {
    /// The next line without its CRLF; `nil` where there is no whole one.
    @_lifetime(copy self)
    fileprivate func nextLine(from position: inout Int) -> Span<UInt8>? {
        guard let end = self.firstIndex(of: ASCII.lineFeed, from: position), end > position,
            self[end - 1] == ASCII.carriageReturn
        else { return nil }
        let line = self.extracting(position..<end - 1)
        position = end + 1
        return line
    }
}
