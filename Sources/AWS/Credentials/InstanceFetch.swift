/// Asks an instance's metadata service for the keys of the instance's role.
struct InstanceFetch {
    private let metadata: InstanceMetadata
    private var dialogue: MetadataDialogue
    /// The name of the role, once it is known.
    private var role: String?

    private static let path = "/latest/meta-data/iam/security-credentials/"

    init(_ metadata: InstanceMetadata) {
        self.metadata = metadata
        self.dialogue = MetadataDialogue(metadata)
    }

    private var source: String { "the instance metadata at \(self.metadata.endpoint)" }

    mutating func begin() -> CredentialFetch.Step {
        .send(self.dialogue.ask(Self.path))
    }

    mutating func received(_ event: CredentialFetch.Event) -> CredentialFetch.Step {
        switch self.dialogue.received(event) {
        case .send(let request):
            return .send(request)
        case .text(let text):
            guard self.role == nil else { return self.keys(in: text) }
            let role = text.split(whereSeparator: \.isNewline).first.map { String($0).trimmed } ?? ""
            guard role.isFieldText, !role.contains(where: { " /?#".contains($0) }) else {
                return .failed(self.failure("the instance has no role", status: 404))
            }
            self.role = role
            return .send(self.dialogue.ask(Self.path + role))
        case .status(404):
            return .failed(self.failure("the instance has no role", status: 404))
        case .status(let status):
            return .failed(self.failure("\(self.source) answers \(status)", status: status))
        case .unanswered(let reason):
            return .failed(self.failure("\(self.source): \(reason)", status: nil))
        }
    }

    private func keys(in text: String) -> CredentialFetch.Step {
        do throws(CredentialError) {
            return .finished(try Credentials(instanceDocument: Array(text.utf8), source: self.source))
        } catch {
            return .failed(error)
        }
    }

    /// A machine that is no instance is no failure of a source that was set up: the answer is then what could be set
    /// up.
    private func failure(_ reason: String, status: Int?) -> CredentialError {
        if self.metadata.isLastResort, status ?? 0 < 500 {
            return .nothingElse(profile: self.metadata.profile, metadata: reason)
        }
        guard let status else { return .unanswered(source: self.source, reason: reason) }
        return .refused(source: self.source, AWSServiceError(status: status, type: "", message: reason))
    }
}

/// Asks an instance's metadata service for the region that the instance is in.
package struct RegionFetch: ~Copyable {
    private var dialogue: MetadataDialogue

    /// What is to be done next.
    package enum Step: Equatable, Sendable {
        case send(ControlRequest)
        case finished(region: String)
        /// The service does not know, or does not answer.
        case failed(String)
    }

    package init(_ metadata: InstanceMetadata) {
        self.dialogue = MetadataDialogue(metadata)
    }

    /// The first step.
    package mutating func begin() -> Step {
        .send(self.dialogue.ask("/latest/meta-data/placement/region"))
    }

    /// The last step is done.
    package mutating func received(_ event: CredentialFetch.Event) -> Step {
        switch self.dialogue.received(event) {
        case .send(let request): return .send(request)
        case .text(let text):
            let region = text.trimmed
            return ServiceEndpoint.isRegion(region) ? .finished(region: region) : .failed("it names no region")
        case .status(let status): return .failed("it answers \(status)")
        case .unanswered(let reason): return .failed(reason)
        }
    }
}
