package import Time

/// What is called when a timer's moment has come.
package protocol LoopTimerHandler: AnyObject {
    /// The moment has passed; the timer is idle again and may be set anew.
    func timerFired(_ timer: LoopTimer)
}

/// One moment that a loop is to remember for somebody.
///
/// Made once for a connection and set as often as it likes: moving a moment further away costs one store, because the
/// queue looks at the new moment only when the old one comes. The handler is retained while the timer is set, and only
/// then: who owns a timer cancels it at its own end.
package final class LoopTimer {
    /// The moment that was asked for; `never` while idle.
    package fileprivate(set) var deadline = MonotonicTime.never
    /// The moment under which the queue has filed the timer.
    fileprivate var filed = MonotonicTime.never
    private var place: Int32 = -1
    /// Whether the handler is retained.
    private var isHeld = false
    /// Position in the heap, or -1.
    fileprivate var position: Int {
        get { Int(self.place) }
        set { self.place = Int32(truncatingIfNeeded: newValue) }
    }
    /// Whether the timer was taken out of the queue to fire, and neither cancelled nor set again since.
    var isDue: Bool { self.position < 0 && self.deadline != .never }
    // PERF: a weak reference would give each handler a side table, and make all its other references slow; a checked
    // one is counted too, 110 instructions for each timer that is made. A second, strong one makes the timer a quarter
    // larger, and each open stream has two.
    // SAFETY: read while it is held, and by `retainHandler`, which whoever owns the timer calls through the loop: the
    // handler itself.
    private unowned(unsafe) var handler: (any LoopTimerHandler)?

    /// A timer that is idle.
    package init(handler: any LoopTimerHandler) {
        unsafe self.handler = handler
    }

    /// A timer that is idle, and whose handler does not exist yet.
    ///
    /// PERF: so that the handler can hold it in a constant, which costs no count when it is set.
    package init() {
        unsafe self.handler = nil
    }

    /// Says who is to be told, before the timer is set.
    package func tell(_ handler: any LoopTimerHandler) {
        self.releaseHandler()
        unsafe self.handler = handler
    }

    /// Idle first, then the handler, which may set the timer again.
    func fire() {
        self.deadline = .never
        guard let handler = self.takeHandler() else { return }
        handler.timerFired(self)
    }

    fileprivate func retainHandler() {
        guard !self.isHeld, let handler = unsafe self.handler else { return }
        self.isHeld = true
        // SAFETY: `takeHandler` takes the count back.
        _ = unsafe Unmanaged.passRetained(handler as AnyObject)
    }

    /// The handler, where it is held, which it is not any more.
    private func takeHandler() -> (any LoopTimerHandler)? {
        guard self.isHeld, let handler = unsafe self.handler else { return nil }
        self.isHeld = false
        // SAFETY: counted in `retainHandler`; whoever asked has a count of its own in what is returned.
        unsafe Unmanaged.passUnretained(handler as AnyObject).release()
        return handler
    }

    /// To be called when nothing of the loop is being changed: the handler may go with this, and use the loop in its
    /// end.
    func releaseHandler() {
        withExtendedLifetime(self.takeHandler()) {}
    }
}

@available(*, unavailable)
extension LoopTimer: Sendable {}

/// Timers ordered by the moment under which they are filed: a binary heap that knows each timer's place.
struct TimerQueue: ~Copyable {
    private var heap: [LoopTimer] = []

    /// The moment at which somebody has to look again, or `never`.
    var next: MonotonicTime { self.heap.first?.filed ?? .never }

    var count: Int { self.heap.count }

    /// Sets or moves a timer. One that is moved to `never` keeps its place, and its handler.
    mutating func set(_ timer: LoopTimer, to deadline: MonotonicTime) {
        timer.deadline = deadline
        if deadline == .never { return }
        timer.retainHandler()
        if timer.position < 0 {
            timer.filed = deadline
            timer.position = self.heap.count
            self.heap.append(timer)
            self.siftUp(from: timer.position)
        } else if deadline < timer.filed {
            timer.filed = deadline
            self.siftUp(from: timer.position)
        }
        // A later moment is found when the earlier one comes.
    }

    /// Takes a timer out; the caller releases its handler.
    mutating func cancel(_ timer: LoopTimer) {
        timer.deadline = .never
        if timer.position >= 0 { self.remove(timer) }
    }

    /// Takes out the next timer whose moment has come, or `nil`. Timers whose moment was moved are filed anew, those
    /// too whose new moment has come, so that all fire in the order of their moments.
    mutating func popDue(at now: MonotonicTime) -> LoopTimer? {
        while let first = self.heap.first, first.filed <= now {
            if first.deadline > first.filed {
                first.filed = first.deadline
                self.siftDown(from: 0)
                continue
            }
            self.remove(first)
            return first
        }
        return nil
    }

    /// Takes out all timers, whose handlers the caller releases.
    mutating func removeAll() -> [LoopTimer] {
        let timers = self.heap
        self.heap = []
        for timer in timers {
            timer.deadline = .never
            timer.position = -1
        }
        return timers
    }

    private mutating func remove(_ timer: LoopTimer) {
        let position = timer.position
        timer.position = -1
        let last = self.heap.removeLast()
        guard last !== timer else { return }
        self.heap[position] = last
        last.position = position
        self.siftDown(from: position)
        self.siftUp(from: last.position)
    }

    private mutating func siftUp(from start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.heap[child].filed < self.heap[parent].filed else { return }
            self.swap(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(from start: Int) {
        var parent = start
        while true {
            var least = parent
            let left = 2 * parent + 1
            if left < self.heap.count, self.heap[left].filed < self.heap[least].filed { least = left }
            if left + 1 < self.heap.count, self.heap[left + 1].filed < self.heap[least].filed { least = left + 1 }
            guard least != parent else { return }
            self.swap(parent, least)
            parent = least
        }
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        self.heap.swapAt(left, right)
        self.heap[left].position = left
        self.heap[right].position = right
    }
}
