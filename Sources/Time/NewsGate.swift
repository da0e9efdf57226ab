/// Says whether something that may happen many times a second is worth a line in the log: where it did not happen for a
/// while before.
package struct NewsGate: Sendable {
    private let rest: Duration
    private var last: MonotonicTime?

    /// - Parameter rest: how long it must not have happened to be news again.
    package init(rest: Duration = .seconds(60)) {
        self.rest = rest
    }

    /// It has happened; answers whether that is news.
    package mutating func happened(at now: MonotonicTime) -> Bool {
        defer { self.last = now }
        return self.last.map { now >= $0 + self.rest } ?? true
    }
}
