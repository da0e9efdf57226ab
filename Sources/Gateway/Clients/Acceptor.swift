internal import Logging
internal import Reactor
internal import TLS

/// Begins what a listener's connections begin with: a header of the PROXY protocol, a TLS handshake, or HTTP.
final class Acceptor: ListenerHandler {
    /// What sessions of connections that come now are told.
    var listener: ListenerRuntime
    private unowned let context: LoopContext

    init(listener: ListenerRuntime, context: LoopContext) {
        self.listener = listener
        self.context = context
    }

    func accepted(_ connection: Connection) {
        self.context.admit(ClientConnection(connection, listener: self.listener))
    }

    func acceptPaused(_ error: SystemError, isNews: Bool) {
        // Counted each time, and news for all listeners together.
        guard self.context.noteExhaustion() else { return }
        self.context.logger.error(
            "accepting rests for a moment: no resources left",
            metadata: ["listener": "\(self.listener.name)", "error": "\(error)"])
    }
}

extension LoopContext {
    /// Begins with what the listener's connections begin with.
    func begin(on client: ClientConnection) {
        if client.listener.speaksProxyProtocol {
            ProxyGreeting(client, context: self).begin()
        } else {
            self.beginProtocol(on: client)
        }
    }

    /// Begins TLS where the listener has it, else HTTP.
    func beginProtocol(on client: ClientConnection, unread: Span<UInt8> = Span()) {
        guard let tls = client.listener.tls else {
            self.beginSession(on: client)
            if !unread.isEmpty { client.connection.handler?.received(unread) }
            return
        }
        let context = tls.context
        do throws(TLSFailure) {
            let session = try TLSSession(context, at: self.loop.now)
            ClientHandshake(client, TLSFilter(serving: session, of: context), context: self).begin(unread: unread)
        } catch {
            self.logger.error("no TLS session", metadata: ["listener": "\(client.listener.name)", "error": "\(error)"])
            client.connection.close()
        }
    }

    /// Begins the session of the protocol that was agreed on.
    func beginSession(on client: ClientConnection, speaking protocol: ApplicationProtocol = .http1) {
        switch `protocol` {
        case .http2: _ = HTTP2Session(client, context: self)
        case .http1: _ = HTTP1Session(client, context: self)
        }
    }
}
