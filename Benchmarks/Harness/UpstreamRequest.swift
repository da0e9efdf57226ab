import Bytes

/// What the upstream needs to know of a request: where it goes, and how many bytes it has.
struct UpstreamRequest {
    var path: String
    var query: [String: Int]
    var length: Int

    /// Reads the first request, or answers `nil` where it is not complete.
    init?(_ input: Span<UInt8>, framing: Framing) {
        guard let headEnd = find("\r\n\r\n", in: input, from: 0) else { return nil }
        var bodyLength = 0
        if let field = findIgnoringCase("\r\ncontent-length:", in: input.extracting(first: headEnd + 2)) {
            var index = field + "\r\ncontent-length:".utf8.count
            while input[index] == ASCII.space { index += 1 }
            while ASCII.isDigit(input[index]) {
                bodyLength = bodyLength * 10 + Int(input[index] - ASCII.zero)
                index += 1
            }
        }
        self.length = headEnd + 4 + bodyLength
        guard input.count >= self.length else { return nil }
        switch framing {
        case .raw:
            let start = (input.firstIndex(of: ASCII.space) ?? 0) + 1
            let end = input.firstIndex(of: ASCII.space, from: start) ?? start
            let target = input.extracting(start..<end).string().split(separator: "?", maxSplits: 1)
            self.path = String(target.first ?? "/")
            self.query = target.count > 1 ? parameters(target[1]) : [:]
        case .lambda:
            let event = input.extracting((headEnd + 4)..<self.length)
            self.path = member("\"rawPath\":\"", of: event)
            self.query = parameters(member("\"rawQueryString\":\"", of: event)[...])
        }
    }
}

private func member(_ name: StaticString, of event: Span<UInt8>) -> String {
    guard let position = find(name, in: event, from: 0) else { return "" }
    let start = position + name.utf8CodeUnitCount
    return event.extracting(start..<(event.firstIndex(of: ASCII.quote, from: start) ?? start)).string()
}

private func parameters(_ query: Substring) -> [String: Int] {
    guard !query.isEmpty else { return [:] }
    var values: [String: Int] = [:]
    for pair in query.split(separator: "&") {
        let parts = pair.split(separator: "=")
        if parts.count == 2 { values[String(parts[0])] = Int(parts[1]) }
    }
    return values
}

/// Where the literal stands first.
func find(_ text: StaticString, in bytes: Span<UInt8>, from start: Int) -> Int? {
    let count = text.utf8CodeUnitCount
    let first = text.utf8Start[0]
    var index = start
    while let position = bytes.firstIndex(of: first, from: index), position + count <= bytes.count {
        if bytes.extracting(position..<(position + count)).equals(text) { return position }
        index = position + 1
    }
    return nil
}

private func findIgnoringCase(_ text: StaticString, in bytes: Span<UInt8>) -> Int? {
    let count = text.utf8CodeUnitCount
    var index = 0
    while let position = bytes.firstIndex(of: text.utf8Start[0], from: index), position + count <= bytes.count {
        if bytes.extracting(position..<(position + count)).equalsIgnoringCase(text) { return position }
        index = position + 1
    }
    return nil
}
