import Bytes

/// One event to answer.
struct Invocation {
    /// Names the invocation in the answer's path.
    let identifier: String
    /// The event document.
    let event: [UInt8]

    /// A parameter of the query, as a number.
    func number(_ name: String) -> Int? {
        for pair in self.query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0] == name { return Int(parts[1]) }
        }
        return nil
    }

    /// The undecoded query of a payload 2.0 event.
    ///
    /// The bytes searched for cannot stand inside another member: a quote inside a JSON string has a backslash before
    /// it.
    private var query: String {
        let marker = Array("\"rawQueryString\":\"".utf8)
        let event = self.event.span
        var start = 0
        while let quote = event.firstIndex(of: ASCII.quote, from: start) {
            let rest = event.extracting(droppingFirst: quote)
            if rest.count > marker.count, rest.extracting(first: marker.count).equals(marker.span) {
                let value = rest.extracting(droppingFirst: marker.count)
                return value.extracting(first: value.firstIndex(of: ASCII.quote) ?? 0).string()
            }
            start = quote + 1
        }
        return ""
    }
}
