import Time

/// How long things about a child may take.
enum ChildLimits {
    /// Until it asks for its first invocation, as in Lambda.
    static let start = Duration.seconds(10)
    /// How long the process may live on after its connection broke in the middle of an answer, to be taken for crashed.
    static let brokenGrace = Duration.milliseconds(100)
    /// How long the reading of what an ended process had sent may take.
    static let exitGrace = Duration.milliseconds(250)
    /// How long a child may take to end after it was told to.
    static let terminationGrace = Duration.seconds(2)
    /// How often the memory of a child is looked at, where it has a limit.
    static let memoryInterval = Duration.milliseconds(250)
}
