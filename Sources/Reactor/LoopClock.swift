private import CLinux
private import Glibc
package import Time

/// Where a loop takes the time from: the system, or a test.
package enum LoopClock {
    case system
    case manual(ManualClock)

    /// The time now, for deadlines.
    package func monotonic() -> MonotonicTime {
        switch self {
        case .system:
            var time = timespec()
            unsafe clock_gettime(CLOCK_MONOTONIC, &time)
            return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
        case .manual(let clock):
            return clock.now
        }
    }

    /// The date and time now.
    package func wall() -> WallTime {
        switch self {
        case .system:
            var time = timespec()
            unsafe clock_gettime(CLOCK_REALTIME, &time)
            return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
        case .manual(let clock):
            return clock.wall
        }
    }
}

/// A clock that stands still until a test moves it.
package final class ManualClock {
    /// The time that a loop sees from its next round on.
    package private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000)
    /// The date that a loop sees.
    package private(set) var wall = WallTime(seconds: 1_783_711_146)

    package init() {}

    /// Moves both clocks on.
    package func advance(by duration: Duration) {
        self.now = self.now + duration
        self.wall = self.wall + duration
    }
}

@available(*, unavailable)
extension ManualClock: Sendable {}
