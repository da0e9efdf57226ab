package import Bytes
private import CLinux
private import Glibc
private import Time

/// One stream socket on a loop, accepted or connected.
///
/// Reading: bytes are read as they come and handed to the handler, until `pauseReading`; what the kernel then holds
/// back is the back-pressure. Writing: the handler appends to `output` and calls `flush`; everything appended in a
/// round leaves in one call at its end. Long runs of received bytes are passed on with `lend`, without a copy.
///
/// A filter, such as TLS, may lie in between (`install`); the handler reads and writes as without one.
///
/// Edge-triggered: after a short read the socket is known to be empty and is not asked again until the kernel speaks.
@safe
package final class Connection: EventSource {
    /// The peer.
    package let remoteAddress: SocketAddress
    /// Told of everything; `nil` once the connection has ended.
    package var handler: (any ConnectionHandler)?
    /// Told when the socket is closed, and held until then.
    package var observer: (any ConnectionObserver)?
    /// Bytes to be sent. Append, then `flush`.
    package var output = ByteBuffer()

    /// How many bytes the socket has taken so far.
    package private(set) var takenCount = 0
    /// `acknowledgedCount`, when it was last looked whether the peer goes on taking our last bytes.
    private var acknowledgedBefore = 0
    /// How many bytes are read at once, at most.
    private var receiveLimit = Loop.receiveSize

    /// Whether the handler is asked, before output is offered to the socket, what else there is (`fillOutput`).
    package var isFilledAtEnd = false
    private var descriptor: CInt
    private var state: State
    /// The kernel may have bytes for us.
    private var isReadable = false
    /// The kernel said that the end is in sight: read until it comes.
    private var isEndInSight = false
    /// Whether `pauseReading` is in force.
    package private(set) var isReadingPaused = false
    /// The socket took less than it was offered; the kernel will say when it takes more.
    package private(set) var isBlocked = false
    /// The peer has sent its last byte.
    package private(set) var hasPeerEnded = false
    /// The kernel reported an error, mostly a reset: nothing that is sent will arrive, and what it holds for us is all.
    package private(set) var hasFailed = false
    private var asksForWritable = false
    private var isWaitingForTurn = false
    private var toldThatPeerLeft = false
    private var toldOfFailure = false
    /// The handler was told that output is blocked, and not yet that it drained.
    private var wasBlocked = false
    /// Whether the end, when everything was sent, is a reset.
    private var endsByReset = false
    /// It ends without waiting for the peer's end.
    private var endsAtOnce = false
    /// Whether it is among those that write at the end of the round, and which is the next of them; the loop's own.
    var isTouched = false
    var nextTouched: Connection?
    /// Writing failed; what the peer said before is still being read.
    private var writeFailure: SystemError?
    /// Runs of the receive buffer that are to be sent in between the bytes of `output`.
    private var lent = LentRuns()
    /// For how long a peer may go on taking what was sent last.
    private var endLimit = MonotonicTime.never
    /// Made for an ending only.
    private var endTimer: LoopTimer?
    /// What lies between the socket and the handler; `nil` for plain connections.
    private var filtered: FilteredSide?

    private enum State {
        case connecting
        case open
        /// The handler is gone; what is in `output` still has to go.
        case flushing
        /// Everything was sent and said to be the end; waiting for the peer's end, so that no reset overtakes our
        /// bytes.
        case lingering
        case closed
    }

    /// What `readLittle` takes at once.
    private static let littleSize = 4096
    /// How long a peer may take to go on reading our last bytes, and how many of them a second it has to take on the
    /// whole.
    private static let flushStall = Duration.seconds(30)
    private static let flushRate = 1024
    /// How long a peer that has our last bytes may take to close after we did.
    private static let lingerTime = Duration.seconds(2)
    /// How long a peer may take to get our last bytes out of the kernel.
    private static let longestLinger = Duration.seconds(30)
    /// How often it is looked whether they have arrived before the reset is sent, and how long.
    private static let resetPoll = (step: Duration.milliseconds(20), longest: Duration.seconds(2))

    /// Takes over a socket that was accepted.
    init(accepted descriptor: CInt, from address: SocketAddress, on loop: Loop) throws(SystemError) {
        self.descriptor = descriptor
        self.remoteAddress = address
        self.state = .open
        super.init(loop: loop)
        try loop.register(self, descriptor: descriptor, for: [.readable, .peerEnded, .edgeTriggered])
    }

    /// Begins to connect. The handler hears `connected`, or `closed` with the cause.
    package init(to address: SocketAddress, on loop: Loop, handler: any ConnectionHandler) throws(SystemError) {
        let descriptor = socket(address.family, sluice_SOCK_STREAM | sluice_SOCK_CLOEXEC_NONBLOCK, 0)
        guard descriptor >= 0 else { throw SystemError("socket", code: lastErrorCode) }
        self.descriptor = descriptor
        self.remoteAddress = address
        self.state = .connecting
        self.asksForWritable = true
        super.init(loop: loop)
        self.handler = handler
        if address.family != AF_UNIX { SocketOptions.setForConnection(descriptor) }
        do throws(SystemError) {
            let result = unsafe try address.withSystemAddress { unsafe Glibc.connect(descriptor, $0, $1) }
            if result != 0, lastErrorCode != EINPROGRESS { throw SystemError("connect", code: lastErrorCode) }
            try loop.register(
                self, descriptor: descriptor, for: [.readable, .writable, .peerEnded, .edgeTriggered])
        } catch {
            Glibc.close(descriptor)
            self.descriptor = -1
            self.state = .closed
            self.handler = nil
            throw error
        }
    }

    deinit {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
    }

    /// Whether the connection is up and has its handler.
    package var isOpen: Bool {
        if case .open = self.state { true } else { false }
    }

    /// Whether there are bytes to be sent that the socket has not taken.
    package var hasUnsent: Bool {
        if !self.output.isEmpty || !self.lent.isEmpty { return true }
        guard let filtered = self.filtered else { return false }
        return !filtered.sealed.isEmpty
    }

    private var unsentCount: Int {
        self.output.count + self.lent.byteCount + (self.filtered?.sealed.count ?? 0)
    }

    /// How many bytes the peer's kernel has acknowledged so far. Asks the kernel.
    ///
    /// A slow peer is told by this from one that takes nothing: the socket says that it has room only when much of what
    /// it holds has gone.
    package var acknowledgedCount: Int {
        guard self.descriptor >= 0 else { return self.takenCount }
        return self.takenCount - Int(sluice_unacknowledged(self.descriptor))
    }

    // Filtering.

    /// Puts a filter between the socket and the handler, before anything was sent. The handler hears `connected` when
    /// the filter's handshake is over, or `closed` with the cause. `unread` are bytes that the handler was given
    /// already and that are the filter's.
    package func install(_ filter: any ConnectionFilter, unread: Span<UInt8> = Span()) {
        guard case .open = self.state else { return }
        let filtered = FilteredSide(filter)
        self.filtered = filtered
        do throws(FilterFailure) {
            try filter.start(output: &filtered.sealed)
        } catch {
            self.filterFailed(error)
            return
        }
        if !filtered.sealed.isEmpty { self.flush() }
        guard !unread.isEmpty else { return }
        filtered.unopened.append(unread)
        filtered.hasMore = true
        self.takeTurn()
    }

    // Writing.

    /// Sends what was appended to `output`, at the end of this round.
    package func flush() {
        if !self.isTouched { self.loop.writeLater(self) }
    }

    /// The same as soon as the handler that runs now has returned, before anything else is received: for long runs of
    /// bytes, whose sender is to be stopped before it brings more.
    package func flushAfterReceiving() {
        self.flush()
        self.loop.addBorrower(self)
    }

    /// Sends bytes of the receive buffer after those of `output`, without copying them where the socket takes them at
    /// once. To be called from within `received` only, with bytes lent there; short runs are copied. Other bytes can be
    /// lent too by a caller that keeps them until it has called `Loop.settleBorrowers`.
    package func lend(_ bytes: Span<UInt8>) {
        guard case .open = self.state else { return }
        if bytes.count < 2048 || self.isBlocked || self.lent.isFull {
            self.append(bytes)
            return
        }
        if self.lent.isEmpty { self.loop.addBorrower(self) }
        unsafe bytes.withUnsafeBytes { run in
            // SAFETY: the run is written or copied by `settleBorrowers`, before the receive buffer is used again.
            unsafe self.lent.append(
                UnsafeRawBufferPointer(run), after: self.output.count, storageFrom: self.loop.buffers)
        }
    }

    /// Appends bytes to `output`, with storage from the loop's pool.
    package func append(_ bytes: Span<UInt8>) {
        guard self.descriptor >= 0 else { return }
        self.loop.lendStorage(to: &self.output)
        self.output.append(bytes)
    }

    /// Gives `output` storage from the loop's pool where it has none, so that appending does not allocate.
    package func prepareOutput() {
        self.loop.lendStorage(to: &self.output)
    }

    /// Replaces the empty `output` by a buffer that was filled elsewhere.
    package func send(_ buffer: consuming ByteBuffer) {
        if self.output.isEmpty {
            self.loop.reclaimStorage(of: &self.output)
            self.output = buffer
        } else {
            self.output.append(buffer.bytes)
        }
        self.flush()
    }

    // Reading.

    /// Stops handing out bytes; the kernel holds them, and in the end the peer.
    package func pauseReading() {
        self.isReadingPaused = true
    }

    /// Reads little at a time from now on, or as much as there is room for again.
    package func readLittle(_ isLittle: Bool) {
        self.receiveLimit = isLittle ? Self.littleSize : Loop.receiveSize
    }

    /// Hands out bytes again, as soon as the handlers that run now have returned.
    package func resumeReading() {
        guard self.isReadingPaused else { return }
        self.isReadingPaused = false
        if self.isReadable || self.filtered?.hasMore ?? false { self.takeTurn() }
    }

    /// Whether the kernel holds bytes that were not handed out, or the end, or a failure. Asks the kernel.
    package var hasUnreadInput: Bool {
        guard self.descriptor >= 0 else { return false }
        if let filtered = self.filtered, filtered.hasMore { return true }
        var byte: UInt8 = 0
        let count = unsafe recv(self.descriptor, &byte, 1, sluice_MSG_PEEK)
        return count >= 0 || lastErrorCode != EAGAIN
    }

    // Ending.

    /// Closes at once. What is in `output` is lost, and where there was something the peer sees a reset, so that it
    /// does not mistake a part for the whole.
    package func close() {
        self.sayEnd()
        self.tearDown()
    }

    /// Closes at once with a reset, so that the peer can not mistake the end for an orderly one. A unix socket knows no
    /// reset.
    package func abort() {
        self.tearDown(withReset: true)
    }

    /// Sends what is in `output`, says the end, waits shortly for the peer's, and closes. The handler hears nothing
    /// more. A peer that takes nothing for 30 s is reset, and one that takes less than 1 KiB a second on the whole.
    package func closeAfterFlush() {
        self.endAfterFlush()
    }

    /// Sends what is in `output`, and ends with a reset when it has arrived, or after two seconds. The handler hears
    /// nothing more.
    package func abortAfterFlush() {
        if case .open = self.state { self.endsByReset = true }
        self.endAfterFlush()
    }

    /// Offers what is in `output` to the socket, and closes when it has taken it: for a connection that has to make
    /// room. The handler hears nothing more.
    package func closeAfterOffer() {
        if case .open = self.state { self.endsAtOnce = true }
        self.endAfterFlush()
    }

    private func endAfterFlush() {
        switch self.state {
        case .open where self.writeFailure == nil:
            self.state = .flushing
            // What can not be sealed any more, or not yet, never goes.
            if let filtered = self.filtered, !filtered.isOpen { self.discardPlain() }
            self.isReadingPaused = false
            let leftCount = self.unsentCount + self.takenCount - self.acknowledgedCount
            self.endLimit = self.loop.now + Self.flushStall + .seconds(leftCount / Self.flushRate)
            self.setFlushTimer()
            self.flush()
            // Last, because the handler may go with it.
            self.dropHandler()
        case .open, .connecting:
            self.tearDown()
        case .flushing, .lingering, .closed:
            break
        }
    }

    private func dropHandler() {
        // Out of the property first: the handler's end may come back here.
        let handler = self.handler
        self.handler = nil
        withExtendedLifetime(handler) {}
    }

    private func tearDown(withReset: Bool = false) {
        let descriptor = self.descriptor
        guard descriptor >= 0 else { return }
        self.descriptor = -1
        self.state = .closed
        let isPart = self.hasUnsent || self.writeFailure != nil
        if withReset || isPart { SocketOptions.setResetOnClose(descriptor) }
        self.loop.unregister(self, descriptor: descriptor)
        Glibc.close(descriptor)
        self.observer.take()?.socketClosed()
        self.discardOutput()
        self.filtered = nil
        if let timer = self.endTimer { self.loop.cancel(timer) }
        self.dropHandler()
    }

    /// Where nothing waits: tells the peer, through the filter, that this is the end. The socket takes it or does not.
    private func sayEnd() {
        guard let filtered = self.filtered, case .open = self.state, self.writeFailure == nil, !self.hasUnsent else {
            return
        }
        filtered.filter.close(output: &filtered.sealed)
        if !filtered.sealed.isEmpty { _ = self.offer(filtered.sealed.count) { self.send(filtered.sealed, upTo: $0) } }
        filtered.sealed.releaseStorage()
    }

    private func end(_ cause: CloseCause) {
        let handler = self.handler
        self.tearDown(withReset: true)
        handler?.closed(cause)
    }

    /// For as long a peer may take nothing of our last bytes.
    private func setFlushTimer() {
        self.acknowledgedBefore = self.acknowledgedCount
        self.setEndTimer(after: self.endsAtOnce ? Self.lingerTime : Self.flushStall)
    }

    private func setEndTimer(after duration: Duration) {
        let timer = self.endTimer ?? LoopTimer(handler: self)
        self.endTimer = timer
        self.loop.set(timer, to: min(self.loop.now + duration, self.endLimit))
    }

    // What the loop calls.

    override func ready(_ events: Readiness) {
        if case .connecting = self.state {
            self.finishConnecting()
            guard self.isOpen else { return }
        }
        let isLeaving = !events.isDisjoint(with: [.peerEnded, .hungUp, .failed])
        if isLeaving || events.contains(.readable) { self.isReadable = true }
        if isLeaving { self.isEndInSight = true }
        if events.contains(.failed) { self.hasFailed = true }
        if events.contains(.writable), self.isBlocked {
            self.isBlocked = false
            self.writeOutput()
        }
        if !self.isWaitingForTurn { self.goOnReading() }
    }

    override func again() {
        self.isWaitingForTurn = false
        if self.isBlocked, self.loop.faults != nil {
            self.isBlocked = false
            self.writeOutput()
        }
        self.goOnReading()
    }

    private func goOnReading() {
        guard self.isReadable || self.filtered?.hasMore ?? false else { return }
        if !self.isReadingPaused {
            self.read()
        } else if let failure = self.writeFailure {
            self.end(.failed(failure))
        } else {
            self.tellThatPeerLeft()
        }
    }

    /// While reading is paused: tells the handler of an end that it will not read, once, and once more of a reset.
    private func tellThatPeerLeft() {
        let isNews = !self.toldThatPeerLeft && !self.hasPeerEnded || self.hasFailed && !self.toldOfFailure
        guard self.isEndInSight, isNews else { return }
        self.toldThatPeerLeft = true
        self.toldOfFailure = self.hasFailed
        self.handler?.peerLeft()
    }

    private func takeTurn() {
        guard !self.isWaitingForTurn else { return }
        self.isWaitingForTurn = true
        self.loop.continueLater(self)
    }

    private func finishConnecting() {
        let code = self.pendingError()
        guard code == 0 else {
            self.end(.connectFailed(SystemError("connect", code: code)))
            return
        }
        self.state = .open
        if !self.output.isEmpty { self.flush() }
        self.handler?.connected()
    }

    /// Reads once, and hands on what came. More is read after the others had their turn, so that none is starved.
    private func read() {
        switch self.state {
        case .open: break
        case .flushing, .lingering:
            self.discardInput()
            return
        case .connecting, .closed: return
        }
        if let filtered = self.filtered, filtered.hasMore {
            self.openRest(filtered)
            return
        }
        var size = self.receiveLimit
        if let faults = self.loop.faults {
            switch faults.outcome(.receive, size) {
            case .pass: break
            case .short(let count): size = max(1, min(size, count))
            case .again:
                self.takeTurn()
                return
            case .reset:
                self.end(.failed(SystemError("recv", code: ECONNRESET)))
                return
            }
        }
        let buffer = unsafe self.loop.receiveBuffer
        let count = unsafe recv(self.descriptor, buffer.baseAddress, size, 0)
        if count > 0 {
            // A short read has emptied the socket; the end, where it is in sight, has to be fetched all the same.
            self.isReadable = count == size || self.isEndInSight || self.writeFailure != nil
            // SAFETY: the kernel initialised `count` bytes, which nobody overwrites while the handler runs.
            let bytes = unsafe Span<UInt8>(
                _unsafeStart: UnsafePointer(buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)),
                count: count)
            if let filtered = self.filtered {
                self.open(bytes, through: filtered)
            } else {
                self.handler?.received(bytes)
                self.loop.settleBorrowers()
            }
            guard self.isReadable, case .open = self.state else { return }
            // Paused meanwhile, the handler has to hear of an end that is in sight: the kernel will not speak again.
            if self.isReadingPaused { self.tellThatPeerLeft() } else { self.takeTurn() }
            return
        }
        let code = count < 0 ? lastErrorCode : 0
        if code == EINTR {
            self.takeTurn()
        } else if let failure = self.writeFailure {
            self.end(.failed(failure))
        } else if count == 0 {
            self.receivedEnd()
        } else if code == EAGAIN {
            self.isReadable = false
        } else {
            self.end(.failed(SystemError("recv", code: code)))
        }
    }

    /// Hands out what the filter makes of bytes that arrived, until the handler pauses.
    private func open(_ bytes: Span<UInt8>, through filtered: FilteredSide) {
        var offset = 0
        filtered.hasMore = true
        while case .open = self.state {
            if self.isReadingPaused {
                filtered.unopened.append(bytes.extracting(offset..<bytes.count))
                return
            }
            let event: FilterEvent
            do throws(FilterFailure) {
                event = try filtered.filter.receive(
                    bytes, at: &offset, plain: &self.loop.opened, output: &filtered.sealed)
            } catch {
                self.filterFailed(error)
                return
            }
            if !filtered.sealed.isEmpty { self.flush() }
            switch event {
            case .opened:
                filtered.isOpen = true
                if !self.output.isEmpty { self.flush() }
                self.handler?.connected()
            case .plain:
                self.loop.opened.withBytes { self.handler?.received($0) }
                self.loop.settleBorrowers()
                self.loop.opened.removeAll()
            case .ended:
                if !self.hasPeerEnded {
                    self.hasPeerEnded = true
                    self.handler?.receivedEnd()
                }
            case .needsMore:
                filtered.hasMore = false
                return
            }
        }
    }

    /// Goes on with what was left when reading was paused.
    private func openRest(_ filtered: FilteredSide) {
        var bytes = ByteBuffer()
        swap(&bytes, &filtered.unopened)
        self.open(bytes.bytes, through: filtered)
        guard case .open = self.state else { return }
        if self.isReadingPaused { self.tellThatPeerLeft() } else { self.takeTurn() }
    }

    /// The filter can not go on: what it still has to say is sent, and nothing else.
    private func filterFailed(_ failure: FilterFailure) {
        guard case .open = self.state else {
            self.tearDown(withReset: true)
            return
        }
        let handler = self.handler
        self.filtered?.isOpen = false
        self.endAfterFlush()
        handler?.closed(.refused(failure.reason))
    }

    private func receivedEnd() {
        self.isReadable = false
        self.isEndInSight = false
        if let filtered = self.filtered {
            do throws(FilterFailure) {
                try filtered.filter.receivedEnd()
            } catch {
                let handler = self.handler
                self.tearDown()
                handler?.closed(.refused(error.reason))
                return
            }
        }
        if !self.hasPeerEnded {
            self.hasPeerEnded = true
            self.handler?.receivedEnd()
        }
        // After the peer's end `recv` does not tell of its reset.
        guard self.hasFailed, case .open = self.state else { return }
        let code = self.pendingError()
        if code != 0 { self.end(.failed(SystemError("recv", code: code))) }
    }

    /// The error that the kernel holds for this socket, which it then forgets.
    private func pendingError() -> CInt {
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        let result = unsafe getsockopt(self.descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        return result == 0 ? code : lastErrorCode
    }

    /// Our side is ending: throws away what the peer still sends, so that closing does not become a reset, which could
    /// overtake our last bytes. Not into the receive buffer, of which others may hold runs.
    private func discardInput() {
        var scratch = ByteBuffer()
        self.loop.lendStorage(to: &scratch)
        defer { self.loop.reclaimStorage(of: &scratch) }
        for _ in 0..<8 {
            var code: CInt = 0
            scratch.removeAll()
            unsafe scratch.appendUnsafely(reserving: BufferPool.size) { spare in
                let count = unsafe recv(self.descriptor, spare.baseAddress, spare.count, 0)
                code = count < 0 ? lastErrorCode : 0
                return max(0, count)
            }
            if !scratch.isEmpty || code == EINTR { continue }
            self.isReadable = false
            self.isEndInSight = false
            if code == EAGAIN { return }
            self.hasPeerEnded = true
            // While flushing, a peer that has ended may still read what is on its way.
            if case .flushing = self.state, code == 0 { return }
            self.tearDown(withReset: self.endsByReset || code != 0)
            return
        }
        // There may be more, and others want their turn.
        self.isReadable = true
        self.takeTurn()
    }

    /// Offers everything that waits to the socket: the end of the round.
    func writeOutput() {
        if self.isFilledAtEnd, self.isOpen, self.writeFailure == nil, !self.isBlocked { self.handler?.fillOutput() }
        switch self.state {
        case .open where self.writeFailure == nil: break
        case .flushing: break
        case .connecting: return
        case .open, .lingering, .closed:
            self.discardOutput()
            return
        }
        if self.hasUnsent || self.filtered != nil {
            if self.isBlocked {
                self.keep(after: 0)
                return
            }
            let sending = if let filtered = self.filtered { self.sendSealed(filtered) } else { self.sendPlain() }
            switch sending {
            case .everything:
                break
            case .part(let count):
                self.block()
                if count > 0, case .flushing = self.state { self.setFlushTimer() }
                self.handler?.outputBlocked()
                return
            case .failed(let error):
                self.writingFailed(error)
                return
            case .notSealed(let failure):
                self.filterFailed(failure)
                return
            }
        }
        if case .flushing = self.state {
            self.linger()
        } else if self.wasBlocked, !self.hasUnsent {
            self.wasBlocked = false
            self.handler?.outputDrained()
        }
    }

    /// What became of what was to be sent.
    private enum Sending {
        case everything
        /// The socket took so many bytes, and not all.
        case part(Int)
        case failed(SystemError)
        case notSealed(FilterFailure)
    }

    private func sendPlain() -> Sending {
        let total = self.output.count + self.lent.byteCount
        switch self.offer(total, { self.sendPlain(upTo: $0) }) {
        case .sent(let count) where count < total:
            self.keep(after: count)
            return .part(count)
        case .sent:
            self.discardPlain()
            return .everything
        case .failed(let error):
            return .failed(error)
        }
    }

    /// Seals a portion, offers it, and goes on for as long as the socket takes everything.
    private func sendSealed(_ filtered: FilteredSide) -> Sending {
        var sent = 0
        while true {
            do throws(FilterFailure) {
                try self.seal(filtered)
            } catch {
                return .notSealed(error)
            }
            let total = filtered.sealed.count
            if total == 0 { break }
            switch self.offer(total, { self.send(filtered.sealed, upTo: $0) }) {
            case .sent(let count):
                sent += count
                filtered.sealed.consume(count)
                guard count == total else {
                    // Where much was sealed already, runs that were lent meanwhile are not among it.
                    if !self.lent.isEmpty { self.keep(after: 0) }
                    return .part(sent)
                }
                self.loop.reclaimStorage(of: &filtered.sealed)
            case .failed(let error):
                return .failed(error)
            }
        }
        // Before the handshake is over, what the handler wrote waits.
        if self.output.isEmpty { self.loop.reclaimStorage(of: &self.output) }
        if !self.lent.isEmpty { self.keep(after: 0) }
        return .everything
    }

    /// Seals some of what waits, unless much is sealed already; behind the last of it comes the filter's own end.
    private func seal(_ filtered: FilteredSide) throws(FilterFailure) {
        guard filtered.isOpen, filtered.sealed.count < BufferPool.size else { return }
        if !self.output.isEmpty || !self.lent.isEmpty {
            try filtered.seal(&self.output, &self.lent, storageFrom: self.loop.buffers)
        }
        if case .flushing = self.state, !self.endsByReset, self.output.isEmpty {
            filtered.filter.close(output: &filtered.sealed)
        }
    }

    private func writingFailed(_ error: SystemError) {
        guard case .open = self.state, !self.hasPeerEnded, !self.isReadingPaused else {
            self.end(.failed(error))
            return
        }
        // What the peer said before it went may tell why, such as an answer that came early: that is read first.
        self.writeFailure = error
        self.discardOutput()
        self.isReadable = true
        self.takeTurn()
    }

    private func discardOutput() {
        self.discardPlain()
        if let filtered = self.filtered { self.loop.reclaimStorage(of: &filtered.sealed) }
    }

    /// Drops what the handler wrote and no filter has sealed.
    private func discardPlain() {
        if !self.lent.isEmpty { self.lent.removeAll(storageTo: self.loop.buffers) }
        self.loop.reclaimStorage(of: &self.output)
    }

    private func block() {
        self.isBlocked = true
        self.wasBlocked = true
        if !self.asksForWritable {
            self.asksForWritable = true
            self.loop.modify(
                self, descriptor: self.descriptor, for: [.readable, .writable, .peerEnded, .edgeTriggered])
        }
    }

    private enum Offer {
        case sent(Int)
        case failed(SystemError)
    }

    /// Offers so many bytes to the socket by means of a call that is told how many it may send.
    private func offer(_ total: Int, _ send: (Int) -> Int) -> Offer {
        var size = total
        if let faults = self.loop.faults {
            switch faults.outcome(.send, size) {
            case .pass: break
            case .short(let count):
                size = max(1, min(size, count))
                if size < total { self.takeTurn() }
            case .again:
                self.takeTurn()
                return .sent(0)
            case .reset:
                return .failed(SystemError("send", code: ECONNRESET))
            }
        }
        while true {
            let sent = send(size)
            if sent >= 0 {
                self.takenCount &+= sent
                return .sent(sent)
            }
            switch lastErrorCode {
            case EAGAIN: return .sent(0)
            case EINTR: continue
            case let code: return .failed(SystemError("send", code: code))
            }
        }
    }

    private func sendPlain(upTo size: Int) -> Int {
        if self.lent.isEmpty { return self.send(self.output, upTo: size) }
        return unsafe self.output.withUnsafeBytes { bytes in
            unsafe self.lent.withVectors(interleavedWith: bytes, upTo: size) { vectors in
                var message = unsafe msghdr()
                unsafe message.msg_iov = vectors.baseAddress
                unsafe message.msg_iovlen = vectors.count
                return unsafe sendmsg(self.descriptor, &message, sluice_MSG_NOSIGNAL)
            }
        }
    }

    private func send(_ buffer: borrowing ByteBuffer, upTo size: Int) -> Int {
        unsafe buffer.withUnsafeBytes { bytes in
            unsafe Glibc.send(self.descriptor, bytes.baseAddress, min(bytes.count, size), sluice_MSG_NOSIGNAL)
        }
    }

    /// Keeps what was not sent, after `sent` bytes have gone: what is left of the lent runs is copied to where it
    /// belongs between the bytes of `output`.
    private func keep(after sent: Int) {
        guard !self.lent.isEmpty else {
            self.output.consume(sent)
            return
        }
        var rest = ByteBuffer()
        self.loop.lendStorage(to: &rest)
        unsafe self.output.withUnsafeBytes { bytes in
            unsafe self.lent.copy(interleavedWith: bytes, from: sent, to: &rest)
        }
        self.discardPlain()
        self.output = rest
    }

    private func linger() {
        self.state = .lingering
        if self.endsByReset {
            self.endLimit = self.loop.now + Self.resetPoll.longest
            self.lingerOn()
        } else if self.hasPeerEnded || self.endsAtOnce {
            self.tearDown()
        } else {
            shutdown(self.descriptor, CInt(SHUT_WR))
            self.endLimit = self.loop.now + Self.longestLinger
            self.setEndTimer(after: Self.lingerTime)
            self.discardInput()
        }
    }

    /// Waits on while the peer has not got everything, within limits: closing could throw it away.
    private func lingerOn() {
        if sluice_unacknowledged(self.descriptor) > 0, self.loop.now < self.endLimit {
            self.setEndTimer(after: self.endsByReset ? Self.resetPoll.step : Self.lingerTime)
        } else {
            self.tearDown(withReset: self.endsByReset)
        }
    }
}

extension Connection: LoopTimerHandler {
    /// The peer took too long to take our last bytes or to close, unless it is on its way.
    package func timerFired(_ timer: LoopTimer) {
        if case .lingering = self.state {
            self.lingerOn()
            return
        }
        let hasProgressed = self.acknowledgedCount > self.acknowledgedBefore
        if hasProgressed, !self.endsAtOnce, self.loop.now < self.endLimit {
            self.setFlushTimer()
        } else {
            self.tearDown(withReset: true)
        }
    }
}
