internal import AWS
internal import Bytes
internal import Digest
internal import HTTP
internal import Lambda
internal import Logging
internal import Reactor
internal import Relay
internal import TLS
internal import Time

/// What the sessions and exchanges of one loop share.
final class LoopContext {
    let loop: Loop
    /// The configuration in force for requests that begin now.
    private(set) var snapshot: Snapshot
    let signer = SigV4Signer()
    let budget: MemoryBudget
    let memory: MemoryWatch
    /// Whether this loop looks after the memory of all.
    private let watchesMemory: Bool
    let life: Life
    let logger: Logger
    private let resolver: Resolver
    let connectionLimits: ConnectionLimits
    let roomSearch: RoomSearch
    private let handshakeCount: HandshakeCount
    private var handshakes = HandshakeQueue()
    let clock: ClockOffset
    private var leases = LoopLeases()
    private var accessLog: AccessLog?
    let metrics = LoopMetrics()
    var date = CachedDate()
    private var lastEventTime = EventTime(WallTime(seconds: 0))
    /// Where heads of requests are put together before they go in front of their events.
    var scratch = ByteBuffer()
    private var random = RandomBytes()
    private var pools: [UpstreamIdentity: UpstreamPool] = [:]
    private var poolsByFunction: [Int: UpstreamPool] = [:]
    /// The pool that was asked for last: most calls are of the function that was called before.
    private var lastPool: (function: Int, pool: UpstreamPool)?
    /// Pools of endpoints that are no more, with connections that still serve.
    private var retiredPools: [UpstreamPool] = []
    private var sessions: [ObjectIdentifier: any ClientSession] = [:]
    private var idleSearch = IdleSearch()
    var waitingForRoom = WaitingForRoom()
    /// For each limit that meets many connections, each once.
    var crowds: [String: NewsGate] = [:]
    private var listeners: [(listener: Listener, acceptor: Acceptor)] = []
    private var runningExchanges = 0
    private(set) var isDraining = false
    /// How long, when draining, a client that has connected and not asked yet may take to do so.
    private(set) var freshGrace = LoopContext.drainGrace
    private var drained: (() -> Void)?
    private lazy var logTimer = LoopTimer(handler: self)
    private lazy var memoryTimer = LoopTimer(handler: self)
    private lazy var drainTimer = LoopTimer(handler: self)

    /// Access-log lines wait this long at most.
    private static let logDelay = Duration.milliseconds(200)
    /// What a client has that connects in the last moment: long enough for a request that is on its way.
    static let drainGrace = Duration.seconds(1)
    /// How often it is looked whether the last connections have gone.
    private static let drainStep = Duration.milliseconds(10)

    init(
        loop: Loop, snapshot: Snapshot, shared: SharedResources, accessLog: AccessLog?, watchesMemory: Bool = false
    ) {
        self.loop = loop
        self.snapshot = snapshot
        self.budget = shared.budget
        self.memory = shared.memory
        self.watchesMemory = watchesMemory
        self.resolver = shared.resolver
        self.connectionLimits = shared.connectionLimits
        self.roomSearch = shared.roomSearch
        self.handshakeCount = shared.handshakeCount
        self.life = shared.life
        self.clock = shared.clock
        self.accessLog = accessLog
        self.logger = shared.logger
        if snapshot.functions.contains(where: { $0.warmConnections > 0 }) { self.later { self.warmPools() } }
    }

    // PERF: here, and not at what the context holds: who reaches for the loop through the context and calls it, counts
    // a reference to it.

    /// Sets or moves a timer.
    func set(_ timer: LoopTimer, to deadline: MonotonicTime) {
        self.loop.set(timer, to: deadline)
    }

    /// Sets or moves a timer to `duration` from now.
    func set(_ timer: LoopTimer, after duration: Duration) {
        self.loop.set(timer, after: duration)
    }

    /// Stops a timer that was taken from the loop, and lets the next one have it.
    func giveBack(_ timer: LoopTimer) {
        self.loop.giveBack(timer)
    }

    /// The date and time in this round.
    var wallNow: WallTime { self.loop.wallNow }

    /// Gives a buffer without storage some that lies ready.
    func lendStorage(to buffer: inout ByteBuffer) {
        self.loop.lendStorage(to: &buffer)
    }

    // Names and numbers.

    /// A moment as events have it.
    func eventTime(at moment: WallTime) -> EventTime {
        self.lastEventTime = self.lastEventTime.moved(to: moment)
        return self.lastEventTime
    }

    /// A fresh UUID.
    func newRequestID() -> ShortText {
        self.random.uuid()
    }

    /// A root for tracing, as X-Ray writes it: version, seconds, 96 random bits.
    func newTraceID(at time: WallTime) -> ShortText {
        TraceID.make(
            at: time, random: UInt32(truncatingIfNeeded: self.random.nextNumber()), self.random.nextNumber())
    }

    /// A random number.
    func randomNumber() -> UInt64 {
        self.random.nextNumber()
    }

    /// A random number from 0 to 1.
    func randomUnit() -> Double {
        self.random.nextUnit()
    }

    /// The time for signatures, which is AWS's where it is known to differ from ours.
    var signingTime: WallTime { self.loop.wallNow + self.clock.offset }

    /// The keys with which calls of a function are signed now; `nil` where they have to be asked for.
    func lease(for function: FunctionRuntime) -> CredentialLease? {
        if let fixed = function.fixedLease { return fixed }
        return self.leases.lease(of: function.credentials) { self.signingTime }
    }

    /// Whether there are any.
    func hasLease(for function: FunctionRuntime) -> Bool {
        function.fixedLease != nil || self.lease(for: function) != nil
    }

    /// What a call of a function is signed with now; `nil` where keys have to be asked for. What runs on this machine
    /// has its clock, whatever AWS's says.
    func newSignature(for function: FunctionRuntime) -> CallSignature? {
        guard let lease = self.lease(for: function) else { return nil }
        let now = self.loop.wallNow
        return CallSignature(lease: lease, machineTime: now, time: function.isLocal ? now : now + self.clock.offset)
    }

    /// Asks for a connection over which a function is called. `false`: there are no keys for the call.
    func takeConnection(for attempt: UpstreamAttempt, to function: FunctionRuntime) -> Bool {
        guard !function.signsCalls || self.hasLease(for: function) else { return false }
        self.pool(for: function).take(for: attempt)
        return true
    }

    /// Writes the call of a function, and answers what it is signed with; `nil`, and nothing written, where keys have
    /// to be asked for.
    func write(
        _ request: GatheredRequest, to function: FunctionRuntime, into buffer: inout ByteBuffer
    ) throws(ExchangeFailure) -> CallSignature? {
        guard let signature = self.newSignature(for: function) else { return nil }
        guard let call = function.call else { preconditionFailure("a call is made of a function of Lambda") }
        // PERF: most requests fit into a piece of the pool's, and cost no allocation.
        self.lendStorage(to: &buffer)
        try request.appendCall(
            call, event: function.event, to: &buffer, signer: self.signer, signature: signature,
            scratch: &self.scratch)
        return signature
    }

    /// The pool through which a function is called.
    func pool(for function: FunctionRuntime) -> UpstreamPool {
        if let last = self.lastPool, last.function == function.id { return last.pool }
        let pool = self.findPool(for: function)
        self.lastPool = (function.id, pool)
        return pool
    }

    private func findPool(for function: FunctionRuntime) -> UpstreamPool {
        if let pool = self.poolsByFunction[function.id] { return pool }
        let pool =
            self.pools[function.upstream]
            ?? UpstreamPool(
                function.endpoint, tls: function.upstream.tls, speaking: function.upstream.upstreamProtocol,
                resolver: self.resolver, on: self.loop)
        self.pools[function.upstream] = pool
        self.poolsByFunction[function.id] = pool
        return pool
    }

    /// Runs something in the next round, from a fresh stack.
    func later(_ work: @escaping () -> Void) {
        let box = LoopBound(work)
        self.loop.mailbox.post { loop in box.value(on: loop)() }
    }

    // Listeners and sessions.

    /// Begins to accept on a socket.
    func listen(on socket: ListeningSocket, as listener: ListenerRuntime) throws(SystemError) {
        if let position = self.listeners.firstIndex(where: { $0.listener.socket === socket }) {
            self.listeners[position].acceptor.listener = listener
        } else {
            let acceptor = Acceptor(listener: listener, context: self)
            self.listeners.append((try Listener(socket, on: self.loop, handler: acceptor), acceptor))
        }
    }

    /// A connection that can be closed to make room.
    func nextIdle() -> (any ClientSession)? {
        self.idleSearch.next(among: self.sessions, at: self.loop.now)
    }

    func sessionOpened(_ session: any ClientSession) {
        session.client.protocolName = session.protocolName
        self.sessions[ObjectIdentifier(session)] = session
    }

    /// Another session takes over its connection.
    func sessionReplaced(_ session: any ClientSession) {
        self.sessions[ObjectIdentifier(session)] = nil
    }

    func sessionClosed(_ session: any ClientSession) {
        self.sessions[ObjectIdentifier(session)] = nil
        self.checkDrained()
    }

    /// A TLS handshake has begun. Where there are too many, the oldest of this loop gives way: a slow one is what is
    /// left of an attack, and those of others are over in two round trips.
    func handshakeBegan(_ handshake: ClientHandshake) {
        let isTooMany = self.handshakeCount.began()
        if isTooMany, let oldest = self.handshakes.oldest() {
            self.noteLimit("tls_handshakes", of: oldest.client)
            oldest.giveWay()
        }
        self.handshakes.append(handshake)
    }

    func handshakeEnded(_ handshake: ClientHandshake) {
        self.handshakeCount.ended()
        self.handshakes.remove(handshake)
    }

    func exchangeStarted() {
        self.runningExchanges += 1
    }

    func exchangeFinished(_ record: RequestRecord) {
        self.runningExchanges -= 1
        self.log(record)
        self.checkDrained()
    }

    // Reloading.

    /// Goes over to another configuration. Requests that begin from now on see it; others go on with theirs. Answers
    /// whether this loop accepts from all its listeners.
    @discardableResult
    func take(_ configuration: LoopConfiguration) -> Bool {
        guard !self.isDraining else {
            // The requests that are under way want their lines.
            self.take(configuration.accessLog)
            return true
        }
        self.snapshot = configuration.snapshot
        self.take(configuration.accessLog)
        self.retirePools()
        self.warmPools()
        var accepts = true
        for bound in configuration.listeners.flatMap(\.sockets) {
            do throws(SystemError) {
                try self.listen(on: bound.socket, as: bound.listener)
            } catch {
                accepts = false
                self.logger.critical(
                    "cannot accept", metadata: ["listener": "\(bound.listener.name)", "error": "\(error)"])
            }
        }
        self.closeListeners { listener in
            !configuration.listeners.contains { $0.sockets.contains { $0.socket === listener.socket } }
        }
        return accepts
    }

    private func take(_ target: AccessLogTarget) {
        self.accessLog?.flush()
        self.accessLog = target.accessLog()
    }

    /// Closes listeners, which accept what waits before they do.
    private func closeListeners(where isOver: (Listener) -> Bool) {
        let closing = self.listeners.filter { isOver($0.listener) }
        self.listeners.removeAll { isOver($0.listener) }
        for (listener, _) in closing { listener.close() }
    }

    /// Keeps the pools that the functions of the snapshot use. Connections of others serve what they serve, and close.
    private func retirePools() {
        let wanted = Set(self.snapshot.functions.map(\.upstream))
        self.retiredPools.removeAll { $0.isEmpty }
        for (upstream, pool) in self.pools where !wanted.contains(upstream) {
            self.pools[upstream] = nil
            pool.close()
            if !pool.isEmpty { self.retiredPools.append(pool) }
        }
        self.poolsByFunction = [:]
        self.lastPool = nil
        self.leases = LoopLeases()
    }

    /// Has pools keep the connections ready that functions of the snapshot ask for; the most counts where they share
    /// one.
    private func warmPools() {
        guard !self.isDraining else { return }
        var wanted: [UpstreamIdentity: (count: Int, connectTimeout: Duration)] = [:]
        for function in self.snapshot.functions where function.warmConnections > 0 {
            _ = self.pool(for: function)
            guard function.warmConnections > wanted[function.upstream]?.count ?? 0 else { continue }
            wanted[function.upstream] = (function.warmConnections, function.connectTimeout)
        }
        for (upstream, pool) in self.pools {
            pool.keepReady(wanted[upstream]?.count ?? 0, connectTimeout: wanted[upstream]?.connectTimeout ?? .zero)
        }
    }

    // Draining.

    /// Stops accepting, closes what is idle, and tells when nothing is left. `grace` is what clients have that have
    /// connected and not asked yet.
    func drain(grace: Duration = LoopContext.drainGrace, _ drained: @escaping () -> Void) {
        self.isDraining = true
        self.freshGrace = grace
        self.drained = drained
        self.closeListeners { _ in true }
        for session in Array(self.sessions.values) { session.drain() }
        self.checkDrained()
    }

    /// Ends what is still running.
    func cut() {
        for session in Array(self.sessions.values) { session.cut() }
    }

    private func checkDrained() {
        guard self.isDraining, self.sessions.isEmpty, self.runningExchanges == 0, let drained = self.drained else {
            return
        }
        for pool in self.pools.values { pool.close() }
        for pool in self.retiredPools { pool.close() }
        // Connections whose sessions are over may still hold last bytes for clients that are slow to take them.
        guard self.loop.sourceCount == 0 else {
            self.loop.set(self.drainTimer, after: Self.drainStep)
            return
        }
        self.drained = nil
        self.accessLog?.flush()
        drained()
    }

    // What is going on.

    /// What the admin listener asks for.
    func report(_ question: LoopQuestion, index: Int) -> LoopReport {
        var connections: [String: Int] = [:]
        for session in self.sessions.values { connections[session.protocolName, default: 0] += 1 }
        var streams: [StreamReport] = []
        if question.withStreams {
            for session in self.sessions.values { session.describeExchanges(in: &streams) }
        }
        return LoopReport(
            index: index, totals: self.metrics.totals, connections: connections, openExchanges: self.runningExchanges,
            pools: (Array(self.pools.values) + self.retiredPools.filter { !$0.isEmpty }).map(\.report), lag: .zero,
            streams: streams)
    }

    // Logs.

    /// The line of a request that is over.
    func log(_ record: RequestRecord) {
        self.metrics.count(record)
        guard let accessLog = self.accessLog else { return }
        let isFirst = !accessLog.hasLines
        accessLog.add(record)
        if isFirst, accessLog.hasLines { self.loop.set(self.logTimer, after: Self.logDelay) }
    }

    /// A call failed: what functions and AWS said stands here, and nowhere else.
    func log(_ failure: ExchangeFailure, of record: RequestRecord) {
        if let reason = failure.throttleReason, let function = record.function {
            self.metrics.countThrottle(of: function, reason: reason)
        }
        self.logger.log(
            level: failure.isOurs ? .error : .warning, "call failed",
            metadata: [
                "request_id": "\(record.requestID)", "function": "\(record.function ?? "-")",
                "path": "\(record.path)", "attempt": "\(record.attempts)", "failure": "\(failure)",
            ])
    }

    /// The end of a function's log, as base64: for those who debug the function, and never for a client.
    func log(tail encoded: String, of record: RequestRecord) {
        guard self.logger.logLevel <= .debug else { return }
        var text = ByteBuffer()
        guard Base64.decode(encoded.utf8.span, into: &text) else { return }
        self.logger.debug(
            "function log",
            metadata: [
                "request_id": "\(record.requestID)", "function": "\(record.function ?? "-")", "log": "\(text.string())",
            ])
    }

    /// A request that could not be understood.
    func log(_ fault: RequestFault, from client: ClientConnection, requestID: ShortText) {
        if let limit = fault.limitName { self.noteLimit(limit, of: client) }
        self.logger.info(
            "request refused",
            metadata: [
                "request_id": "\(requestID)", "client": "\(client.address)", "status": "\(fault.status)",
                "reason": "\(fault.description)",
            ])
    }
}

extension LoopContext: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        if timer === self.memoryTimer {
            self.tidy()
        } else if timer === self.drainTimer {
            self.checkDrained()
        } else {
            self.accessLog?.flush()
        }
    }

    /// Gives back the loop's storage that nobody needs, now and each second from now on, and looks at the process's
    /// memory where that falls to this loop.
    func tidy() {
        self.loop.freeUnusedStorage()
        if self.watchesMemory { self.memory.look() }
        self.loop.set(self.memoryTimer, after: .seconds(1))
    }
}

@available(*, unavailable)
extension LoopContext: Sendable {}
