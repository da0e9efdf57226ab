public import ArgumentParser
internal import Configuration
private import Glibc

/// The option that names the configuration, and the reading of it.
struct ConfigurationFile: ParsableArguments {
    @Option(name: [.short, .customLong("config")], help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    /// Reads and checks the file. Every fault goes to standard error, then the command ends with status 1.
    func load() throws -> GatewayConfiguration {
        guard let text = Files.text(of: self.config) else {
            StandardError.print("\(self.config): cannot be read: \(Files.lastError)")
            throw ExitCode(1)
        }
        let result = ConfigurationLoader.load(
            text: text, file: self.config, environment: Environment.all, readFile: Files.text(of:))
        switch result {
        case .success(let configuration):
            for warning in configuration.warnings { StandardError.print("\(warning)") }
            return configuration
        case .failure(let faults):
            for fault in faults.all { StandardError.print("\(fault)") }
            throw ExitCode(1)
        }
    }
}

/// The variables of the process.
enum Environment {
    static var all: [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            // SAFETY: environ is a list of NUL-terminated strings that ends with a null pointer; nothing changes it here.
            let text = unsafe String(cString: entry)
            if let mark = text.firstIndex(of: "=") {
                variables[String(text[..<mark])] = String(text[text.index(after: mark)...])
            }
            unsafe next += 1
        }
        return variables
    }
}

/// Small files read whole.
enum Files {
    /// What went wrong last.
    static var lastError: String {
        // SAFETY: strerror returns a text that is copied at once.
        unsafe String(cString: strerror(errno))
    }

    /// The text of a file of at most 16 MiB, or `nil` where it can not be read or is no UTF-8.
    static func text(of path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= 16 * 1024 * 1024 {
            let count = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return String(validating: bytes, as: UTF8.self) }
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            bytes += piece[..<count]
        }
        errno = EFBIG
        return nil
    }
}

/// Lines for people.
enum StandardError {
    static func print(_ line: String) {
        var bytes = Array((line + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
