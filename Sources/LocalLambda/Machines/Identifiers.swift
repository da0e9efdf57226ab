/// One invocation, by the request id that its caller, its function and the log know it under.
package struct InvocationID: Hashable, Sendable {
    package let rawValue: String

    package init(_ rawValue: String) {
        self.rawValue = rawValue
    }
}

/// One child process of a function, numbered in the order in which they were started.
package struct ChildID: Hashable, Sendable {
    package let rawValue: Int

    package init(_ rawValue: Int) {
        self.rawValue = rawValue
    }
}
