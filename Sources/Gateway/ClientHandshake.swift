internal import Bytes
internal import Configuration
internal import Logging
internal import Reactor
internal import TLS

/// The TLS handshake on a client's connection: a session comes of it, or nothing.
final class ClientHandshake {
    private let context: LoopContext
    private let listener: ListenerRuntime
    private let connection: Connection
    private let filter: TLSFilter
    private lazy var timer = LoopTimer(handler: self)

    init(_ connection: Connection, _ session: TLSSession, listener: ListenerRuntime, context: LoopContext) {
        self.connection = connection
        self.listener = listener
        self.context = context
        self.filter = TLSFilter(serving: session)
    }

    /// Waits for the client's hello, and goes on from there.
    func begin() {
        self.connection.handler = self
        self.context.loop.set(self.timer, after: self.context.snapshot.limits.tlsHandshake)
        self.context.sessionOpened(self)
        self.connection.install(self.filter)
    }

    private func fail(_ reason: String) {
        self.context.loop.cancel(self.timer)
        self.context.sessionClosed(self)
        let isOurs = self.filter.failure?.whose == .ours
        self.context.logger.log(
            level: isOurs ? .error : .info, "TLS handshake failed",
            metadata: [
                "client": "\(self.connection.remoteAddress.hostText)", "listener": "\(self.listener.name)",
                "reason": "\(reason)",
            ])
    }
}

extension ClientHandshake: ConnectionHandler {
    /// The handshake is over.
    func connected() {
        self.context.loop.cancel(self.timer)
        self.context.sessionReplaced(self)
        self.context.beginSession(
            on: ClientConnection(self.connection, listener: self.listener, tls: self.filter),
            speaking: self.filter.handshake?.applicationProtocol ?? .http1)
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
    var protocolName: String { "handshake" }

    var peer: SocketAddress { self.connection.remoteAddress }

    // A request is about to come; the time for the handshake bounds the wait for it.
    func drain() {}

    func cut() {
        self.connection.close()
        self.fail("the gateway shuts down")
    }

    var canBeShed: Bool { false }

    func shed() {}
}

extension ClientHandshake: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        self.connection.close()
        self.fail("it took too long")
    }
}

@available(*, unavailable)
extension ClientHandshake: Sendable {}
