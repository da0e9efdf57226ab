/// The shared files that a process with this environment is to read.
package struct SharedFileLocations: Equatable, Sendable {
    /// AWS_CONFIG_FILE, else `~/.aws/config`; `nil` where nobody knows a home.
    package let config: String?
    /// AWS_SHARED_CREDENTIALS_FILE, else `~/.aws/credentials`.
    package let credentials: String?

    /// - Parameter home: The home directory for an environment without HOME.
    package init(environment: [String: String], home: String? = nil) {
        let home = Self.value("HOME", in: environment) ?? home
        func location(_ variable: String, _ file: String) -> String? {
            guard let path = Self.value(variable, in: environment) else { return home.map { "\($0)/.aws/\(file)" } }
            guard path == "~" || path.hasPrefix("~/") else { return path }
            return home.map { $0 + path.dropFirst() }
        }
        self.config = location("AWS_CONFIG_FILE", "config")
        self.credentials = location("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    }

    private static func value(_ name: String, in environment: [String: String]) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
