private import Glibc
import Processes

/// The bootstrap of Node.js functions in a private directory of the file system.
final class NodeBootstrapFile {
    private let directory: String
    private let path: String

    /// Makes a directory that only this user can read, below `TMPDIR`.
    init(temporaryDirectory: String) throws(SpawnError) {
        var template = Array("\(temporaryDirectory)/sluice-XXXXXX".utf8CString)
        // SAFETY: mkdtemp changes the NUL-terminated copy in place.
        guard unsafe mkdtemp(&template) != nil else { throw .system(call: "mkdtemp", number: errno) }
        self.directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.path = "\(self.directory)/\(NodeBootstrap.fileName)"
    }

    deinit {
        unsafe unlink(self.path)
        unsafe rmdir(self.directory)
    }

    /// The file's path, after it was written where it is missing: temporary directories are swept.
    func writtenPath() throws(SpawnError) -> String {
        if unsafe access(self.path, R_OK) == 0 { return self.path }
        unsafe mkdir(self.directory, 0o700)
        let descriptor = unsafe open(self.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(call: "open", number: errno) }
        defer { close(descriptor) }
        var rest = Array(NodeBootstrap.source.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw .system(call: "write", number: errno) }
            rest = rest.dropFirst(count)
        }
        return self.path
    }
}

@available(*, unavailable)
extension NodeBootstrapFile: Sendable {}
