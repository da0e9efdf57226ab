internal import Bytes
private import CNGHTTP2
internal import Time

/// One end of an HTTP/2 connection: what both roles share. Wraps one `nghttp2_session`, which it alone owns.
///
/// A class, because the library keeps a pointer back to it, and an open one, because the roles differ in what they make
/// of what the library tells. The library's callbacks only take notes: nothing of the driver's runs before the library
/// has returned. Events are fetched with `nextEvent`, frames with `fill`.
@safe
package class HTTP2Endpoint {
    // SAFETY: made in `init`, freed in `deinit`, never handed out of the module.
    final var session: OpaquePointer?
    /// Streams that are neither idle nor closed.
    private(set) final var streams: [Int32: HTTP2Stream] = [:]
    private var events: [HTTP2Event] = []
    private var eventsTaken = 0
    /// Events of a round for which there is always room.
    private static let keptEvents = 32
    // SAFETY: the input of `receive`, while the library reads it.
    private var input: UnsafeRawBufferPointer = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Where frames are put together while `fill` runs; the driver's own buffer.
    final var frames = ByteBuffer()
    final var frameLimit = 0
    /// Some bytes of bodies were left for the next portion.
    final var isPortionFull = false
    /// Storage for small bodies that wait.
    final var spare = SpareStorage()
    /// Streams whose waiting bytes changed since it was last looked.
    final var touched: [HTTP2Stream] = []
    /// How many streams the peer may open: announced, and enforced by us.
    final var announcedStreams: Int?
    /// Why the connection is ended, where we found it.
    package internal(set) final var failure: HTTP2Failure?
    /// The library can not go on.
    final var isBroken = false
    final var hasToldFailure = false
    /// DATA frames that went out.
    final var dataFramesSent = 0
    /// Bytes of bodies that wait to go out, on all streams.
    package internal(set) final var waitingCount = 0
    /// Whether as many wait as may; told by `full`.
    package internal(set) final var isFull = false
    final let buffers: HTTP2Buffers
    final let limits: HTTP2Limits
    final var floods: FloodGuard
    final var position = FramePosition()
    /// The time that was handed in last.
    final var now: MonotonicTime

    /// An end that begins by sending its settings, in the role that they say.
    init(settings: EndpointSettings, limits: HTTP2Limits, at now: MonotonicTime) {
        self.buffers = settings.buffers
        self.announcedStreams = settings.streams
        self.limits = limits
        self.floods = FloodGuard(limits)
        self.now = now
        unsafe self.session = makeSession(for: self, settings.role)
        self.submit(settings)
    }

    deinit {
        unsafe nghttp2_session_del(self.session)
    }

    // What the roles make of what comes.

    /// A frame begins that is in no header block. Answers what is wrong with it.
    func beginsFrame(_ header: FrameHeader) -> HTTP2Failure? { nil }

    /// Bytes of a frame's payload, after the library has seen them.
    func readPayload(_ payload: Span<UInt8>) {}

    /// Some of a frame was read, or all of it.
    func readPart() {}

    /// A header block begins.
    func beganBlock(on stream: Int32, isTrailers: Bool) {}

    /// A field of the block.
    func receivedField(name: Span<UInt8>, value: Span<UInt8>) {}

    /// The block has ended.
    func endedBlock(on stream: Int32, isTrailers: Bool, endsStream: Bool) {}

    /// The library found something wrong with a frame, and resets the stream or ends the connection.
    func refusedFrame(on stream: Int32) {}

    /// A stream is no more.
    func closed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {}

    /// Our side of a stream has ended well.
    func sentEnd(on stream: HTTP2Stream) {}

    /// SETTINGS of the peer are in force.
    func receivedSettings() {}

    /// The peer takes no streams after this one.
    func receivedGoAway(last: Int32, _ code: HTTP2ErrorCode) {}

    /// The head of a stream of ours, or of an answer, has been put together.
    func sentHead(on stream: Int32) {}

    /// The library has given up the head of a stream of ours, or of an answer, such as one that is too long.
    func notSent(_ stream: Int32) {}

    // Streams.

    /// An open stream, or `nil`.
    package final func stream(_ id: StreamID) -> HTTP2Stream? { self.streams[id.rawValue] }

    /// Forgets a stream that never came about.
    final func removeStream(_ id: Int32) {
        self.streams[id] = nil
    }

    final func addStream(_ id: Int32) -> HTTP2Stream {
        // RFC 9113 §6.9.2: until the peer has our settings it has the window that all begin with.
        let stream = HTTP2Stream(id: StreamID(rawValue: id), room: max(65_535, self.limits.streamWindow))
        self.streams[id] = stream
        return stream
    }

    // Events.

    /// What has happened, in order; `nil` where that was all.
    package final func nextEvent() -> HTTP2Event? {
        guard self.eventsTaken < self.events.count else {
            // What many streams at once took is not kept.
            self.events.removeAll(keepingCapacity: self.events.count <= Self.keptEvents)
            self.eventsTaken = 0
            return nil
        }
        self.eventsTaken += 1
        return self.events[self.eventsTaken - 1]
    }

    final func tell(_ event: HTTP2Event) {
        self.events.append(event)
    }

    /// Whether there is something to send, so that `fill` is to be called.
    package final var wantsToSend: Bool {
        if self.isBroken { return !self.hasToldFailure }
        return unsafe nghttp2_session_want_write(self.session) != 0
    }

    /// Whether everything was said and heard, so that the connection can be closed.
    package final var isFinished: Bool {
        if self.isBroken { return self.hasToldFailure }
        return unsafe nghttp2_session_want_read(self.session) == 0 && nghttp2_session_want_write(self.session) == 0
    }

    /// Frames that wait to go out, besides DATA.
    final var waitingFrames: Int {
        unsafe nghttp2_session_get_outbound_queue_size(self.session)
    }

    /// The highest number of a stream of the peer's that was taken up.
    final var lastStream: Int32 {
        unsafe nghttp2_session_get_last_proc_stream_id(self.session)
    }

    /// How many streams the peer lets us open at the same time.
    final var peerStreams: Int {
        Int(unsafe nghttp2_session_get_remote_settings(self.session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
    }

    /// The number of the next stream of ours; `nil` where there are no more (RFC 9113 §5.1.1).
    final var nextStream: Int32? {
        Int32(exactly: unsafe nghttp2_session_get_next_stream_id(self.session))
    }
}

/// Bytes in.
extension HTTP2Endpoint {
    /// Lends the input that ranges of events count from, while a part of it after another is fed.
    final func read(_ input: Span<UInt8>, _ body: () -> Void) {
        unsafe input.withUnsafeBytes { bytes in
            // SAFETY: forgotten before the bytes die.
            unsafe self.input = bytes
            body()
            unsafe self.input = UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    /// Gives the library bytes to read.
    final func feed(_ bytes: Span<UInt8>) {
        guard !self.isBroken, bytes.count > 0 else { return }
        let result = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe nghttp2_session_mem_recv(self.session, buffer.baseAddress, buffer.count)
        }
        if result < 0 { self.break(with: CInt(truncatingIfNeeded: result)) }
    }

    /// The library gave up: no more of it, but for a GOAWAY frame of our own.
    final func `break`(with code: CInt) {
        self.isBroken = true
        let text = unsafe String(cString: nghttp2_strerror(code))
        self.failure = self.failure ?? HTTP2Failure(code: .enhanceYourCalm, cause: .violation(text))
    }

    /// Ends the connection: a GOAWAY frame goes out, and nothing more is read.
    final func fail(_ failure: HTTP2Failure) {
        guard self.failure == nil, !self.isBroken else { return }
        self.failure = failure
        unsafe nghttp2_session_terminate_session(self.session, failure.code.rawValue)
    }

    final func received(_ data: UnsafePointer<UInt8>?, _ count: Int, on id: Int32) {
        guard let stream = self.streams[id], let start = unsafe self.input.baseAddress, let data = unsafe data else {
            self.consumeConnection(count)
            return
        }
        // The library hands out the very bytes that it was given.
        let offset = unsafe UnsafeRawPointer(data) - start
        guard offset >= 0, unsafe offset + count <= self.input.count else {
            self.fail(HTTP2Failure(code: .internalError, cause: .violation("bytes from elsewhere")))
            return
        }
        self.receivedBody(on: stream, offset..<offset + count)
    }

    final func streamClosed(_ id: Int32, _ code: UInt32) {
        guard let stream = self.streams.removeValue(forKey: id) else { return }
        stream.isGone = true
        self.dropWaiting(of: stream)
        let code = HTTP2ErrorCode(rawValue: code)
        self.closed(stream, code)
        self.tell(.closed(stream.id, code))
    }

    // Flow control.

    /// Gives the peer back what a body's bytes took of its windows: they have been used.
    package final func consume(_ count: Int, on stream: HTTP2Stream) {
        stream.roomLeft += count
        // A stream that is no more gives back what is the connection's.
        _ = unsafe nghttp2_session_consume(self.session, stream.id.rawValue, count)
    }

    /// The same for bytes that are thrown away: the stream's own window stays as it is, so that the peer stops.
    package final func discard(_ count: Int) {
        self.consumeConnection(count)
    }

    /// Gives back to a stream what `discard` has given back to the connection alone.
    package final func consumeStream(_ count: Int, on stream: HTTP2Stream) {
        stream.roomLeft += count
        _ = unsafe nghttp2_session_consume_stream(self.session, stream.id.rawValue, count)
    }

    /// The same at once, however little it is: the library waits until it is half of the window.
    package final func giveRoom(_ count: Int, on stream: HTTP2Stream) {
        // What has ended needs none.
        if stream.hasEnded || stream.isGone { return }
        stream.roomLeft += count
        _ = unsafe nghttp2_submit_window_update(self.session, 0, stream.id.rawValue, Int32(clamping: count))
    }

    final func consumeConnection(_ count: Int) {
        _ = unsafe nghttp2_session_consume_connection(self.session, count)
    }
}

@available(*, unavailable)
extension HTTP2Endpoint: Sendable {}
