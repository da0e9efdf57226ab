import Glibc

/// Keeps time: the n-th piece of an answer is due n intervals after its beginning, however long the pieces took.
struct Pace {
    private let start: Int
    private let interval: Int
    private var pieces = 0

    /// A pace that begins now.
    init(milliseconds: Int) {
        self.start = Pace.now()
        self.interval = milliseconds * 1_000_000
    }

    /// Waits until the next piece is due.
    mutating func waitForNext() {
        self.pieces += 1
        Pace.pause(nanoseconds: self.start + self.pieces * self.interval - Pace.now())
    }

    /// Waits that long.
    static func pause(milliseconds: Int) {
        Pace.pause(nanoseconds: milliseconds * 1_000_000)
    }

    private static func pause(nanoseconds: Int) {
        guard nanoseconds > 0 else { return }
        var time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        // SAFETY: the pointer is to a local value. No signal has a handler here that could cut the sleep short.
        unsafe nanosleep(&time, nil)
    }

    /// Nanoseconds on the monotonic clock.
    private static func now() -> Int {
        var time = timespec()
        // SAFETY: the pointer is to a local value and used only inside the call.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
