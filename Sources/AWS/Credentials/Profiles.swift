/// The profiles of the two shared files, as the SDKs merge them.
package struct Profiles: Sendable {
    private var profiles: [String: Profile] = [:]
    private var services: [String: [String: [String: String]]] = [:]
    private var signOnSessions: [String: [String: String]] = [:]

    /// The settings of one profile by the file they stand in.
    package struct Profile: Sendable, Equatable {
        /// Names are in lower case; settings without a value are not there.
        package fileprivate(set) var config: [String: String] = [:]
        package fileprivate(set) var credentials: [String: String] = [:]

        /// A setting of either file; the credentials file wins.
        package subscript(name: String) -> String? { self.credentials[name] ?? self.config[name] }
    }

    /// Takes the texts of the files, as far as there are such files.
    package init(config: String? = nil, credentials: String? = nil) throws(SharedFileError) {
        if let config {
            let file = try SharedFile(parsing: config, kind: .config)
            for (header, section) in file.sections {
                let words = header.split(maxSplits: 1, whereSeparator: \.isWhitespace)
                switch (words.first, words.count) {
                case ("default", 1):
                    // `[profile default]` wins over `[default]`.
                    self.profiles["default", default: Profile()].config.merge(section.settings) { old, _ in old }
                case ("profile", 2):
                    let name = Self.unquoted(words[1])
                    self.profiles[name, default: Profile()].config.merge(section.settings) { _, new in new }
                case ("services", 2):
                    self.services[Self.unquoted(words[1])] = section.nested
                case ("sso-session", 2):
                    self.signOnSessions[Self.unquoted(words[1])] = section.settings
                default:
                    // Whatever later versions of the format bring.
                    continue
                }
            }
        }
        if let credentials {
            let file = try SharedFile(parsing: credentials, kind: .credentials)
            for (header, section) in file.sections {
                self.profiles[Self.unquoted(header[...]), default: Profile()].credentials = section.settings
            }
        }
    }

    /// A profile, where either file has it.
    package subscript(name: String) -> Profile? { self.profiles[name] }

    /// The names of all profiles, sorted.
    package var names: [String] { self.profiles.keys.sorted() }

    /// A setting of `[services NAME]` for a service, such as `endpoint_url` for `lambda`.
    package func setting(_ name: String, ofService service: String, in services: String) -> String? {
        self.services[services]?[service]?[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The settings of `[sso-session NAME]`, where there is one.
    func signOnSession(_ name: String) -> [String: String]? { self.signOnSessions[name] }

    private static func unquoted(_ name: Substring) -> String {
        let name = name.drop(while: \.isWhitespace)
        guard name.count >= 2, let first = name.first, first == name.last, first == "\"" || first == "'" else {
            return String(name)
        }
        return String(name.dropFirst().dropLast())
    }
}

extension SharedFile.Section {
    /// The settings that have a value.
    fileprivate var settings: [String: String] { self.values.filter { !$0.value.isEmpty } }
}
