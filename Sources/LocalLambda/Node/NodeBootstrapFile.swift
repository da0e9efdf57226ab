private import Glibc
import Processes

/// The bootstrap of Node.js functions in a private directory of the file system.
final class NodeBootstrapFile {
    private let temporaryDirectory: String
    private var directory: String

    private var path: String { "\(self.directory)/\(NodeBootstrap.fileName)" }

    /// Makes a directory that only this user can read, below `TMPDIR`.
    init(temporaryDirectory: String) throws(SpawnError) {
        self.temporaryDirectory = temporaryDirectory
        self.directory = try Self.newDirectory(in: temporaryDirectory)
    }

    private static func newDirectory(in folder: String) throws(SpawnError) -> String {
        var template = Array("\(folder)/sluice-XXXXXX".utf8CString)
        // SAFETY: mkdtemp changes the NUL-terminated copy in place.
        guard unsafe mkdtemp(&template) != nil else { throw .system(call: "mkdtemp", number: errno) }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        unsafe unlink(self.path)
        unsafe rmdir(self.directory)
    }

    /// The file's path, after it was written where it is missing: temporary directories are swept, and then whoever may
    /// write there can make one of the same name.
    func writtenPath() throws(SpawnError) -> String {
        guard Self.isOwn(self.directory, S_IFDIR) else {
            self.directory = try Self.newDirectory(in: self.temporaryDirectory)
            return try self.write()
        }
        return Self.isOwn(self.path, S_IFREG) ? self.path : try self.write()
    }

    /// Under another name first, so that a disk that is full leaves no part of a program behind.
    private func write() throws(SpawnError) -> String {
        let temporary = "\(self.path).tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(call: "open", number: errno) }
        let written = Self.write(NodeBootstrap.source, to: descriptor)
        close(descriptor)
        guard written == 0, unsafe rename(temporary, self.path) == 0 else {
            let number = written == 0 ? errno : written
            unsafe unlink(temporary)
            throw .system(call: "write", number: number)
        }
        return self.path
    }

    /// Answers the error's number, or 0.
    private static func write(_ text: String, to descriptor: Int32) -> Int32 {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : ENOSPC }
            rest = rest.dropFirst(count)
        }
        return 0
    }

    /// Whether there is something of this kind that belongs to this user, and that nobody else can change.
    private static func isOwn(_ path: String, _ kind: mode_t) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == kind && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
    }
}

@available(*, unavailable)
extension NodeBootstrapFile: Sendable {}
