import Foundation
import Glibc

/// The stand-in for the Lambda API, `Support/fake_lambda.py`, of which one serves all tests.
///
/// Each test has functions of its own, each with a script for what its calls are answered.
final class FakeLambda: Sendable {
    let port: Int
    private let controlPort: Int
    private let child: Child
    /// Holds the pipe whose end ends the child.
    private let lifeline: Int32

    private static let running = Task { try await FakeLambda() }

    /// The one that all tests share.
    static var shared: FakeLambda {
        get async throws { try await self.running.value }
    }

    static let accessKey = "AKIDEXAMPLE"
    static let secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

    /// - Parameter clockOffset: By how many seconds its clock is ahead of the machine's.
    init(clockOffset: Int = 0) async throws {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw HarnessError("no pipe") }
        for descriptor in pipes { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        // Goes when the ports are known: nobody ends what all tests share, so nothing of it may stay behind.
        let folder = try TestFolder()
        let child = try Child(
            Support.python, [Support.file("fake_lambda.py")],
            environment: Support.environment.merging(["FAKE_CLOCK_OFFSET": "\(clockOffset)"]) { $1 }, folder: folder,
            name: "lambda", input: pipes[0])
        Glibc.close(pipes[0])
        self.lifeline = pipes[1]
        self.child = child
        let ports = try await eventually("the fake Lambda API listens") {
            let ports = child.outputText.split(separator: " ").compactMap {
                Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
            }
            if let end = child.end { throw HarnessError("the fake Lambda API: \(end): \(child.errorText)") }
            return ports.count == 2 && child.outputText.hasSuffix("\n") ? ports : nil
        }
        withExtendedLifetime(folder) {}
        self.port = ports[0]
        self.controlPort = ports[1]
    }

    deinit {
        Glibc.close(self.lifeline)
    }

    /// Ends the process as a power cut does; for one that a test has of its own.
    func kill() async throws {
        self.child.signal(SIGKILL)
        _ = try await self.child.ended()
    }

    /// A new function that answers every call with the same script.
    func function(_ steps: Step...) async throws -> FakeFunction {
        try await self.function(calls: [steps])
    }

    /// A new function that answers its first call with the first script, and so on; the last one is repeated.
    func function(calls: [[Step]]) async throws -> FakeFunction {
        let function = FakeFunction(name: "f-\(UUID().uuidString.prefix(13).lowercased())", lambda: self)
        let scripts = JSONDocument.array(calls.map { .array($0.map(\.document)) })
        _ = try await self.ask(["do": "script", "function": .string(function.name), "calls": scripts])
        return function
    }

    /// A port that never completes a connection.
    func silentPort() async throws -> Int {
        try await self.ask(["do": "silent"])["port"]?.int ?? 0
    }

    /// A port behind which the same API is reached over TLS.
    func securePort(
        _ certificate: TestCertificate, protocols: [String] = [], streams: Int = 100
    ) async throws -> Int {
        try await self.ask([
            "do": "tls", "certificate": .string(certificate.certificate), "key": .string(certificate.key),
            "alpn": .array(protocols.map { .string($0) }), "streams": .number(Double(streams)),
        ])["port"]?.int ?? 0
    }

    /// A port without TLS where it speaks HTTP/2 from the first byte on.
    func http2Port(streams: Int = 100) async throws -> Int {
        try await self.ask(["do": "http2", "streams": .number(Double(streams))])["port"]?.int ?? 0
    }

    /// Asks one thing on a connection of its own.
    func ask(_ question: JSONDocument) async throws -> JSONDocument {
        let answer = try await self.askForText(question)
        let document = try JSONDocument(parsing: answer)
        if let error = document["error"]?.string { throw HarnessError("fake Lambda API: \(error)") }
        return document
    }

    func askForText(_ question: JSONDocument) async throws -> String {
        let client = try await RawClient(port: self.controlPort)
        defer { client.close() }
        try await client.send(question.text + "\n")
        return try await client.line()
    }
}

/// A function of the fake.
struct FakeFunction: Sendable {
    let name: String
    let lambda: FakeLambda

    /// Lets one who waits at a gate go on, now or when it comes there.
    func release(_ count: Int = 1) async throws {
        _ = try await self.lambda.ask([
            "do": "release", "function": .string(self.name), "count": .number(Double(count)),
        ])
    }

    /// All calls so far.
    func calls() async throws -> [RecordedCall] {
        let text = try await self.lambda.askForText(["do": "calls", "function": .string(self.name)])
        return try JSONDecoder().decode(Recorded.self, from: Data(text.utf8)).calls
    }

    /// What can be waited for.
    enum Event: String {
        case calls, ended, blocked, gated
    }

    /// Waits until something has happened so often, and answers all calls.
    @discardableResult
    func wait(for event: Event, _ count: Int = 1, within seconds: Double = 20) async throws -> [RecordedCall] {
        let text = try await self.lambda.askForText([
            "do": "wait", "function": .string(self.name), "for": .string(event.rawValue),
            "count": .number(Double(count)), "timeout": .number(seconds),
        ])
        let recorded = try JSONDecoder().decode(Recorded.self, from: Data(text.utf8))
        guard recorded.reached ?? true else {
            throw HarnessError(
                "not within \(seconds) s: \(count) \(event) of \(self.name); \(recorded.calls.count) calls")
        }
        return recorded.calls
    }

    /// Closes the connections that nobody uses now.
    func closeIdleConnections() async throws -> Int {
        try await self.lambda.ask(["do": "close_idle", "function": .string(self.name)])["count"]?.int ?? 0
    }

    private struct Recorded: Decodable {
        let calls: [RecordedCall]
        let reached: Bool?
    }
}

/// A call as the fake has seen it.
struct RecordedCall: Decodable, Sendable {
    let number: Int
    /// The same for calls on one connection.
    let connection: Int
    let method: String
    let target: String
    /// The head as it came.
    let head: String
    let headers: [[String]]
    let body: String
    /// What is wrong with the signature, by the fake's own reckoning.
    let signature: String?
    /// Bytes that the gateway's side has taken.
    let written: Int
    /// Bytes of payload handed to the socket by `bulk`, and their hash.
    let payload: Int?
    let sha256: String?
    /// `finished`, `gone` where the gateway closed first, `nil` while it goes on.
    let end: String?

    /// The event that the function got.
    var event: JSONDocument {
        get throws { try JSONDocument(parsing: self.body) }
    }

    var headerNames: [String] { self.headers.map { $0[0].lowercased() }.sorted() }

    func header(_ name: String) -> String? {
        self.headers.first { $0[0].lowercased() == name }?[1]
    }
}
