/// What can go wrong between a function and its runtime.
enum RuntimeFailure: Error, Equatable {
    /// Nobody listens there.
    case unreachable(String)
    /// The connection ended, also in the middle of something.
    case connectionLost
    /// The runtime API answered what it must not.
    case badAnswer(String)
}
