/// The number of a stream: odd for those that clients open, 0 for the connection itself.
package struct StreamID: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    package static func < (left: StreamID, right: StreamID) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension StreamID: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int32) {
        self.init(rawValue: value)
    }
}
