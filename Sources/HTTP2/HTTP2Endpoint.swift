package import Bytes
private import CNGHTTP2

/// One end of an HTTP/2 connection: what both roles share. Wraps one `nghttp2_session`, which it alone owns.
///
/// A class, because the library keeps a pointer back to it, and an open one, because the roles differ in what they make of
/// what the library tells. The library's callbacks only take notes: nothing of the driver's runs before the library has
/// returned. Events are fetched with `nextEvent`, frames with `fill`.
@safe
package class HTTP2Endpoint {
    // SAFETY: made in `init`, freed in `deinit`, never handed out.
    private var session: OpaquePointer?
    /// Streams that are neither idle nor closed.
    private(set) final var streams: [Int32: HTTP2Stream] = [:]
    private var events: [HTTP2Event] = []
    private var eventsTaken = 0
    // SAFETY: the input of `receive`, while the library reads it.
    private var input: UnsafeRawBufferPointer = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Where frames are put together while `fill` runs; the driver's own buffer.
    private var frames = ByteBuffer()
    private var frameLimit = 0
    /// Streams whose waiting bytes changed since it was last looked.
    private var touched: [HTTP2Stream] = []
    /// How many streams the peer may open: announced, and enforced by us (`announceStreams`).
    private var announcedStreams: Int?
    /// Why the connection is ended, where we found it.
    package private(set) final var failure: HTTP2Failure?
    /// The library can not go on.
    private var isBroken = false
    private var hasToldFailure = false
    /// DATA frames that went out.
    final var dataFramesSent = 0
    /// Bytes of bodies that wait to go out, on all streams.
    package private(set) final var waitingCount = 0
    private let buffers: HTTP2Buffers

    /// An end that begins by sending its settings. `streams` is how many the peer may open.
    init(settings: EndpointSettings) {
        self.buffers = settings.buffers
        self.announcedStreams = settings.streams
        unsafe self.session = makeSession(for: self)
        self.submit(settings)
    }

    deinit {
        unsafe nghttp2_session_del(self.session)
    }

    // What the roles make of what comes.

    /// A header block begins.
    func beganBlock(on stream: Int32, isTrailers: Bool) {}

    /// A field of the block.
    func receivedField(name: Span<UInt8>, value: Span<UInt8>) {}

    /// The block has ended.
    func endedBlock(on stream: Int32, isTrailers: Bool, endsStream: Bool) {}

    /// Bytes of a body; a range of the input.
    func receivedBody(on stream: HTTP2Stream, _ range: Range<Int>) {}

    /// A DATA frame is whole, of so many bytes without its padding.
    func endedData(on stream: HTTP2Stream, count: Int, endsStream: Bool) {}

    /// The library found something wrong with a frame, and resets the stream or ends the connection.
    func refusedFrame(on stream: Int32) {}

    /// A stream is no more.
    func closed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {}

    /// Our side of a stream has ended well.
    func sentEnd(on stream: HTTP2Stream) {}

    /// SETTINGS of the peer are in force.
    func receivedSettings() {}

    // Streams.

    /// An open stream, or `nil`.
    package final func stream(_ id: StreamID) -> HTTP2Stream? { self.streams[id.rawValue] }

    final func addStream(_ id: Int32) -> HTTP2Stream {
        let stream = HTTP2Stream(id: StreamID(rawValue: id))
        self.streams[id] = stream
        return stream
    }

    // Events.

    /// What has happened, in order; `nil` where that was all.
    package final func nextEvent() -> HTTP2Event? {
        guard self.eventsTaken < self.events.count else {
            self.events.removeAll(keepingCapacity: true)
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
    private func `break`(with code: CInt) {
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

    fileprivate func received(_ data: UnsafePointer<UInt8>?, _ count: Int, on id: Int32) {
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

    fileprivate func streamClosed(_ id: Int32, _ code: UInt32) {
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
        // A stream that is no more gives back what is the connection's.
        _ = unsafe nghttp2_session_consume(self.session, stream.id.rawValue, count)
    }

    /// The same for bytes that are thrown away: the stream's own window stays as it is, so that the peer stops.
    package final func discard(_ count: Int) {
        self.consumeConnection(count)
    }

    final func consumeConnection(_ count: Int) {
        _ = unsafe nghttp2_session_consume_connection(self.session, count)
    }
}

/// Frames out.
extension HTTP2Endpoint {
    /// Puts frames together at the end of `output`, until it holds about `limit` bytes or there are no more. Afterwards
    /// there may be events.
    package final func fill(_ output: inout ByteBuffer, atMost limit: Int) {
        swap(&output, &self.frames)
        self.frameLimit = limit
        while !self.isBroken {
            var bytes: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(self.session, &bytes)
            guard count > 0, let bytes = unsafe bytes else {
                if count < 0 { self.break(with: CInt(truncatingIfNeeded: count)) }
                break
            }
            // SAFETY: the library's until its next call.
            self.append(frame: unsafe Span(_unsafeStart: bytes, count: count))
        }
        if self.isBroken { self.appendLastGoAway() }
        swap(&output, &self.frames)
        self.settleTouched()
    }

    private func append(frame: Span<UInt8>) {
        guard let streams = self.announcedStreams else {
            self.frames.append(frame)
            return
        }
        // The library would take a stream too many for an error of the connection. RFC 9113 §5.1.2 leaves the choice, and
        // ours is REFUSED_STREAM, so the library does not know the limit: it is added to the first frame, the SETTINGS.
        self.announcedStreams = nil
        let header = FrameHeader(frame)
        self.frames.append(frameHeader: header.length + 6, type: header.type, flags: header.flags.rawValue, stream: 0)
        self.frames.append(frame.extracting(FrameHeader.size..<frame.count))
        self.frames.append(bigEndian: UInt16(0x3))
        self.frames.append(bigEndian: UInt32(clamping: streams))
    }

    private func appendLastGoAway() {
        guard !self.hasToldFailure, let failure = self.failure else { return }
        self.frames.append(frameHeader: 8, type: 0x7, flags: 0, stream: 0)
        self.frames.append(bigEndian: UInt32(bitPattern: self.lastStream))
        self.frames.append(bigEndian: failure.code.rawValue)
        self.hasToldFailure = true
        self.tell(.failed(failure))
    }

    fileprivate func sentGoAway(_ code: UInt32, _ text: Span<UInt8>) {
        guard code != 0, !self.hasToldFailure else { return }
        let failure =
            self.failure
            ?? HTTP2Failure(code: HTTP2ErrorCode(rawValue: code), cause: .violation(text.string()))
        self.failure = failure
        self.hasToldFailure = true
        self.tell(.failed(failure))
    }

    // Bodies.

    /// Sends bytes of a body behind what was sent before. They are copied.
    package final func send(_ bytes: Span<UInt8>, on stream: HTTP2Stream) {
        guard !stream.isGone, case .open = stream.outcome, bytes.count > 0 else { return }
        stream.wait(bytes)
        self.waitingCount += bytes.count
        self.resume(stream)
    }

    /// Ends a body well.
    package final func end(_ stream: HTTP2Stream) {
        guard !stream.isGone, case .open = stream.outcome else { return }
        stream.outcome = .end
        self.resume(stream)
    }

    /// Breaks a body off behind what was sent before: the stream is reset with INTERNAL_ERROR.
    package final func truncate(_ stream: HTTP2Stream) {
        guard !stream.isGone, case .open = stream.outcome else { return }
        stream.outcome = .truncated
        self.resume(stream)
    }

    /// Resets a stream; what waits on it is forgotten.
    package final func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        guard !stream.isGone else { return }
        stream.isGone = true
        self.dropWaiting(of: stream)
        _ = unsafe nghttp2_submit_rst_stream(self.session, 0, stream.id.rawValue, code.rawValue)
    }

    private func dropWaiting(of stream: HTTP2Stream) {
        self.waitingCount -= stream.waiting.count
        stream.waiting.releaseStorage()
    }

    private func resume(_ stream: HTTP2Stream) {
        self.touch(stream)
        guard stream.isDeferred else { return }
        stream.isDeferred = false
        _ = unsafe nghttp2_session_resume_data(self.session, stream.id.rawValue)
    }

    private func touch(_ stream: HTTP2Stream) {
        guard !stream.isTouched else { return }
        stream.isTouched = true
        self.touched.append(stream)
    }

    /// Tells which streams have more than may go out now. Called by `fill`, and where frames can not be put together at
    /// all because the socket is full.
    package final func settleTouched() {
        guard !self.touched.isEmpty else { return }
        let allowance = self.waitingCount > self.buffers.connection ? 0 : self.buffers.stream
        for stream in self.touched {
            stream.isTouched = false
            guard !stream.isGone else { continue }
            if stream.waiting.count > allowance {
                if !stream.isBlocked {
                    stream.isBlocked = true
                    self.tell(.blocked(stream.id))
                } else if stream.hasProgressed {
                    self.tell(.progressed(stream.id))
                }
            } else if stream.isBlocked, stream.waiting.isEmpty {
                stream.isBlocked = false
                self.tell(.drained(stream.id))
            }
            stream.hasProgressed = false
        }
        self.touched.removeAll(keepingCapacity: true)
    }

    /// How many bytes the next DATA frame of a stream takes. The library asks when it has room in both windows.
    fileprivate func nextData(of stream: HTTP2Stream, atMost length: Int, _ flags: inout UInt32) -> Int {
        let count = min(length, stream.waiting.count)
        let isLast = count == stream.waiting.count
        if count == 0 {
            switch stream.outcome {
            case .open:
                stream.isDeferred = true
                return Int(NGHTTP2_ERR_DEFERRED.rawValue)
            case .truncated:
                // The library resets the stream with INTERNAL_ERROR.
                return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
            case .end:
                break
            }
        }
        if self.frames.count >= self.frameLimit { return Int(NGHTTP2_ERR_PAUSE.rawValue) }
        flags |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
        if isLast, case .end = stream.outcome { flags |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        return count
    }

    /// Writes a DATA frame that the library has allowed.
    fileprivate func sendData(of stream: HTTP2Stream, header: Span<UInt8>, count: Int) {
        self.frames.append(header)
        self.frames.append(stream.waiting.bytes.extracting(0..<count))
        stream.waiting.consume(count)
        if stream.waiting.isEmpty { stream.waiting.releaseStorage() }
        self.waitingCount -= count
        self.dataFramesSent += 1
        stream.hasProgressed = true
        if stream.isBlocked { self.touch(stream) }
    }

    // Ending.

    /// Tells the peer that the end is near, and asks for an answer (`drainAcknowledged`); what it opens until then is
    /// served (RFC 9113 §6.8).
    package final func announceShutdown() {
        _ = unsafe nghttp2_submit_shutdown_notice(self.session)
        _ = unsafe nghttp2_submit_ping(self.session, 0, nil)
    }

    /// Tells the peer that no stream after those that have come will be served. The connection is finished when the last
    /// of them is.
    package final func goAway() {
        _ = unsafe nghttp2_submit_goaway(
            self.session, 0, nghttp2_session_get_last_proc_stream_id(self.session), NGHTTP2_NO_ERROR.rawValue, nil, 0)
    }

    /// Ends the connection for a reason that only the driver can know.
    package final func end(with failure: HTTP2Failure) {
        self.fail(failure)
    }
}

/// What the library is asked for on behalf of a role.
extension HTTP2Endpoint {
    private func submit(_ settings: EndpointSettings) {
        let entries = settings.entries.map { nghttp2_settings_entry(settings_id: $0.id, value: $0.value) }
        _ = unsafe nghttp2_submit_settings(self.session, 0, entries, entries.count)
        _ = unsafe nghttp2_session_set_local_window_size(
            self.session, 0, 0, Int32(clamping: settings.connectionWindow))
    }

    /// Sends the head of an answer; `hasBody` says whether `send` and `end` follow.
    final func submitResponse(on stream: HTTP2Stream, _ fields: borrowing FieldBlock, hasBody: Bool) {
        guard !stream.isGone else { return }
        unsafe fields.withNameValues { values in
            guard hasBody else {
                _ = unsafe nghttp2_submit_response(
                    self.session, stream.id.rawValue, values.baseAddress, values.count, nil)
                return
            }
            // SAFETY: the stream is retained in `streams` until the library says that it is closed.
            let source = unsafe nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque())
            var provider = unsafe nghttp2_data_provider(source: source, read_callback: readCallback)
            _ = unsafe nghttp2_submit_response(
                self.session, stream.id.rawValue, values.baseAddress, values.count, &provider)
        }
    }

    /// Sends an interim answer (RFC 9110 §15.2).
    final func submitInterim(on stream: HTTP2Stream, _ fields: borrowing FieldBlock) {
        unsafe fields.withNameValues { values in
            _ = unsafe nghttp2_submit_headers(
                self.session, 0, stream.id.rawValue, nil, values.baseAddress, values.count, nil)
        }
    }

    /// Puts a stream in its place among those that compete (RFC 9218).
    final func prioritise(_ stream: HTTP2Stream, _ priority: StreamPriority) {
        var value = nghttp2_extpri(urgency: UInt32(priority.urgency), inc: priority.isIncremental ? 1 : 0)
        _ = unsafe nghttp2_session_change_extpri_stream_priority(self.session, stream.id.rawValue, &value, 0)
    }
}

extension FieldBlock {
    /// Lends the fields as the library takes them.
    fileprivate borrowing func withNameValues(_ body: (UnsafeBufferPointer<nghttp2_nv>) -> Void) {
        unsafe self.bytes.withUnsafeBytes { bytes in
            unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: self.lines.count) { values in
                guard let base = bytes.baseAddress else { return }
                // SAFETY: the library copies what the pointers point at, and writes nothing there.
                let start = unsafe UnsafeMutableRawPointer(mutating: base).assumingMemoryBound(to: UInt8.self)
                for index in self.lines.indices {
                    let line = self.lines[index]
                    unsafe values.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: start + line.name.lowerBound, value: start + line.value.lowerBound,
                            namelen: line.name.count, valuelen: line.value.count,
                            flags: line.isIndexed
                                ? UInt8(NGHTTP2_NV_FLAG_NONE.rawValue) : UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue)))
                }
                unsafe body(UnsafeBufferPointer(values))
            }
        }
    }
}

@available(*, unavailable)
extension HTTP2Endpoint: Sendable {}

// The library's side: each callback recovers the endpoint, forwards, and answers that all is well.

private func makeSession(for endpoint: HTTP2Endpoint) -> OpaquePointer? {
    var callbacks: OpaquePointer?
    var options: OpaquePointer?
    var session: OpaquePointer?
    unsafe nghttp2_session_callbacks_new(&callbacks)
    unsafe nghttp2_option_new(&options)
    defer {
        unsafe nghttp2_session_callbacks_del(callbacks)
        unsafe nghttp2_option_del(options)
    }
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beginHeadersCallback)
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, headerCallback)
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frameReceivedCallback)
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, dataReceivedCallback)
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, invalidFrameCallback)
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, streamCloseCallback)
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frameSentCallback)
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks, sendDataCallback)
    // What a message may look like is ours to say: the library lets some wrong fields pass in silence.
    unsafe nghttp2_option_set_no_http_messaging(options, 1)
    // The preface is ours too, as it tells the protocol of a plain connection.
    unsafe nghttp2_option_set_no_recv_client_magic(options, 1)
    unsafe nghttp2_option_set_no_auto_window_update(options, 1)
    unsafe nghttp2_option_set_no_closed_streams(options, 1)
    unsafe nghttp2_option_set_builtin_recv_extension_type(options, UInt8(NGHTTP2_PRIORITY_UPDATE.rawValue))
    // SAFETY: the context is not retained. The endpoint owns the session, so it outlives every call.
    let context = unsafe Unmanaged.passUnretained(endpoint).toOpaque()
    guard unsafe nghttp2_session_server_new2(&session, callbacks, context, options) == 0 else {
        // Out of memory; so says the library, and nothing else.
        preconditionFailure("no memory for an HTTP/2 session")
    }
    return unsafe session
}

private func endpoint(_ context: UnsafeMutableRawPointer?) -> HTTP2Endpoint {
    // SAFETY: the context was made in `makeSession` of an endpoint that outlives the session.
    unsafe Unmanaged<HTTP2Endpoint>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
}

private func beginHeadersCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame?.pointee else { return 0 }
    unsafe endpoint(context).beganBlock(
        on: frame.hd.stream_id, isTrailers: frame.headers.cat == NGHTTP2_HCAT_HEADERS)
    return 0
}

private func headerCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ name: UnsafePointer<UInt8>?,
    _ nameCount: Int, _ value: UnsafePointer<UInt8>?, _ valueCount: Int, _ flags: UInt8,
    _ context: UnsafeMutableRawPointer?
) -> CInt {
    // SAFETY: the library's bytes, which die with this call; what is kept is copied.
    let nameSpan = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: name, count: nameCount))
    let valueSpan = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: value, count: valueCount))
    unsafe endpoint(context).receivedField(name: nameSpan, value: valueSpan)
    return 0
}

private func frameReceivedCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame else { return 0 }
    let header = unsafe frame.pointee.hd
    let endpoint = unsafe endpoint(context)
    let flags = FrameHeader.Flags(rawValue: header.flags)
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue:
        endpoint.endedBlock(
            on: header.stream_id, isTrailers: unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_HEADERS,
            endsStream: flags.contains(.endStream))
    case NGHTTP2_DATA.rawValue:
        guard let stream = endpoint.streams[header.stream_id] else { return 0 }
        endpoint.endedData(
            on: stream, count: header.length - Int(unsafe frame.pointee.data.padlen),
            endsStream: flags.contains(.endStream))
    case NGHTTP2_RST_STREAM.rawValue:
        endpoint.streams[header.stream_id]?.wasResetByPeer = true
    case NGHTTP2_SETTINGS.rawValue where !flags.contains(.acknowledgement):
        endpoint.receivedSettings()
    case NGHTTP2_PING.rawValue where flags.contains(.acknowledgement):
        endpoint.tell(.drainAcknowledged)
    case NGHTTP2_GOAWAY.rawValue:
        endpoint.tell(.goAway)
    default:
        break
    }
    return 0
}

private func dataReceivedCallback(
    _ session: OpaquePointer?, _ flags: UInt8, _ stream: Int32, _ data: UnsafePointer<UInt8>?, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> CInt {
    unsafe endpoint(context).received(data, count, on: stream)
    return 0
}

private func invalidFrameCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ code: CInt,
    _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame?.pointee else { return 0 }
    unsafe endpoint(context).refusedFrame(on: frame.hd.stream_id)
    return 0
}

private func streamCloseCallback(
    _ session: OpaquePointer?, _ stream: Int32, _ code: UInt32, _ context: UnsafeMutableRawPointer?
) -> CInt {
    unsafe endpoint(context).streamClosed(stream, code)
    return 0
}

private func frameSentCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame else { return 0 }
    let header = unsafe frame.pointee.hd
    let endpoint = unsafe endpoint(context)
    switch UInt32(header.type) {
    case NGHTTP2_GOAWAY.rawValue:
        let goAway = unsafe frame.pointee.goaway
        // SAFETY: the library's bytes, which die with this call.
        let text = unsafe Span(
            _unsafeElements: UnsafeBufferPointer(start: goAway.opaque_data, count: goAway.opaque_data_len))
        endpoint.sentGoAway(unsafe goAway.error_code, text)
    case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
        guard FrameHeader.Flags(rawValue: header.flags).contains(.endStream) else { return 0 }
        if let stream = endpoint.streams[header.stream_id] { endpoint.sentEnd(on: stream) }
    default:
        break
    }
    return 0
}

private func readCallback(
    _ session: OpaquePointer?, _ id: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ length: Int,
    _ flags: UnsafeMutablePointer<UInt32>?, _ source: UnsafeMutablePointer<nghttp2_data_source>?,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let flags = unsafe flags, let stream = unsafe stream(of: source) else { return 0 }
    return unsafe endpoint(context).nextData(of: stream, atMost: length, &flags.pointee)
}

private func sendDataCallback(
    _ session: OpaquePointer?, _ frame: UnsafeMutablePointer<nghttp2_frame>?, _ header: UnsafePointer<UInt8>?,
    _ length: Int, _ source: UnsafeMutablePointer<nghttp2_data_source>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let header = unsafe header, let stream = unsafe stream(of: source) else { return 0 }
    // SAFETY: the frame's nine bytes, the library's until this call returns. Frames of ours are not padded.
    let span = unsafe Span(_unsafeStart: header, count: FrameHeader.size)
    unsafe endpoint(context).sendData(of: stream, header: span, count: length)
    return 0
}

private func stream(of source: UnsafeMutablePointer<nghttp2_data_source>?) -> HTTP2Stream? {
    guard let pointer = unsafe source?.pointee.ptr else { return nil }
    // SAFETY: set in `submitResponse`; the stream is retained until the library has closed it, and asks no more then.
    return unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
}
