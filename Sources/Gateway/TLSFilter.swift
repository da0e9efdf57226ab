internal import Bytes
internal import Reactor
internal import TLS

/// TLS on a connection, in either role: joins a `TLSSession` to the connection's filter.
final class TLSFilter: ConnectionFilter {
    private let session: TLSSession
    /// The server's context; `nil` in the client's role.
    private let server: TLSServerContext?
    /// Answers a client that speaks HTTP without TLS to a port that wants it, while the handshake lasts.
    var handshakeOfClient: ClientHandshake?
    /// Why it ended before its time.
    private(set) var failure: TLSFailure?

    /// The server's side of a connection that was accepted.
    init(serving session: TLSSession, of server: TLSServerContext) {
        self.session = session
        self.server = server
    }

    /// The client's side of a connection that is up.
    init(calling session: TLSSession) {
        self.session = session
        self.server = nil
    }

    /// What the two sides agreed on; `nil` before. It is put together at each call.
    var handshake: TLSHandshake? { self.session.handshake }

    /// Whether a request for `host`, in lower case, came on a connection that was opened for another certificate
    /// although there is one for the host (RFC 9110 §15.5.20).
    func isMisdirected(host: String) -> Bool {
        self.server?.isMisdirected(host: host, on: self.session) ?? false
    }

    func start(output: inout ByteBuffer) throws(FilterFailure) {
        guard self.server == nil else { return }
        do throws(TLSFailure) {
            try self.session.start(output: &output)
        } catch {
            throw self.fail(error)
        }
    }

    func receive(
        _ bytes: Span<UInt8>, at offset: inout Int, plain: inout ByteBuffer, output: inout ByteBuffer
    ) throws(FilterFailure) -> FilterEvent {
        do throws(TLSFailure) {
            switch try self.session.next(bytes, at: &offset, plaintext: &plain, output: &output) {
            case .handshakeCompleted: return .opened
            case .plaintext: return .plain
            case .ended: return .ended
            case .needsMore: return .needsMore
            }
        } catch {
            if case .plainHTTP = error { self.handshakeOfClient?.answerPlainHTTP(into: &output) }
            throw self.fail(error)
        }
    }

    func receivedEnd() throws(FilterFailure) {
        do throws(TLSFailure) {
            try self.session.receivedEnd()
        } catch {
            throw self.fail(error)
        }
    }

    func seal(_ plain: Span<UInt8>, output: inout ByteBuffer) throws(FilterFailure) {
        do throws(TLSFailure) {
            try self.session.encrypt(plain, output: &output)
        } catch {
            throw self.fail(error)
        }
    }

    func close(output: inout ByteBuffer) {
        self.session.close(output: &output)
    }

    private func fail(_ failure: TLSFailure) -> FilterFailure {
        self.failure = failure
        return FilterFailure(reason: "TLS: \(failure)")
    }
}

@available(*, unavailable)
extension TLSFilter: Sendable {}
