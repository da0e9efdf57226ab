/// `limits:`
extension ConfigurationSchema {
    static let limits = Section<LimitsDraft>(noting: LimitsDraft.init, keys: Self.costs + Self.floods)

    /// What a connection, a request and all of them together may take.
    private static let costs: [Key<LimitsDraft>] = [
        Key(
            "response_buffer", \.settings.responseBuffer, .size(.kibibytes(64)...(.gibibytes(1))),
            default: "64KiB",
            "Answer bytes that may wait on one HTTP/2 stream; beyond that its function is not read from."),
        Key(
            "connection_buffer", \.settings.connectionBuffer, .size(.kibibytes(64)...(.gibibytes(1))),
            default: "1MiB",
            "Answer bytes that may wait on one HTTP/2 connection; beyond that 4 KiB at a time, and of TLS a record, are taken for each stream."
        ),
        Key(
            "header_bytes", \.settings.headerBytes, .size(ByteCount(512)...(.mebibytes(1))), default: "32KiB",
            "All header lines of a request together; more are answered with 431."),
        Key(
            "header_count", \.settings.headerCount, .integer(1...10_000), default: "100",
            "How many header lines a request may have; more are answered with 431."),
        Key(
            "request_line", \.settings.requestLine, .size(ByteCount(128)...(.mebibytes(1))), default: "8KiB",
            "The first line of a request; a longer one is answered with 414."),
        Key(
            "tls_handshake", \.settings.tlsHandshake, .duration(), default: "10s",
            "How long a TLS handshake may take."),
        Key(
            "tls_handshakes", \.settings.tlsHandshakes, .integer(1...10_000_000), default: "1000",
            "How many TLS handshakes may be under way; the oldest gives way to one more."),
        Key(
            "request_head", \.settings.requestHead, .duration(), default: "10s",
            "When the whole head of a request must be there: 408 for later ones. Connections without a byte just close."
        ),
        Key(
            "request_body_stall", \.settings.requestBodyStall, .duration(), default: "30s",
            "How long a request body may make no progress."),
        Key(
            "request_body_rate", \.settings.requestBodyRate, .size(ByteCount(0)...(.gibibytes(1))),
            default: "500", "How many bytes of a request body must come each second."),
        Key(
            "client_stall", \.settings.clientStall, .duration(), default: "60s",
            "How long a client may take no byte of an answer."),
        Key(
            "idle_http1", \.settings.idleHTTP1, .duration(), default: "60s",
            "How long an HTTP/1.1 connection may wait for its next request."),
        Key(
            "requests_per_connection", \.settings.requestsPerConnection, .integer(1...1_000_000_000),
            default: "10000", "How many requests a connection may bring before it is closed."),
        Key(
            "connections", \.settings.connections, .integer(1...10_000_000),
            default: "half of the descriptor limit", "How many clients may be connected."),
        Key(
            "connections_per_address", \.settings.connectionsPerAddress, .integer(1...10_000_000),
            default: "1000", "How many of them may come from one address."),
        Key(
            "request_bodies", \.settings.requestBodies, .size(.kibibytes(64)...(.gibibytes(1024))),
            default: "256MiB", "Request bodies in memory, all together; then requests are answered with 503."),
        Key(
            "max_memory", \.settings.maxMemory, .size(.mebibytes(32)...(.gibibytes(65_536))),
            default: "what the machine or the control group allows",
            "What resident memory is held against, see `memory_tight` and `memory_full`."),
        Key(
            "memory_tight", \.settings.memoryTight, .integer(1...100), default: "95",
            "From how many percent of `max_memory` on connections are closed after their answers."),
        Key(
            "memory_full", \.settings.memoryFull, .integer(1...100), default: "98",
            "From how many percent of `max_memory` on requests are answered with 503."),
        Key(
            "http2_streams", \.settings.http2Streams, .integer(1...10_000), default: "100",
            "Streams that an HTTP/2 connection may have open; more are refused with REFUSED_STREAM."),
        Key(
            "http2_frame_size", \.settings.http2FrameSize, .size(.kibibytes(16)...ByteCount(16_777_215)),
            default: "16KiB",
            "The largest frame that an HTTP/2 client may send."),
        Key(
            "http2_stream_window", \.settings.http2StreamWindow,
            .size(ByteCount(1024)...ByteCount(2_147_483_647)), default: "64KiB",
            "The HTTP/2 flow-control window of a stream: bytes of a request body that may be on their way."),
        Key(
            "http2_connection_window", \.settings.http2ConnectionWindow,
            .size(ByteCount(65_535)...ByteCount(2_147_483_647)), default: "1MiB",
            "The HTTP/2 flow-control window of a connection."),
        Key(
            "invocations_per_connection", \.settings.invocationsPerConnection, .integer(1...1_000_000),
            default: "100",
            "Unfinished invocations that an HTTP/2 connection may have; one whose client reset it counts a while longer."
        ),
        Key(
            "reset_invocation", \.settings.resetInvocation, .duration(), default: "10s",
            "How long an invocation that its client has reset counts among those of the connection."),
        Key(
            "idle_http2", \.settings.idleHTTP2, .duration(), default: "300s",
            "How long an HTTP/2 connection may be without a stream."),
    ]

    /// How many frames of a kind an HTTP/2 client may send. One more ends its connection with ENHANCE_YOUR_CALM.
    private static let floods: [Key<LimitsDraft>] = [
        Key(
            "http2_resets", \.settings.http2Resets, .integer(1...1_000_000), default: "100",
            "HTTP/2 streams that a client may reset, or make us reset, at once; one more ends the connection."),
        Key(
            "http2_reset_rate", \.settings.http2ResetRate, .integer(0...1_000_000), default: "33",
            "How many more each second."),
        Key(
            "http2_continuations", \.settings.http2Continuations, .integer(0...1000), default: "8",
            "CONTINUATION frames that may follow one HEADERS frame."),
        Key(
            "http2_empty_frames", \.settings.http2EmptyFrames, .integer(0...1_000_000), default: "10",
            "HEADERS, CONTINUATION and DATA frames in a row that may hold nothing."),
        Key(
            "http2_pings", \.settings.http2Pings, .integer(1...1_000_000), default: "100",
            "PING frames that an HTTP/2 client may send at once."),
        Key(
            "http2_ping_rate", \.settings.http2PingRate, .integer(0...1_000_000), default: "10",
            "How many more each second."),
        Key(
            "http2_settings", \.settings.http2Settings, .integer(1...1_000_000), default: "32",
            "SETTINGS frames that an HTTP/2 client may send at once."),
        Key(
            "http2_settings_rate", \.settings.http2SettingsRate, .integer(0...1_000_000), default: "10",
            "How many more each second."),
        Key(
            "http2_priorities", \.settings.http2Priorities, .integer(0...1_000_000), default: "100",
            "PRIORITY and PRIORITY_UPDATE frames that an HTTP/2 client may send for each stream, and as many more."),
        Key(
            "http2_window_updates", \.settings.http2WindowUpdates, .integer(1...1_000_000), default: "10",
            "WINDOW_UPDATE frames: 5, and twice the streams, and twice so many for each DATA frame that was sent."),
        Key(
            "http2_unknown_frames", \.settings.http2UnknownFrames, .integer(1...1_000_000), default: "100",
            "GOAWAY frames and frames of unknown types that an HTTP/2 client may send at once."),
        Key(
            "http2_unknown_frame_rate", \.settings.http2UnknownFrameRate, .integer(0...1_000_000), default: "10",
            "How many more each second."),
        Key(
            "http2_waiting_frames", \.settings.http2WaitingFrames, .integer(10...1_000_000), default: "1000",
            "Frames besides DATA that may wait for an HTTP/2 client to take them."),
    ]
}
