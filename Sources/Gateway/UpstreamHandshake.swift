internal import Bytes
internal import Reactor
internal import TLS

/// Who is told how a handshake with an upstream ended. Exactly one of the two is called, once, unless it is cancelled.
protocol UpstreamHandshakeHandler: AnyObject {
    func handshakeCompleted(_ handshake: UpstreamHandshake, _ connection: Connection, _ session: TLSSession)
    func handshakeFailed(_ handshake: UpstreamHandshake, _ reason: String)
    func handshakeTimedOut(_ handshake: UpstreamHandshake)
}

/// The TLS handshake on a connection to an upstream that is up; the certificate has to be for the upstream's name.
final class UpstreamHandshake {
    private let connection: Connection
    private let session: TLSSession
    private var handler: (any UpstreamHandshakeHandler)?
    /// Nothing of the application is sent before a request, so nothing ever comes here.
    private var plaintext = ByteBuffer()
    private lazy var timer = LoopTimer(handler: self)

    /// Begins the handshake, which must be over within `timeout`.
    init(
        on connection: Connection, _ session: TLSSession, timeout: Duration, handler: any UpstreamHandshakeHandler
    ) throws(TLSFailure) {
        self.connection = connection
        self.session = session
        self.handler = handler
        connection.handler = self
        connection.loop.set(self.timer, after: timeout)
        do throws(TLSFailure) {
            try session.start(output: &connection.output)
        } catch {
            self.end()
            connection.close()
            throw error
        }
        connection.flush()
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
        // An alert may wait to be sent.
        self.connection.closeAfterFlush()
        handler?.handshakeFailed(self, reason)
    }
}

extension UpstreamHandshake: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        var offset = 0
        do throws(TLSFailure) {
            while true {
                switch try self.session.next(
                    bytes, at: &offset, plaintext: &self.plaintext, output: &self.connection.output)
                {
                case .handshakeCompleted:
                    continue
                case .plaintext, .ended:
                    self.fail("TLS: the upstream spoke before it was asked")
                    return
                case .needsMore:
                    if !self.connection.output.isEmpty { self.connection.flush() }
                    if self.session.isOpen { self.complete() }
                    return
                }
            }
        } catch {
            self.fail("TLS: \(error)")
        }
    }

    private func complete() {
        let handler = self.handler
        self.end()
        handler?.handshakeCompleted(self, self.connection, self.session)
    }

    func receivedEnd() {
        self.fail("TLS: the connection was closed during the handshake")
    }

    func closed(_ cause: CloseCause) {
        self.fail("TLS: the connection was lost during the handshake")
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
