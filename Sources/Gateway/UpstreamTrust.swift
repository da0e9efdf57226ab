internal import AWS
internal import Configuration
internal import TLS

/// What upstreams are verified with.
struct UpstreamTrust: Sendable {
    let context: TLSClientContext
    /// The text of `aws.ca_file`; `nil` for the system's authorities alone.
    private let authorities: String?
    /// The system's authorities as they were when the context was made.
    private let system: [FileFingerprint?]

    /// That of the configuration before where nothing has changed about it, so that its connections can be kept.
    init(caFile: String?, after previous: UpstreamTrust?) throws {
        self.authorities = try caFile.map { (path) throws(TextFileError) in try TextFile.read(path) }
        self.system = SystemAuthorities.paths.map { FileFingerprint(of: $0) }
        if let previous, previous.authorities == self.authorities, previous.system == self.system {
            self.context = previous.context
        } else if let caFile, let authorities = self.authorities {
            self.context = try TLSClientContext(
                additionalAuthorities: Array(authorities.utf8), authoritiesFile: caFile)
        } else {
            self.context = try TLSClientContext()
        }
    }
}

/// Which connections can stand for one another: those to one endpoint, verified with the same, that speak what is
/// wanted.
struct UpstreamIdentity: Sendable, Hashable {
    let endpoint: ServiceEndpoint
    /// What the endpoint is verified with; `nil` where it is not reached over TLS.
    let tls: TLSClientContext?
    let upstreamProtocol: UpstreamProtocol

    init(endpoint: ServiceEndpoint, tls: TLSClientContext?, speaking upstreamProtocol: UpstreamProtocol = .auto) {
        self.endpoint = endpoint
        self.tls = tls
        self.upstreamProtocol = upstreamProtocol
    }

    static func == (left: UpstreamIdentity, right: UpstreamIdentity) -> Bool {
        left.endpoint == right.endpoint && left.tls === right.tls && left.upstreamProtocol == right.upstreamProtocol
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(self.endpoint)
    }
}
