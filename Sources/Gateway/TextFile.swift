private import Digest
private import Glibc
internal import Reactor

/// Small files read whole.
package enum TextFile {
    /// Bytes that a file may have.
    private static let limit = 16 * 1024 * 1024

    /// The text of a file.
    package static func read(_ path: String) throws(TextFileError) -> String {
        guard let text = String(validating: try self.bytes(path), as: UTF8.self) else { throw .notUTF8(path) }
        return text
    }

    /// The bytes of a file.
    static func bytes(_ path: String) throws(TextFileError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path, SystemError.text(of: errno)) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= Self.limit {
            let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0, errno != EINTR { throw .unreadable(path, SystemError.text(of: errno)) }
            if count > 0 { bytes += piece[..<count] }
        }
        throw .tooLarge(path, limit: Self.limit)
    }

    /// The text of a file, or `nil` where it can not be read: for files that need not be there.
    package static func readIfPresent(_ path: String) -> String? {
        do throws(TextFileError) {
            return try self.read(path)
        } catch {
            return nil
        }
    }
}

extension TextFile {
    /// Puts a text in the place of a file's: whoever reads sees the whole old one or the whole new one. Only the owner
    /// may read it.
    static func replace(_ path: String, with text: String) throws(TextFileError) {
        let temporary = "\(path).\(String(RandomBytes.number(), radix: 16)).tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unwritable(path, SystemError.text(of: errno)) }
        let isWritten = self.write(text, to: descriptor)
        let written = errno
        close(descriptor)
        guard isWritten, unsafe rename(temporary, path) == 0 else {
            let number = isWritten ? errno : written
            unsafe unlink(temporary)
            throw .unwritable(path, SystemError.text(of: number))
        }
    }

    private static func write(_ text: String, to descriptor: Int32) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return fsync(descriptor) == 0
    }
}

/// Why a file has no text, or does not take one.
package enum TextFileError: Error, Equatable, CustomStringConvertible {
    case unreadable(String, String)
    case unwritable(String, String)
    case notUTF8(String)
    case tooLarge(String, limit: Int)

    package var description: String { "\(self.path): \(self.reason)" }

    private var path: String {
        switch self {
        case .unreadable(let path, _), .unwritable(let path, _), .notUTF8(let path), .tooLarge(let path, _): path
        }
    }

    /// What is wrong, without the file's name.
    var reason: String {
        switch self {
        case .unreadable(_, let reason), .unwritable(_, let reason): reason
        case .notUTF8: "not UTF-8"
        case .tooLarge(_, let limit): "larger than \(limit) bytes"
        }
    }
}
