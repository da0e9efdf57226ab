internal import Bytes
internal import HTTP
internal import JSON
internal import Reactor
internal import Time

/// What is to be had, by path.
extension AdminDesk {
    /// Answers a request, at once or when the loops have been asked.
    func answer(_ head: RequestHead, with send: @escaping (OwnAnswer) -> Void) {
        guard head.method == .get || head.method == .head else {
            send(.text("only GET and HEAD are understood here", status: 405, fields: ["allow": "GET, HEAD"]))
            return
        }
        // Who checks whether the gateway lives need not know secrets, and learns none.
        switch head.target.path {
        case "/healthz":
            self.answerHealth(with: send)
            return
        case "/readyz":
            send(self.readiness)
            return
        default: break
        }
        guard self.mayAsk(head) else {
            send(
                .text(
                    "this address needs the token of admin.token: Authorization: Bearer TOKEN", status: 401,
                    fields: ["www-authenticate": "Bearer"]))
            return
        }
        switch head.target.path {
        case "/": send(.text(Self.overview))
        case "/metrics": self.answerMetrics(accept: head.fields.first("accept"), with: send)
        case "/streams": self.answerStreams(with: send)
        case "/config":
            send(OwnAnswer(contentType: "application/json", body: self.sources.configuration()))
        default: send(.text("no such page; there are:\n\(Self.overview)", status: 404))
        }
    }

    private static let overview = """
        /healthz   whether the loops answer
        /readyz    whether requests are wanted, and why not
        /metrics   counters for Prometheus
        /streams   each exchange that is under way
        /config    the configuration in force, without secrets

        """

    /// Compares in a time that does not depend on where the texts differ.
    private func mayAsk(_ head: RequestHead) -> Bool {
        guard let token = self.token else { return true }
        guard let field = head.fields.first("authorization") else { return false }
        let prefix = "bearer "
        guard field.count > prefix.count, field.prefix(prefix.count).lowercased() == prefix else { return false }
        let shown = Array(field.utf8.dropFirst(prefix.utf8.count))
        let expected = Array(token.utf8)
        guard shown.count == expected.count else { return false }
        return zip(shown, expected).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private func answerHealth(with send: @escaping (OwnAnswer) -> Void) {
        self.ask(LoopQuestion()) { answer in
            if answer.silent.isEmpty {
                send(.text("ok\n"))
            } else {
                let names = answer.silent.map(String.init).joined(separator: ", ")
                send(.text("no answer from loop \(names)\n", status: 503))
            }
        }
    }

    private var readiness: OwnAnswer {
        let obstacles = self.sources.obstacles()
        if obstacles.isEmpty { return .text("ready\n") }
        return .text(obstacles.map { "\($0)\n" }.joined(), status: 503, fields: ["retry-after": "5"])
    }

    private func answerMetrics(accept: String?, with send: @escaping (OwnAnswer) -> Void) {
        let process = self.sources.process
        self.ask(LoopQuestion()) { answer in
            let format = MetricsFormat(accept: accept)
            let report = MetricsReport(loops: answer.reports, process: process())
            send(OwnAnswer(contentType: format.contentType, body: format.text(of: report.families)))
        }
    }

    private func answerStreams(with send: @escaping (OwnAnswer) -> Void) {
        self.ask(LoopQuestion(withStreams: true)) { answer in
            var text = ByteBuffer()
            text.append("{\"streams\":[")
            var isFirst = true
            for stream in answer.reports.flatMap(\.streams).sorted(by: { $0.age > $1.age }) {
                text.append(isFirst ? "\n" : ",\n")
                isFirst = false
                text.append(stream)
            }
            text.append("\n]}\n")
            send(OwnAnswer(contentType: "application/json", body: text.array()))
        }
    }
}

extension OwnAnswer {
    /// A whole document.
    init(contentType: String, body: [UInt8], status: Int = 200, fields: KeyValuePairs<String, String> = [:]) {
        self.init(head: ResponseHead(status: status, fields: Fields(fields)), body: body)
        self.head.fields.append("content-type", contentType)
    }

    /// A few words.
    static func text(_ text: String, status: Int = 200, fields: KeyValuePairs<String, String> = [:]) -> OwnAnswer {
        OwnAnswer(
            contentType: "text/plain; charset=utf-8", body: Array((text.hasSuffix("\n") ? text : text + "\n").utf8),
            status: status, fields: fields)
    }
}

extension ByteBuffer {
    /// Appends a stream as a JSON object.
    fileprivate mutating func append(_ stream: StreamReport) {
        self.append("{\"request_id\":")
        self.append(jsonString: stream.requestID)
        self.append(member: "client", stream.client)
        self.append(member: "method", stream.method)
        self.append(member: "host", stream.host)
        self.append(member: "path", stream.path)
        self.append(member: "protocol", stream.protocolName)
        self.append(member: "route", stream.route)
        self.append(member: "function", stream.function)
        self.append(member: "status", stream.status)
        self.append(member: "age_ms", Int(stream.age.wholeMilliseconds))
        self.append(member: "idle_ms", Int(stream.idle.wholeMilliseconds))
        self.append(member: "bytes_in", stream.bytesIn)
        self.append(member: "bytes", stream.bytesOut)
        self.append(member: "attempts", stream.attempts)
        self.append("}")
    }

    private mutating func append(member name: StaticString, _ value: String?) {
        self.append(",\"")
        self.append(name)
        self.append("\":")
        if let value { self.append(jsonString: value) } else { self.append("null") }
    }

    private mutating func append(member name: StaticString, _ value: Int) {
        self.append(",\"")
        self.append(name)
        self.append("\":")
        self.append(decimal: value)
    }
}
