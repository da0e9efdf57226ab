internal import Bytes
package import HTTP
package import Time

/// The server's end of an HTTP/2 connection (RFC 9113).
///
///     receive(bytes, at:) ──▶ nextEvent() … until nil
///     respond, send, end, truncate, reset ──▶ fill(output) at the end of the round ──▶ nextEvent() … until nil
///
/// Each frame's header is looked at before the library sees the frame: that is where frames are counted, where streams
/// are refused, and where frames on streams that are no more are answered, on which the library keeps silent.
@safe
package final class HTTP2Server: HTTP2Endpoint {
    private var block: RequestBlock
    private var answer = FieldBlock()
    private var closedStreams = ClosedStreams()
    /// The stream whose request is to be refused once its header block is whole.
    private var refusedStream: Int32 = 0
    private var highestStream: Int32 = 0
    /// Bytes of the preface that have come.
    private var prefaceRead = 0
    /// The stream of a PRIORITY frame and the first four bytes of its payload, which the library does not read.
    private var dependency: (stream: Int32, bytes: [UInt8])?
    private var hasSettings = false

    /// Since when a part of something has been waiting for its rest: the preface, a frame other than DATA, a header
    /// block.
    package private(set) var incompleteSince: MonotonicTime?

    /// The first bytes of a client (RFC 9113 §3.4).
    package static var preface: StaticString { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" }

    /// Whether bytes are the first ones of a client.
    package enum PrefaceMatch {
        case no
        /// As far as they go.
        case soFar
        case yes
    }

    /// Tells an HTTP/2 client from others by its first bytes.
    package static func prefaceMatch(_ bytes: Span<UInt8>) -> PrefaceMatch {
        let preface = Self.preface
        let count = min(bytes.count, preface.utf8CodeUnitCount)
        for index in 0..<count {
            // SAFETY: the index is below both counts.
            guard unsafe bytes[unchecked: index] == preface.utf8Start[index] else { return .no }
        }
        return count == preface.utf8CodeUnitCount ? .yes : .soFar
    }

    package init(limits: HTTP2Limits = HTTP2Limits(), buffers: HTTP2Buffers = HTTP2Buffers(), at now: MonotonicTime) {
        self.block = RequestBlock(limits: limits.head)
        self.incompleteSince = now
        // SETTINGS_INITIAL_WINDOW_SIZE, SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113 §6.5.2), SETTINGS_NO_RFC7540_PRIORITIES
        // (RFC 9218 §2.1), and SETTINGS_MAX_FRAME_SIZE where it is not what it is anyhow.
        var entries: [(id: Int32, value: UInt32)] = [
            (0x4, UInt32(clamping: limits.streamWindow)), (0x6, UInt32(clamping: limits.head.headerBytes)), (0x9, 1),
        ]
        if limits.frameSize > 16_384 { entries.append((0x5, UInt32(clamping: limits.frameSize))) }
        super.init(
            settings: EndpointSettings(
                role: .server, entries: entries, streams: limits.streams,
                connectionWindow: limits.connectionWindow, buffers: buffers), limits: limits, at: now)
    }

    /// How many streams are open.
    package var openStreams: Int { self.streams.count }

    /// Reads bytes of the client. Ranges of the events count from the first of them.
    package func receive(_ input: Span<UInt8>, at now: MonotonicTime) {
        self.now = now
        self.read(input) {
            var offset = 0
            while offset < input.count, self.failure == nil {
                if self.prefaceRead < HTTP2Server.preface.utf8CodeUnitCount {
                    self.readPreface(input, at: &offset)
                } else {
                    self.readFrame(input, at: &offset)
                }
            }
        }
        self.checkWaitingFrames()
        self.noteIncomplete()
    }

    private func readPreface(_ input: Span<UInt8>, at offset: inout Int) {
        let preface = Self.preface
        // SAFETY: the position is below the literal's count.
        guard unsafe input[offset] == preface.utf8Start[self.prefaceRead] else {
            // RFC 9113 §3.4: MUST treat an invalid connection preface as a connection error of type PROTOCOL_ERROR.
            self.fail(HTTP2Failure(code: .protocolError, cause: .preface))
            return
        }
        self.prefaceRead += 1
        offset += 1
    }

    override func readPayload(_ payload: Span<UInt8>) {
        if self.dependency != nil { self.readDependency(payload) }
    }

    private func readDependency(_ payload: Span<UInt8>) {
        guard let stream = self.dependency?.stream, var bytes = self.dependency?.bytes else { return }
        for index in payload.indices where bytes.count < 4 { bytes.append(payload[index]) }
        self.dependency = bytes.count < 4 ? (stream, bytes) : nil
        guard bytes.count == 4 else { return }
        let other = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
        // RFC 7540 §5.3.1: a stream cannot depend on itself. RFC 9113 §5.3.2 has no more use for the frame than we
        // have.
        if other == UInt32(bitPattern: stream) {
            self.fail(HTTP2Failure(code: .protocolError, cause: .violation("PRIORITY: a stream depends on itself")))
        }
    }

    override func readPart() {
        // A part of a header does not end the wait that began with its first byte.
        if self.isBetweenFrames, self.hasSettings { self.incompleteSince = nil }
        if self.block.isExcessive { self.fail(.excess(.headerBlock)) }
    }

    private func noteIncomplete() {
        let isInBody = self.position.payloadLeft > 0 && self.position.kind == .data
        if isInBody || self.isBetweenFrames, self.hasSettings {
            self.incompleteSince = nil
        } else if self.incompleteSince == nil {
            self.incompleteSince = self.now
        }
    }

    // What the library tells.

    override func receivedSettings() {
        self.hasSettings = true
    }

    override func beganBlock(on stream: Int32, isTrailers: Bool) {
        self.block.begin(isTrailers: isTrailers)
        if !isTrailers { _ = self.addStream(stream) }
    }

    override func receivedField(name: Span<UInt8>, value: Span<UInt8>) {
        self.block.receive(name: name, value: value)
    }

    override func endedBlock(on id: Int32, isTrailers: Bool, endsStream: Bool) {
        guard let stream = self.streams[id] else { return }
        if endsStream { stream.hasEnded = true }
        guard !stream.isGone else { return }
        if self.refusedStream == id {
            self.refusedStream = 0
            self.tell(.tooManyStreams)
            self.refuse(stream)
            return
        }
        do throws(RequestBlock.Fault) {
            if isTrailers {
                try self.block.finishTrailers(endsStream: endsStream)
                self.bodyEnded(on: stream)
            } else {
                stream.head = HTTP2Stream.Arrived(try self.block.finishHead(endsStream: endsStream))
                self.began(stream)
            }
        } catch {
            switch error {
            case .malformed(let malformed): self.resetMalformed(stream, malformed)
            case .refused(let fault): self.tell(.refused(stream.id, fault))
            }
        }
    }

    private func began(_ stream: HTTP2Stream) {
        if case .known(let count)? = stream.head?.head.bodyLength { stream.bodyLeft = count }
        if let priority = self.block.priority { self.prioritise(stream, priority) }
        stream.expectsContinue = self.block.expectsContinue && !stream.hasEnded
        self.tell(.head(stream.id))
        if stream.hasEnded { self.tell(.end(stream.id)) }
    }

    override func refusedFrame(on id: Int32) {
        self.streams[id]?.wasRefused = true
        self.noteReset()
    }

    override func closed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        if !stream.hasEnded, !stream.wasResetByPeer { self.closedStreams.noteReset(stream.id.rawValue) }
        // More DATA than the stream's window holds: the library resets it without a word.
        if code == .flowControlError, !stream.wasResetByPeer, !stream.wasRefused { self.noteReset() }
    }

    override func notSent(_ id: Int32) {
        // Without its head there is no answer, and nothing else would tell the client.
        if let stream = self.streams[id] { self.reset(stream, .internalError) }
    }

    override func sentEnd(on stream: HTTP2Stream) {
        if !stream.hasEnded { self.tell(.answered(stream.id)) }
    }

    override func beginsFrame(_ header: FrameHeader) -> HTTP2Failure? {
        switch header.kind {
        case .priority:
            // RFC 9113 §6.3: on stream 0 a connection error of type PROTOCOL_ERROR.
            if header.stream == 0 {
                return HTTP2Failure(code: .protocolError, cause: .violation("PRIORITY: stream 0"))
            }
            self.dependency = (header.stream, [])
            return nil
        case .headers:
            return self.misplacedHeaders(header)
        case .data:
            if self.isClosed(header.stream) { return Self.streamClosed }
            // The library throws it away without a word, so that nobody else counts it.
            let isLate = self.streams[header.stream] == nil && self.closedStreams.wasReset(header.stream)
            return isLate ? self.excess(ofLateData: header) : nil
        default:
            return nil
        }
    }
}

/// What is decided by a frame's header alone.
extension HTTP2Server {
    private func misplacedHeaders(_ header: FrameHeader) -> HTTP2Failure? {
        let id = header.stream
        // Even numbers and none at all are for the library.
        guard id & 1 == 1 else { return nil }
        if id > self.highestStream {
            self.closedStreams.noteOpened(id, after: self.highestStream)
            self.highestStream = id
            self.floods.noteOpened()
            if self.streams.count >= self.limits.streams { self.refusedStream = id }
            return nil
        }
        if self.closedStreams.wasSkipped(id) {
            // RFC 9113 §5.1.1: an unexpected stream identifier MUST be answered with a connection error of type
            // PROTOCOL_ERROR; so is the number of a stream that was closed by being left out.
            return HTTP2Failure(code: .protocolError, cause: .violation("HEADERS: a number that was left out"))
        }
        return self.isClosed(id) ? Self.streamClosed : nil
    }

    /// Whether a stream was closed in a way that the client knows of: on one that we have reset, frames may be on their
    /// way (RFC 9113 §5.1, "closed").
    private func isClosed(_ id: Int32) -> Bool {
        id & 1 == 1 && id <= self.highestStream && self.streams[id] == nil && !self.closedStreams.wasReset(id)
            && id <= self.lastStream
    }

    private static var streamClosed: HTTP2Failure {
        HTTP2Failure(code: .streamClosed, cause: .violation("a frame on a closed stream"))
    }

    /// More streams than there may be (RFC 9113 §5.1.2).
    private func refuse(_ stream: HTTP2Stream) {
        self.reset(stream, .refusedStream)
        self.noteReset()
    }
}

/// What a driver does with requests.
extension HTTP2Server {
    /// The head of a stream that has just begun. To be called once.
    package func takeHead(of stream: HTTP2Stream) -> RequestHead? {
        stream.head.take()?.head
    }

    /// Says that a body may come (RFC 9110 §15.2.1).
    package func sendContinue(on stream: HTTP2Stream) {
        self.answer.removeAll()
        self.answer.append(":status", decimal: 100)
        self.submitInterim(on: stream, self.answer)
    }

    /// Begins an answer, or gives all of it where no body follows.
    package func respond(on stream: HTTP2Stream, _ head: borrowing ResponseHead, date: Span<UInt8>, hasBody: Bool) {
        self.answer.removeAll()
        self.answer.append(":status", decimal: head.status)
        self.answer.append(head.fields)
        if !head.fields.contains("date") { self.answer.append("date", date) }
        self.submitResponse(on: stream, self.answer, hasBody: hasBody)
    }

    /// Refuses to work on a request, which the client may send again elsewhere (RFC 9113 §8.7).
    package func refuseUnprocessed(_ stream: HTTP2Stream) {
        self.refuse(stream)
    }
}
