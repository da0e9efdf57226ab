import Foundation

/// A program that a test runs to its end.
struct Tool: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// Runs a program; it must not be killed.
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = Support.environment,
        folder: TestFolder? = nil, within limit: Duration = .seconds(60)
    ) async throws -> Tool {
        let folder = try folder ?? TestFolder()
        let child = try Child(
            program, arguments, environment: environment, folder: folder, name: "tool-\(UUID().uuidString.prefix(8))")
        guard case .exited(let status) = try await child.ended(within: limit) else {
            throw HarnessError("\(program) was killed")
        }
        return Tool(status: status, output: child.outputText, errors: child.errorText)
    }

    /// curl, silent but for errors.
    static func curl(_ arguments: String...) async throws -> Tool {
        try await self.run("curl", ["--silent", "--show-error", "--max-time", "30"] + arguments)
    }

    /// The gateway's binary.
    static func sluice(
        _ arguments: String..., environment: [String: String] = Support.environment, folder: TestFolder? = nil
    ) async throws -> Tool {
        try await self.run(Support.binary, arguments, environment: environment, folder: folder)
    }

    /// Fails the test where the interpreter has not what it needs.
    static func checkPython() async throws {
        let check = try await self.run(Support.python, ["-c", "import boto3, awslambdaric"])
        guard check.status != 0 else { return }
        throw HarnessError(
            "\(Support.python) has no boto3 and awslambdaric, which these tests need: `make test` installs them, or name an "
                + "interpreter that has them in SLUICE_PYTHON\n\(check.errors)")
    }

    /// A script of `Support` with the interpreter that has boto3.
    static func python(
        _ script: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Tool {
        try await self.checkPython()
        return try await self.run(
            Support.python, [Support.file(script)] + arguments,
            environment: Support.environment.merging(environment) { $1 })
    }
}
