package import HTTP
private import Bytes

/// Several functions that share the requests of a route by their weights.
///
/// Without stickiness each request is drawn anew. With it, requests with the same value of a cookie or a header go to
/// the same function, for as long as the weights stay. Where they change, values move only to functions that have
/// gained weight against their own: each value has a time to arrive at each function, the sooner the more that weighs,
/// and goes to where it arrives first (rendezvous hashing with weights).
package struct WeightedFunctions: Sendable, Equatable {
    /// The functions by their positions, in the order of the configuration.
    package let choices: [Choice]
    package let stickiness: Stickiness?
    private let total: UInt64

    /// A function and its share.
    package struct Choice: Sendable, Hashable {
        package let function: Int
        /// By which values know it again in another configuration.
        package let name: String
        /// None, or its share of all weights.
        package let weight: Int

        package init(function: Int, name: String, weight: Int) {
            self.function = function
            self.name = name
            self.weight = weight
        }
    }

    /// What makes requests stay with one function.
    package enum Stickiness: Sendable, Hashable {
        /// The value of a cookie.
        case cookie(String)
        /// The value of a header, whose name is in lower case.
        case header(String)
    }

    /// `nil` where no function gets anything.
    package init?(_ choices: [Choice], stickiness: Stickiness? = nil) {
        let total = choices.reduce(UInt64(0)) { $0 + UInt64(max(0, $1.weight)) }
        guard total > 0 else { return nil }
        self.choices = choices
        self.stickiness = stickiness
        self.total = total
    }

    /// The position among the choices for a request with these fields. `random` is a random number, for requests that
    /// stay nowhere.
    package func choose(for fields: borrowing Fields, random: UInt64) -> Int {
        if let hash = self.stickiness.flatMap({ Self.hash($0, of: fields) }) { return self.first(toTake: hash) }
        var point = random.multipliedFullWidth(by: self.total).high
        for (index, choice) in self.choices.enumerated() {
            let weight = UInt64(max(0, choice.weight))
            if point < weight { return index }
            point -= weight
        }
        // Unreachable: the point is below the sum of all weights.
        return 0
    }

    /// The position of the choice at which a value arrives first.
    private func first(toTake hash: UInt64) -> Int {
        var (best, bestTime) = (0, Double.infinity)
        for (index, choice) in self.choices.enumerated() where choice.weight > 0 {
            let time = (hash ^ choice.name.utf8.span.spreadHash).spread.waitingTime / Double(choice.weight)
            if time < bestTime { (best, bestTime) = (index, time) }
        }
        return best
    }

    private static func hash(_ stickiness: Stickiness, of fields: borrowing Fields) -> UInt64? {
        switch stickiness {
        case .header(let name):
            for index in fields.indices where fields.name(at: index).equals(name.utf8.span) {
                return fields.value(at: index).spreadHash
            }
        case .cookie(let name):
            var line = fields.firstIndex(of: "cookie")
            while let index = line {
                if let hash = fields.value(at: index).hash(ofCookie: name.utf8.span) { return hash }
                line = fields.firstIndex(of: "cookie", from: index + 1)
            }
        }
        return nil
    }
}

extension Span where Element == UInt8 {
    /// The hash of a cookie's value, where the Cookie field has it (RFC 6265 §4.2.1).
    fileprivate func hash(ofCookie name: Span<UInt8>) -> UInt64? {
        var start = 0
        while start < self.count {
            let end = self.firstIndex(of: ASCII.semicolon, from: start) ?? self.count
            let pair = self.extracting(start..<end).trimmed
            if let equals = pair.firstIndex(of: ASCII.equals), pair.extracting(0..<equals).trimmed.equals(name) {
                return pair.extracting(equals + 1..<pair.count).spreadHash
            }
            start = end + 1
        }
        return nil
    }

    /// The same number for the same bytes, on every machine and in every version; all numbers about as often. FNV-1a,
    /// and the last step of SplitMix64, without which short values would lie close together.
    fileprivate var spreadHash: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in self.indices { hash = (hash ^ UInt64(self[index])) &* 0x0100_0000_01b3 }
        return hash.spread
    }
}

extension UInt64 {
    /// Another number for each, far from those of its neighbours: the last step of SplitMix64.
    fileprivate var spread: UInt64 {
        var hash = self
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return hash ^ (hash >> 31)
    }

    /// -ln of the number as a part of all numbers: with numbers from all over, times that are distributed
    /// exponentially, of which the shortest is one function's as often as its weight says.
    fileprivate var waitingTime: Double {
        // The 53 upper bits, and never 0.
        let part = (Double(self >> 11) + 0.5) * 0x1p-53
        // ln(2^e m) = e ln 2 + 2 artanh t; the series ends where a Double does, as t is at most a third.
        let t = (part.significand - 1) / (part.significand + 1)
        var (sum, power) = (0.0, t)
        for divisor in stride(from: 1.0, through: 31.0, by: 2.0) {
            sum += power / divisor
            power *= t * t
        }
        return -(Double(part.exponent) * 0.693_147_180_559_945_3 + 2 * sum)
    }
}
