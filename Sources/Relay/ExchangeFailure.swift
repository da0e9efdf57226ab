internal import AWS
package import Lambda

/// Everything that can end an exchange before its answer is complete, but for the client's leaving.
package enum ExchangeFailure: Error, Equatable, Sendable {
    /// No connection to the endpoint came about: no byte of the request was written.
    case unreachable(String)
    /// Connecting, TLS and HTTP/2 included, took longer than `timeouts.connect`: no byte of the request was written.
    case connectTimedOut
    /// No credentials to sign with; the text says what to do.
    case noCredentials(String)
    /// The keys to sign with did not come within `timeouts.first_byte`; the text says from where.
    case credentialsTimedOut(source: String)
    /// The pooled connection had been closed before it was taken: no byte of the request was written.
    case staleConnection
    /// The endpoint has told that it did not begin with the request.
    case unprocessed(Unprocessed)
    /// The connection was lost after bytes of the request were written.
    case connectionLost(String)
    /// The endpoint's HTTP answer was malformed.
    case badUpstreamAnswer(String)
    /// What the answer of the Lambda API said or was.
    case invocation(InvocationFailure)
    case firstByteTimedOut
    case idleTimedOut
    case totalTimedOut
    /// The client took no byte of its answer for too long.
    case clientStalled
    /// The event that the request makes is larger than Lambda takes.
    case eventTooLarge(limit: Int)
    /// The function has as many calls as it may, and no place has become free in time.
    case busy
    /// The function has failed again and again, and is not called for a while.
    case circuitOpen(retryAfter: Duration)
    /// An HTTP upstream answered so: it asks for fewer requests, and another function stands in for it, or there is
    /// nobody behind it.
    case refusedByUpstream(status: Int)
    /// The gateway stops, and the time for draining is over.
    case shutDown
}

extension ExchangeFailure {
    /// Why an HTTP/2 endpoint did not begin with a request.
    package enum Unprocessed: Equatable, Sendable {
        /// It ends the connection, and takes no streams behind the last one that it names (RFC 9113 §6.8).
        case goingAway
        /// It refused the stream (RFC 9113 §8.7).
        case refused
        /// It wants the request as HTTP/1.1 has it (HTTP_1_1_REQUIRED, RFC 9113 §7).
        case needsHTTP1
    }

    /// Why Lambda throttled the call, as metrics name it; `nil` where it did not.
    package var throttleReason: String? {
        guard case .invocation(.service(let error)) = self else { return nil }
        return error.throttleName
    }
}

/// What a failure becomes for the client, in one place; docs/invoking.md has it as a table.
extension ExchangeFailure {
    /// The status, where no byte of an answer has been sent yet.
    package var status: Int {
        switch self {
        case .unreachable, .staleConnection, .unprocessed, .connectionLost, .badUpstreamAnswer, .noCredentials: 502
        case .connectTimedOut, .credentialsTimedOut, .firstByteTimedOut, .idleTimedOut, .totalTimedOut: 504
        case .invocation(let failure): failure.status
        case .clientStalled: 408
        case .eventTooLarge: 413
        case .refusedByUpstream(let status): status
        case .busy, .circuitOpen, .shutDown: 503
        }
    }

    /// Whether the function can not have run, so that calling again repeats nothing.
    package var isRetryable: Bool {
        switch self {
        case .unreachable, .connectTimedOut, .staleConnection, .unprocessed: true
        case .invocation(let failure): failure.isRetryable
        case .noCredentials, .credentialsTimedOut, .connectionLost, .badUpstreamAnswer: false
        case .firstByteTimedOut, .idleTimedOut, .totalTimedOut, .clientStalled, .eventTooLarge, .shutDown: false
        case .busy, .circuitOpen, .refusedByUpstream: false
        }
    }

    /// Whether another function may be called in place of the one that failed so: it was refused or throttled, could
    /// not be reached, or did not begin to answer in time. In the last case it may have run, and may still do so.
    package var allowsFallback: Bool {
        switch self {
        case .unreachable, .connectTimedOut, .noCredentials, .credentialsTimedOut, .staleConnection: true
        case .firstByteTimedOut, .unprocessed: true
        case .busy, .circuitOpen, .refusedByUpstream: true
        // What is wrong with the request is so for any function.
        case .invocation(.service(let error)): !error.isAboutRequest
        case .invocation: false
        case .connectionLost, .badUpstreamAnswer, .idleTimedOut, .totalTimedOut, .clientStalled, .eventTooLarge: false
        case .shutDown: false
        }
    }

    /// Whether it counts as a failure of the function, for its circuit breaker. A throttle does not: it says that the
    /// function is well, and busy.
    package var isFunctionFailure: Bool {
        switch self {
        case .unreachable, .connectTimedOut, .connectionLost, .badUpstreamAnswer, .firstByteTimedOut, .idleTimedOut:
            true
        case .invocation(.service(let error)): !error.isThrottle && !error.isAboutRequest
        case .invocation: true
        case .staleConnection, .unprocessed, .noCredentials, .credentialsTimedOut, .totalTimedOut: false
        // What a server's own gateways say when there is nobody behind them, or nobody who answers in time. 500 is an
        // answer of the application, perhaps to this request alone.
        case .refusedByUpstream(let status): [502, 503, 504].contains(status)
        case .clientStalled, .eventTooLarge, .shutDown, .busy, .circuitOpen: false
        }
    }

    /// Whether the function was about to start, so that it takes seconds until another call is of use.
    package var isStartingUp: Bool {
        guard case .invocation(.service(let error)) = self else { return false }
        return error.isStartingUp
    }

    /// Whether another call costs nobody anything: what failed was a connection that had been closed before, that ends
    /// in good order, or that is of the wrong protocol. An endpoint that refuses streams has too much to do.
    package var costsNothing: Bool { self.mostFreeTries > 0 }

    /// How many calls of a request may have failed, so or in other ways that do not count, for this one not to count
    /// among its tries. Connections end together where a server is replaced; one that ends each of them is no server.
    package var mostFreeTries: Int {
        switch self {
        case .staleConnection: 1
        case .unprocessed(.goingAway), .unprocessed(.needsHTTP1): 3
        default: 0
        }
    }

    /// How the metrics name the reason to send a request again.
    package var resendName: String {
        switch self {
        case .staleConnection: "stale_connection"
        case .unprocessed(.goingAway): "goaway"
        case .unprocessed(.refused): "refused_stream"
        case .unprocessed(.needsHTTP1): "http1_required"
        case .unreachable: "unreachable"
        case .connectTimedOut: "connect_timeout"
        default: "throttled"
        }
    }

    /// How the access log and the metrics name the end.
    package var endName: String {
        switch self {
        case .unreachable, .staleConnection, .unprocessed: "unreachable"
        case .connectTimedOut: "connect_timeout"
        case .noCredentials, .credentialsTimedOut: "no_credentials"
        case .connectionLost, .badUpstreamAnswer: "upstream_lost"
        case .invocation(let failure): failure.endName
        case .firstByteTimedOut: "first_byte_timeout"
        case .idleTimedOut: "idle_timeout"
        case .totalTimedOut: "total_timeout"
        case .clientStalled: "client_stalled"
        case .eventTooLarge: "request_too_large"
        case .busy: "busy"
        case .circuitOpen: "circuit_open"
        case .refusedByUpstream: "refused"
        case .shutDown: "cut"
        }
    }

    /// Whether the cause lies with the gateway or its configuration, so that an operator has to act.
    package var isOurs: Bool {
        switch self {
        case .noCredentials, .credentialsTimedOut, .unreachable, .badUpstreamAnswer: true
        case .connectTimedOut, .staleConnection, .connectionLost, .invocation, .firstByteTimedOut, .idleTimedOut: false
        case .unprocessed: false
        case .totalTimedOut, .clientStalled, .eventTooLarge, .shutDown: false
        case .busy, .circuitOpen, .refusedByUpstream: false
        }
    }

    /// How long a throttled client is asked to wait, in seconds; `nil` where the status asks for none.
    package var retryAfterSeconds: Int? {
        switch self {
        case .invocation(let failure): failure.isThrottle ? failure.retryAfterSeconds : nil
        case .shutDown, .busy, .refusedByUpstream: 1
        case .circuitOpen(let duration): Int(max(1, duration.components.seconds + 1))
        default: nil
        }
    }
}
