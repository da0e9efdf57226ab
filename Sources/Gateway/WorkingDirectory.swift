private import Glibc

/// The directory in which the process runs.
enum WorkingDirectory {
    /// Its absolute path; `.` where the system does not tell.
    static var path: String {
        // SAFETY: getcwd fills and ends the buffer, or answers null.
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
            guard let path = unsafe getcwd(buffer.baseAddress, buffer.count) else { return "." }
            return unsafe String(cString: path)
        }
    }
}
