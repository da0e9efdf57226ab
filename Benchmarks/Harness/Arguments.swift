import CLinux
import Glibc

/// `--name value` pairs behind a command.
struct Arguments {
    let command: String
    private let values: [String: String]

    init(_ words: [String]) {
        self.command = words.count > 1 ? words[1] : ""
        var values: [String: String] = [:]
        for index in stride(from: 2, to: words.count - 1, by: 2) {
            values[String(words[index].drop { $0 == "-" })] = words[index + 1]
        }
        self.values = values
    }

    /// A value, or the empty text.
    func text(_ name: String) -> String {
        self.values[name] ?? ""
    }

    /// A number; without a default it has to be there.
    func number(_ name: String, default value: Int? = nil) -> Int {
        if let text = self.values[name], let number = Int(text) { return number }
        guard let value else { fatal("--\(name) takes a number") }
        return value
    }
}

/// Ends the process with one line that says why.
func fatal(_ text: String) -> Never {
    print("sluice-bench: \(text)")
    exit(1)
}

/// Nanoseconds on the monotonic clock, which is the same in every process of the machine.
func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
