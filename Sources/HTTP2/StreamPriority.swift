internal import Bytes

/// How urgently a client wants an answer (RFC 9218 §4).
struct StreamPriority: Equatable {
    /// 0 is the most urgent, 7 the least.
    var urgency: UInt8 = 3
    /// Whether parts of the answer are of use before the rest is there.
    var isIncremental = false

    /// The members `u` and `i` of a `priority` field, a dictionary of RFC 8941 §3.2; whatever else it holds is passed
    /// over (RFC 9218 §4: unknown parameters and values out of range are ignored).
    init(parsing value: Span<UInt8>) {
        var start = 0
        while start < value.count {
            let end = value.firstIndex(of: ASCII.comma, from: start) ?? value.count
            var member = value.extracting(start..<end).trimmed
            // Parameters of a member mean nothing here.
            if let semicolon = member.firstIndex(of: ASCII.semicolon) {
                member = member.extracting(0..<semicolon).trimmed
            }
            if member.count == 3, member[0] == UInt8(ascii: "u"), member[1] == ASCII.equals {
                let digit = member[2] &- ASCII.zero
                if digit <= 7 { self.urgency = digit }
            } else if member.equals("i") || member.equals("i=?1") {
                self.isIncremental = true
            } else if member.equals("i=?0") {
                self.isIncremental = false
            }
            start = end + 1
        }
    }
}
