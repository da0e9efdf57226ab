private import CSpawn
private import Glibc

/// The C library's words for its numbers.
enum SystemText {
    /// `No such file or directory` for ENOENT, and so on.
    static func describe(_ number: Int32) -> String {
        // SAFETY: strerror answers a NUL-terminated text for any number; it is copied at once.
        unsafe String(cString: strerror(number))
    }

    /// `killed` for SIGKILL, and so on, in lower case.
    static func describe(signal number: Int32) -> String {
        guard let text = unsafe strsignal(number) else { return "\(number)" }
        // SAFETY: strsignal's text is NUL-terminated, and copied at once.
        return unsafe String(cString: text).lowercased()
    }
}
