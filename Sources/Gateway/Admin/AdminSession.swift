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
    private var isAnswering = false
    private lazy var timer = LoopTimer(handler: self)

    /// How long a connection may be idle, or take over a request.
    private static let patience = Duration.seconds(60)
    /// Bytes that may come behind a request that is being answered.
    private static let pendingLimit = 64 * 1024

    init(_ connection: Connection, desk: AdminDesk) {
        self.connection = connection
        self.desk = desk
        connection.handler = self
        self.desk.loop.set(self.timer, after: Self.patience)
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
                if self.isAnswering {
                    self.keep(bytes.extracting(offset..<bytes.count))
                    return
                }
            }
        } catch {
            self.send(.text(error.description, status: error.status), keepsAlive: false, hasBody: true)
        }
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
        self.desk.loop.set(self.timer, after: Self.patience)
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
        guard keepsAlive else {
            if self.ended() { self.connection.closeAfterFlush() }
            return
        }
        self.connection.flush()
        guard !self.pending.isEmpty else { return }
        var pending = ByteBuffer()
        swap(&pending, &self.pending)
        self.read(pending.bytes)
    }
}

extension AdminSession: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        if self.isAnswering { self.keep(bytes) } else { self.read(bytes) }
    }

    func receivedEnd() {
        // A client that says its request and then its end, such as `nc`, still wants the answer.
        if !self.isAnswering { self.close() }
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
