internal import AWS
internal import Bytes
internal import Configuration
internal import Reactor
internal import Relay
internal import TLS
internal import Time

/// The connections of one loop to one endpoint.
///
/// Of HTTP/1.1 the one used last is taken first, so that the others can grow old. Of HTTP/2 the first one that has room
/// is taken, so that there are few; who finds none stands in line (`UpstreamPool+Line.swift`).
final class UpstreamPool {
    let endpoint: ServiceEndpoint
    let loop: Loop
    private let resolver: Resolver
    private var idle: [HTTP1UpstreamConnection] = []
    /// All connections of HTTP/1.1, those that serve as well.
    private var all: [ObjectIdentifier: HTTP1UpstreamConnection] = [:]
    /// The connections of HTTP/2 that are up.
    var multiplexed: [HTTP2UpstreamConnection] = []
    // Those that are in the making: being dialled, shaking hands, and awaiting the server's settings.
    private var waiting: [ObjectIdentifier: (dial: Dial, purpose: Purpose)] = [:]
    private var shaking: [ObjectIdentifier: (handshake: UpstreamHandshake, purpose: Purpose)] = [:]
    private var greeting: [ObjectIdentifier: (connection: HTTP2UpstreamConnection, purpose: Purpose)] = [:]
    /// Attempts that wait for room on any connection.
    var line = UpstreamLine()
    /// Which protocol is spoken, as far as that is known.
    private(set) var speech: Speech
    private var choice: UpstreamProtocol
    /// What upstreams are verified with; `nil` where the endpoint is not reached over TLS.
    private let tls: TLSClientContext?
    private(set) var isClosed = false
    /// Connections that are kept ready, and when the next one is made after one was lost.
    private var stock = (count: 0, connectTimeout: Duration.zero, pause: UpstreamPool.shortestPause)
    private lazy var stockTimer = LoopTimer(handler: self)

    /// How long a connection is kept without use.
    let idleTime: Duration
    /// For how long a connection is used again, however busy it is: so that calls go where the name leads now, when its
    /// addresses have changed.
    static let lifetime = Duration.seconds(300)
    /// Idle connections kept at most.
    private static let keptIdle = 1024
    /// A connection that was idle for this long is asked whether its peer has closed before a request is put on it.
    /// That spares a second try; where there can be none it is asked always.
    static let doubt = Duration.milliseconds(20)
    /// Between a connection that was lost and the one that is made in its place.
    private static let shortestPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)

    /// What a connection is made for.
    enum Purpose {
        /// One attempt, which waits for it.
        case attempt(UpstreamAttempt)
        /// Whoever stands in line, with its number there.
        case line(_ number: Int, connectTimeout: Duration)
        /// To have one.
        case stock(connectTimeout: Duration)

        var connectTimeout: Duration {
            switch self {
            case .attempt(let attempt): attempt.connectTimeout
            case .line(_, let timeout), .stock(let timeout): timeout
            }
        }
    }

    /// Which protocol an endpoint speaks. What is agreed on can change with each handshake.
    enum Speech {
        /// It is told in the first handshake, for which everybody waits.
        case unknown
        case http1
        case http2
    }

    init(
        _ endpoint: ServiceEndpoint, tls: TLSClientContext? = nil, speaking choice: UpstreamProtocol = .auto,
        idleTime: Duration = .seconds(55), resolver: Resolver, on loop: Loop
    ) {
        self.tls = tls
        self.choice = choice
        self.speech =
            switch choice {
            case .http1: .http1
            case .http2: .http2
            case .auto: tls == nil ? .http1 : .unknown
            }
        self.endpoint = endpoint
        self.idleTime = idleTime
        self.resolver = resolver
        self.loop = loop
    }

    /// Whether it has no connection, and none on its way.
    var isEmpty: Bool { self.all.isEmpty && self.multiplexed.isEmpty && self.inTheMaking == 0 }

    private var inTheMaking: Int { self.waiting.count + self.shaking.count + self.greeting.count }

    /// Finds a connection for an attempt, within the call or later.
    func take(for attempt: UpstreamAttempt) {
        if !self.multiplexed.isEmpty, let connection = self.multiplexed.first(where: \.canServe) {
            attempt.taken(HTTP2UpstreamStream(connection))
            return
        }
        while let connection = self.idle.popLast() {
            let isDoubtful = attempt.canBeSentOnceOnly || self.loop.now - connection.idleSince > Self.doubt
            if isDoubtful, connection.isStale {
                connection.close()
                continue
            }
            attempt.taken(connection)
            return
        }
        switch self.speech {
        case .http1:
            self.dial(for: .attempt(attempt))
        case .http2, .unknown:
            self.line.append(attempt)
            self.dialForLine()
        }
    }

    /// What the operator is told of it.
    var report: PoolReport {
        let unused = self.multiplexed.count { $0.openStreams == 0 }
        return PoolReport(
            endpoint: "\(self.endpoint.host):\(self.endpoint.port)",
            http1: .init(idle: self.idle.count, busy: self.all.count - self.idle.count),
            http2: .init(idle: unused, busy: self.multiplexed.count - unused), connecting: self.inTheMaking,
            streams: self.multiplexed.reduce(0) { $0 + $1.openStreams })
    }

    /// A connection of HTTP/1.1 is idle again.
    func gaveBack(_ connection: HTTP1UpstreamConnection) {
        let isOld = self.loop.now - connection.openedAt > Self.lifetime
        if self.isClosed || isOld || self.idle.count >= Self.keptIdle {
            connection.close()
        } else {
            self.idle.append(connection)
        }
    }

    /// A connection was closed.
    func closed(_ connection: HTTP1UpstreamConnection) {
        self.all[ObjectIdentifier(connection)] = nil
        if let position = self.idle.lastIndex(where: { $0 === connection }) { self.idle.remove(at: position) }
        self.refillStock()
    }

    /// A connection was closed.
    func closed(_ connection: HTTP2UpstreamConnection) {
        self.multiplexed.removeAll { $0 === connection }
        self.refillStock()
    }

    /// Closes what is idle now, and what becomes idle later. Connections that nobody waits for are not made.
    func close() {
        self.isClosed = true
        self.stock.count = 0
        self.loop.cancel(self.stockTimer)
        self.line.removeThoseThatAreOver()
        for (key, (dial, purpose)) in self.waiting where !self.isWanted(purpose) {
            dial.cancel()
            self.waiting[key] = nil
        }
        for (key, (handshake, purpose)) in self.shaking where !self.isWanted(purpose) {
            handshake.cancel()
            self.shaking[key] = nil
        }
        for (key, (connection, purpose)) in self.greeting where !self.isWanted(purpose) {
            self.greeting[key] = nil
            connection.close()
        }
        for connection in self.idle { connection.close() }
        self.idle = []
        for connection in self.multiplexed { connection.leave() }
    }

    private func isWanted(_ purpose: Purpose) -> Bool {
        switch purpose {
        case .attempt(let attempt): !attempt.isOver
        case .line: !self.line.isEmpty
        case .stock: false
        }
    }
}

/// How connections come about.
extension UpstreamPool {
    func dial(for purpose: Purpose) {
        let dial = Dial(
            self.endpoint.host, port: self.endpoint.port, timeout: purpose.connectTimeout, resolver: self.resolver,
            on: self.loop, handler: self)
        self.waiting[ObjectIdentifier(dial)] = (dial, purpose)
    }

    /// Begins TLS on a connection. The time for it is that for connecting, anew.
    private func shakeHands(on connection: Connection, _ context: TLSClientContext, for purpose: Purpose) {
        let offer: [ApplicationProtocol] =
            switch self.choice {
            case .auto: [.http2, .http1]
            case .http1: [.http1]
            case .http2: [.http2]
            }
        do throws(TLSFailure) {
            let session = try TLSSession(context, host: self.endpoint.host, offering: offer)
            let handshake = UpstreamHandshake(on: connection, handler: self)
            self.shaking[ObjectIdentifier(handshake)] = (handshake, purpose)
            handshake.start(session, timeout: purpose.connectTimeout)
        } catch {
            connection.close()
            self.notMade(purpose, .unreachable("TLS: \(error)"))
        }
    }

    /// A connection is ready for requests, or, with HTTP/2, for the server's settings.
    private func use(_ connection: Connection, speaking agreed: ApplicationProtocol, for purpose: Purpose) {
        if agreed == .http2 {
            self.speech = .http2
            let upstream = HTTP2UpstreamConnection(connection, pool: self, timeout: purpose.connectTimeout)
            self.greeting[ObjectIdentifier(upstream)] = (upstream, purpose)
            return
        }
        self.speech = .http1
        self.stock.pause = Self.shortestPause
        let upstream = HTTP1UpstreamConnection(connection, pool: self)
        self.all[ObjectIdentifier(upstream)] = upstream
        switch purpose {
        case .attempt(let attempt):
            attempt.taken(upstream)
        case .line(let number, _):
            self.line.connectionMade(number)
            if let attempt = self.line.next() { attempt.taken(upstream) } else { upstream.giveBack() }
            self.dissolveLine()
        case .stock:
            upstream.giveBack()
        }
    }

    /// The server has told its settings: there is room for streams.
    func greeted(_ connection: HTTP2UpstreamConnection) {
        guard let purpose = self.greeting.removeValue(forKey: ObjectIdentifier(connection))?.purpose else { return }
        guard self.choice != .http1 else {
            connection.close()
            self.madeInVain(purpose)
            return
        }
        guard connection.mostStreams > 0 else {
            connection.close()
            self.notMade(purpose, .unreachable("the endpoint takes no streams"))
            return
        }
        self.stock.pause = Self.shortestPause
        self.multiplexed.append(connection)
        self.line.streamsExpected = connection.mostStreams
        switch purpose {
        case .attempt(let attempt): self.line.putFirst(attempt)
        case .line(let number, _): self.line.connectionMade(number)
        case .stock: break
        }
        self.hasRoom()
        if self.isClosed { connection.leave() }
    }

    /// It has not, or is none of HTTP/2.
    func greetingFailed(_ connection: HTTP2UpstreamConnection, _ failure: ExchangeFailure) {
        guard let purpose = self.greeting.removeValue(forKey: ObjectIdentifier(connection))?.purpose else { return }
        self.notMade(purpose, failure)
    }

    /// The endpoint wants HTTP/1.1 spoken (RFC 9113 §7). Answers whether it will be, for as long as the pool lives: not
    /// where the configuration asks for HTTP/2.
    func fallBack() -> Bool {
        if self.choice == .auto {
            self.choice = .http1
            self.speech = .http1
            for connection in self.multiplexed { connection.leave() }
            self.dissolveLine()
        }
        return self.choice == .http1
    }

    /// A connection has come about on which HTTP/2 was agreed, and HTTP/1.1 is to be spoken by now.
    private func madeInVain(_ purpose: Purpose) {
        switch purpose {
        case .attempt: self.dial(for: purpose)
        case .line(let number, _): self.line.connectionMade(number)
        case .stock: self.refillStock()
        }
    }

    /// No connection came about.
    private func notMade(_ purpose: Purpose, _ failure: ExchangeFailure) {
        switch purpose {
        case .attempt(let attempt):
            attempt.notTaken(failure)
        case .line(let number, _):
            self.lineFailed(number, failure)
        case .stock:
            self.stock.pause = min(Self.longestPause, self.stock.pause * 2)
        }
        self.refillStock()
    }
}

/// Connections that are kept ready.
extension UpstreamPool: LoopTimerHandler {
    /// Keeps so many connections, whether they are used or not; what is lost is made again.
    func keepReady(_ count: Int, connectTimeout: Duration) {
        self.stock = (count, connectTimeout, Self.shortestPause)
        self.fillStock()
    }

    private func fillStock() {
        guard !self.isClosed else { return }
        let present = self.all.count + self.multiplexed.count + self.inTheMaking
        for _ in 0..<max(0, self.stock.count - present) {
            self.dial(for: .stock(connectTimeout: self.stock.connectTimeout))
        }
    }

    /// Not at once: an endpoint that does not want them is left alone for a while.
    private func refillStock() {
        guard self.stock.count > 0, !self.isClosed, self.stockTimer.deadline == .never else { return }
        self.loop.set(self.stockTimer, after: self.stock.pause)
    }

    func timerFired(_ timer: LoopTimer) {
        self.fillStock()
    }
}

extension UpstreamPool: UpstreamHandshakeHandler {
    func handshakeCompleted(
        _ handshake: UpstreamHandshake, _ connection: Connection, speaking agreed: ApplicationProtocol
    ) {
        guard let purpose = self.shaking.removeValue(forKey: ObjectIdentifier(handshake))?.purpose else { return }
        if self.choice == .http2, agreed != .http2 {
            connection.close()
            self.notMade(purpose, .unreachable("TLS: the endpoint does not agree on HTTP/2, which \(Self.wish)"))
            return
        }
        if self.choice == .http1, agreed == .http2 {
            connection.close()
            self.madeInVain(purpose)
            return
        }
        self.use(connection, speaking: agreed, for: purpose)
    }

    func handshakeFailed(_ handshake: UpstreamHandshake, _ reason: String) {
        guard let purpose = self.shaking.removeValue(forKey: ObjectIdentifier(handshake))?.purpose else { return }
        let note = self.choice == .http2 ? " (only HTTP/2 was offered, which \(Self.wish))" : ""
        self.notMade(purpose, .unreachable(reason + note))
    }

    func handshakeTimedOut(_ handshake: UpstreamHandshake) {
        guard let purpose = self.shaking.removeValue(forKey: ObjectIdentifier(handshake))?.purpose else { return }
        self.notMade(purpose, .connectTimedOut)
    }

    private static var wish: String { "\"upstream: http2\" asks for" }
}

extension UpstreamPool: DialHandler {
    func dialed(_ dial: Dial, _ connection: Connection) {
        guard let purpose = self.waiting.removeValue(forKey: ObjectIdentifier(dial))?.purpose else {
            connection.close()
            return
        }
        if let tls = self.tls {
            self.shakeHands(on: connection, tls, for: purpose)
        } else {
            self.use(connection, speaking: self.choice == .http2 ? .http2 : .http1, for: purpose)
        }
    }

    func dialFailed(_ dial: Dial, _ error: DialError) {
        guard let purpose = self.waiting.removeValue(forKey: ObjectIdentifier(dial))?.purpose else { return }
        switch error {
        case .timedOut: self.notMade(purpose, .connectTimedOut)
        case .unresolved, .unreachable: self.notMade(purpose, .unreachable(error.description))
        }
    }
}

@available(*, unavailable)
extension UpstreamPool: Sendable {}
