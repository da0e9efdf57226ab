private import CLinux
private import Glibc

/// A system call that failed: which one, and why.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name of the call, such as `bind`.
    package let call: String
    /// The value of `errno`.
    package let code: CInt

    package init(_ call: String, code: CInt) {
        self.call = call
        self.code = code
    }

    /// `bind: Address already in use`.
    package var description: String { "\(self.call): \(Self.text(of: self.code))" }

    /// What the C library says of an error number.
    package static func text(of code: CInt) -> String {
        // SAFETY: strerror is thread-safe in glibc 2.32 and later, and its text is copied before anything else is
        // called.
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

/// The `errno` of the call that has just failed.
@inline(__always)
var lastErrorCode: CInt { Glibc.errno }
