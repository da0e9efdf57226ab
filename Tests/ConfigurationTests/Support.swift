import Configuration

/// Reads a file's text with nothing around it but what is handed in.
func load(
    _ text: String, file: String = "sluice.yaml", environment: [String: String] = [:], files: [String: String] = [:]
) -> Result<GatewayConfiguration, ConfigurationFaults> {
    ConfigurationLoader.load(text: text, file: file, environment: environment) { path in
        guard let content = files[path] else { throw NoSuchFile() }
        return content
    }
}

struct NoSuchFile: Error, CustomStringConvertible {
    var description: String { "no such file" }
}

/// The faults of a text, each as `line:column: message`; warnings begin with `warning: `.
func faults(_ text: String, environment: [String: String] = [:], files: [String: String] = [:]) -> [String] {
    let found: [ConfigurationFault]
    switch load(text, environment: environment, files: files) {
    case .success(let configuration): found = configuration.warnings
    case .failure(let failure): found = failure.faults
    }
    return found.map { fault in
        let severity = fault.severity == .warning ? "warning: " : ""
        return "\(fault.position.line):\(fault.position.column): \(severity)\(fault.message)"
    }
}

/// A file that is right but for what is put in: listeners, a function `f`, a route to it, and the lines.
func file(_ lines: String = "", function: String = "", route: String = "") -> String {
    """
    listeners: [{ address: "127.0.0.1:8080" }]
    functions:
      f:
        function: f
    \(indented(function, by: 4))
    routes:
      - path: /f
        function: f
    \(indented(route, by: 4))
    \(lines)
    """
}

private func indented(_ text: String, by count: Int) -> String {
    text.split(separator: "\n").map { String(repeating: " ", count: count) + $0 }.joined(separator: "\n")
}
