private import CNGHTTP2

// The library's side: each callback recovers the endpoint, forwards, and answers that all is well.

/// A session of the library whose callbacks come to an endpoint.
func makeSession(for endpoint: HTTP2Endpoint, _ role: EndpointSettings.Role) -> OpaquePointer? {
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
    unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, frameNotSentCallback)
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks, sendDataCallback)
    // What a message may look like is ours to say: the library lets some wrong fields pass in silence.
    unsafe nghttp2_option_set_no_http_messaging(options, 1)
    // The preface is ours too, as it tells the protocol of a plain connection.
    unsafe nghttp2_option_set_no_recv_client_magic(options, 1)
    unsafe nghttp2_option_set_no_auto_window_update(options, 1)
    unsafe nghttp2_option_set_no_closed_streams(options, 1)
    // Twice what a function's answer may have, for what is configured to be added. The library's own limit is just
    // that.
    unsafe nghttp2_option_set_max_send_header_block_length(options, 128 * 1024)
    unsafe nghttp2_option_set_builtin_recv_extension_type(options, UInt8(NGHTTP2_PRIORITY_UPDATE.rawValue))
    // SAFETY: the context is not retained. The endpoint owns the session, so it outlives every call.
    let context = unsafe Unmanaged.passUnretained(endpoint).toOpaque()
    let result =
        switch role {
        case .server: unsafe nghttp2_session_server_new2(&session, callbacks, context, options)
        case .client: unsafe nghttp2_session_client_new2(&session, callbacks, context, options)
        }
    guard result == 0 else {
        // Out of memory; so says the library, and nothing else.
        preconditionFailure("no memory for an HTTP/2 session")
    }
    return unsafe session
}

/// The endpoint that a session's callbacks are given.
func endpoint(of context: UnsafeMutableRawPointer?) -> HTTP2Endpoint {
    // SAFETY: the context was made in `makeSession` of an endpoint that outlives the session.
    unsafe Unmanaged<HTTP2Endpoint>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
}

private func beginHeadersCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame?.pointee else { return 0 }
    unsafe endpoint(of: context).beganBlock(
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
    unsafe endpoint(of: context).receivedField(name: nameSpan, value: valueSpan)
    return 0
}

private func frameReceivedCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame else { return 0 }
    let header = unsafe frame.pointee.hd
    let endpoint = unsafe endpoint(of: context)
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
        let goAway = unsafe frame.pointee.goaway
        unsafe endpoint.receivedGoAway(last: goAway.last_stream_id, HTTP2ErrorCode(rawValue: goAway.error_code))
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
    unsafe endpoint(of: context).received(data, count, on: stream)
    return 0
}

private func invalidFrameCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ code: CInt,
    _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame?.pointee else { return 0 }
    unsafe endpoint(of: context).refusedFrame(on: frame.hd.stream_id)
    return 0
}

private func streamCloseCallback(
    _ session: OpaquePointer?, _ stream: Int32, _ code: UInt32, _ context: UnsafeMutableRawPointer?
) -> CInt {
    unsafe endpoint(of: context).streamClosed(stream, code)
    return 0
}

private func frameSentCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let frame = unsafe frame else { return 0 }
    let header = unsafe frame.pointee.hd
    let endpoint = unsafe endpoint(of: context)
    switch UInt32(header.type) {
    case NGHTTP2_GOAWAY.rawValue:
        let goAway = unsafe frame.pointee.goaway
        // SAFETY: the library's bytes, which die with this call.
        let text = unsafe Span(
            _unsafeElements: UnsafeBufferPointer(start: goAway.opaque_data, count: goAway.opaque_data_len))
        endpoint.sentGoAway(unsafe goAway.error_code, text)
    case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
        if UInt32(header.type) == NGHTTP2_HEADERS.rawValue { endpoint.sentHead(on: header.stream_id) }
        guard FrameHeader.Flags(rawValue: header.flags).contains(.endStream) else { return 0 }
        guard let stream = endpoint.streams[header.stream_id] else { return 0 }
        stream.hasSentEnd = true
        endpoint.sentEnd(on: stream)
    default:
        break
    }
    return 0
}

private func frameNotSentCallback(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ code: CInt,
    _ context: UnsafeMutableRawPointer?
) -> CInt {
    // Neither role sends HEADERS frames but for heads.
    guard let header = unsafe frame?.pointee.hd, UInt32(header.type) == NGHTTP2_HEADERS.rawValue else { return 0 }
    unsafe endpoint(of: context).notSent(header.stream_id)
    return 0
}

private func sendDataCallback(
    _ session: OpaquePointer?, _ frame: UnsafeMutablePointer<nghttp2_frame>?, _ header: UnsafePointer<UInt8>?,
    _ length: Int, _ source: UnsafeMutablePointer<nghttp2_data_source>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let header = unsafe header, let stream = unsafe stream(at: source?.pointee.ptr) else { return 0 }
    // SAFETY: the frame's nine bytes, the library's until this call returns. Frames of ours are not padded.
    let span = unsafe Span(_unsafeStart: header, count: FrameHeader.size)
    unsafe endpoint(of: context).sendData(of: stream, header: span, count: length)
    return 0
}

/// The stream that a data source points at.
func stream(at pointer: UnsafeMutableRawPointer?) -> HTTP2Stream? {
    guard let pointer = unsafe pointer else { return nil }
    // SAFETY: set in `submitResponse` and `submitRequest`; the stream is retained until the library has closed it, and
    // asks no more then.
    return unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
}
