import CLinux
import Glibc

/// The processor time, user and system, that the proxy under measurement has used so far.
struct ProcessorTime {
    private let accounts: [String]

    /// Takes the value of `--accounts`: the `schedstat` files of all threads, with commas between.
    init(_ list: String) {
        self.accounts = list.split(separator: ",").map(String.init)
    }

    /// Nanoseconds, from the scheduler's own account of each thread, which `utime` and `stime` are made from.
    func nanoseconds() -> Int {
        self.accounts.reduce(0) { $0 + self.firstNumber(of: $1) }
    }

    private func firstNumber(of path: String) -> Int {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return 0 }
        return Int(String(decoding: bytes[..<count].prefix { $0 != 32 }, as: UTF8.self)) ?? 0
    }
}
