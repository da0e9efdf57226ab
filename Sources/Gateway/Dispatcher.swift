internal import Bytes
internal import HTTP
internal import Lambda
internal import Reactor
internal import Relay
internal import Routing
internal import TLS
internal import Time
internal import Tokens

/// What a request's head leads to.
enum Dispatch {
    /// A function is to be called once the request is whole.
    case exchange(Exchange)
    /// The gateway answers by itself, now, and has logged it.
    case answered(OwnAnswer)
}

/// Finds the route of a request, and makes of it an exchange or an answer.
extension LoopContext {
    func dispatch(
        _ head: consuming RequestHead, on stream: any ClientStream, from client: ClientConnection, record: RequestRecord
    ) -> Dispatch {
        let snapshot = self.snapshot
        if self.memory.level == .full {
            // The episode as a whole is in the log.
            self.metrics.countLimit("max_memory")
            return self.answer(
                .problem(
                    status: 503, detail: "The gateway has no memory for another request now.",
                    requestID: record.requestID, fields: ["retry-after": "1"]), to: record, end: "overload")
        }
        let requester = Requester(client, head.fields)
        if let address = requester.address { record.client = address }
        record.tlsVersion = client.tlsVersion
        if let answer = Self.answer(to: head, from: client, requester, requestID: record.requestID) {
            return self.answer(
                answer, to: record, end: answer.head.status == 421 ? "misdirected" : "redirected")
        }
        if head.method == .options, head.target.path == "*" {
            return self.answer(.ofServer, to: record, end: "complete")
        }
        switch snapshot.match(head) {
        case .notFound:
            return self.answer(
                .problem(status: 404, detail: "No route takes this host and path.", requestID: record.requestID),
                to: record, end: "no_route")
        case .methodNotAllowed(let allow):
            return self.answer(
                .problem(
                    status: 405, detail: "The route does not take this method.", requestID: record.requestID,
                    fields: ["allow": allow]), to: record, end: "wrong_method")
        case .route(let match):
            let runtime = snapshot.routes[match.route]
            record.route = match.name
            var token: VerifiedToken?
            if let authorization = runtime.authorization {
                do throws(TokenRefusal) {
                    token = try self.authorize(head.fields, by: authorization, record: record)
                } catch {
                    return self.answer(error.answer, to: record, end: error.end)
                }
            }
            if let function = runtime.function(for: head.fields, random: { self.randomNumber() }) {
                return self.call(
                    function, head, route: runtime, match: match, token: token, on: stream, from: client, requester,
                    record: record)
            }
            let route = runtime.route
            switch route.action {
            case .function, .functions:
                preconditionFailure("a route to a function has its runtime")
            case .redirect(let redirect):
                return self.answer(
                    Self.answer(redirect, to: head, match: match, route: route), to: record, end: "complete")
            case .respond(let response):
                var answer = OwnAnswer(head: response.head, body: response.body)
                route.responseHeaderEdits.apply(to: &answer.head.fields)
                return self.answer(answer, to: record, end: "complete")
            }
        }
    }

    /// What is answered before routes are asked: a request that belongs to another connection, or to https.
    private static func answer(
        to head: borrowing RequestHead, from client: ClientConnection, _ requester: borrowing Requester,
        requestID: ShortText
    ) -> OwnAnswer? {
        if let tls = client.tls, let host = head.authority?.host, tls.isMisdirected(host: host) {
            // RFC 9110 §15.5.20: the client may try again on another connection.
            return .problem(
                status: 421, detail: "This connection was opened for another host.", requestID: requestID)
        }
        guard client.listener.redirectsToHTTPS, !requester.isSecure else { return nil }
        guard let host = head.authority?.host else {
            return .problem(status: 400, detail: "The request names no host.", requestID: requestID)
        }
        let query = head.target.query.isEmpty ? "" : "?\(head.target.query)"
        // 308 keeps the method and the body (RFC 9110 §15.4.9).
        var answer = OwnAnswer(head: ResponseHead(status: 308))
        let path = head.target.path == "*" ? "/" : head.target.path
        answer.head.fields.append("location", "https://\(host)\(path)\(query)")
        return answer
    }

    private func answer(_ answer: OwnAnswer, to record: RequestRecord, end: String) -> Dispatch {
        var answer = answer
        if !answer.head.fields.contains("x-request-id") { record.appendRequestID(to: &answer.head.fields) }
        record.finished(status: answer.head.status, end: end, at: self.loop.now)
        record.count(answer)
        self.log(record)
        return .answered(answer)
    }

    private static func answer(
        _ redirect: Redirect, to head: RequestHead, match: MatchedRoute, route: Route
    ) -> OwnAnswer {
        var answer = OwnAnswer(head: ResponseHead(status: redirect.status))
        answer.head.fields.append(
            "location",
            redirect.location(
                rest: match.rest(of: head.target.routingPath), parameters: match.parameters, query: head.target.query))
        route.responseHeaderEdits.apply(to: &answer.head.fields)
        return answer
    }

    private func call(
        _ function: FunctionRuntime, _ head: consuming RequestHead, route: RouteRuntime, match: MatchedRoute,
        token: VerifiedToken?, on stream: any ClientStream, from client: ClientConnection,
        _ requester: borrowing Requester, record: RequestRecord
    ) -> Dispatch {
        record.function = function.name
        if case .known(let count) = head.bodyLength, count > function.maximumBody {
            self.noteLimit("max_request_body", of: client)
            return self.answer(
                function.tooLarge(.body(limit: function.maximumBody), requestID: record.requestID), to: record,
                end: "request_too_large")
        }
        head.fields.removeUnforwardable()
        // Nobody vouches for it: a function must not believe it. X-Forwarded-For and its like are written anew.
        if !client.isTrustedProxy, head.fields.contains("forwarded") { head.fields.remove("forwarded") }
        if !route.leavesRequestsAlone { route.route.requestHeaderEdits.apply(to: &head.fields) }
        let facts =
            function.takesFacts
            ? self.facts(for: function, head, route: route, match: match, from: client, token) : CallFacts()
        guard !function.takesTenants || facts.tenantID != nil else {
            return self.answer(Self.noTenant(requestID: record.requestID), to: record, end: "no_tenant")
        }
        let standIns =
            function.fallback == nil
            ? [] : self.factsOfStandIns(for: function, head, route: route, match: match, from: client, token)
        let traceID = self.traceID(of: head.fields, at: record.wall)
        record.traceID = traceID
        let request = GatheredRequest(
            head: head,
            context: EventContext(
                requestID: record.requestID, connection: client.facts, sourceAddress: record.client,
                scheme: requester.isSecure ? "https" : "http", port: requester.port,
                time: self.eventTime(at: record.wall), traceID: traceID,
                path: route.route.stripPrefix?.stripped(from: head.target.path),
                authorizer: route.eventAuthorizer(token), route: facts.route),
            tenantID: facts.tenantID, standIns: standIns)
        guard function.isForwarding || request.canFit(function.event) else {
            self.noteLimit("max_request_body", of: client)
            return self.answer(
                function.tooLarge(.event(limit: EventFormat.sizeLimit), requestID: record.requestID), to: record,
                end: "request_too_large")
        }
        guard function.hasPlace else {
            return self.answer(function.busy(requestID: record.requestID), to: record, end: "busy")
        }
        return .exchange(
            Exchange(
                request, on: stream, context: self, function: function, route: route, record: record))
    }

    /// 400: the function is one of tenants, and this request has none.
    static func noTenant(requestID: ShortText) -> OwnAnswer {
        .problem(
            status: 400, detail: "The request names no tenant that the function could be called for.",
            requestID: requestID)
    }

    /// The trace that the client's request belongs to, where it names one as X-Ray writes it; else a new one. It is the
    /// one value of a client that becomes a field of the call to Lambda.
    private func traceID(of fields: borrowing Fields, at time: WallTime) -> ShortText {
        guard let index = fields.firstIndex(of: "x-amzn-trace-id"), TraceID.isValid(fields.value(at: index)) else {
            return self.newTraceID(at: time)
        }
        return ShortText(fields.value(at: index))
    }
}
