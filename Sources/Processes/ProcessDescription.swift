/// What to start: a program, its arguments, environment and working directory.
package struct ProcessDescription: Sendable, Equatable {
    /// The path of the program. A relative one counts from `directory`.
    package var executable: String
    /// The arguments after the program's own name.
    package var arguments: [String]
    /// The whole environment; nothing is inherited.
    package var environment: [String: String]
    /// The working directory; the parent's where it is `nil`.
    package var directory: String?

    package init(
        executable: String, arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }
}

/// Why a process could not be started.
package enum SpawnError: Error, Equatable, Sendable {
    /// The working directory does not exist, or is none.
    case noSuchDirectory(String)
    /// The program does not exist where it was looked for.
    case noSuchExecutable(String)
    /// An argument or a variable holds a NUL, which no program can be given.
    case embeddedNUL
    /// A system call failed with this number.
    case system(call: StaticString, number: Int32)

    package static func == (left: SpawnError, right: SpawnError) -> Bool {
        left.description == right.description
    }
}

extension SpawnError: CustomStringConvertible {
    /// One line about what was missing.
    package var description: String {
        switch self {
        case .noSuchDirectory(let path): "no directory \(path)"
        case .noSuchExecutable(let path): "no executable file \(path)"
        case .embeddedNUL: "a NUL byte in an argument or an environment variable"
        case .system(let call, let number): "\(call): \(SystemText.describe(number))"
        }
    }
}

/// How a process ended.
package enum ProcessOutcome: Sendable, Hashable {
    case exited(code: Int32)
    case signalled(Int32)

    /// Whether the process ended by itself with status 0.
    package var isSuccess: Bool { self == .exited(code: 0) }
}

extension ProcessOutcome: CustomStringConvertible {
    /// `exit status 1` or `signal: killed`, the words that Lambda uses.
    package var description: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signalled(let number): "signal: \(SystemText.describe(signal: number))"
        }
    }
}
