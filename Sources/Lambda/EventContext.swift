package import Bytes
package import Time

/// What an event says about a request that the request's own head does not say.
package struct EventContext: Sendable {
    /// The address of the client.
    package var sourceAddress: String
    /// The address of the connection's other end; differs from the client's behind a trusted proxy.
    package var peerAddress: String
    /// Whether the `X-Forwarded-For` that came is kept, with the peer's address behind it. For trusted proxies only.
    package var keepsForwardedFor: Bool
    /// `https` or `http`, as the client sees it.
    package var scheme: StaticString
    /// The port that the client called.
    package var port: UInt16
    /// The host for requests that name none (HTTP/1.0).
    package var defaultHost: String
    /// When the request came.
    package var time: WallTime
    /// The value of `X-Amzn-Trace-Id`; empty for none.
    package var traceID: ShortText
    /// The path as the function is to see it, where a route takes a prefix away; else the one of the request.
    package var path: String?
    /// Version and cipher suite of the client's TLS connection, as OpenSSL names them.
    package var tls: TLS?
    /// The route that the request took, for the events that name it.
    package var route: EventRoute?
    /// The certificate that the client showed, verified.
    package var clientCertificate: EventClientCertificate?
    /// The token that the client sent, verified.
    package var authorizer: EventAuthorizer?
    /// The Host that an HTTP upstream is to see, where a route sets it; else the upstream's own.
    package var upstreamHost: String?

    /// The request's id: `requestContext.requestId`, and the `x-request-id` of the answer.
    package var requestID: ShortText

    /// The names that describe a TLS connection.
    package struct TLS: Sendable, Equatable {
        /// Such as `TLSv1.3`.
        package var version: String
        /// Such as `TLS_AES_128_GCM_SHA256`.
        package var cipherSuite: String

        package init(version: String, cipherSuite: String) {
            self.version = version
            self.cipherSuite = cipherSuite
        }
    }
}

extension EventContext {
    /// A context of a request; what is left out is as for a client that came directly and without TLS.
    package init(
        requestID: ShortText, sourceAddress: String, peerAddress: String? = nil, keepsForwardedFor: Bool = false,
        scheme: StaticString, port: UInt16, defaultHost: String = "", time: WallTime, traceID: ShortText = ShortText(),
        path: String? = nil, tls: TLS? = nil, clientCertificate: EventClientCertificate? = nil,
        authorizer: EventAuthorizer? = nil, route: EventRoute? = nil,
        upstreamHost: String? = nil
    ) {
        // PERF: the memberwise initialiser moves its arguments into place; one that is written out builds the value in
        // memory and copies it, with a retain and a release for each of its texts.
        self.init(
            sourceAddress: sourceAddress, peerAddress: peerAddress ?? sourceAddress,
            keepsForwardedFor: keepsForwardedFor, scheme: scheme, port: port, defaultHost: defaultHost, time: time,
            traceID: traceID, path: path, tls: tls, route: route, clientCertificate: clientCertificate,
            authorizer: authorizer, upstreamHost: upstreamHost, requestID: requestID)
    }
}
