private import Glibc
internal import Processes

/// What this process was started as, so that it can be started again: the same path, where a newer program may lie by
/// then, and the same arguments.
package struct OwnCommand: Sendable {
    /// Symbolic links in it are not resolved: they may be how versions are changed.
    package let path: String
    package let arguments: [String]

    /// From the words of the command line, and PATH where the first has no directory.
    package init(words: [String], searchPath: String?) {
        self.arguments = Array(words.dropFirst())
        let name = words.first ?? ""
        self.path =
            name.hasPrefix("/")
            ? name : ExecutableSearch(besides: nil, path: searchPath).locate(name) ?? "/proc/self/exe"
    }

    /// The number of this process.
    static var processID: Int32 { getpid() }
}
