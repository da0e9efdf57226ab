internal import AWS
internal import Reactor
internal import TLS

/// Tries the way to a server, and nothing beyond it: its name is looked up, a connection made, and TLS where its URL
/// has it. No request is sent.
final class WayCheck {
    private let endpoint: ServiceEndpoint
    private let tls: TLSClientContext?
    private var dial: Dial?
    private var handshake: UpstreamHandshake?
    private(set) var outcome: Outcome?

    /// How far the way goes.
    enum Outcome {
        /// To the end, at this address.
        case whole(SocketAddress)
        case noConnection(DialError)
        /// There is a server, but no TLS with it.
        case noTLS(SocketAddress, String)
    }

    private static let timeout = Duration.seconds(10)

    /// Begins; there is an `outcome` after some turns of the loop.
    init(_ endpoint: ServiceEndpoint, tls: TLSClientContext?, resolver: Resolver, on loop: Loop) {
        self.endpoint = endpoint
        self.tls = tls
        self.dial = Dial(
            endpoint.host, port: endpoint.port, timeout: Self.timeout, resolver: resolver, on: loop, handler: self)
    }
}

extension WayCheck: DialHandler {
    func dialed(_ dial: Dial, _ connection: Connection) {
        self.dial = nil
        let address = connection.remoteAddress
        guard self.endpoint.scheme == .https else {
            connection.close()
            self.outcome = .whole(address)
            return
        }
        guard let tls = self.tls else {
            connection.close()
            self.outcome = .noTLS(address, "no authorities are loaded")
            return
        }
        do throws(TLSFailure) {
            let session = try TLSSession(tls, host: self.endpoint.host)
            let handshake = UpstreamHandshake(on: connection, handler: self)
            self.handshake = handshake
            handshake.start(session, timeout: Self.timeout)
        } catch {
            connection.close()
            self.outcome = .noTLS(address, "\(error)")
        }
    }

    func dialFailed(_ dial: Dial, _ error: DialError) {
        self.dial = nil
        self.outcome = .noConnection(error)
    }
}

extension WayCheck: UpstreamHandshakeHandler {
    func handshakeCompleted(
        _ handshake: UpstreamHandshake, _ connection: Connection, speaking agreed: ApplicationProtocol
    ) {
        self.handshake = nil
        self.outcome = .whole(connection.remoteAddress)
        connection.close()
    }

    func handshakeFailed(_ handshake: UpstreamHandshake, _ reason: String) {
        self.handshake = nil
        self.outcome = .noTLS(handshake.remoteAddress, reason)
    }

    func handshakeTimedOut(_ handshake: UpstreamHandshake) {
        self.handshake = nil
        self.outcome = .noTLS(handshake.remoteAddress, "no answer in time")
    }
}

@available(*, unavailable)
extension WayCheck: Sendable {}
