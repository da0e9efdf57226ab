import Foundation
import Processes

/// Programs that tests use where they are installed.
enum InstalledTools {
    static let hasNode = ExecutableSearch(path: ProcessInfo.processInfo.environment["PATH"]).locate("node") != nil

    /// The Python in which packages are looked for; `SLUICE_TEST_PYTHON` names another one.
    static let python = ProcessInfo.processInfo.environment["SLUICE_TEST_PYTHON"] ?? "python3"

    /// Whether a Python package is there.
    static func hasPython(_ module: String) -> Bool {
        (try? self.runPython(["-c", "import importlib.util as u, sys; sys.exit(u.find_spec('\(module)') is None)"])
            .status)
            == 0
    }

    /// Runs Python to its end.
    static func runPython(
        _ arguments: [String], in directory: String? = nil
    ) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [self.python] + arguments
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
