import Foundation
import Glibc

/// The stand-ins for STS, metadata, containers and sign-on, `Support/fake_sources.py`, of which each test has its own.
final class FakeSources: Sendable {
    let port: Int
    /// The same over TLS, where a certificate was given.
    let securePort: Int
    private let child: Child
    private let lifeline: Int32
    private let folder: TestFolder

    init(_ certificate: TestCertificate? = nil) async throws {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw HarnessError("no pipe") }
        for descriptor in pipes { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        let folder = try TestFolder()
        let files = certificate.map { [$0.certificate, $0.key] } ?? []
        let child = try Child(
            Support.python, [Support.file("fake_sources.py")] + files, environment: Support.environment, folder: folder,
            name: "sources", input: pipes[0])
        Glibc.close(pipes[0])
        self.lifeline = pipes[1]
        self.child = child
        self.folder = folder
        let ports = try await eventually("the fake sources listen") {
            if let end = child.end { throw HarnessError("the fake sources: \(end): \(child.errorText)") }
            let ports = child.outputText.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            return ports.count == 2 && child.outputText.hasSuffix("\n") ? ports : nil
        }
        self.port = ports[0]
        self.securePort = ports[1]
    }

    deinit {
        Glibc.close(self.lifeline)
    }

    var url: String { "http://127.0.0.1:\(self.port)" }

    /// Changes how they answer.
    func set(_ settings: JSONDocument) async throws {
        _ = try await self.ask("POST", "/_set", settings.text)
    }

    /// All that was asked so far.
    func calls() async throws -> [SourceCall] {
        try JSONDecoder().decode([SourceCall].self, from: Data(try await self.ask("GET", "/_calls").utf8))
    }

    private func ask(_ method: String, _ path: String, _ body: String? = nil) async throws -> String {
        let client = try await RawClient(port: self.port)
        defer { client.close() }
        try await client.send(Gateway.request(path, method: method, body: body))
        return try await client.answer(to: method).text
    }

    /// An environment in which all of them are found.
    var environment: [String: String] {
        var environment = Support.environment
        environment["AWS_ENDPOINT_URL_STS"] = self.url
        environment["AWS_ENDPOINT_URL_SSO"] = self.url
        environment["AWS_ENDPOINT_URL_SSO_OIDC"] = self.url
        environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = self.url
        environment["AWS_DEFAULT_REGION"] = "eu-west-1"
        return environment
    }
}

/// A question as the fake sources have heard it.
struct SourceCall: Decodable, Sendable {
    let method: String
    let target: String
    let at: Double
    let body: String
    let form: [String: String]
    let headers: [String: String]
}
