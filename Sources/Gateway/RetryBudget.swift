private import Synchronization

/// How many more calls a function may be made when calls fail, over all loops, so that one that is in trouble is not
/// called three times as often as before.
///
/// Each exchange earns a fifth of a call, each call beyond an exchange's first spends one. What is saved up suffices
/// for a hundred.
final class RetryBudget: Sendable {
    /// In fifths of a call.
    private let saved = Atomic(RetryBudget.most)

    private static let price = 5
    private static let most = 100 * RetryBudget.price

    /// An exchange makes its first call.
    func earn() {
        // In good times nothing is written.
        guard self.saved.load(ordering: .relaxed) < Self.most else { return }
        self.saved.wrappingAdd(1, ordering: .relaxed)
    }

    /// Whether there is a call to spend.
    var isLeft: Bool { self.saved.load(ordering: .relaxed) >= Self.price }

    /// Another call is going to be made.
    func spend() {
        self.saved.wrappingSubtract(Self.price, ordering: .relaxed)
    }
}
