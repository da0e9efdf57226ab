private import HTTP

/// Asks the metadata service of an instance for texts, with a token where it gives tokens (IMDSv2).
struct MetadataDialogue {
    private let metadata: InstanceMetadata
    private var token = Token.needed
    /// What is asked for, `nil` while nothing is.
    private var path: String?
    private var attempt = 0
    private var hasRenewedToken = false

    private enum Token {
        case needed
        case asked
        case held(String)
        /// The service has none, and answers without.
        case none
    }

    /// What an event leads to.
    enum Outcome {
        case send(ControlRequest)
        case text(String)
        /// The service answered something else than 200.
        case status(Int)
        case unanswered(String)
    }

    /// Tokens last for six hours, the longest time there is.
    private static let tokenLife = "21600"

    init(_ metadata: InstanceMetadata) {
        self.metadata = metadata
    }

    /// Begins to ask for what stands under a path.
    mutating func ask(_ path: String) -> ControlRequest {
        self.path = path
        self.attempt = 1
        return self.request()
    }

    private mutating func request() -> ControlRequest {
        var fields: [(name: String, value: String)] = []
        switch self.token {
        case .needed, .asked:
            self.token = .asked
            return ControlRequest(
                .put, self.metadata.endpoint, path: "/latest/api/token",
                fields: [("x-aws-ec2-metadata-token-ttl-seconds", Self.tokenLife)], timeout: self.metadata.timeout)
        case .held(let token): fields.append(("x-aws-ec2-metadata-token", token))
        case .none: break
        }
        return ControlRequest(
            .get, self.metadata.endpoint, path: self.path ?? "/", fields: fields, timeout: self.metadata.timeout)
    }

    mutating func received(_ event: CredentialFetch.Event) -> Outcome {
        switch (self.token, event) {
        case (.asked, .answered(let answer)) where answer.status == 200:
            let token = answer.text.trimmed
            guard token.isFieldText else { return .unanswered("the token that it gave is none") }
            self.token = .held(token)
            self.attempt = 1
            return .send(self.request())
        case (.asked, .answered(let answer)) where [403, 404, 405].contains(answer.status):
            return self.withoutToken() ?? .status(answer.status)
        case (.asked, .timedOut):
            // A hop limit of one lets no token through to a container, and gives no other sign.
            return self.again() ?? self.withoutToken() ?? .unanswered("it gave no token in time")
        case (.held, .answered(let answer)) where answer.status == 401:
            // The token is over.
            if self.hasRenewedToken { return .status(401) }
            self.hasRenewedToken = true
            self.token = .needed
            return .send(self.request())
        case (_, .answered(let answer)):
            if answer.status == 200 { return .text(answer.text) }
            return answer.status >= 500 ? self.again() ?? .status(answer.status) : .status(answer.status)
        case (_, .timedOut):
            return self.again() ?? .unanswered("it does not answer in time")
        case (_, .unanswered(let reason)):
            return self.again() ?? .unanswered("it does not answer (\(reason))")
        case (_, .read), (_, .unreadable), (_, .written), (_, .unwritable), (_, .printed), (_, .programFailed),
            (_, .paused):
            return .unanswered("another answer than to the question")
        }
    }

    private mutating func withoutToken() -> Outcome? {
        guard self.metadata.allowsVersion1 else { return nil }
        self.token = .none
        self.attempt = 1
        return .send(self.request())
    }

    /// One more try of the same request, where there may be one.
    private mutating func again() -> Outcome? {
        guard self.attempt < self.metadata.attempts else { return nil }
        self.attempt += 1
        return .send(self.request())
    }
}
