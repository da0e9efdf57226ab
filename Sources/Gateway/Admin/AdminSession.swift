internal import Bytes
internal import HTTP
internal import JSON
internal import Reactor
internal import Time

/// One connection to the admin listener: requests without bodies, each answered before the next one is read.
final class AdminSession {
    private let connection: Connection
    private unowned let desk: AdminDesk
    private var parser = HTTP1RequestParser(limits: HeadLimits())
    private var head: RequestHead?
    /// What came behind a request that is being answered.
    private var pending = ByteBuffer()
    private(set) var isAnswering = false
    /// Since when it has been waited for a request.
    private(set) var idleSince: MonotonicTime
    private lazy var timer = LoopTimer(handler: self)

    /// How long a connection may be idle, or take over a request, or over taking its answers.
    private static let patience = Duration.seconds(60)
    /// The same before the first request: whoever connects here has something to ask.
    private static let firstPatience = Duration.seconds(10)
    /// Bytes that may come behind a request that is being answered.
    private static let pendingLimit = 64 * 1024
    /// Bytes of answers that may wait to be taken before the next request is looked at.
    private static let unsentLimit = 64 * 1024

    init(_ connection: Connection, desk: AdminDesk) {
        self.connection = connection
        self.desk = desk
        self.idleSince = desk.loop.now
        connection.handler = self
        self.desk.loop.set(self.timer, after: Self.firstPatience)
    }

    /// Closes at once.
    func close() {
        guard self.ended() else { return }
        self.connection.close()
    }

    /// Answers whether it had not ended before.
    private func ended() -> Bool {
        guard self.connection.handler != nil else { return false }
        self.desk.loop.cancel(self.timer)
        self.desk.sessionEnded(self)
        return true
    }

    private func read(_ bytes: Span<UInt8>) {
        var offset = 0
        do throws(RequestFault) {
            while self.connection.isOpen {
                switch try self.parser.next(bytes, at: &offset) {
                case .head(let head): self.head = head
                case .body: break
                case .end: self.answer()
                case .needsMore: return
                }
                if self.isAnswering || self.hasUnsentAnswers {
                    self.keep(bytes.extracting(offset..<bytes.count))
                    return
                }
            }
        } catch {
            self.send(.text(error.description, status: error.status), keepsAlive: false, hasBody: true)
        }
    }

    /// Whether the client has enough to take before it is answered again: who asks without taking answers would fill
    /// the memory with them.
    private var hasUnsentAnswers: Bool {
        self.connection.isBlocked || self.connection.output.count > Self.unsentLimit
    }

    private func keep(_ bytes: Span<UInt8>) {
        guard self.pending.count + bytes.count <= Self.pendingLimit else {
            self.close()
            return
        }
        self.pending.append(bytes)
    }

    private func answer() {
        guard let head = self.head else { return }
        self.head = nil
        self.isAnswering = true
        let keepsAlive = self.parser.keepsAlive
        self.desk.answer(head) { [weak self] answer in
            self?.send(answer, keepsAlive: keepsAlive, hasBody: head.method != .head)
        }
    }

    private func send(_ answer: OwnAnswer, keepsAlive: Bool, hasBody: Bool) {
        guard self.connection.isOpen else { return }
        self.connection.prepareOutput()
        self.connection.output.append(statusLine: answer.head.status)
        self.connection.output.append(fieldsOf: answer.head.fields)
        self.connection.output.append("content-length: ")
        self.connection.output.append(decimal: answer.body.count)
        self.connection.output.append("\r\ncache-control: no-store\r\n")
        if !keepsAlive { self.connection.output.append("connection: close\r\n") }
        self.connection.output.append("\r\n")
        if hasBody { self.connection.output.append(answer.body) }
        self.isAnswering = false
        self.idleSince = self.desk.loop.now
        guard keepsAlive else {
            if self.ended() { self.connection.closeAfterFlush() }
            return
        }
        self.connection.flush()
        // One that takes nothing has as long as one that asks nothing, whatever it asks meanwhile.
        if !self.connection.isBlocked { self.desk.loop.set(self.timer, after: Self.patience) }
        self.connection.pauseReading()
        self.goOnLater()
    }

    /// From a fresh stack, and after the answers so far were offered to the socket. One that is blocked says when it
    /// has taken everything.
    private func goOnLater() {
        let session = LoopBound(self)
        self.desk.loop.mailbox.post { loop in session.value(on: loop).goOn() }
    }

    private func goOn() {
        guard self.connection.isOpen, !self.connection.isBlocked, !self.isAnswering else { return }
        var pending = ByteBuffer()
        swap(&pending, &self.pending)
        if !pending.isEmpty { self.read(pending.bytes) }
        if self.connection.isOpen, self.pending.isEmpty { self.connection.resumeReading() }
    }
}

extension AdminSession: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        if self.isAnswering || !self.pending.isEmpty { self.keep(bytes) } else { self.read(bytes) }
    }

    func receivedEnd() {
        // A client that says its request and then its end, such as `nc`, still wants the answer.
        if !self.isAnswering { self.close() }
    }

    func outputDrained() {
        guard self.connection.isOpen else { return }
        self.desk.loop.set(self.timer, after: Self.patience)
        self.goOn()
    }

    func closed(_ cause: CloseCause) {
        self.desk.loop.cancel(self.timer)
        self.desk.sessionEnded(self)
    }
}

extension AdminSession: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        self.close()
    }
}

@available(*, unavailable)
extension AdminSession: Sendable {}
