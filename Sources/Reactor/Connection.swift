package import Bytes
private import CLinux
private import Glibc
private import Time

/// One stream socket on a loop, accepted or connected.
///
/// Reading: bytes are read as they come and handed to the handler, until `pauseReading`; what the kernel then holds back
/// is the back-pressure. Writing: the handler appends to `output` and calls `flush`; everything appended in a round
/// leaves in one call at its end. Long runs of received bytes are passed on with `lend`, without a copy.
///
/// Edge-triggered: after a short read the socket is known to be empty and is not asked again until the kernel speaks.
@safe
package final class Connection: EventSource {
    /// The peer.
    package let remoteAddress: SocketAddress
    /// Told of everything; `nil` once the connection has ended.
    package var handler: (any ConnectionHandler)?
    /// Bytes to be sent. Append, then `flush`.
    package var output = ByteBuffer()

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
    private var isTouched = false
    private var asksForWritable = false
    private var resetsWhenFlushed = false
    private var isWaitingForTurn = false
    private var toldThatPeerLeft = false
    /// Runs of the receive buffer that are to be sent in between the bytes of `output`.
    private var lent = LentRuns()
    private lazy var lingerTimer = LoopTimer(handler: self)

    private enum State {
        case connecting
        case open
        /// The handler is gone; what is in `output` still has to go.
        case flushing
        /// Everything was sent and said to be the end; waiting for the peer's end, so that no reset overtakes our bytes.
        case lingering
        case closed
    }

    /// How long a peer may take to close after we did, and how much it may still send.
    private static let lingerTime = Duration.seconds(2)

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

    // Writing.

    /// Sends what was appended to `output`, at the end of this round.
    package func flush() {
        guard !self.isTouched else { return }
        self.isTouched = true
        self.loop.writeLater(self)
    }

    /// Sends bytes of the receive buffer after those of `output`, without copying them where the socket takes them at
    /// once. To be called from within `received` only, with bytes lent there; short runs are copied.
    package func lend(_ bytes: Span<UInt8>) {
        guard case .open = self.state else { return }
        if bytes.count < 2048 || self.isBlocked {
            self.append(bytes)
            return
        }
        if self.lent.isFull { self.writeOutput() }
        if self.isBlocked || !self.isOpen {
            self.append(bytes)
            return
        }
        if self.lent.isEmpty { self.loop.addBorrower(self) }
        unsafe bytes.withUnsafeBytes { run in
            // SAFETY: the run is written or copied by `settleBorrowers`, before the receive buffer is used again.
            unsafe self.lent.append(UnsafeRawBufferPointer(run), after: self.output.count)
        }
    }

    /// Appends bytes to `output`, with storage from the loop's pool.
    package func append(_ bytes: Span<UInt8>) {
        self.loop.buffers.lend(to: &self.output)
        self.output.append(bytes)
    }

    /// Gives `output` storage from the loop's pool where it has none, so that appending does not allocate.
    package func prepareOutput() {
        self.loop.buffers.lend(to: &self.output)
    }

    /// Replaces the empty `output` by a buffer that was filled elsewhere.
    package func send(_ buffer: consuming ByteBuffer) {
        if self.output.isEmpty {
            self.loop.buffers.reclaim(&self.output)
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

    /// Hands out bytes again, from the next round on.
    package func resumeReading() {
        guard self.isReadingPaused else { return }
        self.isReadingPaused = false
        if self.isReadable { self.takeTurn() }
    }

    // Ending.

    /// Closes at once. What is in `output` is lost.
    package func close() {
        self.tearDown()
    }

    /// Closes at once with a reset, so that the peer can not mistake the end for an orderly one.
    package func abort() {
        if self.descriptor >= 0 { SocketOptions.setResetOnClose(self.descriptor) }
        self.tearDown()
    }

    /// Sends what is in `output`, says the end, waits shortly for the peer's, and closes. The handler hears nothing more.
    package func closeAfterFlush() {
        switch self.state {
        case .open:
            self.state = .flushing
            self.handler = nil
            self.isReadingPaused = false
            self.loop.set(self.lingerTimer, after: .seconds(30))
            self.flush()
        case .connecting:
            self.tearDown()
        case .flushing, .lingering, .closed:
            break
        }
    }

    /// Sends what is in `output`, then closes with a reset, so that the peer can not mistake the end for an orderly one.
    package func abortAfterFlush() {
        guard case .open = self.state else {
            self.abort()
            return
        }
        self.resetsWhenFlushed = true
        self.closeAfterFlush()
    }

    /// Whether bytes or the end of the peer's sending wait to be read. Asks the kernel.
    package var hasUnreadInput: Bool {
        guard self.descriptor >= 0 else { return false }
        var byte: UInt8 = 0
        let count = unsafe recv(self.descriptor, &byte, 1, CInt(sluice_MSG_PEEK_DONTWAIT))
        return count >= 0 || lastErrorCode != EAGAIN
    }

    private func tearDown() {
        guard self.descriptor >= 0 else { return }
        self.state = .closed
        self.handler = nil
        self.lent.removeAll()
        self.loop.unregister(self, descriptor: self.descriptor)
        Glibc.close(self.descriptor)
        self.descriptor = -1
        self.loop.buffers.reclaim(&self.output)
        self.loop.cancel(self.lingerTimer)
    }

    private func end(_ cause: CloseCause) {
        let handler = self.handler
        self.tearDown()
        handler?.closed(cause)
    }

    // What the loop calls.

    override func ready(_ events: Readiness) {
        if case .connecting = self.state {
            self.finishConnecting()
            guard self.isOpen else { return }
        }
        if events.contains(.writable), self.isBlocked {
            self.isBlocked = false
            self.writeOutput()
        }
        guard !events.isDisjoint(with: [.readable, .peerEnded, .hungUp, .failed]) else { return }
        self.isReadable = true
        let isLeaving = !events.isDisjoint(with: [.peerEnded, .hungUp, .failed])
        if isLeaving { self.isEndInSight = true }
        if self.isReadingPaused {
            if isLeaving, !self.toldThatPeerLeft {
                self.toldThatPeerLeft = true
                self.handler?.peerLeft()
            }
        } else if !self.isWaitingForTurn {
            self.read()
        }
    }

    override func again() {
        self.isWaitingForTurn = false
        if self.isBlocked, self.loop.faults != nil {
            self.isBlocked = false
            self.writeOutput()
        }
        if self.isReadable, !self.isReadingPaused { self.read() }
    }

    private func takeTurn() {
        guard !self.isWaitingForTurn else { return }
        self.isWaitingForTurn = true
        self.loop.continueLater(self)
    }

    private func finishConnecting() {
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        let result = unsafe getsockopt(self.descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        guard result == 0, code == 0 else {
            self.end(.connectFailed(SystemError("connect", code: result == 0 ? code : lastErrorCode)))
            return
        }
        self.state = .open
        self.handler?.connected()
    }

    /// Reads once, and hands on what came. More is read in the next round, so that no connection starves the others.
    private func read() {
        switch self.state {
        case .open: break
        case .flushing, .lingering:
            self.discardInput()
            return
        case .connecting, .closed: return
        }
        var size = Loop.receiveSize
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
            self.isReadable = count == size || self.isEndInSight
            // SAFETY: the kernel initialised `count` bytes, which nobody overwrites while the handler runs.
            let bytes = unsafe Span<UInt8>(
                _unsafeStart: UnsafePointer(buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)),
                count: count)
            self.handler?.received(bytes)
            self.loop.settleBorrowers()
            if self.isReadable, !self.isReadingPaused, case .open = self.state { self.takeTurn() }
        } else if count == 0 {
            self.isReadable = false
            self.isEndInSight = false
            guard !self.hasPeerEnded else { return }
            self.hasPeerEnded = true
            self.handler?.receivedEnd()
        } else {
            let code = lastErrorCode
            if code == EAGAIN || code == EINTR {
                self.isReadable = code == EINTR
                if self.isReadable { self.takeTurn() }
            } else {
                self.end(.failed(SystemError("recv", code: code)))
            }
        }
    }

    /// After the last byte was sent: throws away what the peer still sends, until its end comes.
    private func discardInput() {
        for _ in 0..<16 {
            let buffer = unsafe self.loop.receiveBuffer
            let count = unsafe recv(self.descriptor, buffer.baseAddress, Loop.receiveSize, 0)
            if count > 0 { continue }
            if count < 0, lastErrorCode == EAGAIN { return }
            if case .flushing = self.state, count == 0 {
                // The peer may still read what is on its way.
                self.isReadable = false
                self.isEndInSight = false
                return
            }
            self.tearDown()
            return
        }
        // A peer that does not stop sending is not listening.
        if case .lingering = self.state { self.tearDown() }
    }

    /// Offers everything that waits to the socket: the end of the round.
    func writeOutput() {
        self.isTouched = false
        switch self.state {
        case .open, .flushing: break
        case .connecting: return
        case .lingering, .closed: return
        }
        let total = self.output.count + self.lent.byteCount
        if total > 0 {
            if self.isBlocked {
                self.copyLent(from: 0)
                return
            }
            let sent: Int
            switch self.offer(total) {
            case .sent(let count): sent = count
            case .failed(let error):
                self.end(.failed(error))
                return
            }
            if sent < total {
                self.copyLent(from: sent)
                self.block()
                self.handler?.outputBlocked()
                return
            }
            self.lent.removeAll()
            self.loop.buffers.reclaim(&self.output)
        }
        if case .flushing = self.state {
            self.linger()
        } else if self.wasBlocked {
            self.wasBlocked = false
            self.handler?.outputDrained()
        }
    }

    /// The handler was told that output is blocked, and not yet that it drained.
    private var wasBlocked = false

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

    private func offer(_ total: Int) -> Offer {
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
        let sent: Int
        if self.lent.isEmpty {
            sent = unsafe self.output.withUnsafeBytes { bytes in
                unsafe Glibc.send(self.descriptor, bytes.baseAddress, min(bytes.count, size), sluice_MSG_NOSIGNAL)
            }
        } else {
            sent = unsafe self.output.withUnsafeBytes { bytes in
                unsafe self.lent.withVectors(interleavedWith: bytes, upTo: size) { vectors in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = vectors.baseAddress
                    unsafe message.msg_iovlen = vectors.count
                    return unsafe sendmsg(self.descriptor, &message, sluice_MSG_NOSIGNAL)
                }
            }
        }
        if sent >= 0 { return .sent(sent) }
        let code = lastErrorCode
        return code == EAGAIN || code == EINTR ? .sent(0) : .failed(SystemError("send", code: code))
    }

    /// Puts what is left of the lent runs where it belongs between the bytes of `output`, after `sent` bytes have gone.
    private func copyLent(from sent: Int) {
        guard !self.lent.isEmpty else {
            self.output.consume(sent)
            return
        }
        var rest = ByteBuffer()
        self.loop.buffers.lend(to: &rest)
        unsafe self.output.withUnsafeBytes { bytes in
            unsafe self.lent.withVectors(interleavedWith: bytes, upTo: .max) { vectors in
                var skipped = 0
                for index in 0..<vectors.count {
                    let vector = unsafe vectors[index]
                    let length = unsafe vector.iov_len
                    let skip = min(length, sent - skipped)
                    skipped += skip
                    if length > skip {
                        // SAFETY: a vector points at initialised bytes of `output` or of the receive buffer.
                        let run = unsafe UnsafeRawBufferPointer(start: vector.iov_base + skip, count: length - skip)
                        rest.append(unsafe Span<UInt8>(_unsafeBytes: run))
                    }
                }
            }
        }
        self.lent.removeAll()
        self.loop.buffers.reclaim(&self.output)
        self.output = rest
    }

    private func linger() {
        if self.resetsWhenFlushed {
            self.abort()
            return
        }
        shutdown(self.descriptor, CInt(SHUT_WR))
        self.state = .lingering
        self.loop.set(self.lingerTimer, after: Self.lingerTime)
        self.discardInput()
    }
}

extension Connection: LoopTimerHandler {
    /// The peer took too long to take our last bytes or to close.
    package func timerFired(_ timer: LoopTimer) {
        self.tearDown()
    }
}
