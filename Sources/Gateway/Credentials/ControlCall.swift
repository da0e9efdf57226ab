internal import AWS
internal import Bytes
internal import HTTP
internal import Reactor
internal import TLS

/// One request to STS, a metadata service or their like, on a connection of its own, with its answer whole.
///
/// The timer keeps it alive until it is over. `done` is called once, never within `init`.
final class ControlCall {
    private let request: ControlRequest
    private let loop: Loop
    private let tls: TLSClientContext?
    private var done: ((CredentialFetch.Event) -> Void)?
    private var dial: Dial?
    private var handshake: UpstreamHandshake?
    private var connection: Connection?
    private var parser = HTTP1ResponseParser(limits: HeadLimits())
    private var head: ResponseHead?
    private var body: [UInt8] = []
    private lazy var timer = LoopTimer(handler: self)

    init(
        _ request: ControlRequest, tls: TLSClientContext?, resolver: Resolver, on loop: Loop,
        done: @escaping (CredentialFetch.Event) -> Void
    ) {
        self.request = request
        self.loop = loop
        self.tls = tls
        self.done = done
        loop.set(self.timer, after: request.timeout)
        self.dial = Dial(
            request.endpoint.host, port: request.endpoint.port, timeout: request.timeout, resolver: resolver, on: loop,
            handler: self)
    }

    /// Gives up; nobody is told.
    func cancel() {
        self.done = nil
        self.release()
    }

    private func finish(_ event: CredentialFetch.Event) {
        let done = self.done
        self.done = nil
        self.release()
        done?(event)
    }

    private func release() {
        self.dial?.cancel()
        self.dial = nil
        self.handshake?.cancel()
        self.handshake = nil
        self.connection?.close()
        self.connection = nil
        self.loop.cancel(self.timer)
    }

    private func send(on connection: Connection) {
        self.connection = connection
        connection.handler = self
        self.parser.expectResponse(to: self.request.method)
        var bytes = ByteBuffer()
        bytes.append(self.request.bytes)
        connection.send(bytes)
    }

    private func read(_ bytes: Span<UInt8>) {
        var offset = 0
        do throws(ResponseFault) {
            while self.done != nil {
                switch try self.parser.next(bytes, at: &offset) {
                case .head(let head, _):
                    self.head = head
                case .body(let range):
                    guard self.body.count + range.count <= ControlAnswer.longestBody else {
                        self.finish(.unanswered("the answer is longer than \(ControlAnswer.longestBody) bytes"))
                        return
                    }
                    self.body += bytes.extracting(range).array()
                case .end:
                    self.complete()
                case .needsMore:
                    return
                }
            }
        } catch {
            self.finish(.unanswered(error.description))
        }
    }

    private func complete() {
        guard let head = self.head else { return }
        self.finish(.answered(ControlAnswer(head: head, body: self.body)))
    }
}

extension ControlCall: DialHandler {
    func dialed(_ dial: Dial, _ connection: Connection) {
        self.dial = nil
        guard self.done != nil else {
            connection.close()
            return
        }
        guard self.request.endpoint.scheme == .https else {
            self.send(on: connection)
            return
        }
        guard let tls = self.tls else {
            connection.close()
            self.finish(.unanswered("TLS: no authorities are loaded"))
            return
        }
        do throws(TLSFailure) {
            let session = try TLSSession(tls, host: self.request.endpoint.host)
            let handshake = UpstreamHandshake(on: connection, handler: self)
            self.handshake = handshake
            handshake.start(session, timeout: self.request.timeout)
        } catch {
            connection.close()
            self.finish(.unanswered("TLS: \(error)"))
        }
    }

    func dialFailed(_ dial: Dial, _ error: DialError) {
        self.dial = nil
        self.finish(error == .timedOut ? .timedOut : .unanswered(error.description))
    }
}

extension ControlCall: UpstreamHandshakeHandler {
    func handshakeCompleted(
        _ handshake: UpstreamHandshake, _ connection: Connection, speaking agreed: ApplicationProtocol
    ) {
        // Nothing but HTTP/1.1 was offered.
        self.handshake = nil
        self.send(on: connection)
    }

    func handshakeFailed(_ handshake: UpstreamHandshake, _ reason: String) {
        self.handshake = nil
        self.finish(.unanswered(reason))
    }

    func handshakeTimedOut(_ handshake: UpstreamHandshake) {
        self.handshake = nil
        self.finish(.timedOut)
    }
}

extension ControlCall: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        self.read(bytes)
    }

    func receivedEnd() {
        do throws(ResponseFault) {
            if case .end = try self.parser.receivedEnd() { self.complete() }
            self.finish(.unanswered("the connection was closed in the middle of an answer"))
        } catch {
            self.finish(.unanswered(error.description))
        }
    }

    func closed(_ cause: CloseCause) {
        switch cause {
        case .connectFailed(let error), .failed(let error): self.finish(.unanswered(error.description))
        case .refused(let reason): self.finish(.unanswered(reason))
        }
    }
}

extension ControlCall: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        self.finish(.timedOut)
    }
}

@available(*, unavailable)
extension ControlCall: Sendable {}
