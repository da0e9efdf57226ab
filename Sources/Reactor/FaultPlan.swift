private import CLinux

/// What tests make of system calls on a loop: short reads and writes, false alarms, resets.
///
/// A loop without a plan asks nobody. A plan is asked before each `recv` and `send`, and may answer instead of the
/// kernel; an injected EAGAIN is followed by an injected readiness in the next round, as a real one would be.
package final class FaultPlan {
    /// What happens to one call.
    package enum Outcome: Equatable {
        /// The kernel decides.
        case pass
        /// At most this many bytes (at least 1) are offered to the kernel.
        case short(Int)
        /// EAGAIN.
        case again
        /// ECONNRESET.
        case reset
    }

    private let decide: (Operation, Int) -> Outcome

    /// The call that is about to be made.
    package enum Operation: Equatable, Sendable {
        case receive
        case send
    }

    /// A plan from a function of the operation and the number of bytes asked for.
    package init(_ decide: @escaping (Operation, Int) -> Outcome) {
        self.decide = decide
    }

    func outcome(_ operation: Operation, _ count: Int) -> Outcome {
        self.decide(operation, count)
    }
}

@available(*, unavailable)
extension FaultPlan: Sendable {}
