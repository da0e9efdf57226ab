internal import AWS
internal import Bytes
internal import Reactor
internal import Relay
internal import TLS
internal import Time

/// The connections of one loop to one endpoint. The one used last is taken first, so that the others can grow old.
final class UpstreamPool {
    let endpoint: ServiceEndpoint
    private let loop: Loop
    private let resolver: Resolver
    private var idle: [UpstreamConnection] = []
    /// All connections, those that serve as well.
    private var all: [ObjectIdentifier: UpstreamConnection] = [:]
    private var waiting: [ObjectIdentifier: (dial: Dial, attempt: UpstreamAttempt)] = [:]
    private var shaking: [ObjectIdentifier: (handshake: UpstreamHandshake, attempt: UpstreamAttempt?)] = [:]
    /// What upstreams are verified with; `nil` where the endpoint is not reached over TLS.
    private let tls: TLSClientContext?
    private var isClosed = false

    /// How long a connection is kept without use.
    let idleTime: Duration
    /// For how long a connection is used again, however busy it is: so that calls go where the name leads now, when its
    /// addresses have changed.
    private static let lifetime = Duration.seconds(300)
    /// Idle connections kept at most.
    private static let keptIdle = 1024
    /// A connection that was idle for this long is asked whether its peer has closed before a request is put on it.
    private static let doubt = Duration.milliseconds(20)

    init(
        _ endpoint: ServiceEndpoint, tls: TLSClientContext? = nil, idleTime: Duration = .seconds(55),
        resolver: Resolver, on loop: Loop
    ) {
        self.tls = tls
        self.endpoint = endpoint
        self.idleTime = idleTime
        self.resolver = resolver
        self.loop = loop
    }

    /// Whether it has no connection, and none on its way.
    var isEmpty: Bool { self.all.isEmpty && self.waiting.isEmpty && self.shaking.isEmpty }

    /// Finds a connection for an attempt, within the call or later.
    func take(for attempt: UpstreamAttempt) {
        while let connection = self.idle.popLast() {
            if self.loop.now - connection.idleSince > Self.doubt, connection.isStale {
                connection.close()
                continue
            }
            attempt.taken(connection)
            return
        }
        let dial = Dial(
            self.endpoint.host, port: self.endpoint.port, timeout: attempt.connectTimeout, resolver: self.resolver,
            on: self.loop, handler: self)
        self.waiting[ObjectIdentifier(dial)] = (dial, attempt)
    }

    /// What the operator is told of it.
    var report: PoolReport {
        PoolReport(
            endpoint: "\(self.endpoint.host):\(self.endpoint.port)", idle: self.idle.count,
            busy: self.all.count - self.idle.count, connecting: self.waiting.count + self.shaking.count)
    }

    /// A connection is idle again.
    func gaveBack(_ connection: UpstreamConnection) {
        let isOld = self.loop.now - connection.openedAt > Self.lifetime
        if self.isClosed || isOld || self.idle.count >= Self.keptIdle {
            connection.close()
        } else {
            self.idle.append(connection)
        }
    }

    /// A connection was closed.
    func closed(_ connection: UpstreamConnection) {
        self.all[ObjectIdentifier(connection)] = nil
        if let position = self.idle.lastIndex(where: { $0 === connection }) { self.idle.remove(at: position) }
    }

    /// Closes what is idle now, and what becomes idle later. Connections that nobody waits for are not made.
    func close() {
        self.isClosed = true
        for (key, (dial, attempt)) in self.waiting where attempt.isOver {
            dial.cancel()
            self.waiting[key] = nil
        }
        for (key, (handshake, attempt)) in self.shaking where attempt?.isOver ?? true {
            handshake.cancel()
            self.shaking[key] = nil
        }
        for connection in self.idle { connection.close() }
        self.idle = []
    }

    /// A connection is ready for requests.
    private func use(_ connection: Connection, for attempt: UpstreamAttempt?) {
        let upstream = UpstreamConnection(connection, pool: self)
        self.all[ObjectIdentifier(upstream)] = upstream
        if let attempt { attempt.taken(upstream) } else { upstream.giveBack() }
    }

    /// Begins TLS on a connection. The time for it is that for connecting, anew.
    private func shakeHands(on connection: Connection, _ context: TLSClientContext, for attempt: UpstreamAttempt?) {
        do throws(TLSFailure) {
            let session = try TLSSession(context, host: self.endpoint.host)
            let handshake = UpstreamHandshake(on: connection, handler: self)
            self.shaking[ObjectIdentifier(handshake)] = (handshake, attempt)
            handshake.start(session, timeout: attempt?.connectTimeout ?? .seconds(3))
        } catch {
            connection.close()
            attempt?.notTaken(.unreachable("TLS: \(error)"))
        }
    }
}

extension UpstreamPool: UpstreamHandshakeHandler {
    func handshakeCompleted(_ handshake: UpstreamHandshake, _ connection: Connection) {
        let attempt = self.shaking.removeValue(forKey: ObjectIdentifier(handshake))?.attempt
        self.use(connection, for: attempt)
    }

    func handshakeFailed(_ handshake: UpstreamHandshake, _ reason: String) {
        self.shaking.removeValue(forKey: ObjectIdentifier(handshake))?.attempt?.notTaken(.unreachable(reason))
    }

    func handshakeTimedOut(_ handshake: UpstreamHandshake) {
        self.shaking.removeValue(forKey: ObjectIdentifier(handshake))?.attempt?.notTaken(.connectTimedOut)
    }
}

extension UpstreamPool: DialHandler {
    func dialed(_ dial: Dial, _ connection: Connection) {
        let attempt = self.waiting.removeValue(forKey: ObjectIdentifier(dial))?.attempt
        if let tls = self.tls {
            self.shakeHands(on: connection, tls, for: attempt)
        } else {
            self.use(connection, for: attempt)
        }
    }

    func dialFailed(_ dial: Dial, _ error: DialError) {
        guard let (_, attempt) = self.waiting.removeValue(forKey: ObjectIdentifier(dial)) else { return }
        switch error {
        case .timedOut: attempt.notTaken(.connectTimedOut)
        case .unresolved, .unreachable: attempt.notTaken(.unreachable(error.description))
        }
    }
}

@available(*, unavailable)
extension UpstreamPool: Sendable {}
