/// A value that belongs to a loop, on its way through other threads to that loop. Nobody can open it elsewhere.
package struct LoopBound<Value>: @unchecked Sendable {
    // SAFETY: the value is reachable only through `value(on:)`, which takes the loop, and a loop is not Sendable: who
    // has it is on its thread. The reference count of the value is atomic.
    private let wrapped: Value

    package init(_ value: Value) {
        self.wrapped = value
    }

    /// The value, for somebody on the loop's thread.
    package func value(on loop: Loop) -> Value {
        self.wrapped
    }
}

extension LoopBound where Value == Loop {
    /// Runs the loop on the calling thread, which is its own from now on, until it is stopped.
    package func run() {
        self.wrapped.run()
    }
}
