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

/// Why a file has no text.
package enum TextFileError: Error, Equatable, CustomStringConvertible {
    case unreadable(String, String)
    case notUTF8(String)
    case tooLarge(String, limit: Int)

    package var description: String { "\(self.path): \(self.reason)" }

    private var path: String {
        switch self {
        case .unreadable(let path, _), .notUTF8(let path), .tooLarge(let path, _): path
        }
    }

    /// What is wrong, without the file's name.
    var reason: String {
        switch self {
        case .unreadable(_, let reason): reason
        case .notUTF8: "not UTF-8"
        case .tooLarge(_, let limit): "larger than \(limit) bytes"
        }
    }
}
