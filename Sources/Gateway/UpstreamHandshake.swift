internal import Reactor
internal import TLS

/// Who is told how a handshake with an upstream ended. Exactly one of the three is called, once, unless it is
/// cancelled.
protocol UpstreamHandshakeHandler: AnyObject {
    func handshakeCompleted(
        _ handshake: UpstreamHandshake, _ connection: Connection, speaking agreed: ApplicationProtocol)
    func handshakeFailed(_ handshake: UpstreamHandshake, _ reason: String)
    func handshakeTimedOut(_ handshake: UpstreamHandshake)
}

/// The TLS handshake on a connection to an upstream that is up; the certificate has to be for the upstream's name.
final class UpstreamHandshake {
    private let connection: Connection
    private var handler: (any UpstreamHandshakeHandler)?
    private var filter: TLSFilter?
    private lazy var timer = LoopTimer(handler: self)

    /// Prepares the handshake; `start` begins it.
    init(on connection: Connection, handler: any UpstreamHandshakeHandler) {
        self.connection = connection
        self.handler = handler
    }

    /// Whom it is with.
    var remoteAddress: SocketAddress { self.connection.remoteAddress }

    /// Begins the handshake, which must be over within `timeout`.
    func start(_ session: TLSSession, timeout: Duration) {
        self.connection.handler = self
        self.connection.loop.set(self.timer, after: timeout)
        let filter = TLSFilter(calling: session)
        self.filter = filter
        self.connection.install(filter)
    }

    /// Gives up; nobody is told.
    func cancel() {
        self.end()
        self.connection.close()
    }

    private func end() {
        self.handler = nil
        self.connection.loop.cancel(self.timer)
    }

    private func fail(_ reason: String) {
        let handler = self.handler
        self.end()
        handler?.handshakeFailed(self, reason)
    }
}

extension UpstreamHandshake: ConnectionHandler {
    /// The filter's handshake is over.
    func connected() {
        let handler = self.handler
        let agreed = self.filter?.handshake?.applicationProtocol ?? .http1
        self.end()
        handler?.handshakeCompleted(self, self.connection, speaking: agreed)
    }

    // Neither comes before `connected`, with which the connection gets another handler.
    func received(_ bytes: Span<UInt8>) {}
    func receivedEnd() {}

    func closed(_ cause: CloseCause) {
        switch cause {
        case .refused(let reason): self.fail(reason)
        case .connectFailed, .failed: self.fail("TLS: the connection was lost during the handshake")
        }
    }
}

extension UpstreamHandshake: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        let handler = self.handler
        self.end()
        self.connection.close()
        handler?.handshakeTimedOut(self)
    }
}

@available(*, unavailable)
extension UpstreamHandshake: Sendable {}
