internal import Bytes
internal import HTTP
internal import HTTP2
internal import Reactor
internal import Relay
internal import Time

/// One stream of an HTTP/2 connection to an endpoint: serves one attempt.
///
/// Room is given back to the upstream at the end of a round, when it is known whether the client takes what has gone
/// on. While the client does not, what still comes is held here: no more than a stream's window in all, what has gone
/// on included. The connection's window is given back at once, for it is the other streams' as well.
final class HTTP2UpstreamStream: UpstreamConnection {
    private let connection: HTTP2UpstreamConnection
    private var stream: HTTP2Stream?
    private let openedAt: MonotonicTime
    /// Until nothing more is to be told to it.
    private var attempt: UpstreamAttempt?
    private var isPaused = false
    /// How much the socket had taken of everything when the request came.
    private var takenBefore = 0
    /// What has come while it was paused.
    private var held = ByteBuffer()
    /// Bytes that went on and whose room the stream was not given back yet.
    private var unreturned = 0
    /// Whether that is looked at when the round ends.
    private var isReturning = false
    /// Whether the upstream gets room for little at a time only.
    private var isLittle = false
    /// What came behind the bytes that are held.
    private var ending: Ending?
    /// Until when an answer that nobody wants is read; `never` where it is wanted.
    private(set) var deadline = MonotonicTime.never

    private enum Ending {
        case end
        case failed(ExchangeFailure)
    }

    /// The room that an upstream has where there is little.
    private static let littleRoom = 4096
    /// For how long an unwanted rest of an answer is read. Its size is bounded by the stream's window.
    private static let discardTime = Duration.seconds(1)

    init(_ connection: HTTP2UpstreamConnection) {
        self.connection = connection
        self.openedAt = connection.loop.now
        super.init(framesBodies: true)
    }

    // What an attempt asks for.

    override func send(
        _ request: consuming ByteBuffer, for attempt: UpstreamAttempt, method: Method = .post, isWhole: Bool = true
    ) {
        guard let stream = self.connection.open(self, request, method: method, isWhole: isWhole) else {
            // Unreachable: it was taken because there was room, in this very call.
            attempt.connectionFailed(.staleConnection)
            return
        }
        self.stream = stream
        self.takenBefore = self.connection.takenCount
        self.attempt = attempt
        self.isLittle = attempt.readsLittle
        // Sent with the end of this round, unless a window or the socket is full; then `drained` says so later.
        if stream.isBlocked { attempt.requestBlocked() } else { attempt.requestSent() }
    }

    override func sendMore(_ append: (inout ByteBuffer) -> Void) {
        guard self.attempt != nil, self.ending == nil, let stream = self.stream else { return }
        self.connection.client.send(on: stream, append)
        self.connection.touched()
    }

    override func finishRequest(_ append: (inout ByteBuffer) -> Void) {
        guard let attempt = self.attempt, self.ending == nil, let stream = self.stream else { return }
        self.connection.client.send(on: stream, append)
        self.connection.client.end(stream)
        self.connection.touched()
        if !stream.isBlocked { attempt.requestSent() }
    }

    override func pause() {
        self.isPaused = true
    }

    override func resume() {
        guard self.isPaused else { return }
        self.isPaused = false
        guard !self.held.isEmpty || self.ending != nil else {
            self.returnRoom()
            return
        }
        // From a fresh stack: the client's side is still at work.
        let box = LoopBound(self)
        self.connection.loop.mailbox.post { loop in box.value(on: loop).handOutHeld() }
    }

    override func readLittle(_ isLittle: Bool) {
        self.isLittle = isLittle
        self.returnRoom()
    }

    override func readOut() {
        guard self.attempt.take() != nil, let stream = self.stream else { return }
        self.held.releaseStorage()
        guard stream.hasSentEnd else {
            // The upstream has answered before it had the request, of which it gets no more.
            self.connection.reset(stream)
            return
        }
        guard self.ending == nil, !stream.hasEnded else { return }
        self.deadline = self.connection.loop.now + Self.discardTime
        self.connection.look(at: self.deadline)
    }

    override func letGo() {
        guard self.attempt.take() != nil, let stream = self.stream else { return }
        self.held.releaseStorage()
        self.connection.letGo(of: stream, openedAt: self.openedAt)
    }

    /// A moment has come that may be `deadline`.
    func deadlinePassed(at now: MonotonicTime) {
        guard now >= self.deadline, let stream = self.stream else { return }
        self.deadline = .never
        self.connection.reset(stream)
    }

    // What the connection tells.

    /// Whether an attempt waits for what comes.
    var isServing: Bool { self.attempt != nil }

    /// Whether the head of the request may have left: it was put together, and since then the socket has taken
    /// something.
    var hasBegun: Bool {
        self.stream?.hasBegun ?? false && self.connection.takenCount != self.takenBefore
    }

    func receivedHead() {
        guard let stream = self.stream, let answer = self.connection.client.takeAnswer(of: stream) else { return }
        self.attempt?.receivedHead(answer.head, bodyLength: answer.bodyLength)
    }

    func receivedBody(_ bytes: Span<UInt8>) {
        // What nobody wants gets no more room.
        guard let attempt = self.attempt else { return }
        guard !self.isPaused, self.held.isEmpty else {
            self.held.append(bytes)
            return
        }
        attempt.receivedBody(bytes)
        self.unreturned += bytes.count
        self.returnRoom()
    }

    func receivedEnd() {
        self.end(.end)
    }

    func failed(_ failure: ExchangeFailure) {
        self.end(.failed(failure))
    }

    /// The stream is no more. Where it ended well, that has been told.
    func closed(_ code: HTTP2ErrorCode) {
        if self.ending == nil { self.end(.failed(.connectionLost("the stream was reset: \(code)"))) }
    }

    /// Some of the request waits for the upstream to take it.
    func blocked() {
        self.attempt?.requestBlocked()
    }

    /// It has taken everything that there was.
    func drained() {
        self.attempt?.requestSent()
    }

    // What was held.

    private func handOutHeld() {
        guard !self.isPaused, let attempt = self.attempt else { return }
        if !self.held.isEmpty {
            var bytes = ByteBuffer()
            swap(&bytes, &self.held)
            bytes.withBytes { attempt.receivedBody($0) }
            // Clients may hold runs of these bytes.
            self.connection.loop.settleBorrowers()
            self.unreturned += bytes.count
            self.returnRoom()
        }
        if !self.isPaused, let ending = self.ending { self.tell(ending) }
    }

    private func end(_ ending: Ending) {
        if self.isPaused || !self.held.isEmpty {
            // The first one counts: a whole answer stays one when its connection is lost later.
            if self.attempt != nil, self.ending == nil { self.ending = ending }
        } else {
            self.tell(ending)
        }
    }

    private func tell(_ ending: Ending) {
        self.ending = ending
        guard let attempt = self.attempt.take() else { return }
        switch ending {
        case .end:
            attempt.receivedEnd()
            // Nobody needs the rest of the request.
            if let stream = self.stream, !stream.hasSentEnd { self.connection.reset(stream) }
        case .failed(let failure):
            attempt.connectionFailed(failure)
        }
    }

    // Room for more.

    /// Has the upstream given back, when the round ends, what room it has lost, if that is worth a frame.
    private func returnRoom() {
        guard !self.isReturning, !self.isPaused, self.returnable > 0 else { return }
        self.isReturning = true
        self.connection.returnRoom(of: self)
    }

    /// The round ends.
    func roundEnded() {
        self.isReturning = false
        guard self.attempt != nil, !self.isPaused, let stream = self.stream else { return }
        let count = self.returnable
        guard count > 0 else { return }
        self.unreturned -= count
        self.connection.client.giveRoom(count, on: stream)
    }

    /// How much room is to be given back: half of the window, so that few frames are needed, or what makes little room.
    private var returnable: Int {
        let window = self.connection.client.streamWindow
        guard self.isLittle else { return self.unreturned >= window / 2 ? self.unreturned : 0 }
        let left = window - self.unreturned
        return left <= Self.littleRoom / 2 ? Self.littleRoom - left : 0
    }
}
