internal import Reactor
private import Synchronization

/// What the thread that conducts the process has to see to, in the order in which it came: signals, and what it hears
/// from the threads that work for it.
package final class ControlQueue: Sendable {
    /// Something that happened.
    package enum Event: Sendable, Equatable {
        /// TERM or INT.
        case stop
        /// HUP.
        case reload
        /// USR1.
        case reopenLog
        /// USR2.
        case upgrade
        /// A loop has taken what it was given in this round; answers whether it accepts from all that it is to accept
        /// from.
        case taken(round: Int, accepts: Bool)
        /// A loop that drains has nothing left.
        case drained
        /// The process that is to take our place is ready.
        case successorReady
        /// It has ended, or never began.
        case successorEnded(String)
    }

    private let events = Mutex<[Event]>([])
    private let wakeUp = ThreadSemaphore()

    package init() {}

    /// Adds an event.
    package func post(_ event: Event) {
        self.events.withLock { $0.append(event) }
        self.wakeUp.signal()
    }

    /// The next event; `nil` where none has come until then.
    func next(until deadline: ContinuousClock.Instant? = nil) -> Event? {
        while true {
            if let event = self.events.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return event }
            if let deadline {
                let left = deadline - ContinuousClock.now
                guard left > .zero else { return nil }
                self.wakeUp.wait(atMost: left)
            } else {
                self.wakeUp.wait()
            }
        }
    }

    /// Waits until an event has come so many times. Others that come meanwhile stay in the queue, in their order.
    func wait(for event: Event, _ count: Int, until deadline: ContinuousClock.Instant) -> Bool {
        self.wait(count, until: deadline) { $0 == event }
    }

    /// Waits until so many events have come that are meant. Others that come meanwhile stay in the queue, in their
    /// order.
    func wait(
        _ count: Int, until deadline: ContinuousClock.Instant, for isMeant: (Event) -> Bool
    ) -> Bool {
        var left = count
        var others: [Event] = []
        defer { self.events.withLock { $0 = others + $0 } }
        while left > 0 {
            guard let next = self.next(until: deadline) else { return false }
            if isMeant(next) { left -= 1 } else { others.append(next) }
        }
        return true
    }
}
