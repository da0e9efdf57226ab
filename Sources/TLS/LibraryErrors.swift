private import COpenSSL

/// What the library has put into this thread's error queue, oldest first.
struct LibraryErrors {
    /// One entry of the queue.
    struct Entry {
        let library: Int
        let reason: Int
        let text: String
    }

    private(set) var entries: [Entry] = []

    /// Takes everything out of the queue.
    static func drain() -> LibraryErrors {
        var errors = LibraryErrors()
        while true {
            let code = ERR_get_error()
            if code == 0 { return errors }
            // SAFETY: the library's texts live as long as the process.
            let text = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) }
            errors.entries.append(
                Entry(
                    library: Int(ERR_GET_LIB(code)), reason: Int(ERR_GET_REASON(code)),
                    text: text ?? "error \(String(code, radix: 16))"))
        }
    }

    /// Forgets what earlier calls left, so that the next failure is not mistaken for theirs.
    static func clear() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// The texts, joined.
    var text: String {
        self.entries.isEmpty ? "no reason given" : self.entries.map(\.text).joined(separator: ", ")
    }

    /// Whether an entry has this reason.
    func contains(library: Int32, reason: Int32) -> Bool {
        self.entries.contains { $0.library == Int(library) && $0.reason == Int(reason) }
    }
}
