internal import Reactor
internal import TLS

/// A client's connection on which a session is about to begin, and what is known of it before the first request.
final class ClientConnection {
    let connection: Connection
    let listener: ListenerRuntime
    /// The client's address, written out once, as events and logs have it.
    let address: String
    /// `nil` without TLS.
    let tls: TLSFilter?

    init(_ connection: Connection, listener: ListenerRuntime, tls: TLSFilter? = nil) {
        self.connection = connection
        self.listener = listener
        self.address = connection.remoteAddress.hostText
        self.tls = tls
    }
}

@available(*, unavailable)
extension ClientConnection: Sendable {}

extension LoopContext {
    /// Begins the session of the protocol that was agreed on.
    func beginSession(on client: ClientConnection, speaking protocol: ApplicationProtocol = .http1) {
        switch `protocol` {
        case .http2: _ = HTTP2Session(client, context: self)
        case .http1: _ = HTTP1Session(client, context: self)
        }
    }
}
