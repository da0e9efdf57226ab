internal import ArgumentParser

/// The command: arguments and exit codes. What they do is in `Gateway` and `Configuration`.
@main
struct Sluice: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "A gateway in front of AWS Lambda functions that streams their answers as they come.",
        discussion: """
            Sluice takes HTTP requests, finds a function by host and path, calls it with InvokeWithResponseStream and
            relays each piece of the answer in the moment in which it arrives.

            Shell completions: sluice --generate-completion-script bash|zsh|fish
            """,
        version: Version.text,
        subcommands: [Run.self, Check.self, Explain.self, Invoke.self, ShowVersion.self],
        defaultSubcommand: nil)
}

/// The release that this source makes.
enum Version {
    static let text = "0.1.0"
}

/// `sluice version`
struct ShowVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        print("sluice \(Version.text)")
    }
}
