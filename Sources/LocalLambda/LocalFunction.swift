/// A function that runs on this machine: what to start, and what it may use.
package struct LocalFunction: Sendable, Equatable {
    /// The name under which it is invoked.
    package var name: String
    /// What is started.
    package var program: Program
    /// The working directory, from which a handler and a relative command count as well.
    package var directory: String
    /// How many invocations may run at the same time, each in a process of its own.
    package var concurrency: Int
    /// What the function is told it has, in MiB; a process that uses more is killed.
    package var memory: Int
    /// Variables added to those of the gateway.
    package var environment: [String: String]
    /// How long an invocation may run.
    package var timeout: Duration
    /// How long a call may wait for a process that is free before it is refused as Lambda would.
    package var queueWait: Duration

    /// What a process of the function runs.
    package enum Program: Sendable, Equatable {
        /// A program and its arguments; it speaks the Runtime API.
        case command([String])
        /// `file.function` in a JavaScript file, run by Node.js.
        case node(handler: String)
    }

    /// The memory of a function for which none is stated, as in Lambda; such a function is not held to it.
    package static let defaultMemory = 128
    /// Whether `memory` was stated, so that it is enforced.
    package var hasMemoryLimit: Bool

    package init(
        name: String, program: Program, directory: String, concurrency: Int, memory: Int? = nil,
        environment: [String: String] = [:], timeout: Duration = .seconds(900), queueWait: Duration = .seconds(60)
    ) {
        self.name = name
        self.program = program
        self.directory = directory
        self.concurrency = max(1, concurrency)
        self.memory = memory ?? Self.defaultMemory
        self.hasMemoryLimit = memory != nil
        self.environment = environment
        self.timeout = timeout
        self.queueWait = queueWait
    }
}
