private import Synchronization
internal import Time

/// By how much AWS's clocks are ahead of this machine's, as far as refused signatures have told. Zero until one was.
final class ClockOffset: Sendable {
    private let milliseconds = Atomic<Int64>(0)

    /// What to add to the time of this machine.
    var offset: Duration {
        get { .milliseconds(self.milliseconds.load(ordering: .relaxed)) }
        set { self.milliseconds.store(newValue.wholeMilliseconds, ordering: .relaxed) }
    }
}
