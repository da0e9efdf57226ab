internal import Bytes
internal import Configuration
internal import HTTP
internal import Logging
internal import Reactor
private import Synchronization
internal import TLS

/// The TLS handshake on a client's connection: a session comes of it, or nothing.
final class ClientHandshake {
    let client: ClientConnection
    /// Its place in the order in which handshakes began.
    var number: UInt64 = 0
    private let context: LoopContext
    private let filter: TLSFilter
    private lazy var timer = LoopTimer(handler: self)

    init(_ client: ClientConnection, _ filter: TLSFilter, context: LoopContext) {
        self.client = client
        self.filter = filter
        self.context = context
    }

    /// Waits for the client's hello, of which some may have come already, and goes on from there.
    func begin(unread: Span<UInt8>) {
        self.client.connection.handler = self
        self.context.loop.set(self.timer, after: self.context.snapshot.limits.tlsHandshake)
        self.context.sessionOpened(self)
        self.context.handshakeBegan(self)
        // Both ends of the handshake let go of it again.
        self.filter.handshakeOfClient = self
        self.client.connection.install(self.filter, unread: unread)
    }

    /// There are too many handshakes, and this is the oldest.
    func giveWay() {
        self.refuse("there are too many at once")
    }

    private func refuse(_ reason: String) {
        self.client.connection.close()
        self.fail(reason)
    }

    private func fail(_ reason: String) {
        self.filter.handshakeOfClient = nil
        self.context.loop.cancel(self.timer)
        self.context.handshakeEnded(self)
        self.context.sessionClosed(self)
        self.context.logger.log(
            level: self.filter.failure?.whose == .ours ? .error : .info, "TLS handshake failed",
            metadata: [
                "client": "\(self.client.address)", "listener": "\(self.client.listener.name)",
                "reason": "\(reason)",
            ])
    }
}

/// HTTP without TLS.
extension ClientHandshake {
    private static let advice: StaticString = "This port speaks HTTPS. Use https:// in front of the URL.\n"

    /// Tells a client that speaks HTTP to a port of HTTPS. Its request is counted and logged like others that can not
    /// be read.
    func answerPlainHTTP(into output: inout ByteBuffer) {
        let now = self.context.loop.now
        let record = RequestRecord(
            withoutHead: self.context.newRequestID(), client: self.client.address, startedAt: now,
            wall: self.context.wallNow)
        output.append(statusLine: 400)
        self.context.date.append(to: &output, at: self.context.wallNow)
        output.append("content-type: text/plain\r\nx-request-id: ")
        output.append(record.requestID)
        output.append("\r\ncontent-length: ")
        output.append(decimal: Self.advice.utf8CodeUnitCount)
        output.append("\r\nconnection: close\r\n\r\n")
        output.append(Self.advice)
        record.bytesOut = Self.advice.utf8CodeUnitCount
        record.finished(status: 400, end: "bad_request", at: now)
        self.context.log(record)
    }
}

extension ClientHandshake: ConnectionHandler {
    /// The handshake is over.
    func connected() {
        self.filter.handshakeOfClient = nil
        self.context.loop.cancel(self.timer)
        self.context.handshakeEnded(self)
        self.context.sessionReplaced(self)
        guard let handshake = self.filter.handshake else {
            self.client.connection.close()
            return
        }
        self.client.secured(by: self.filter, handshake)
        self.context.beginSession(on: self.client, speaking: handshake.applicationProtocol)
    }

    // Neither comes before `connected`, with which the connection gets another handler.
    func received(_ bytes: Span<UInt8>) {}
    func receivedEnd() {}

    func closed(_ cause: CloseCause) {
        switch cause {
        case .connectFailed(let error), .failed(let error): self.fail(error.description)
        case .refused(let reason): self.fail(reason)
        }
    }
}

extension ClientHandshake: ClientSession {
    // A request is about to come; the time for the handshake bounds the wait for it.
    func drain() {}

    func cut() {
        self.refuse("the gateway shuts down")
    }

    var canBeShed: Bool { false }

    func shed() {}

    var protocolName: String { "TLS handshake" }
}

extension ClientHandshake: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        self.context.noteLimit("tls_handshake", of: self.client)
        self.refuse("it took too long")
    }
}

@available(*, unavailable)
extension ClientHandshake: Sendable {}

/// The handshakes that are under way, on all loops.
final class HandshakeCount: Sendable {
    private let count = Atomic(0)
    private let limit: Atomic<Int>

    init(limit: Int) {
        self.limit = Atomic(limit)
    }

    /// Takes another limit.
    func update(limit: Int) {
        self.limit.store(limit, ordering: .relaxed)
    }

    /// One more has begun; answers whether that is one too many.
    func began() -> Bool {
        self.count.wrappingAdd(1, ordering: .relaxed).newValue > self.limit.load(ordering: .relaxed)
    }

    /// One is over.
    func ended() {
        self.count.wrappingSubtract(1, ordering: .relaxed)
    }
}
