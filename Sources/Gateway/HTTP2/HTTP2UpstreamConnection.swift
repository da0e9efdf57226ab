internal import AWS
internal import Bytes
internal import HTTP
internal import HTTP2
internal import Reactor
internal import Relay
internal import Time

/// An HTTP/2 connection to an endpoint, which serves many attempts at the same time, each on a stream of its own.
///
///     greeting ── SETTINGS ──▶ open ── GOAWAY, too old ──▶ leaving ── the last stream is over ──▶ closed
///        │                                                                                        ▲
///        └── not in time, not HTTP/2 ── lost ─────────────────────────────────────────────────────┘
///
/// It takes streams once the server has told its settings: then it is known to speak HTTP/2, and how many it takes.
/// Frames are put together when the round ends (`fillOutput`), so that what became ready in it leaves together.
final class HTTP2UpstreamConnection {
    let client: HTTP2Client
    private let connection: Connection
    private unowned let pool: UpstreamPool
    private let scheme: StaticString
    private var streams: [StreamID: HTTP2UpstreamStream] = [:]
    /// Those that have room to give back when the round ends.
    private var returning: [HTTP2UpstreamStream] = []
    private var phase = Phase.greeting
    private let openedAt: MonotonicTime
    /// When bytes came last.
    private var heardAt: MonotonicTime
    /// Since when there has been no stream.
    private var idleSince: MonotonicTime
    /// When the server has to have told its settings.
    private let greetingDeadline: MonotonicTime
    /// When it has to have shown a sign of life; `never` where nobody doubts that it lives.
    private var probeDeadline = MonotonicTime.never
    private var isHandling = false
    private let timer = LoopTimer()

    private enum Phase {
        case greeting
        case open
        case leaving
        case closed
    }

    private static let needsHTTP1 = "HTTP_1_1_REQUIRED, where the configuration asks for HTTP/2"

    /// Bytes of frames that are put together before the socket is asked to take them.
    private static let portion = 256 * 1024
    /// Bodies up to this size are copied, so that the storage goes back to the loop's pool at once.
    private static let small = 16 * 1024
    /// A server that has said nothing for so long, to a request that is given up, is asked whether it lives, and has so
    /// long to answer.
    private static let probe = (silence: Duration.seconds(1), time: Duration.seconds(5))

    /// Takes over a connection that is up, its TLS included where there is any. The server has `timeout` to greet.
    init(_ connection: Connection, pool: UpstreamPool, timeout: Duration) {
        let now = connection.loop.now
        self.connection = connection
        self.pool = pool
        self.scheme = pool.endpoint.scheme == .https ? "https" : "http"
        self.client = HTTP2Client(at: now)
        self.openedAt = now
        self.heardAt = now
        self.idleSince = now
        self.greetingDeadline = now + timeout
        self.timer.tell(self)
        connection.handler = self
        connection.isFilledAtEnd = true
        self.look(at: self.greetingDeadline)
        connection.flush()
    }

    var loop: Loop { self.connection.loop }

    /// How many streams are open.
    var openStreams: Int { self.streams.count }

    /// How many there may be.
    var mostStreams: Int { self.client.mostStreams }

    /// Whether a stream can be opened now.
    var canServe: Bool {
        guard case .open = self.phase, self.client.canOpen, self.probeDeadline == .never else { return false }
        if self.loop.now - self.openedAt > UpstreamPool.lifetime {
            self.leave()
            return false
        }
        // One that takes no bytes now would take no request either.
        guard self.connection.isOpen, !self.connection.hasPeerEnded, !self.connection.isBlocked else { return false }
        // What waits to be read may be the end.
        let isDoubtful = self.streams.isEmpty && self.loop.now - self.idleSince > UpstreamPool.doubt
        return !isDoubtful || !self.connection.hasUnreadInput
    }

    /// Takes no more streams, and closes when those that it has are over.
    func leave() {
        switch self.phase {
        case .greeting: self.close()
        case .open: self.phase = .leaving
        case .leaving, .closed: break
        }
        if !self.streams.values.contains(where: \.isServing) { self.close() }
    }

    // What streams ask for.

    /// Opens a stream with a request, or its beginning. `nil` where there is no room.
    func open(
        _ user: HTTP2UpstreamStream, _ request: consuming ByteBuffer, method: Method, isWhole: Bool
    ) -> HTTP2Stream? {
        guard let end = request.withBytes({ $0.endOfHead }) else { return nil }
        let hasBody = !isWhole || request.count > end
        let opened = request.withBytes {
            self.client.open($0.extracting(0..<end), method: method, scheme: self.scheme, hasBody: hasBody)
        }
        guard let stream = opened else { return nil }
        self.streams[stream.id] = user
        request.consume(end)
        if request.count <= Self.small {
            request.withBytes { self.client.send($0, on: stream) }
            self.loop.reclaimStorage(of: &request)
        } else {
            self.client.send(request, on: stream)
        }
        if isWhole, hasBody { self.client.end(stream) }
        self.touched()
        return stream
    }

    /// A stream has something to send.
    func touched() {
        guard !self.isClosed else { return }
        if self.connection.isBlocked {
            // No frames are put together now; the streams that have something waiting have to know.
            self.client.settleTouched()
            self.handleEvents(of: Span())
        } else {
            self.connection.flush()
        }
    }

    /// Bytes that the socket has taken so far.
    var takenCount: Int { self.connection.takenCount }

    /// Has a stream look, when the round ends, at how much more the server may send on it.
    func returnRoom(of stream: HTTP2UpstreamStream) {
        self.returning.append(stream)
        self.connection.flush()
    }

    /// Ends a stream that nobody wants any more; the others go on.
    func reset(_ stream: HTTP2Stream) {
        guard !self.isClosed else { return }
        self.client.reset(stream, .cancel)
        self.touched()
    }

    /// Ends a stream, opened at this moment, in the middle of its answer or before it.
    func letGo(of stream: HTTP2Stream, openedAt: MonotonicTime) {
        self.reset(stream)
        // Where nothing at all comes any more, the next ones had better go elsewhere until something does.
        let silence = self.loop.now - max(self.heardAt, openedAt)
        guard !self.isClosed, silence >= Self.probe.silence, self.probeDeadline == .never else { return }
        self.probeDeadline = self.loop.now + Self.probe.time
        self.client.ping()
        self.look(at: self.probeDeadline)
        self.touched()
    }

    /// Has deadlines looked at no later than this.
    func look(at moment: MonotonicTime) {
        if moment < self.timer.deadline { self.loop.set(self.timer, to: moment) }
    }

    // What the server says.

    private func handleEvents(of bytes: Span<UInt8>) {
        // What an event leads to may bring others, which come in their turn.
        guard !self.isHandling else { return }
        self.isHandling = true
        defer { self.isHandling = false }
        while !self.isClosed, let event = self.client.nextEvent() {
            switch event {
            case .head(let id):
                self.streams[id]?.receivedHead()
            case .body(let id, let range):
                // The connection's window is for all streams: a slow one must not stall the others.
                self.client.discard(range.count)
                self.streams[id]?.receivedBody(bytes.extracting(range))
            case .end(let id):
                self.streams[id]?.receivedEnd()
            case .malformed(let id, let malformed):
                self.streams[id]?.failed(.badUpstreamAnswer("a malformed answer: \(malformed)"))
            case .unprocessed(let id, let reason):
                self.unprocessed(id, reason)
            case .closed(let id, let code):
                self.closed(id, code)
            case .blocked(let id):
                self.streams[id]?.blocked()
            case .drained(let id):
                self.streams[id]?.drained()
            case .settings:
                self.receivedSettings()
            case .goAway:
                self.receivedGoAway()
            case .failed(let failure):
                self.fail(failure)
            case .progressed, .full, .answered, .drainAcknowledged, .refused, .tooManyStreams:
                break
            }
        }
    }

    private func receivedSettings() {
        guard case .greeting = self.phase else {
            self.pool.hasRoom()
            return
        }
        // A GOAWAY may have come in one piece with them.
        guard self.client.takesStreams else {
            self.lost("the endpoint takes no streams")
            return
        }
        self.phase = .open
        self.idleSince = self.loop.now
        self.look(at: self.idleSince + self.pool.idleTime)
        self.pool.greeted(self)
    }

    /// The server has not begun with a request.
    private func unprocessed(_ id: StreamID, _ reason: HTTP2Event.Unprocessed) {
        let isFallingBack = reason == .needsHTTP1 && self.pool.fallBack()
        guard let stream = self.streams[id] else { return }
        switch reason {
        case .needsHTTP1 where !isFallingBack: stream.failed(.badUpstreamAnswer(Self.needsHTTP1))
        case _ where !stream.hasBegun: stream.failed(.staleConnection)
        case .needsHTTP1: stream.failed(.unprocessed(.needsHTTP1))
        case .goingAway: stream.failed(.unprocessed(.goingAway))
        case .refused: stream.failed(.unprocessed(.refused))
        }
    }

    private func receivedGoAway() {
        let isFallingBack = self.client.needsHTTP1 && self.pool.fallBack()
        switch self.phase {
        case .greeting:
            self.end("the endpoint takes no streams", isLost: true, isFallingBack: isFallingBack)
        case .open:
            self.phase = .leaving
            if self.streams.isEmpty { self.close() }
        case .leaving, .closed: break
        }
    }

    private func closed(_ id: StreamID, _ code: HTTP2ErrorCode) {
        guard let stream = self.streams.removeValue(forKey: id) else { return }
        stream.closed(code)
        guard !self.isClosed else { return }
        if self.streams.isEmpty {
            self.idleSince = self.loop.now
            self.look(at: self.idleSince + self.pool.idleTime)
            if case .leaving = self.phase {
                self.close()
                return
            }
        }
        self.pool.hasRoom()
    }

    // The end.

    private var isClosed: Bool {
        if case .closed = self.phase { true } else { false }
    }

    /// Closes at once. Whoever is served has been told, or wants nothing any more.
    func close() {
        guard !self.isClosed else { return }
        self.ended()
        self.connection.close()
    }

    private func ended() {
        self.phase = .closed
        // They hold each other until here.
        self.streams = [:]
        self.returning = []
        self.loop.cancel(self.timer)
        self.pool.closed(self)
    }

    /// The machine has ended the connection: what it says about that is sent, and nothing else.
    private func fail(_ failure: HTTP2Failure) {
        self.end("HTTP/2: \(failure)", isLost: false)
    }

    private func lost(_ reason: String) {
        self.end(reason, isLost: true)
    }

    private func end(_ reason: String, isLost: Bool, isFallingBack: Bool = false) {
        guard !self.isClosed else { return }
        let isGreeting = if case .greeting = self.phase { true } else { false }
        let streams = self.streams
        self.ended()
        if isLost { self.connection.close() } else { self.connection.closeAfterFlush() }
        if isGreeting {
            self.pool.greetingFailed(self, isFallingBack ? .unprocessed(.needsHTTP1) : .unreachable(reason))
        }
        for stream in streams.values {
            // A head that was not even put together has left nowhere.
            let failure: ExchangeFailure = isLost ? .connectionLost(reason) : .badUpstreamAnswer(reason)
            stream.failed(stream.hasBegun ? failure : .staleConnection)
        }
    }
}

extension HTTP2UpstreamConnection: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        self.heardAt = self.loop.now
        if self.probeDeadline != .never {
            self.probeDeadline = .never
            self.pool.hasRoom()
        }
        self.client.receive(bytes, at: self.loop.now)
        self.handleEvents(of: bytes)
        if !self.isClosed, self.client.wantsToSend { self.connection.flush() }
    }

    func receivedEnd() {
        self.lost("the connection was closed")
    }

    func fillOutput() {
        guard !self.isClosed else { return }
        for stream in self.returning { stream.roundEnded() }
        self.returning.removeAll(keepingCapacity: true)
        if self.client.wantsToSend { self.connection.prepareOutput() }
        self.client.fill(&self.connection.output, atMost: Self.portion)
        self.handleEvents(of: Span())
        guard !self.isClosed else { return }
        if self.client.isFinished {
            self.close()
        } else if self.client.wantsToSend {
            // Only a portion was put together: on to the next one, once this has been offered.
            self.connection.flush()
        }
    }

    func outputBlocked() {
        self.client.settleTouched()
        self.handleEvents(of: Span())
    }

    func outputDrained() {
        self.connection.flush()
        self.pool.hasRoom()
    }

    func closed(_ cause: CloseCause) {
        switch cause {
        case .connectFailed(let error), .failed(let error): self.lost(error.description)
        case .refused(let reason): self.lost(reason)
        }
    }
}

extension HTTP2UpstreamConnection: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        let now = self.loop.now
        if case .greeting = self.phase {
            guard now >= self.greetingDeadline else {
                self.look(at: self.greetingDeadline)
                return
            }
            self.ended()
            self.connection.close()
            self.pool.greetingFailed(self, .connectTimedOut)
            return
        }
        if now >= self.probeDeadline {
            self.lost("the endpoint shows no sign of life")
            return
        }
        let idleEnd = self.streams.isEmpty ? self.idleSince + self.pool.idleTime : .never
        if now >= idleEnd {
            self.close()
            return
        }
        var next = min(self.probeDeadline, idleEnd)
        for stream in Array(self.streams.values) {
            stream.deadlinePassed(at: now)
            next = min(next, stream.deadline)
        }
        if !self.isClosed { self.look(at: next) }
    }
}

extension Span where Element == UInt8 {
    /// Where the head of a message ends, its empty line included.
    fileprivate var endOfHead: Int? {
        var position = 0
        while let end = self.firstIndex(of: ASCII.lineFeed, from: position) {
            // Lines end with CRLF: this is the empty one.
            if end == position + 1 { return end + 1 }
            position = end + 1
        }
        return nil
    }
}

@available(*, unavailable)
extension HTTP2UpstreamConnection: Sendable {}
