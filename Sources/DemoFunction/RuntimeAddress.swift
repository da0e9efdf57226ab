import Glibc

/// Where the Lambda Runtime API listens.
struct RuntimeAddress: Equatable {
    let host: String
    let port: String

    /// Reads `HOST:PORT`; the host may be an IPv6 address in brackets.
    init?(parsing text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let port = text[text.index(after: colon)...]
        guard !host.isEmpty, !port.isEmpty, port.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.host = String(host)
        self.port = String(port)
    }

    /// What the environment says, which is where Lambda says it.
    static func ofEnvironment() -> RuntimeAddress? {
        // SAFETY: nothing changes the environment of this one-threaded process.
        guard let value = unsafe getenv("AWS_LAMBDA_RUNTIME_API") else { return nil }
        return unsafe RuntimeAddress(parsing: String(cString: value))
    }
}
