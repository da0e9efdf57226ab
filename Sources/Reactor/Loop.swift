package import Bytes
private import CLinux
private import Glibc
package import Time

/// One thread's event loop: waits for descriptors, runs their handlers, fires timers, writes what is to be sent.
///
/// Everything but `mailbox` belongs to the thread that runs the loop.
@safe
package final class Loop {
    /// Where other threads leave work.
    package let mailbox: Mailbox
    /// Storage for what waits to be sent.
    package let buffers = BufferPool()
    /// The time at the beginning of this round.
    package private(set) var now: MonotonicTime

    /// What filters make of bytes that arrived, for the connection whose turn it is.
    var opened = ByteBuffer()

    /// Addresses that could not be connected to lately.
    var addresses = AddressHistory()

    /// Events that a round begins with, at most. Each may leave a piece of the pool's storage filled until the round
    /// ends, so that more of them would cost memory, and little is saved by fewer rounds.
    private static let eventLimit = 64

    /// Bytes that one `recv` may bring: the size of the receive buffer that all connections of the loop share.
    package static let receiveSize = 64 * 1024

    /// The date and time, once somebody has asked for it in this round.
    private var wall: WallTime?
    private let clock: LoopClock
    let faults: FaultPlan?
    private let epoll: CInt
    private var slots = SlotTable()
    private(set) var timers = TimerQueue()
    /// Timers that nobody needs now.
    private var spareTimers: [LoopTimer] = []
    private static let mostSpareTimers = 256
    private var isStopping = false
    /// Sources that have more to do although the kernel will not say so.
    private var unfinished: [EventSource] = []
    // What a round works through; empty between rounds, and kept for their storage.
    private var continuing: [EventSource] = []
    private var jobs: [Mailbox.Job] = []
    private var due: [LoopTimer] = []
    /// Connections with something to send at the end of the round, each linked to the next.
    private var firstTouched: Connection?
    // PERF: not counted, as it is stored for each connection and round.
    // SAFETY: read only while there is a first one, and then it is the last of those that hold each other from there
    // on.
    private unowned(unsafe) var lastTouched: Connection?
    /// Connections that hold bytes of the receive buffer, and must send or copy them before it is used again.
    private var borrowers: [Connection] = []

    // SAFETY: owned by the loop, freed in `deinit`, lent to a handler only while it runs.
    let receiveBuffer: UnsafeMutableRawBufferPointer
    // SAFETY: as above; filled by epoll_wait, read before the next call.
    private let events: UnsafeMutableBufferPointer<epoll_event>

    /// A loop that has not begun. Throws where the kernel gives no descriptor.
    package init(clock: LoopClock = .system, faults: FaultPlan? = nil) throws(SystemError) {
        self.mailbox = try Mailbox()
        let epoll = epoll_create1(sluice_EPOLL_CLOEXEC)
        guard epoll >= 0 else { throw SystemError("epoll_create1", code: lastErrorCode) }
        self.epoll = epoll
        self.clock = clock
        self.faults = faults
        self.now = clock.monotonic()
        unsafe self.receiveBuffer = .allocate(byteCount: Self.receiveSize, alignment: 64)
        unsafe self.events = .allocate(capacity: Self.eventLimit)
        var wanted = unsafe epoll_event(
            events: Readiness.readable.rawValue, data: epoll_data_t(u64: SlotTable.mailboxToken))
        guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, self.mailbox.descriptor, &wanted) == 0 else {
            throw SystemError("epoll_ctl", code: lastErrorCode)
        }
    }

    deinit {
        // Handlers and their timers hold each other.
        for timer in self.timers.removeAll() { timer.releaseHandler() }
        close(self.epoll)
        unsafe self.receiveBuffer.deallocate()
        unsafe self.events.deallocate()
    }

    /// The date and time in this round.
    package var wallNow: WallTime {
        if let wall = self.wall { return wall }
        let wall = self.clock.wall()
        self.wall = wall
        return wall
    }

    /// Sources that the loop waits for, the mailbox not counted.
    package var sourceCount: Int { self.slots.count }

    // Running.

    /// Runs rounds until `stop`.
    package func run() {
        while !self.isStopping { self.turn() }
    }

    /// Lets `run` return after the round in which it is called.
    package func stop() {
        self.isStopping = true
    }

    /// Runs one round, which waits at most `limit`, and a minute at most, for something to happen.
    package func turn(waitingAtMost limit: Duration? = nil) {
        let count = unsafe epoll_wait(self.epoll, self.events.baseAddress, CInt(self.events.count), self.wait(limit))
        self.now = self.clock.monotonic()
        self.wall = nil
        // An interrupted wait is a round without events.
        if count > 0 {
            for index in 0..<Int(count) {
                let event = unsafe self.events[index]
                unsafe self.dispatch(token: event.data.u64, Readiness(rawValue: event.events))
            }
        }
        self.continueUnfinished()
        self.fireTimers()
        self.writeTouched()
    }

    /// Milliseconds, rounded up so that the timer is due when the wait ends. Counted from the beginning of the last
    /// round, which spares a look at the clock, and is late by as much as that round took.
    private func wait(_ limit: Duration?) -> CInt {
        if !self.unfinished.isEmpty || self.firstTouched != nil { return 0 }
        if case .manual = self.clock { return 0 }
        var moment = self.timers.next
        if let limit { moment = Swift.min(moment, self.now + limit) }
        let left = Swift.min(moment.nanoseconds - self.now.nanoseconds, 60_000_000_000)
        return left <= 0 ? 0 : CInt((left + 999_999) / 1_000_000)
    }

    private func dispatch(token: UInt64, _ readiness: Readiness) {
        if token == SlotTable.mailboxToken {
            self.runJobs()
        } else if let source = self.slots.source(for: token) {
            source.ready(readiness)
        }
    }

    private func runJobs() {
        self.mailbox.drain(into: &self.jobs)
        for index in self.jobs.indices {
            let job = self.jobs[index]
            job(self)
        }
        self.jobs.removeAll(keepingCapacity: true)
    }

    private func continueUnfinished() {
        guard !self.unfinished.isEmpty else { return }
        swap(&self.unfinished, &self.continuing)
        for index in self.continuing.indices {
            let source = self.continuing[index]
            source.again()
        }
        self.continuing.removeAll(keepingCapacity: true)
    }

    private func fireTimers() {
        // All that are due are taken out before one fires: a timer that is set while timers fire waits for the next
        // round, however near its moment is, so that the round ends.
        while let timer = self.timers.popDue(at: self.now) { self.due.append(timer) }
        guard !self.due.isEmpty else { return }
        for index in self.due.indices {
            let timer = self.due[index]
            if timer.isDue { timer.fire() }
        }
        self.due.removeAll(keepingCapacity: true)
    }

    /// Writes each connection that was touched in this round.
    func writeTouched() {
        // Handlers that learn that their bytes have gone may touch connections, their own too.
        while let connection = self.firstTouched.take() {
            self.firstTouched = connection.nextTouched.take()
            connection.isTouched = false
            connection.writeOutput()
        }
    }

    // Registration, by the sources of this module.

    /// Waits for a descriptor on behalf of a source.
    func register(_ source: EventSource, descriptor: CInt, for interest: Readiness) throws(SystemError) {
        let (slot, token) = self.slots.add(source)
        var wanted = unsafe epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        guard unsafe epoll_ctl(self.epoll, EPOLL_CTL_ADD, descriptor, &wanted) == 0 else {
            let error = SystemError("epoll_ctl", code: lastErrorCode)
            self.slots.remove(slot)
            throw error
        }
        source.slot = slot
    }

    /// Changes what is waited for.
    func modify(_ source: EventSource, descriptor: CInt, for interest: Readiness) {
        var wanted = unsafe epoll_event(
            events: interest.rawValue, data: epoll_data_t(u64: self.slots.token(of: source.slot)))
        _ = unsafe epoll_ctl(self.epoll, EPOLL_CTL_MOD, descriptor, &wanted)
    }

    /// Forgets a source. The descriptor is closed right after by the caller, or taken out here with `keepingOpen`.
    func unregister(_ source: EventSource, descriptor: CInt, keepingOpen: Bool = false) {
        guard source.slot >= 0 else { return }
        if keepingOpen { _ = epoll_ctl(self.epoll, EPOLL_CTL_DEL, descriptor, nil) }
        self.slots.remove(source.slot)
        source.slot = -1
    }

    /// Lets a source go on in the next round.
    func continueLater(_ source: EventSource) {
        self.unfinished.append(source)
    }

    /// Writes a connection's output at the end of this round. To be called once for each round.
    func writeLater(_ connection: Connection) {
        connection.isTouched = true
        if self.firstTouched == nil {
            self.firstTouched = connection
        } else {
            unsafe self.lastTouched.unsafelyUnwrapped.nextTouched = connection
        }
        unsafe self.lastTouched = connection
    }

    // PERF: here, and not at the pool: who reaches for it through the loop and calls it, counts a reference to it.

    /// Gives a buffer without storage some of the pool's.
    package func lendStorage(to buffer: inout ByteBuffer) {
        self.buffers.lend(to: &buffer)
    }

    /// Takes the storage of a buffer back into the pool, bytes and all.
    package func reclaimStorage(of buffer: inout ByteBuffer) {
        self.buffers.reclaim(&buffer)
    }

    /// Frees the pool's storage that nobody has needed since it was last called.
    package func freeUnusedStorage() {
        self.buffers.freeUnused()
    }

    /// Notes that a connection holds bytes of the receive buffer.
    func addBorrower(_ connection: Connection) {
        self.borrowers.append(connection)
    }

    /// Has the bytes of the receive buffer sent or copied by those that hold some.
    package func settleBorrowers() {
        if self.borrowers.isEmpty { return }
        var index = 0
        while index < self.borrowers.count {
            let connection = self.borrowers[index]
            connection.writeOutput()
            index += 1
        }
        self.borrowers.removeAll(keepingCapacity: true)
    }
}

/// Timers.
extension Loop {
    /// Sets or moves a timer. Moving it further away costs one store; so does moving it to `never`, after which it does
    /// not fire, and can be set again as cheaply.
    package func set(_ timer: LoopTimer, to deadline: MonotonicTime) {
        self.timers.set(timer, to: deadline)
    }

    /// Sets or moves a timer to `duration` from now.
    package func set(_ timer: LoopTimer, after duration: Duration) {
        self.set(timer, to: self.now + duration)
    }

    /// A timer for who needs one for a short time, to be given back.
    ///
    /// PERF: one that was given back keeps its place in the queue. What makes a timer, finds it a place and takes it
    /// out again, takes 900 instructions.
    package func takeTimer() -> LoopTimer {
        self.spareTimers.popLast() ?? LoopTimer()
    }

    /// Takes a timer back from who does not need it any more, and must not touch it again; lets go of its handler.
    package func giveBack(_ timer: LoopTimer) {
        guard self.spareTimers.count < Self.mostSpareTimers else {
            self.cancel(timer)
            return
        }
        self.set(timer, to: .never)
        timer.releaseHandler()
        self.spareTimers.append(timer)
    }

    /// Stops a timer from firing, and lets go of it and its handler.
    package func cancel(_ timer: LoopTimer) {
        self.timers.cancel(timer)
        timer.releaseHandler()
    }
}

@available(*, unavailable)
extension Loop: Sendable {}
