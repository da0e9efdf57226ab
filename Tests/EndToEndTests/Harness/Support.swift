import Foundation

/// Where things are.
enum Support {
    /// A file of `Tests/EndToEndTests/Support`.
    static func file(_ name: String) -> String { "\(self.repository)/Tests/EndToEndTests/Support/\(name)" }

    /// The root of the package.
    static let repository: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.path
    }()

    /// How many times more memory the gateway may use: the thread sanitizer keeps a shadow of all of it.
    static let memoryFactor = ProcessInfo.processInfo.environment["TSAN_OPTIONS"] == nil ? 1 : 5

    /// How many times longer things may take: it is slow as well.
    static let timeFactor = Self.memoryFactor

    /// The interpreter that has boto3 and awslambdaric; `make test` names it.
    static var python: String { ProcessInfo.processInfo.environment["SLUICE_PYTHON"] ?? "python3" }

    /// The binary under test: the one beside the tests, unless SLUICE_BINARY names another.
    static let binary: String = {
        if let named = ProcessInfo.processInfo.environment["SLUICE_BINARY"] { return named }
        let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: tests ?? ".build/debug/tests").deletingLastPathComponent().path + "/sluice"
    }()

    /// What children inherit: nothing that could change how the gateway or an SDK behaves.
    static let environment: [String: String] = {
        let own = ProcessInfo.processInfo.environment
        var kept = ["PATH": own["PATH"] ?? "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"]
        for name in ["LD_LIBRARY_PATH", "TSAN_OPTIONS", "ASAN_OPTIONS", "PYENV_ROOT", "PYENV_VERSION", "VIRTUAL_ENV"] {
            kept[name] = own[name]
        }
        return kept
    }()
}
