import Foundation
import Glibc
import Testing

/// Clients that ask without a pause, of `Support/steady_load.py`.
final class SteadyLoad: Sendable {
    private let child: Child
    private let folder: TestFolder
    /// Whose end ends the load.
    private let lifeline: Int32

    /// What became of the requests.
    struct Outcome: Decodable {
        let answers: Int
        /// Those that were asked twice, because the kept connection had been closed.
        let again: Int
        /// Answers that broke off or were no answer to the request; these are among the faults.
        let broken: Int
        let faultCount: Int
        /// Some of them.
        let faults: [String]
        /// The different bodies that came, by path.
        let digests: [String: [String]]
    }

    /// Begins. `clients` are such as `fresh:/path` and `kept:/path`.
    init(on address: String, _ clients: [String]) async throws {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw HarnessError("no pipe") }
        for descriptor in pipes { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        self.folder = try TestFolder()
        let child = try Child(
            Support.python, [Support.file("steady_load.py"), address] + clients, environment: Support.environment,
            folder: self.folder, name: "load", input: pipes[0])
        Glibc.close(pipes[0])
        self.lifeline = pipes[1]
        self.child = child
        _ = try await eventually("the load begins") { child.outputText.hasPrefix("begun") ? true : nil }
    }

    /// Ends, and tells.
    func end() async throws -> Outcome {
        Glibc.close(self.lifeline)
        _ = try await self.child.ended(within: .seconds(60))
        guard let line = self.child.outputText.split(separator: "\n").last, line.hasPrefix("{") else {
            throw HarnessError("the load failed: \(self.child.errorText)")
        }
        return try JSONDecoder().decode(Outcome.self, from: Data(line.utf8))
    }

    /// Ends, and expects that every request was answered, with one and the same body for each path.
    func expectNoLoss(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let outcome = try await self.end()
        #expect(outcome.faultCount == 0, "\(outcome.faults)", sourceLocation: sourceLocation)
        #expect(outcome.answers > 0, sourceLocation: sourceLocation)
        for (path, digests) in outcome.digests {
            #expect(digests.count == 1, "bodies of \(path)", sourceLocation: sourceLocation)
        }
    }
}
