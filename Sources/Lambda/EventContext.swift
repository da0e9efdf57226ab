package import Bytes

/// What an event says about a request that the request's own head does not say.
package struct EventContext: Sendable {
    /// What all requests of the client's connection have in common.
    package var connection: EventConnection
    /// The address of the client.
    package var sourceAddress: String
    /// `https` or `http`, as the client sees it.
    package var scheme: StaticString
    /// The port that the client called.
    package var port: UInt16
    /// When the request came.
    package var time: EventTime
    /// The value of `X-Amzn-Trace-Id`; empty for none.
    package var traceID: ShortText
    /// The path as the function is to see it, where a route takes a prefix away; else the one of the request.
    package var path: String?
    /// The route that the request took, for the events that name it.
    package var route: EventRoute?
    /// The token that the client sent, verified.
    package var authorizer: EventAuthorizer?

    /// The request's id: `requestContext.requestId`, and the `x-request-id` of the answer.
    package var requestID: ShortText
}

extension EventContext {
    /// A context of a request; what is left out is as for a client that came directly and without TLS.
    package init(
        requestID: ShortText, connection: EventConnection, sourceAddress: String, scheme: StaticString, port: UInt16,
        time: EventTime, traceID: ShortText = ShortText(), path: String? = nil, authorizer: EventAuthorizer? = nil,
        route: EventRoute? = nil
    ) {
        // PERF: the memberwise initialiser moves its arguments into place; one that is written out builds the value in
        // memory and copies it, with a retain and a release for each of its texts.
        self.init(
            connection: connection, sourceAddress: sourceAddress, scheme: scheme, port: port, time: time,
            traceID: traceID, path: path, route: route, authorizer: authorizer,
            requestID: requestID)
    }
}
