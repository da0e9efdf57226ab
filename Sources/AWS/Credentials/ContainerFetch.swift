private import HTTP

/// Asks a container's endpoint: three tries, a second apart, two seconds each.
struct ContainerFetch {
    private let container: ContainerCredentials
    private var attempt = 0

    private static let attempts = 3
    private static let timeout = Duration.seconds(2)
    private static let pause = Duration.seconds(1)

    init(_ container: ContainerCredentials) {
        self.container = container
    }

    private var source: String { "the container's endpoint \(self.container.endpoint)" }

    mutating func begin() -> CredentialFetch.Step {
        self.attempt += 1
        switch self.container.authorization {
        case .none: return self.request(authorization: nil)
        case .token(let token): return self.request(authorization: token)
        case .tokenFile(let path): return .read(path: path)
        }
    }

    private func request(authorization: String?) -> CredentialFetch.Step {
        var fields = [(name: "accept", value: "application/json")]
        if let authorization { fields.append(("authorization", authorization)) }
        let target = self.container.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return .send(
            ControlRequest(
                .get, self.container.endpoint, path: String(target[0]),
                query: target.count > 1 ? String(target[1]) : "",
                fields: fields, timeout: Self.timeout))
    }

    mutating func received(_ event: CredentialFetch.Event) -> CredentialFetch.Step {
        switch event {
        case .read(let text):
            let token = text.trimmed
            // A line break in it would end its field.
            guard token.isFieldText else {
                return .failed(.unreadable(file: self.tokenFile, reason: "there is no token in it"))
            }
            return self.request(authorization: token)
        case .unreadable(let reason):
            return .failed(.unreadable(file: self.tokenFile, reason: reason))
        case .answered(let answer) where answer.status == 200:
            do throws(CredentialError) {
                return .finished(try Credentials(containerDocument: answer.body, source: self.source))
            } catch {
                return .failed(error)
            }
        case .answered(let answer):
            let error = AWSServiceError(head: answer.head, body: answer.body.span)
            return self.again(after: .refused(source: self.source, error))
        case .timedOut:
            return self.again(after: .unanswered(source: self.source, reason: "no answer in time"))
        case .unanswered(let reason):
            return self.again(after: .unanswered(source: self.source, reason: reason))
        case .paused:
            return self.begin()
        case .written, .unwritable, .printed, .programFailed:
            return .failed(.unanswered(source: self.source, reason: "another answer than to the question"))
        }
    }

    private func again(after error: CredentialError) -> CredentialFetch.Step {
        self.attempt < Self.attempts ? .pause(Self.pause) : .failed(error)
    }

    private var tokenFile: String {
        if case .tokenFile(let path) = self.container.authorization { path } else { "" }
    }
}
