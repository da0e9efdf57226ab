internal import Bytes
package import HTTP
package import Time

/// The client's end of an HTTP/2 connection (RFC 9113).
///
///     open ──▶ fill(output) at the end of the round ──▶ nextEvent() … until nil
///     receive(bytes) ──▶ nextEvent() … until nil ──▶ consume, discard
///
/// Streams are opened once the server has told its settings, so that its limit is known from the first one on. What the
/// server has certainly not begun with is told as `unprocessed`, before `closed`.
///
/// A server is not trusted either: it may send no more of each kind of frame than `HTTP2Limits` say, and its answers
/// are held against RFC 9113 §8 as requests are.
@safe
package final class HTTP2Client: HTTP2Endpoint {
    private var block: ResponseBlock
    private var request = FieldBlock()
    /// Whether the block that is open is behind the final answer's head.
    private var isTrailers = false
    /// The last stream that the server takes, once it has said so.
    private var lastTaken: Int32?
    /// Whether it has ended the connection because it wants HTTP/1.1 spoken (RFC 9113 §7).
    package private(set) var needsHTTP1 = false
    /// Whether the server has told its settings.
    package private(set) var hasSettings = false

    /// Interim answers (1xx) that may come before the real one.
    private static let mostInterimAnswers = 16

    /// `limits.streams` is how many streams are opened at most, whatever the server says.
    package init(
        limits: HTTP2Limits = .ofUpstreams, buffers: HTTP2Buffers = HTTP2Buffers(), at now: MonotonicTime
    ) {
        self.block = ResponseBlock(limits: limits.head)
        super.init(
            settings: EndpointSettings(
                role: .client,
                entries: [
                    // SETTINGS_ENABLE_PUSH, SETTINGS_INITIAL_WINDOW_SIZE, SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113
                    // §6.5.2).
                    (0x2, 0), (0x4, UInt32(clamping: limits.streamWindow)),
                    (0x6, UInt32(clamping: limits.head.headerBytes)),
                ], streams: nil, connectionWindow: limits.connectionWindow, buffers: buffers),
            limits: limits, at: now)
    }

    // Streams.

    /// How many streams are open.
    package var openStreams: Int { self.streams.count }

    /// How many may be: what the server allows, and what we do.
    package var mostStreams: Int { min(self.limits.streams, self.peerStreams) }

    /// How many bytes of an answer the server may send before it is given room for more.
    package var streamWindow: Int { self.limits.streamWindow }

    /// Whether the connection is of use for further streams, now or when others have ended.
    package var takesStreams: Bool {
        self.failure == nil && !self.isBroken && self.lastTaken == nil && self.nextStream != nil
    }

    /// Whether a stream can be opened now.
    package var canOpen: Bool {
        self.hasSettings && self.takesStreams && self.streams.count < self.mostStreams
    }

    /// Opens a stream with the head of an HTTP/1.1 request, the empty line at its end included; `hasBody` says whether
    /// `send` and `end` follow. `nil` where no stream can be opened, or the head is none.
    package func open(
        _ head: Span<UInt8>, method: Method, scheme: StaticString = "https", hasBody: Bool
    ) -> HTTP2Stream? {
        guard self.canOpen, let id = self.nextStream else { return nil }
        self.request.removeAll()
        guard self.request.append(requestHead: head, scheme: scheme) else { return nil }
        let stream = self.addStream(id)
        stream.awaitsAnswer = true
        stream.answersHead = method == .head
        if !hasBody { stream.outcome = .end }
        guard self.submitRequest(on: stream, self.request, hasBody: hasBody) else {
            self.removeStream(id)
            return nil
        }
        self.floods.noteOpened()
        return stream
    }

    /// The head of an answer that has just begun, and how long its body is. To be called once; the stream may be closed
    /// by then.
    package func takeAnswer(of stream: HTTP2Stream) -> (head: ResponseHead, bodyLength: BodyLength)? {
        guard let head = stream.answer.take() else { return nil }
        return (head, stream.answerLength)
    }

    // Bytes in.

    /// Reads bytes of the server. Ranges of the events count from the first of them.
    package func receive(_ input: Span<UInt8>, at now: MonotonicTime) {
        self.now = now
        self.read(input) {
            var offset = 0
            while offset < input.count, self.failure == nil, !self.isBroken {
                self.readFrame(input, at: &offset)
            }
        }
        self.checkWaitingFrames()
    }

    override func beginsFrame(_ header: FrameHeader) -> HTTP2Failure? {
        // RFC 9113 §3.4: the server's preface is a SETTINGS frame, the first one that it sends.
        guard self.hasSettings || header.kind == .settings && !header.flags.contains(.acknowledgement) else {
            return HTTP2Failure(code: .protocolError, cause: .preface)
        }
        return nil
    }

    override func readPart() {
        if self.block.isExcessive { self.fail(.excess(.headerBlock)) }
    }

    override func receivedSettings() {
        self.hasSettings = true
        self.withdrawExcess()
        self.tell(.settings)
    }

    /// Takes back what was opened and not yet sent, where the server allows fewer streams now: it would wait until
    /// others have ended.
    private func withdrawExcess() {
        let excess = self.streams.count - self.mostStreams
        guard excess > 0 else { return }
        let unsent = self.streams.values.filter { !$0.hasBegun }.sorted { $0.id > $1.id }
        for stream in unsent.prefix(excess) {
            self.reset(stream, .refusedStream)
            self.streamClosed(stream.id.rawValue, HTTP2ErrorCode.refusedStream.rawValue)
        }
    }

    override func receivedGoAway(last: Int32, _ code: HTTP2ErrorCode) {
        self.lastTaken = last
        if code == .http11Required { self.needsHTTP1 = true }
    }

    // Answers.

    override func beganBlock(on id: Int32, isTrailers: Bool) {
        // The library counts interim answers as well, and takes what follows them for trailers.
        self.isTrailers = !(self.streams[id]?.awaitsAnswer ?? true)
        self.block.begin(isTrailers: self.isTrailers)
    }

    override func receivedField(name: Span<UInt8>, value: Span<UInt8>) {
        self.block.receive(name: name, value: value)
    }

    override func endedBlock(on id: Int32, isTrailers: Bool, endsStream: Bool) {
        guard let stream = self.streams[id] else { return }
        if endsStream { stream.hasEnded = true }
        guard !stream.isGone else { return }
        do throws(MalformedMessage) {
            if self.isTrailers {
                try self.block.finishTrailers(endsStream: endsStream)
                self.bodyEnded(on: stream)
            } else {
                try self.began(stream, self.block.finishHead(), endsStream: endsStream)
            }
        } catch {
            self.resetMalformed(stream, error)
        }
    }

    private func began(
        _ stream: HTTP2Stream, _ head: consuming ResponseHead, endsStream: Bool
    ) throws(MalformedMessage) {
        if head.status < 200 {
            // RFC 9113 §8.1: an interim answer that ends the stream is malformed.
            if endsStream { throw .answerWithoutHead }
            stream.interimAnswers += 1
            if stream.interimAnswers > Self.mostInterimAnswers { throw .tooManyInterimAnswers }
            return
        }
        // RFC 9110 §6.4.1, §8.6: such answers have no content, whatever length they tell.
        if stream.answersHead || head.status == 204 || head.status == 304 {
            stream.bodyLeft = 0
            stream.answerLength = .none
        } else {
            stream.bodyLeft = self.block.contentLength
            if endsStream, let length = self.block.contentLength, length > 0 { throw .contentLengthMismatch }
            stream.answerLength = endsStream ? .none : self.block.contentLength.map { .known($0) } ?? .unknown
        }
        stream.awaitsAnswer = false
        stream.answer = head
        self.tell(.head(stream.id))
        if endsStream { self.bodyEnded(on: stream) }
    }

    override func refusedFrame(on stream: Int32) {
        self.noteReset()
    }

    // What becomes of streams.

    override func sentHead(on id: Int32) {
        self.streams[id]?.hasBegun = true
    }

    override func notSent(_ id: Int32) {
        self.streamClosed(id, HTTP2ErrorCode.refusedStream.rawValue)
    }

    override func closed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        // A server that has answered has done something.
        guard stream.awaitsAnswer, let reason = self.unprocessed(stream, code) else { return }
        self.tell(.unprocessed(stream.id, reason))
    }

    /// Why a stream that was closed so was certainly not begun with; `nil` where it may have been.
    private func unprocessed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) -> HTTP2Event.Unprocessed? {
        switch code {
        case .http11Required: return .needsHTTP1
        case .refusedStream: break
        default: return nil
        }
        // RFC 9113 §8.7: nothing was done. The library closes streams behind the last one of a GOAWAY frame so as well.
        guard let last = self.lastTaken, stream.id.rawValue > last else { return .refused }
        return self.needsHTTP1 ? .needsHTTP1 : .goingAway
    }
}

extension HTTP2Limits {
    /// What a server may do. It answers many clients of ours on one connection, so that it may do more than one of
    /// them.
    package static var ofUpstreams: HTTP2Limits {
        var limits = HTTP2Limits()
        limits.resets = RateLimit(burst: 1000, perSecond: 330)
        limits.emptyFrames = 100
        return limits
    }
}
