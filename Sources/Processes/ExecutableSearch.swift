private import CSpawn
private import Glibc

/// Finds the program that a command names.
package struct ExecutableSearch: Sendable {
    /// Directories in the order in which they are tried.
    package let directories: [String]

    /// Looks in `ownDirectory` (where the running program lies) first, then in the directories of a PATH value.
    package init(besides ownDirectory: String? = Self.ownDirectory, path: String?) {
        // An empty element of PATH means the working directory, which is left out: a daemon has no business there.
        let others = (path ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map(String.init)
        self.directories = (ownDirectory.map { [$0] } ?? []) + others
    }

    /// The path of the program: a command that holds a slash is a path already; a bare one is looked for.
    ///
    /// A relative path is checked against `directory`, the working directory of the process to be, and stays relative.
    package func locate(_ command: String, from directory: String? = nil) -> String? {
        if command.isEmpty { return nil }
        if command.utf8.contains(UInt8(ascii: "/")) {
            let isAbsolute = command.utf8.first == UInt8(ascii: "/")
            let path = isAbsolute ? command : (directory.map { "\($0)/\(command)" } ?? command)
            return Self.isExecutable(path) ? command : nil
        }
        return self.directories.lazy.map { "\($0)/\(command)" }.first(where: Self.isExecutable)
    }

    /// Where the running program lies.
    package static var ownDirectory: String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        let path = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func isExecutable(_ path: String) -> Bool {
        // SAFETY: both calls read the NUL-terminated copy that Swift makes for their time.
        unsafe sluice_is_file(path) != 0 && access(path, X_OK) == 0
    }
}
