internal import LocalLambda

/// A function as the local Lambda runs it. The configuration has a type of the same name for what a file says of one, so
/// the name is made here, where only the one is in sight.
typealias LocalLambdaFunction = LocalFunction
