/// One reading of a file: what it may look at, and the faults found so far.
final class Reading {
    let file: String
    /// The folder that relative paths count from, without a slash at its end; empty for the working directory.
    let directory: String
    private let environment: [String: String]
    private let readFile: (String) throws -> String
    private var found: Set<ConfigurationFault> = []
    private var expandedBytes = 0

    /// More faults than this are not kept.
    static let maximumFaults = 500
    /// How much text variables and secrets may bring in, all together.
    static let maximumExpandedBytes = 4 << 20
    /// The largest secret.
    static let maximumSecretBytes = 64 << 10

    init(
        file: String, folder: String?, environment: [String: String], readFile: @escaping (String) throws -> String
    ) {
        self.file = file
        self.environment = environment
        self.readFile = readFile
        let end = file.utf8.lastIndex(of: UInt8(ascii: "/"))
        let own = end.map { $0 == file.startIndex ? "/." : String(file[..<$0]) } ?? ""
        self.directory = folder ?? own
    }

    /// Notes an error.
    func report(_ position: SourcePosition, _ message: String) {
        self.note(position, .error, message)
    }

    /// Notes something that can be meant so, but hardly is.
    func warn(_ position: SourcePosition, _ message: String) {
        self.note(position, .warning, message)
    }

    private func note(_ position: SourcePosition, _ severity: ConfigurationFault.Severity, _ message: String) {
        guard self.found.count < Self.maximumFaults else { return }
        self.found.insert(
            ConfigurationFault(file: self.file, position: position, severity: severity, message: message))
    }

    /// Whether something was found with which the file cannot be used.
    var hasErrors: Bool { self.found.contains { $0.severity == .error } }

    /// All that was found, in the order of the file.
    var faults: [ConfigurationFault] {
        self.found.sorted { ($0.position, $0.message) < ($1.position, $1.message) }
    }

    /// A path as the file has it, from where the process is.
    func path(_ text: String) -> String {
        if text.hasPrefix("/") || self.directory.isEmpty { return text }
        return "\(self.directory)/\(text)"
    }
}

/// Scalars with what they refer to put in.
extension Reading {
    /// The text of a scalar: variables expanded, and the secret read where it says `file:`. `nil`, with a fault, where
    /// the node is no scalar or something it refers to is not there.
    func text(of node: SourceNode, allowsSecrets: Bool = true) -> String? {
        guard case .scalar(let written) = node.content else {
            self.report(
                node.position,
                "a single value is expected here, not \(node.kindText)")
            return nil
        }
        guard let text = self.expanded(written, at: node.position) else { return nil }
        guard allowsSecrets, text.hasPrefix("file:"), !text.hasPrefix("file: ") else { return text }
        return self.secret(String(text.dropFirst("file:".count)), at: node.position)
    }

    /// Puts in `${NAME}` and `${NAME:-default}`; `$${` stands for `${`. What is put in is not looked at again.
    private func expanded(_ text: String, at position: SourcePosition) -> String? {
        guard text.contains("${") else { return text }
        var result = ""
        var rest = Substring(text)
        var isComplete = true
        while let start = rest.range(ofVariable: ()) {
            let before = rest[..<start]
            result += before
            rest = rest[start...].dropFirst(2)
            if before.hasSuffix("$") {
                result += "{"
                continue
            }
            guard let end = rest.firstIndex(of: "}") else {
                self.report(position, "\"${\" has no \"}\"; a plain \"${\" is written \"$${\"")
                return nil
            }
            if let value = self.variable(rest[..<end], at: position) { result += value } else { isComplete = false }
            rest = rest[rest.index(after: end)...]
        }
        return isComplete && self.admit(result.utf8.count, at: position) ? result + rest : nil
    }

    private func variable(_ text: Substring, at position: SourcePosition) -> String? {
        var name = text
        var fallback: Substring?
        if let colon = text.firstIndex(of: ":") {
            name = text[..<colon]
            let rest = text[text.index(after: colon)...]
            guard rest.hasPrefix("-") else {
                self.report(position, "\"${\(text)}\" is neither \"${NAME}\" nor \"${NAME:-default}\"")
                return nil
            }
            fallback = rest.dropFirst()
        }
        guard EnvironmentName.isValid(String(name)) else {
            self.report(position, "\"\(name)\" is no name of an environment variable")
            return nil
        }
        let value = self.environment[String(name)]
        // As in a shell, `:-` also stands in for a variable that is set but empty.
        if let fallback { return value.map { $0.isEmpty ? String(fallback) : $0 } ?? String(fallback) }
        guard let value else {
            self.report(
                position, "the environment variable \(name) is not set; \"${\(name):-default}\" would do without it")
            return nil
        }
        return value
    }

    private func secret(_ path: String, at position: SourcePosition) -> String? {
        guard !path.isEmpty else {
            self.report(position, "\"file:\" names no file")
            return nil
        }
        let fullPath = self.path(path)
        var text: String
        do {
            text = try self.readFile(fullPath)
        } catch {
            self.report(position, "the file \(fullPath) cannot be read: \(error)")
            return nil
        }
        guard text.utf8.count <= Self.maximumSecretBytes else {
            self.report(position, "the file \(fullPath) has more than \(Self.maximumSecretBytes) bytes")
            return nil
        }
        // Editors and `echo` end a file with a line break that is not part of the secret.
        if text.utf8.last == UInt8(ascii: "\n") { text.unicodeScalars.removeLast() }
        if text.utf8.last == UInt8(ascii: "\r") { text.unicodeScalars.removeLast() }
        return self.admit(text.utf8.count, at: position) ? text : nil
    }

    private func admit(_ count: Int, at position: SourcePosition) -> Bool {
        self.expandedBytes += count
        if self.expandedBytes <= Self.maximumExpandedBytes { return true }
        self.report(position, "variables and secrets bring in more than \(Self.maximumExpandedBytes) bytes")
        return false
    }
}

extension Substring {
    /// Where the next `${` stands.
    fileprivate func range(ofVariable: Void) -> Index? {
        var index = self.startIndex
        while let dollar = self[index...].firstIndex(of: "$") {
            index = self.index(after: dollar)
            if self[index...].first == "{" { return dollar }
        }
        return nil
    }
}

/// Names of environment variables.
enum EnvironmentName {
    /// Whether a shell would take the name (POSIX 3.216): letters, digits and `_`, no digit in front.
    static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0 | 0x20) || $0 == 95 }
    }
}
