package import Bytes
private import CNGHTTP2

/// Frames out.
extension HTTP2Endpoint {
    /// Puts frames together at the end of `output`, until it holds about `limit` bytes or there are no more. Afterwards
    /// there may be events.
    package final func fill(_ output: inout ByteBuffer, atMost limit: Int) {
        swap(&output, &self.frames)
        self.frameLimit = limit
        self.isPortionFull = false
        repeat { self.appendFrames() } while self.endWithoutWindow()
        if self.isBroken { self.appendLastGoAway() }
        swap(&output, &self.frames)
        self.settleTouched()
    }

    private func appendFrames() {
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
    }

    /// Has bodies of which only the end is left ended or broken off, where a window is used up: the library would not
    /// ask what comes next until the peer has given leave for bytes that never come. An empty DATA frame needs none
    /// (RFC 9113 §6.9.1); an empty trailer section, which says the same (§8.1), is one that the library does not hold
    /// back. Answers whether there are more frames for it.
    private func endWithoutWindow() -> Bool {
        // What waits for its turn may find a window yet, and heads go before ends.
        if self.isPortionFull || self.isBroken { return false }
        var hasMore = false
        for stream in self.touched where stream.hasOnlyItsEndToSend && stream.hasBegun && !self.hasWindow(for: stream) {
            hasMore = true
            if case .truncated = stream.outcome {
                self.reset(stream, .internalError)
            } else {
                stream.hasSentEnd = true
                _ = unsafe nghttp2_submit_trailer(self.session, stream.id.rawValue, nil, 0)
            }
        }
        return hasMore
    }

    private func append(frame: Span<UInt8>) {
        guard let streams = self.announcedStreams else {
            self.frames.append(frame)
            return
        }
        // The library would take a stream too many for an error of the connection. RFC 9113 §5.1.2 leaves the choice,
        // and ours is REFUSED_STREAM, so the library does not know the limit: it is added to the first frame, the
        // SETTINGS.
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

    final func sentGoAway(_ code: UInt32, _ text: Span<UInt8>) {
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
        self.spare.lend(to: &stream.waiting)
        stream.wait(bytes)
        self.waitingCount += bytes.count
        self.resume(stream)
    }

    /// The same, without a copy where nothing waits.
    package final func send(_ bytes: consuming ByteBuffer, on stream: HTTP2Stream) {
        guard stream.waiting.isEmpty, !stream.isGone, case .open = stream.outcome, !bytes.isEmpty else {
            bytes.withBytes { self.send($0, on: stream) }
            return
        }
        self.waitingCount += bytes.count
        stream.waiting = bytes
        self.resume(stream)
    }

    /// The same, with bytes that are written where they wait.
    package final func send(on stream: HTTP2Stream, _ append: (inout ByteBuffer) -> Void) {
        guard !stream.isGone, case .open = stream.outcome else { return }
        let before = stream.waiting.count
        self.spare.lend(to: &stream.waiting)
        append(&stream.waiting)
        guard stream.waiting.count > before else { return }
        self.waitingCount += stream.waiting.count - before
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

    /// Whether the peer has given leave for bytes of a body.
    package final func hasWindow(for stream: HTTP2Stream) -> Bool {
        unsafe nghttp2_session_get_remote_window_size(self.session) > 0
            && nghttp2_session_get_stream_remote_window_size(self.session, stream.id.rawValue) > 0
    }

    /// Resets a stream; what waits on it is forgotten.
    package final func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        guard !stream.isGone else { return }
        stream.isGone = true
        self.dropWaiting(of: stream)
        _ = unsafe nghttp2_submit_rst_stream(self.session, 0, stream.id.rawValue, code.rawValue)
    }

    final func dropWaiting(of stream: HTTP2Stream) {
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
        self.noteFullness()
        guard !self.touched.isEmpty else { return }
        let allowance = self.isFull ? 0 : self.buffers.stream
        for stream in self.touched {
            stream.isTouched = stream.hasOnlyItsEndToSend
            guard !stream.isGone else { continue }
            if stream.waiting.count > allowance {
                if !stream.isBlocked {
                    stream.isBlocked = true
                    self.tell(.blocked(stream.id))
                } else if stream.hasProgressed {
                    self.tell(.progressed(stream.id))
                }
            } else if stream.waiting.isEmpty {
                if stream.isBlocked {
                    stream.isBlocked = false
                    self.tell(.drained(stream.id))
                }
            } else if stream.hasProgressed, stream.isBlocked || stream.isEnding {
                // Of what only has to leave any more, there may be little, and yet it may leave slowly.
                self.tell(.progressed(stream.id))
            }
            stream.hasProgressed = false
        }
        self.touched.removeAll { !$0.isTouched }
    }

    /// Streams that can not send keep what they have, and are paused each for itself. Those that can must go on beside
    /// them, and bring little at a time, so that all together stay within their bound whatever the windows do.
    private func noteFullness() {
        // Not at each byte more or less.
        let isFull = self.waitingCount > (self.isFull ? self.buffers.connection / 4 * 3 : self.buffers.connection)
        guard isFull != self.isFull else { return }
        self.isFull = isFull
        self.tell(.full(isFull))
    }

    /// How many bytes the next DATA frame of a stream takes. The library asks when it has room in both windows.
    final func nextData(of stream: HTTP2Stream, atMost length: Int, _ flags: inout UInt32) -> Int {
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
        if self.frames.count >= self.frameLimit {
            self.isPortionFull = true
            return Int(NGHTTP2_ERR_PAUSE.rawValue)
        }
        flags |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
        if isLast, case .end = stream.outcome { flags |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        return count
    }

    /// Writes a DATA frame that the library has allowed.
    final func sendData(of stream: HTTP2Stream, header: Span<UInt8>, count: Int) {
        self.frames.append(header)
        self.frames.append(stream.waiting.bytes.extracting(0..<count))
        stream.waiting.consume(count)
        if stream.waiting.isEmpty { self.spare.reclaim(&stream.waiting) }
        self.waitingCount -= count
        self.dataFramesSent += 1
        stream.hasProgressed = true
        if stream.isBlocked || stream.isEnding { self.touch(stream) }
    }

    // Ending.

    /// Tells the peer that the end is near, and asks for an answer (`drainAcknowledged`); what it opens until then is
    /// served (RFC 9113 §6.8).
    package final func announceShutdown() {
        _ = unsafe nghttp2_submit_shutdown_notice(self.session)
        _ = unsafe nghttp2_submit_ping(self.session, 0, nil)
    }

    /// Tells the peer that no stream after those that have come will be served. The connection is finished when the
    /// last of them is.
    package final func goAway() {
        _ = unsafe nghttp2_submit_goaway(
            self.session, 0, nghttp2_session_get_last_proc_stream_id(self.session), NGHTTP2_NO_ERROR.rawValue, nil, 0)
    }

    /// Asks the peer for a sign of life; any byte of it is one.
    package final func ping() {
        _ = unsafe nghttp2_submit_ping(self.session, 0, nil)
    }

    /// Ends the connection for a reason that only the driver can know.
    package final func end(with failure: HTTP2Failure) {
        self.fail(failure)
    }
}

/// What the library is asked for on behalf of a role.
extension HTTP2Endpoint {
    final func submit(_ settings: EndpointSettings) {
        let entries = settings.entries.map { nghttp2_settings_entry(settings_id: $0.id, value: $0.value) }
        _ = unsafe nghttp2_submit_settings(self.session, 0, entries, entries.count)
        _ = unsafe nghttp2_session_set_local_window_size(
            self.session, 0, 0, Int32(clamping: settings.connectionWindow))
    }

    /// Sends the head of an answer; `hasBody` says whether `send` and `end` follow.
    final func submitResponse(on stream: HTTP2Stream, _ fields: borrowing FieldBlock, hasBody: Bool) {
        guard !stream.isGone else { return }
        stream.hasBegun = true
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

    /// Sends the head of a request on a stream whose number is the next one; `hasBody` says whether `send` and `end`
    /// follow. Answers whether the library has taken it.
    final func submitRequest(on stream: HTTP2Stream, _ fields: borrowing FieldBlock, hasBody: Bool) -> Bool {
        var id: Int32 = -1
        unsafe fields.withNameValues { values in
            guard hasBody else {
                id = unsafe nghttp2_submit_request(self.session, nil, values.baseAddress, values.count, nil, nil)
                return
            }
            // SAFETY: the stream is retained in `streams` until the library says that it is closed or not sent.
            let source = unsafe nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque())
            var provider = unsafe nghttp2_data_provider(source: source, read_callback: readCallback)
            id = unsafe nghttp2_submit_request(self.session, nil, values.baseAddress, values.count, &provider, nil)
        }
        return id == stream.id.rawValue
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

/// How many bytes of a body go next.
private func readCallback(
    _ session: OpaquePointer?, _ id: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ length: Int,
    _ flags: UnsafeMutablePointer<UInt32>?, _ source: UnsafeMutablePointer<nghttp2_data_source>?,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let flags = unsafe flags, let stream = unsafe stream(at: source?.pointee.ptr) else { return 0 }
    return unsafe endpoint(of: context).nextData(of: stream, atMost: length, &flags.pointee)
}
